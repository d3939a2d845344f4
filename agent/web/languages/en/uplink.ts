/** Whether the cloud hears from this gateway. */
export const uplink = {
  'uplink.title': 'Uplink',
  'uplink.none': 'No uplink is configured: everything stays on this gateway',
  'uplink.connected': 'Connected',
  'uplink.not-connected': 'Not connected',
  'uplink.for': 'for {duration}',
  'uplink.goes-on': 'Everything goes on here; records are kept and sent when the connection is back.',
  'uplink.waiting': 'Records waiting',
  'uplink.oldest': 'Oldest waits',
  'uplink.delivered': 'Delivered',
  'uplink.again': 'Sent again',
  'uplink.refused': 'Refused by the bridge',
} as const;

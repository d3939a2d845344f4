/** Alerts that are over. */
export const history = {
  'history.title': 'Past alerts',
  'history.show': 'Show what is over',
  'history.none': 'Nothing yet.',
  'history.table': 'Table of past alerts',
  'history.since': 'Since',
  'history.lasted': 'Lasted',
  'history.machine': 'Machine',
  'history.alert': 'Alert',
  'history.cause': 'Cause',
  'history.more': 'Show more',
} as const;

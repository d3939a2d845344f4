/** Whether the cloud hears from this gateway. */
import type { Translation } from '../translation.ts';
import type { uplink as english } from '../en/uplink.ts';

export const uplink: Translation<typeof english> = {
  'uplink.title': '上行连接',
  'uplink.none': '未配置上行连接：所有数据留在此网关',
  'uplink.connected': '已连接',
  'uplink.not-connected': '未连接',
  'uplink.for': '已持续 {duration}',
  'uplink.goes-on': '本地一切照常；记录会保留，连接恢复后再发送。',
  'uplink.waiting': '待发送记录',
  'uplink.oldest': '最早记录已等待',
  'uplink.delivered': '已送达',
  'uplink.again': '重发',
  'uplink.refused': '被桥接端拒绝',
};

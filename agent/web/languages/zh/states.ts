/** States of machines and alerts, and priorities. */
import type { Translation } from '../translation.ts';
import type { states as english } from '../en/states.ts';

export const states: Translation<typeof english> = {
  'state.RUN': '运行中',
  'state.IDLE': '空闲',
  'state.STOP_MATERIAL': '停机：缺料或断线',
  'state.FAULT': '故障',
  'state.SETUP': '调试',
  'state.MAINTENANCE': '维护',
  'state.OFFLINE': '离线',
  'state.UNKNOWN': '未知',
  'priority.urgent': '紧急',
  'priority.high': '高',
  'priority.medium': '中',
  'priority.low': '低',
  'alert-state.normal': '已结束',
  'alert-state.active-unacked': '持续中',
  'alert-state.active-acked': '持续中，已确认',
  'alert-state.returned-unacked': '已结束，未确认',
  'alert-state.latched': '已结束，等待确认',
  'alert-state.shelved': '已搁置',
  'alert-state.suppressed-by-design': '按设计屏蔽',
  'alert-state.out-of-service': '停用',
};

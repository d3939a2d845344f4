/** Alerts that are over. */
import type { Translation } from '../translation.ts';
import type { history as english } from '../en/history.ts';

export const history: Translation<typeof english> = {
  'history.title': '历史报警',
  'history.show': '显示已结束的报警',
  'history.none': '暂无。',
  'history.table': '历史报警表',
  'history.since': '开始时间',
  'history.lasted': '持续时间',
  'history.machine': '机器',
  'history.alert': '报警',
  'history.cause': '原因',
  'history.more': '显示更多',
};

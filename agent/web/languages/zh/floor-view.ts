/** The view of all machines by line, and the wall screen. */
import type { Translation } from '../translation.ts';
import type { floorView as english } from '../en/floor-view.ts';

export const floorView: Translation<typeof english> = {
  'floor-view.title': '车间',
  'floor-view.andon': '看板大屏',
  'floor-view.none': '没有配置机器。',
  'floor-view.no-line': '未分配产线',
  'floor-view.since': '自 {time} 起累计。',
  'floor-view.adding-up': '正在汇总当天数据…',
  'floor-view.for': '已持续 {time}',
  'floor-view.was': '此前：{state}',
  'floor-view.today': '今日{what}',
  'floor-view.unknown': '未知',
  'floor-view.unknown-time': '今日未知时间',
  'floor-view.good-share': '今日 {share} % 的读数良好',
  'floor-view.unread': '自 {time} 起读不到：{reason}',
  'floor-view.never-read': '还没有良好读数',
  'floor-view.old': '自 {time} 起没有良好读数',
  'floor-view.partly': '{of} 个读数中有 {count} 个不良',
  'floor-view.alerts': '未结束报警：{count}',
  'floor-view.alerts-urgent': '未结束报警：{count}，其中紧急：{urgent}',
  'floor-view.page': '第 {page} 页，共 {of} 页',
  'floor-view.lost': '与网关的连接已断开：所显示的是旧数据。',
  'floor-view.more-urgent': '另有 {count} 个紧急报警',
};

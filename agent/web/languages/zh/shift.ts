/** A shift: time by state, stops, counters, defects. */
import type { Translation } from '../translation.ts';
import type { shift as english } from '../en/shift.ts';

export const shift: Translation<typeof english> = {
  'shift.title': '班次',
  'shift.day': '全天',
  'shift.time': '{from} 至 {to}',
  'shift.running': '本班到 {to} 结束；数据截至 {told}。',
  'shift.previous': '上一班',
  'shift.next': '下一班',
  'shift.current': '当前班次',
  'shift.print': '打印',
  'shift.csv': '表格 (CSV)',
  'shift.adding-up': '正在汇总本班数据…',
  'shift.none': '没有配置机器，本班也没有任何数据。',
  'shift.line-total': '全线所有机器合计',
  'shift.states': '各状态时间',
  'shift.stops': '停机原因',
  'shift.no-stops': '没有停机。',
  'shift.others': '其他原因',
  'shift.times': '{count} 次',
  'shift.cut':
    '≈ 未知时间中有 {time} 属于只按整点小时保存、且跨入另一班次的时段。其间发生的情况（包括停机和计数）未计入这些数字。',
  'shift.not-counted': '次数过多，未计',
  'shift.counters': '计数',
  'shift.no-counters': '计数未知。',
  'shift.defects': '每 100 米疵点数',
  'shift.defects-of': '检查 {metres} 米，发现 {found} 处',
  'shift.no-metres': '未知：没有检查过布料',
  'shift.too-much': '未知：事件过多，未计数',
  'shift.removed': '不在配置中',
  'shift.site-time': '时间为工厂所在地时间（{zone}）。',
};

/** The rolls of a machine, and the map of one of them. */
import type { Translation } from '../translation.ts';
import type { rolls as english } from '../en/rolls.ts';

export const rolls: Translation<typeof english> = {
  'rolls.title': '布卷疵点图',
  'rolls.none': '尚无布卷：摄像头还没有看到布料。',
  'rolls.roll': '布卷',
  'rolls.since': '{id}，始于 {time}',
  'rolls.since-on-machine': '{id}，始于 {time}（在机上）',
  'rolls.map': '布卷 {id} 沿长度方向的疵点及评分',
  'rolls.picture': '图片',
  'rolls.table': '表格（CSV）',
  'rolls.data': '数据（JSON）',
  'rolls.next-name': '下一卷的名称（可留空）',
  'rolls.begin': '布已剪断：开始新的一卷',
};

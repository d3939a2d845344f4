/** Teaching the eye the cloth of a machine. */
import type { Translation } from '../translation.ts';
import type { cloth as english } from '../en/cloth.ts';

export const cloth: Translation<typeof english> = {
  'cloth.title': '布料',
  'cloth.unknown': '尚未向机器眼示教 {fabric}：它还找不出其中的疵点。',
  'cloth.known-one': '机器眼认识 {fabric}：版本 {version}，{time} 由 1 张图片示教。',
  'cloth.known-many': '机器眼认识 {fabric}：版本 {version}，{time} 由 {count} 张图片示教。',
  'cloth.starting': '正在启动…',
  'cloth.first-picture': '正在等待 {of} 张图片中的第一张…',
  'cloth.picture': '第 {picture} 张，共 {of} 张',
  'cloth.all-taken': '{of} 张图片已全部拍完。正在学习…',
  'cloth.learned-one': '已由 1 张图片学成版本 {version}，阈值 {threshold}。机器眼几秒内即启用。',
  'cloth.learned-many': '已由 {count} 张图片学成版本 {version}，阈值 {threshold}。机器眼几秒内即启用。',
  'cloth.not-learned-from': '未用于学习的图片：',
  'cloth.stop': '停止',
  'cloth.stop-at': '停止示教：{machine}',
  'cloth.teach': '示教此布料',
  'cloth.teach-at': '示教此布料：{machine}',
  'cloth.teach-fabric': '示教 {fabric}',
  'cloth.only-good': '现在机上必须只有好布。',
  'cloth.takes-for-good': '机器眼会把看到的当作没有疵点的 {fabric}。',
  'cloth.teach-now': '机上只有好布：开始示教',
  'cloth.cancel': '取消',
};

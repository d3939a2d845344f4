/** The small curve of one signal. */
import type { Translation } from '../translation.ts';
import type { trend as english } from '../en/trend.ts';

export const trend: Translation<typeof english> = {
  'trend.last': '最近 15 分钟',
  'trend.label': '最近 15 分钟的{signal}：{range}',
  'trend.loading': '正在加载',
  'trend.failed': '暂时无法读取曲线。',
  'trend.no-values': '无数值',
  'trend.range': '从 {low} 到 {high}，最新 {last}',
};

/** The curve of an alert that was judged by a value. */
import type { Translation } from '../translation.ts';
import type { alertTrend as english } from '../en/alert-trend.ts';

export const alertTrend: Translation<typeof english> = {
  'alert-trend.title': '变化过程',
  'alert-trend.went': '{signal}：{low} 至 {high}。报警于 {time} 发出。',
  'alert-trend.limit': '限值为 {limit}。',
  'alert-trend.nothing': '那段时间的数据没有保存。',
};

/** The small curve of one signal. */
import type { Translation } from '../translation.ts';
import type { trend as english } from '../en/trend.ts';

export const trend: Translation<typeof english> = {
  'trend.last': '15 phút gần đây',
  'trend.label': '{signal} trong 15 phút gần đây: {range}',
  'trend.loading': 'đang tải',
  'trend.failed': 'Hiện không đọc được đường biểu diễn.',
  'trend.no-values': 'không có giá trị',
  'trend.range': 'từ {low} đến {high}, mới nhất {last}',
};

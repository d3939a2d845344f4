/** The curve of an alert that was judged by a value. */
import type { Translation } from '../translation.ts';
import type { alertTrend as english } from '../en/alert-trend.ts';

export const alertTrend: Translation<typeof english> = {
  'alert-trend.title': 'Diễn biến',
  'alert-trend.went': '{signal}: từ {low} đến {high}. Cảnh báo phát lúc {time}.',
  'alert-trend.limit': 'Giới hạn là {limit}.',
  'alert-trend.nothing': 'Không còn dữ liệu của lúc đó.',
};

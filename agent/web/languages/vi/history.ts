/** Alerts that are over. */
import type { Translation } from '../translation.ts';
import type { history as english } from '../en/history.ts';

export const history: Translation<typeof english> = {
  'history.title': 'Cảnh báo đã qua',
  'history.show': 'Xem cảnh báo đã hết',
  'history.none': 'Chưa có gì.',
  'history.table': 'Bảng cảnh báo đã qua',
  'history.since': 'Từ lúc',
  'history.lasted': 'Kéo dài',
  'history.machine': 'Máy',
  'history.alert': 'Cảnh báo',
  'history.cause': 'Nguyên nhân',
  'history.more': 'Xem thêm',
};

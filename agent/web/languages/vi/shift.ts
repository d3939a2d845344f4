/** A shift: time by state, stops, counters, defects. */
import type { Translation } from '../translation.ts';
import type { shift as english } from '../en/shift.ts';

export const shift: Translation<typeof english> = {
  'shift.title': 'Ca',
  'shift.day': 'Cả ngày',
  'shift.time': '{from} đến {to}',
  'shift.running': 'Ca kéo dài đến {to}; số liệu tính đến {told}.',
  'shift.previous': 'Ca trước',
  'shift.next': 'Ca sau',
  'shift.current': 'Ca hiện tại',
  'shift.print': 'In',
  'shift.csv': 'Bảng (CSV)',
  'shift.adding-up': 'Đang cộng số liệu của ca…',
  'shift.none': 'Chưa cấu hình máy nào và ca này không có số liệu.',
  'shift.line-total': 'Tất cả máy của chuyền cộng lại',
  'shift.states': 'Thời gian theo trạng thái',
  'shift.stops': 'Dừng máy theo nguyên nhân',
  'shift.no-stops': 'Không dừng máy.',
  'shift.others': 'Nguyên nhân khác',
  'shift.times': '{count} lần',
  'shift.cut':
    '≈ {time} trong thời gian không rõ nằm ở những giờ chỉ còn lưu nguyên giờ và lấn sang ca khác. Những gì xảy ra lúc đó, kể cả dừng máy và bộ đếm, không có trong các số liệu này.',
  'shift.not-counted': 'quá nhiều, không đếm được',
  'shift.counters': 'Bộ đếm',
  'shift.no-counters': 'Không biết gì về các bộ đếm của máy.',
  'shift.defects': 'Số lỗi vải trên 100 m',
  'shift.defects-of': 'tìm thấy {found} lỗi trong {metres} m đã kiểm tra',
  'shift.no-metres': 'không rõ: chưa kiểm tra mét vải nào',
  'shift.too-much': 'không rõ: có quá nhiều sự kiện để đếm',
  'shift.removed': 'không có trong cấu hình',
  'shift.site-time': 'Giờ theo nhà máy ({zone}).',
};

/** The view of all machines by line, and the wall screen. */
import type { Translation } from '../translation.ts';
import type { floorView as english } from '../en/floor-view.ts';

export const floorView: Translation<typeof english> = {
  'floor-view.title': 'Xưởng',
  'floor-view.andon': 'Màn hình treo tường',
  'floor-view.none': 'Chưa cấu hình máy nào.',
  'floor-view.no-line': 'Chưa thuộc chuyền nào',
  'floor-view.since': 'Tính từ {time}.',
  'floor-view.adding-up': 'Đang cộng số liệu trong ngày…',
  'floor-view.for': 'Đã {time}',
  'floor-view.was': 'trước đó: {state}',
  'floor-view.today': '{what}, hôm nay',
  'floor-view.unknown': 'không rõ',
  'floor-view.unknown-time': 'Thời gian không rõ hôm nay',
  'floor-view.good-share': '{share} % số lần đọc hôm nay là tốt',
  'floor-view.unread': 'Không đọc được từ {time}: {reason}',
  'floor-view.never-read': 'Chưa có lần đọc tốt nào',
  'floor-view.old': 'Không có lần đọc tốt từ {time}',
  'floor-view.partly': '{count} trong {of} giá trị không tốt',
  'floor-view.alerts': 'Cảnh báo chưa xong: {count}',
  'floor-view.alerts-urgent': 'Cảnh báo chưa xong: {count}, khẩn cấp: {urgent}',
  'floor-view.page': 'Trang {page} / {of}',
  'floor-view.lost': 'Mất kết nối với gateway: dữ liệu đang thấy là cũ.',
  'floor-view.more-urgent': 'Và {count} cảnh báo khẩn cấp nữa',
};

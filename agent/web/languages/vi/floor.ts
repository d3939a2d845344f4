/** The signed-in page around its parts: the head, the connection, the announcements. */
import type { Translation } from '../translation.ts';
import type { floor as english } from '../en/floor.ts';

export const floor: Translation<typeof english> = {
  'floor.skip': 'Chuyển đến các sự cố hiện tại',
  'floor.uplink-away': 'Mất kết nối lên máy chủ, bản ghi đang chờ: {count}',
  'floor.sign-out': 'Đăng xuất',
  'floor.session-over': 'Phiên đăng nhập đã hết. Hãy đăng nhập lại.',
  'floor.title.no-connection': '(mất kết nối)',
  'floor.machines': 'Máy',
  'floor.no-machine': 'Chưa khai báo máy nào.',
  'floor.times': 'Giờ hiển thị là giờ tại nhà máy ({zone}).',
  'floor.live': 'Trực tiếp',
  'floor.no-connection': 'Mất kết nối',
  'floor.connecting': 'Đang kết nối…',
  'floor.lost': 'Mất kết nối với gateway đã {duration}.',
  'floor.old': 'Dữ liệu bạn thấy là cũ, hiện tại có thể đã khác. Đang thử lại…',
  'floor.new-alert': 'Cảnh báo mới, {machine}: {alert}',
  'floor.was': 'trước đó: {word}',
  'role.admin': 'quản trị',
  'role.maintainer': 'bảo trì',
  'role.viewer': 'chỉ xem',
};

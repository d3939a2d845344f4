/** Whether the cloud hears from this gateway. */
import type { Translation } from '../translation.ts';
import type { uplink as english } from '../en/uplink.ts';

export const uplink: Translation<typeof english> = {
  'uplink.title': 'Kết nối lên máy chủ',
  'uplink.none': 'Chưa khai báo kết nối lên máy chủ: mọi dữ liệu ở lại gateway này',
  'uplink.connected': 'Đã kết nối',
  'uplink.not-connected': 'Chưa kết nối',
  'uplink.for': 'đã {duration}',
  'uplink.goes-on': 'Mọi thứ ở đây vẫn tiếp tục; bản ghi được giữ lại và gửi khi có kết nối.',
  'uplink.waiting': 'Bản ghi đang chờ',
  'uplink.oldest': 'Bản ghi cũ nhất đã chờ',
  'uplink.delivered': 'Đã gửi đến',
  'uplink.again': 'Gửi lại',
  'uplink.refused': 'Bị cầu nối từ chối',
};

/** The rolls of a machine, and the map of one of them. */
import type { Translation } from '../translation.ts';
import type { rolls as english } from '../en/rolls.ts';

export const rolls: Translation<typeof english> = {
  'rolls.title': 'Bản đồ cuộn vải',
  'rolls.none': 'Chưa có cuộn nào: camera chưa thấy vải.',
  'rolls.roll': 'Cuộn vải',
  'rolls.since': '{id}, từ {time}',
  'rolls.since-on-machine': '{id}, từ {time} (đang trên máy)',
  'rolls.map': 'Các lỗi của cuộn {id} theo từng mét, kèm điểm',
  'rolls.picture': 'Hình ảnh',
  'rolls.table': 'Bảng (CSV)',
  'rolls.data': 'Dữ liệu (JSON)',
  'rolls.next-name': 'Tên cuộn tiếp theo (có thể để trống)',
  'rolls.begin': 'Đã cắt vải: bắt đầu cuộn mới',
};

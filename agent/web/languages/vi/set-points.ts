/** What a maintainer may write to a machine. */
import type { Translation } from '../translation.ts';
import type { setPoints as english } from '../en/set-points.ts';

export const setPoints: Translation<typeof english> = {
  'set-points.title': 'Giá trị đặt',
  'set-points.asking': 'Đang hỏi máy…',
  'set-points.unreadable': 'không đọc được',
  'set-points.unknown': 'giá trị không rõ',
  'set-points.on': 'bật',
  'set-points.off': 'tắt',
  'set-points.range': '{low} đến {high}',
  'set-points.change': 'Thay đổi',
  'set-points.change-at': 'Thay đổi: {machine}, {title}',
  'set-points.taken-back': 'Đã rút lại. Không gửi gì.',
  'set-points.new-value': 'Giá trị mới',
  'set-points.why': 'Lý do',
  'set-points.propose': 'Đề xuất',
  'set-points.cancel': 'Hủy',
  'set-points.from-to': '{title}: {from} → {to}',
  'set-points.within': 'Xác nhận trong {seconds} giây.',
  'set-points.too-late': 'Đã hết một phút. Hãy đề xuất lại.',
  'set-points.value-again': 'Nhập lại giá trị mới',
  'set-points.your-password': 'Mật khẩu của bạn',
  'set-points.writing': 'Đang ghi…',
  'set-points.write': 'Ghi vào máy',
  'set-points.take-back': 'Rút lại',
  'set-points.because': '({reason})',
  'set-points.written': 'Đã ghi. Máy đang có {has}.',
  'set-points.refused': 'Máy từ chối{because}. Máy đang có {has}.',
  'set-points.not-known': 'Không rõ máy đã thực hiện chưa{because}. Không gửi lại. Sau đó máy có {has}.',
  'set-points.not-sent': 'Không gửi gì{because}.',
  'set-points.dropped': 'Đã bỏ{because}. Không gửi gì.',
};

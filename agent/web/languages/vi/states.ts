/** States of machines and alerts, and priorities. */
import type { Translation } from '../translation.ts';
import type { states as english } from '../en/states.ts';

export const states: Translation<typeof english> = {
  'state.RUN': 'Đang chạy',
  'state.IDLE': 'Đang chờ',
  'state.STOP_MATERIAL': 'Dừng: chỉ/vật liệu',
  'state.FAULT': 'Lỗi máy',
  'state.SETUP': 'Cài đặt máy',
  'state.MAINTENANCE': 'Bảo trì',
  'state.OFFLINE': 'Ngoại tuyến',
  'state.UNKNOWN': 'Không rõ',
  'priority.urgent': 'Khẩn cấp',
  'priority.high': 'Cao',
  'priority.medium': 'Trung bình',
  'priority.low': 'Thấp',
  'alert-state.normal': 'Đã hết',
  'alert-state.active-unacked': 'Đang xảy ra',
  'alert-state.active-acked': 'Đang xảy ra, đã xác nhận',
  'alert-state.returned-unacked': 'Đã hết, chưa xác nhận',
  'alert-state.latched': 'Đã hết, chờ xác nhận',
  'alert-state.shelved': 'Tạm gác',
  'alert-state.suppressed-by-design': 'Bị chặn theo thiết kế',
  'alert-state.out-of-service': 'Ngừng sử dụng',
};

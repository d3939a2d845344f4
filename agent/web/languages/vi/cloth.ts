/** Teaching the eye the cloth of a machine. */
import type { Translation } from '../translation.ts';
import type { cloth as english } from '../en/cloth.ts';

export const cloth: Translation<typeof english> = {
  'cloth.title': 'Vải',
  'cloth.unknown': 'Mắt máy chưa được xem {fabric}: nó chưa tìm được lỗi của vải này.',
  'cloth.known-one': 'Mắt máy biết {fabric}: phiên bản {version}, dạy lúc {time} từ 1 ảnh.',
  'cloth.known-many': 'Mắt máy biết {fabric}: phiên bản {version}, dạy lúc {time} từ {count} ảnh.',
  'cloth.starting': 'Đang bắt đầu…',
  'cloth.first-picture': 'Đang chờ ảnh đầu tiên trong {of} ảnh…',
  'cloth.picture': 'Ảnh {picture} trên {of}',
  'cloth.all-taken': 'Đã chụp đủ {of} ảnh. Đang học từ các ảnh này…',
  'cloth.learned-one': 'Đã học thành phiên bản {version} từ 1 ảnh, ngưỡng {threshold}. Mắt máy sẽ dùng sau vài giây.',
  'cloth.learned-many':
    'Đã học thành phiên bản {version} từ {count} ảnh, ngưỡng {threshold}. Mắt máy sẽ dùng sau vài giây.',
  'cloth.not-learned-from': 'Không học từ:',
  'cloth.stop': 'Dừng',
  'cloth.stop-at': 'Dừng dạy: {machine}',
  'cloth.teach': 'Dạy loại vải này',
  'cloth.teach-at': 'Dạy loại vải này: {machine}',
  'cloth.teach-fabric': 'Dạy {fabric}',
  'cloth.only-good': 'Lúc này chỉ được chạy vải tốt.',
  'cloth.takes-for-good': 'Mắt máy coi những gì nó thấy là {fabric} không có lỗi.',
  'cloth.teach-now': 'Chỉ có vải tốt đang chạy: dạy ngay',
  'cloth.cancel': 'Hủy',
};

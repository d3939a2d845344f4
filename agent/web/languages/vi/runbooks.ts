/** Runbooks: what to do about an alert, in full, and how an admin changes it. */
import type { Translation } from '../translation.ts';
import type { runbooks as english } from '../en/runbooks.ts';

export const runbooks: Translation<typeof english> = {
  'runbooks.title': 'Hướng dẫn xử lý',
  'runbooks.what-to-do': 'Cần làm gì',
  'runbooks.loading': 'Đang đọc hướng dẫn…',
  'runbooks.rule-says': 'Quy tắc ghi:',
  'runbooks.of-site': 'Do nhà máy này viết',
  'runbooks.shipped': 'Có sẵn cùng Selvedge',
  'runbooks.other-language': 'Hướng dẫn này chưa có bằng ngôn ngữ của bạn. Bạn đang xem bản {language}.',
  'runbooks.show-shipped': 'Xem bản có sẵn bằng ngôn ngữ của bạn',
  'runbooks.show-site': 'Xem bản nhà máy này viết',
  'runbooks.for-profile': 'Cho máy thuộc cấu hình {profile}',
  'runbooks.all': 'Tất cả hướng dẫn',
  'runbooks.hint': 'Cần làm gì với từng loại cảnh báo. Bản do nhà máy viết được ưu tiên hơn bản có sẵn.',
  'runbooks.edit': 'Sửa',
  'runbooks.editor': 'Sửa hướng dẫn: {title}',
  'runbooks.language': 'Ngôn ngữ của văn bản',
  'runbooks.profile': 'Cho máy nào',
  'runbooks.any-profile': 'Mọi máy',
  'runbooks.text': 'Văn bản (Markdown, nhiều nhất 64 kB)',
  'runbooks.preview': 'Xem trước',
  'runbooks.save': 'Lưu cho nhà máy này',
  'runbooks.saving': 'Đang lưu…',
  'runbooks.take-back': 'Rút lại, dùng bản có sẵn',
  'runbooks.close': 'Đóng',
  'runbooks.saved': 'Đã lưu. Từ giờ mọi người trên trang này đều thấy.',
  'runbooks.taken-back': 'Đã rút lại.',
  'runbooks.unsaved': 'Văn bản của bạn chưa được lưu. Thay bằng văn bản kia?',
  'runbooks.give-up': 'Có, bỏ văn bản của tôi',
  'runbooks.stay': 'Không, giữ văn bản của tôi',
};

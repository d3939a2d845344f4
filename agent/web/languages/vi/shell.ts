/** The frame of the page: its views and the choice of a language. */
import type { Translation } from '../translation.ts';
import type { shell as english } from '../en/shell.ts';

export const shell: Translation<typeof english> = {
  'shell.views': 'Chế độ xem',
  'shell.view.now': 'Hiện tại',
  'shell.language': 'Ngôn ngữ',
  'shell.loading': 'Đang đọc…',
  'shell.not-loaded': 'Không tải được mục này. Hãy tải lại trang.',
};

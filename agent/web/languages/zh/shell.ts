/** The frame of the page: its views and the choice of a language. */
import type { Translation } from '../translation.ts';
import type { shell as english } from '../en/shell.ts';

export const shell: Translation<typeof english> = {
  'shell.views': '视图',
  'shell.view.now': '当前',
  'shell.language': '语言',
  'shell.loading': '正在读取…',
  'shell.not-loaded': '无法获取此视图。请重新加载页面。',
};

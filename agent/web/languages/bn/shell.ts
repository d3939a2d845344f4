/** The frame of the page: its views and the choice of a language. */
import type { Translation } from '../translation.ts';
import type { shell as english } from '../en/shell.ts';

export const shell: Translation<typeof english> = {
  'shell.views': 'দৃশ্য',
  'shell.view.now': 'এখন',
  'shell.language': 'ভাষা',
  'shell.loading': 'পড়া হচ্ছে…',
  'shell.not-loaded': 'এই দৃশ্যটি আনা যায়নি। পাতাটি আবার লোড করুন।',
};

/** The small curve of one signal. */
import type { Translation } from '../translation.ts';
import type { trend as english } from '../en/trend.ts';

export const trend: Translation<typeof english> = {
  'trend.last': 'শেষ ১৫ মিনিট',
  'trend.label': 'শেষ ১৫ মিনিটে {signal}: {range}',
  'trend.loading': 'আনা হচ্ছে',
  'trend.failed': 'এই মুহূর্তে রেখাটি পড়া যাচ্ছে না।',
  'trend.no-values': 'কোনো মান নেই',
  'trend.range': '{low} থেকে {high}, সর্বশেষ {last}',
};

/** Moments and durations. */
import type { Translation } from '../translation.ts';
import type { times as english } from '../en/times.ts';

export const times: Translation<typeof english> = {
  'times.s': '{s} সেকেন্ড',
  'times.min': '{min} মিনিট',
  'times.h-min': '{h} ঘণ্টা {min} মিনিট',
  'times.d-h': '{d} দিন {h} ঘণ্টা',
  'times.day': '{day}, {time}',
};

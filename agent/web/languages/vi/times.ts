/** Moments and durations. */
import type { Translation } from '../translation.ts';
import type { times as english } from '../en/times.ts';

export const times: Translation<typeof english> = {
  'times.s': '{s} giây',
  'times.min': '{min} phút',
  'times.h-min': '{h} giờ {min} phút',
  'times.d-h': '{d} ngày {h} giờ',
  'times.day': '{time}, {day}',
};

/** Moments and durations. */
import type { Translation } from '../translation.ts';
import type { times as english } from '../en/times.ts';

export const times: Translation<typeof english> = {
  'times.s': '{s} 秒',
  'times.min': '{min} 分钟',
  'times.h-min': '{h} 小时 {min} 分钟',
  'times.d-h': '{d} 天 {h} 小时',
  'times.day': '{day} {time}',
};

/** Moments and durations. */
export const times = {
  'times.s': '{s} s',
  'times.min': '{min} min',
  'times.h-min': '{h} h {min} min',
  'times.d-h': '{d} d {h} h',
  'times.day': '{day}, {time}',
} as const;

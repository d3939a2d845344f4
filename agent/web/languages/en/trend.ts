/** The small curve of one signal. */
export const trend = {
  'trend.last': 'Last 15 min',
  'trend.label': '{signal} over the last 15 minutes: {range}',
  'trend.loading': 'loading',
  'trend.failed': 'The curve cannot be read just now.',
  'trend.no-values': 'no values',
  'trend.range': 'from {low} to {high}, last {last}',
} as const;

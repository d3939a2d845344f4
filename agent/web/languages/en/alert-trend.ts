/** The curve of an alert that was judged by a value. */
export const alertTrend = {
  'alert-trend.title': 'How it went',
  'alert-trend.went': '{signal}: from {low} to {high}. The alert was raised at {time}.',
  'alert-trend.limit': 'The limit is {limit}.',
  'alert-trend.nothing': 'Nothing of that time is kept.',
} as const;

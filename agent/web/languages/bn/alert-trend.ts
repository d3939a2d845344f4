/** The curve of an alert that was judged by a value. */
import type { Translation } from '../translation.ts';
import type { alertTrend as english } from '../en/alert-trend.ts';

export const alertTrend: Translation<typeof english> = {
  'alert-trend.title': 'কীভাবে বদলেছে',
  'alert-trend.went': '{signal}: {low} থেকে {high}। সতর্কতা উঠেছে {time}।',
  'alert-trend.limit': 'সীমা {limit}।',
  'alert-trend.nothing': 'ওই সময়ের কিছু রাখা নেই।',
};

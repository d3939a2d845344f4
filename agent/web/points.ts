/** The points of a small curve that goes on growing. Pure. */
import type { Language } from './speech.ts';
import { valueText } from './words.ts';

export interface Points {
  /** UTC milliseconds, rising. */
  readonly t: readonly number[];
  readonly v: readonly (number | null)[];
}

const maxPoints = 2_000;

/**
 * Adds what the stream brought; drops what is older than `spanMs` before it. A point that is not newer than the last one
 * is no news, except that a value may end in a hole at the same time.
 */
export function addPoint(points: Points, atMs: number, value: number | null, spanMs: number): Points {
  const lastMs = points.t.at(-1);
  const endsInHole = value === null && points.v.at(-1) !== null && points.v.length > 0;
  if (lastMs !== undefined && atMs <= lastMs && !endsInHole) return points;
  const t = [...points.t, Math.max(atMs, (lastMs ?? atMs - 1) + 1)];
  const v = [...points.v, value];
  let drop = Math.max(0, t.length - maxPoints);
  while (drop < t.length && (t[drop] ?? atMs) < atMs - spanMs) drop += 1;
  return drop === 0 ? { t, v } : { t: t.slice(drop), v: v.slice(drop) };
}

/** Lowest, highest and last value in words: what the curve says to who cannot see it. */
export function rangeText(points: Points, unit: string, language: Language): string {
  let low: number | null = null;
  let high: number | null = null;
  let last: number | null = null;
  for (const value of points.v) {
    if (value === null) continue;
    low = low === null || value < low ? value : low;
    high = high === null || value > high ? value : high;
    last = value;
  }
  if (low === null || high === null || last === null) return language.say('trend.no-values');
  const text = (value: number) => `${valueText({ value, kind: 'gauge' }, language)}${unit === '' ? '' : ` ${unit}`}`;
  return language.say('trend.range', { low: text(low), high: text(high), last: text(last) });
}

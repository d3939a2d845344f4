/**
 * Thins a trend for a small chart: of each bucket the lowest and the highest point stay, so that a peak of one sample is
 * never lost, and a hole stays a hole.
 */
import type { Trend } from './source.ts';

/**
 * At most about `maxPoints` points (each hole may add one). First and last point stay.
 * Times must rise; `maxPoints` ≥ 4.
 */
export function thin(trend: Trend, maxPoints: number): Trend {
  const count = Math.min(trend.t.length, trend.v.length);
  if (count <= maxPoints) return trend;
  const buckets = Math.max(1, Math.floor((maxPoints - 2) / 2));
  const keep = new Set<number>([0, count - 1]);
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = Math.floor((bucket * count) / buckets);
    const to = Math.floor(((bucket + 1) * count) / buckets);
    let low = -1;
    let high = -1;
    for (let i = from; i < to; i += 1) {
      const value = trend.v[i];
      if (value === null || value === undefined) {
        // One null is enough to break the line.
        if (i === from || trend.v[i - 1] !== null) keep.add(i);
        continue;
      }
      if (low < 0 || value < (trend.v[low] ?? value)) low = i;
      if (high < 0 || value > (trend.v[high] ?? value)) high = i;
    }
    if (low >= 0) keep.add(low);
    if (high >= 0) keep.add(high);
  }
  const order = [...keep].sort((a, b) => a - b);
  return { t: order.map((i) => trend.t[i] ?? 0), v: order.map((i) => trend.v[i] ?? null) };
}

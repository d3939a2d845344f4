/**
 * Thins a trend for a screen: at most `maxPoints` of the points themselves, in order. Per stretch of time the first bad reading,
 * the lowest, the highest and the last stay, so no spike and no hole disappears. Values that are no numbers keep their changes.
 */
import type { TrendPoint } from './history.ts';

const perStretch = 4;

export function thin(points: readonly TrendPoint[], maxPoints: number): TrendPoint[] {
  if (points.length <= maxPoints) return [...points];
  const numeric = points.every(({ value }) => value === null || typeof value === 'number');
  const kept = numeric ? points : changes(points);
  if (kept.length <= maxPoints) return [...kept];
  const stretches = Math.max(1, Math.floor(maxPoints / perStretch));
  const fromMs = kept[0]?.atMs ?? 0;
  const stepMs = Math.max(1, ((kept.at(-1)?.atMs ?? 0) - fromMs + 1) / stretches);
  const byStretch = Map.groupBy(kept, ({ atMs }) => Math.floor((atMs - fromMs) / stepMs));
  return [...byStretch.values()].flatMap(landmarks);
}

function changes(points: readonly TrendPoint[]): TrendPoint[] {
  return points.filter(({ value, quality }, index) => {
    const before = points[index - 1];
    return before === undefined || before.value !== value || before.quality !== quality;
  });
}

function landmarks(points: readonly TrendPoint[]): TrendPoint[] {
  const numbers = points.filter((point) => typeof point.value === 'number');
  const chosen = new Set([
    points.find(({ quality }) => quality === 'bad'),
    extreme(numbers, -1),
    extreme(numbers, 1),
    points.at(-1),
  ]);
  return points.filter((point) => chosen.has(point));
}

function extreme(points: readonly TrendPoint[], sign: 1 | -1): TrendPoint | undefined {
  return points.reduce<TrendPoint | undefined>(
    (best, point) => (best === undefined || sign * (Number(point.value) - Number(best.value)) > 0 ? point : best),
    undefined,
  );
}

/**
 * Which bands of a sample stand out, for people: the score weighs all of them together and says nothing of where. Pure.
 *
 * Invariant (test/unit/models/voiceprint-odd-bands.test.ts): a rise put into some bands is told with those frequencies and that size; what lies
 * within the machine's own spread is not told.
 */
import { partOf, type Voiceprint } from './ear.ts';
import { bandEdgesHz } from './front-end.ts';
import type { Gaussian } from './gaussian.ts';

/** Standard deviations of the machine's own normal sound. */
const leastDeviations = 3;
const mostRanges = 5;

export interface OddRange {
  readonly what: 'level' | 'change';
  readonly fromHz: number;
  readonly toHz: number;
  /** Against the mean of what was taught; the largest in the range. */
  readonly db: number;
}

/** Ranges of neighbouring bands that are odd the same way, the oddest first; at most five. */
export function oddRanges(
  features: Float32Array,
  { bands, gaussians }: Pick<Voiceprint, 'bands' | 'gaussians'>,
): OddRange[] {
  const found: (OddRange & { readonly deviations: number })[] = [];
  // Levels, and changes from a frame to the next: knocks and crackle.
  for (const [part, what] of [
    [0, 'level'],
    [1, 'change'],
  ] as const) {
    const gaussian = gaussians[part];
    if (gaussian === undefined) continue;
    const off = partOf(features, part, bands).map((value, i) => value - (gaussian.middle[i] ?? 0));
    const deviations = off.map((value, i) => value / deviationOf(gaussian, i));
    for (let from = 0; from < bands; from += 1) {
      const sign = Math.sign(deviations[from] ?? 0);
      const isOdd = (i: number) => sign * (deviations[i] ?? 0) >= leastDeviations;
      if (!isOdd(from)) continue;
      let to = from;
      let top = from;
      while (to + 1 < bands && isOdd(to + 1)) {
        to += 1;
        if (Math.abs(off[to] ?? 0) > Math.abs(off[top] ?? 0)) top = to;
      }
      const [fromHz] = bandEdgesHz(from);
      const [, toHz] = bandEdgesHz(to);
      const most = Math.max(...[...deviations.subarray(from, to + 1)].map(Math.abs));
      found.push({ what, fromHz, toHz, db: off[top] ?? 0, deviations: most });
      from = to;
    }
  }
  return found
    .toSorted((a, b) => b.deviations - a.deviations)
    .slice(0, mostRanges)
    .map(({ what, fromHz, toHz, db }) => ({ what, fromHz: Math.round(fromHz), toHz: Math.round(toHz), db }));
}

/** Of one band: the length of its row of the covariance's factor. */
function deviationOf({ size, factor }: Gaussian, band: number): number {
  return Math.hypot(...factor.subarray(band * size, band * size + band + 1));
}

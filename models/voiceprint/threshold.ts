/**
 * Where the normal sound of a machine ends, from the scores of enrolled clips that were left out. Pure.
 *
 * Scores are logarithms of distances and lie nearly as a normal distribution does, but twenty-five say little about one in a
 * hundred: the quantile is that of the next clip as Student's distribution foretells it from so many.
 *
 * Invariant (test/unit/models/voiceprint-threshold.test.ts): of normally distributed scores the wanted share lies above it in the mean,
 * however few it was made from.
 */
import { deviation, mean } from '../statistics/metrics.ts';

/** Of normal clips may be called odd. */
export const falseShare = 0.01;
/** The normal quantile of 1 − falseShare. */
const z = 2.3263;

/** @param scores at least two; of clips that were not among those held against */
export function thresholdOf(scores: readonly number[]): number {
  return mean(scores) + studentQuantile(scores.length - 1) * deviation(scores) * Math.sqrt(1 + 1 / scores.length);
}

/** Cornish and Fisher's expansion, to 3 % from four degrees of freedom. */
function studentQuantile(degrees: number): number {
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}

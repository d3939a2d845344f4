/**
 * Where good cloth ends, from the highest scores of good tiles nobody taught. Pure.
 *
 * A hundred tiles say little about one in a hundred. The upper tenth of them falls off as an exponential does (a score is the highest of
 * very many answers), so its mean excess says more than its last value.
 *
 * Invariant (test/unit/models/threshold.test.ts): for exponential tails the share above it is the wanted one, whatever their scale.
 */

/**
 * Of good tiles may be called a fault. What was left out still comes from the same metres as what was taught: on held strips of real
 * cloth two to three times as many pass (docs/models/vision.md), so the wish is set below what may happen.
 */
export const falseShare = 0.006;
const tailShare = 0.1;

/** @param scores of good tiles that were not among those taught; @returns −∞ of none */
export function thresholdOf(scores: readonly number[], wanted = falseShare): number {
  const sorted = scores.toSorted((a, b) => b - a);
  const tail = Math.min(Math.max(Math.round(sorted.length * tailShare), 3), sorted.length - 1);
  const start = sorted[tail] ?? sorted[0] ?? Number.NEGATIVE_INFINITY;
  if (tail < 1) return start;
  const excess = sorted.slice(0, tail).reduce((sum, score) => sum + score - start, 0) / tail;
  return start + excess * Math.max(Math.log(tail / sorted.length / wanted), 0);
}

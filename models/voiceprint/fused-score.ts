/**
 * One score of all that the ear hears of a sample. What has a shape of its own is heard by the levels (branch A), what has a rhythm by the orders
 * (branch B), a belt and a loose shaft by their signs; a fault that one of them hears and the others do not must not drown in their noise.
 * So it is a soft maximum: of the two branches weighed, of branch A alone, of the slip, and of the looseness with branch A; but for the
 * first only where they are clearly above what is usual. Pure.
 *
 * Invariants (test/unit/models/voiceprint-fused-score.test.ts):
 *  W1  More of any value never lowers the score.
 *  W2  Where all values are a normal sample's (normal, spread 1) the score has the middle 0 and the spread 1, with signs and without.
 *  W3  One value that is far out is told, whatever the others say of a normal sample.
 *  W4  Without branch B it is branch A's, in the same spreads.
 */
import type { Signs } from './fault-signs.ts';

/** Of a sample, each in spreads of the machine's own left-out normal samples. */
export interface BranchValues {
  /** Above the threshold of branch A: (score − threshold) / spread. */
  readonly levels: number;
  /** `distance` of `suspect`: above the middle; null where branch B heard nothing. */
  readonly orders: number | null;
  /** Of `suspect`. */
  readonly signs: Signs | null;
}

/** Chosen on generator a (docs/models/voiceprint.md). */
const shareOfB = 0.7;
const softness = 0.7;
/** Alone a value counts from so many spreads on; signs then twice, as neither branch may know what they tell of. */
const from = { levels: 2, slip: 1.5, looseness: 2 } as const;
const signWeight = 2;
/** A normal sample lies so far below the threshold (`threshold.ts`, of 24 to 40 samples). */
const belowThreshold = 2.5;
/** Of the soft maximum where all values are normal ones (W2). */
const usual = { withSigns: { middle: 0.266, spread: 0.926 }, without: { middle: 0.098, spread: 0.944 } } as const;

/** In spreads above what is usual of this machine. */
export function fusedScore({ levels, orders, signs }: BranchValues): number {
  const above = levels + belowThreshold;
  if (orders === null) return above;
  const weighed = ((1 - shareOfB) * above + shareOfB * orders) / Math.hypot(1 - shareOfB, shareOfB);
  const values = [weighed, above - from.levels];
  if (signs !== null) {
    // A shaft with play is louder besides; a belt is not.
    const loose = (above + signs.looseness) * Math.SQRT1_2;
    values.push(signWeight * (signs.slip - from.slip), signWeight * (loose - from.looseness));
  }
  const { middle, spread } = signs === null ? usual.without : usual.withSigns;
  return (softMaximum(values) - middle) / spread;
}

/** Never less than the greatest; near it where the others are far below. */
function softMaximum(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + softness * Math.log(values.reduce((sum, one) => sum + Math.exp((one - most) / softness), 0));
}

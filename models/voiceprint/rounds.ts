/**
 * Rounds: a machine that sounds like itself by its levels is asked now and then by both branches together (`fused-score.ts`). What is usual of a
 * round is learned from the machine's own enrolled samples, each held against what was learned without it; rounds add up by the same sum as
 * the levels' samples do (`evidence.ts`), which are other numbers with thresholds of their own. Pure.
 *
 * How often normal rounds begin an occurrence follows from the sum, exactly (a Markov chain; Brook and Evans, Biometrika 59, 1972), for
 * rounds whose mean lies so many spreads above that of the enrolled ones: 0: never (10¹¹ rounds); 1: 4·10⁸; 1.5: 4·10⁶; 1.9: 14,000; 2: 6,600; 3: 16.
 * There are 10,080 minutes in a week. So no chance begins one; a machine that changed by two spreads since it was enrolled does, and that
 * is what it is asked for (docs/decisions/0023-rounds.md).
 *
 * Invariants (test/unit/models/voiceprint-rounds.test.ts):
 *  R1  Where normal rounds end comes from values that were left out, and from at least `leastRounds` of them.
 *  R2  Rounds no farther than 1.9 spreads above the enrolled begin less than one occurrence in a machine week of a round a minute, whatever
 *      the tail of their distribution (normal, Student's with five degrees, Laplace's).
 *  R3  Rounds that lie five spreads above the enrolled begin one within five minutes in the mean.
 */
import { deviation } from '../statistics/metrics.ts';
import { fusedScore, type BranchValues } from './fused-score.ts';
import { thresholdOf } from './threshold.ts';

/** One of a machine begins so long after the one before at the earliest. */
export const roundEveryMs = 60_000;
/** Fewer left-out samples do not say where normal ones end. */
export const leastRounds = 10;
/** The fused score is in spreads already: a machine whose few samples are very alike is not so sure. */
const leastSpread = 0.5;

/** Where normal rounds of a machine end at one speed, in units of the fused score. */
export interface RoundsPrint {
  readonly threshold: number;
  /** Standard deviation of those that were left out. */
  readonly spread: number;
}

/** @param left of normal samples, each held against what was learned without it; null: too few */
export function roundsPrintOf(left: readonly BranchValues[]): RoundsPrint | null {
  if (left.length < leastRounds) return null;
  const scores = left.map(fusedScore);
  const spread = deviation(scores);
  const wider = Math.max(spread, leastSpread) - spread;
  return { threshold: thresholdOf(scores) + wider, spread: spread + wider };
}

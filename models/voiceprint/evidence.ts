/**
 * From scores of samples to "this is not how it sounds": a cumulative sum (Page, Biometrika 41, 1954) of how far each score lies above the
 * machine's threshold, in spreads of its own normal scores. One odd sample is a door, a voice, a pallet set down; a fault stays. Pure.
 *
 * Invariants (test/unit/models/voiceprint-evidence.test.ts):
 *  E1  No single sample, however loud, begins an occurrence: it takes four.
 *  E2  Independent normal scores begin none in a machine year; scores a spread above what is normal, none in a week of days of ten hours.
 *  E3  A score two spreads above the threshold begins one within six samples.
 *  E4  An occurrence ends within twenty samples that are normal, whatever came before: the sum is bounded.
 */

/** A sample counts for so much at most, and takes away so much at most. */
const mostUp = 3;
const mostDown = 2;
const beginsAt = 10;
const mostSum = 16;

export interface Evidence {
  readonly sum: number;
  readonly isOdd: boolean;
  /** Time of the first sample of the rise that led here; null while there is none. */
  readonly sinceMs: number | null;
}

export const noEvidence: Evidence = { sum: 0, isOdd: false, sinceMs: null };

export interface JudgedScore {
  readonly fromMs: number;
  readonly score: number;
}

/**
 * @param print of the machine at this speed; `threshold` with what feedback moved it by
 */
export function weigh(
  before: Evidence,
  { score, fromMs }: JudgedScore,
  { threshold, spread }: { readonly threshold: number; readonly spread: number },
): Evidence {
  const above = Math.min(mostUp, Math.max(-mostDown, (score - threshold) / spread));
  const sum = Math.min(mostSum, Math.max(0, before.sum + above));
  if (sum === 0) return noEvidence;
  const sinceMs = before.sinceMs ?? fromMs;
  return { sum, sinceMs, isOdd: before.isOdd || sum >= beginsAt };
}

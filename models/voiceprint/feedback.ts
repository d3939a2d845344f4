/**
 * What staff say of occurrences of the ear moves the threshold of that machine. The move is worked out anew from all labels each time, so
 * taking a label back takes its move back. Pure.
 *
 * Invariants (test/unit/models/voiceprint-feedback.test.ts):
 *  F1  All labels together move a threshold by at most three spreads, up or down.
 *  F2  No false alarm moves the threshold above the score of a labelled real fault, in whatever order they are said.
 *  F3  Labels in any order give the same move; without labels there is none.
 */

/** Spreads, in all. */
export const mostMove = 3;
/** A real fault stays so far above the threshold that it is told again within a minute (`evidence.ts`, E3). */
const margin = 1;

export interface Label {
  readonly occurrence: string;
  readonly said: 'false-alarm' | 'real';
  /** Median score of the occurrence's samples. */
  readonly score: number;
}

/**
 * How far the threshold moves, in score.
 * @param print as it was taught; `spread` is the robust sigma of its held-out scores
 */
export function moveOf(
  labels: readonly Label[],
  { threshold, spread }: { readonly threshold: number; readonly spread: number },
): number {
  const wanted = labels.filter(({ said }) => said === 'false-alarm').map(({ score }) => score - threshold);
  const allowed = labels.filter(({ said }) => said === 'real').map(({ score }) => score - margin * spread - threshold);
  const up = Math.max(0, ...wanted);
  const move = Math.min(up, ...allowed);
  return Math.min(mostMove * spread, Math.max(-mostMove * spread, move));
}

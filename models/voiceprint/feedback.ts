/**
 * What staff say of occurrences of the ear moves the threshold of that machine. The move is worked out anew from all labels each time, so
 * taking a label back takes its move back. It is in spreads of the machine's own normal scores, so it is one move for all its speeds. Pure.
 *
 * Invariants (test/unit/models/voiceprint-feedback.test.ts):
 *  F1  All labels together move a threshold by at most three spreads, up or down.
 *  F2  No false alarm moves the threshold above a labelled real fault, in whatever order they are said: the fault says how far at most.
 *      F1 goes before it, and cannot bring it about: a fault that was told lay above a threshold that was moved by three spreads at most.
 *  F3  Labels in any order give the same move; without labels there is none.
 *  F4  A label more of one kind never moves the threshold the other way.
 */

/** Spreads, in all. */
export const mostMove = 3;
/**
 * A real fault stays so far above the threshold that it is told again within a minute, and a false alarm so far below that it is not
 * (`evidence.ts`, E2 and E3), in spreads.
 */
export const labelMargin = 1;

export interface Label {
  readonly said: 'false-alarm' | 'real';
  /** How far the occurrence lay above the threshold that was taught, in spreads (`spreadsOf`). */
  readonly spreads: number;
}

/** How far the threshold moves, in spreads. */
export function moveOf(labels: readonly Label[]): number {
  const of = (which: Label['said']) => labels.filter(({ said }) => said === which).map(({ spreads }) => spreads);
  const wanted = Math.max(0, ...of('false-alarm').map((spreads) => spreads + labelMargin));
  const allowed = of('real').map((spreads) => spreads - labelMargin);
  return Math.min(mostMove, Math.max(-mostMove, Math.min(wanted, ...allowed)));
}

/**
 * Where an occurrence lay, for its label. The median of a rise may lie below the threshold it was told by; it was told by that threshold,
 * so it counts as having reached it.
 * @param threshold it was told by, which lay `moved` spreads above the one that was taught
 */
export function spreadsOf({
  score,
  threshold,
  spread,
  moved,
}: Readonly<Record<'score' | 'threshold' | 'spread' | 'moved', number>>): number {
  return moved + Math.max(0, (score - threshold) / spread);
}

/** The threshold that is in force. @param moved spreads */
export const movedThreshold = (
  { threshold, spread }: { readonly threshold: number; readonly spread: number },
  moved: number,
): number => threshold + moved * spread;

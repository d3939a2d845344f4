/**
 * What goes next when the store is over its budget, or when something is too old. Pure: sizes and ages in, one step out. It is asked
 * again before every piece of work, which is a few ms long, so no more goes than is needed and one piece.
 *
 * Invariants (test/unit/store/budget.test.ts):
 *  B1  For want of room nothing goes while anything of an earlier step is there.
 *  B2  Nothing goes for want of room while there is room, and at most one piece more than is needed.
 *  B3  What is too old goes whether there is room or not; while the clock cannot be trusted nothing is too old.
 *  B4  Open alerts never go: they are of no step.
 */

/** In the order in which they go. */
export const evictionSteps = [
  'ring',
  'acked-evidence',
  'acked-minutes',
  'acked-hours',
  'unacked-evidence',
  'unacked-minutes',
  'acked-history',
  'unacked-history',
] as const;
export type EvictionStep = (typeof evictionSteps)[number];
/** Age at which a step's oldest goes, ms. Steps that are not named have none. */
export type AgeLimits = Readonly<Partial<Record<EvictionStep, number>>>;

export interface Stocks {
  /** Time of the oldest that a step could take, UTC ms; absent: it has nothing left. */
  readonly oldestMs: Readonly<Partial<Record<EvictionStep, number>>>;
  /** By which the files are over the budget, bytes; negative: room. */
  readonly filesOverBytes: number;
  /**
   * By which they would be over it if the journal had no free pages. The journal uses those again, but its file does not shrink; the
   * ring's does.
   */
  readonly usedOverBytes: number;
  /** UTC ms to judge ages by; null: no clock can be trusted at present. */
  readonly nowMs: number | null;
}

export interface Eviction {
  readonly step: EvictionStep;
  readonly why: 'age' | 'room';
  /** What begins before this may go, UTC ms. */
  readonly beforeMs: number;
}

/** Null: there is room, and nothing is too old. */
export function nextEviction(
  { oldestMs, filesOverBytes, usedOverBytes, nowMs }: Stocks,
  ages: AgeLimits,
): Eviction | null {
  if (nowMs !== null) {
    for (const step of evictionSteps) {
      const [oldest, limitMs] = [oldestMs[step], ages[step]];
      if (oldest !== undefined && limitMs !== undefined && oldest < nowMs - limitMs)
        return { step, why: 'age', beforeMs: nowMs - limitMs };
    }
  }
  const step = evictionSteps.find((name) => oldestMs[name] !== undefined);
  const overBytes = step === 'ring' ? filesOverBytes : usedOverBytes;
  return step === undefined || overBytes <= 0 ? null : { step, why: 'room', beforeMs: Infinity };
}

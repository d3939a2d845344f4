/**
 * An eye that gets pictures and can judge none of them, one camera: its model fails on each, or they show another light or no cloth. Pure.
 * A camera that is stalled, dark, moved or out of focus is told by the camera itself, which says more.
 *
 * Invariants (test/unit/senses/blind.test.ts):
 *  L1  Blind is who judged nothing for `afterMs` in which `least` pictures could not be judged; one that was judged ends it.
 *  L2  Who gets no pictures, or does not know where the machine stands, is not blind.
 */
export const blindLimits = { afterMs: 60_000, least: 20 } as const;

/** Pictures so far, as the process counts them: they begin anew with it. */
export interface Looked {
  readonly judged: number;
  readonly unjudged: number;
}

export interface Sight extends Looked {
  /** When a picture was judged last, or the looking began; of the monotonic clock. */
  readonly sinceMs: number;
  /** Pictures that could not be judged since then. */
  readonly failed: number;
  readonly isBlind: boolean;
}

export function beginSight(nowMs: number): Sight {
  return { judged: 0, unjudged: 0, sinceMs: nowMs, failed: 0, isBlind: false };
}

export function seeSight(before: Sight, { judged, unjudged }: Looked, nowMs: number): Sight {
  // Another process counts from 0.
  const isAnew = judged < before.judged || unjudged < before.unjudged;
  const from = isAnew ? { judged: 0, unjudged: 0 } : before;
  if (judged > from.judged) return { judged, unjudged, sinceMs: nowMs, failed: 0, isBlind: false };
  const failed = before.failed + unjudged - from.unjudged;
  const hasLooked = nowMs - before.sinceMs >= blindLimits.afterMs && failed >= blindLimits.least;
  return { judged, unjudged, sinceMs: before.sinceMs, failed, isBlind: before.isBlind || hasLooked };
}

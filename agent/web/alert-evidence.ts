/** What of an alert makes a curve: a signal that was judged against a limit. Pure. */
import type { Alert } from './floor-state.ts';

/** Before the condition began and after it was raised or over, so much is shown. */
const aroundMs = 10 * 60_000;

export interface CurveOfAlert {
  readonly signal: string;
  /** Null: it was judged by how fast it moved, or by standing still; there is no line to draw. */
  readonly limit: number | null;
  readonly fromMs: number;
  readonly toMs: number;
  /** The condition began, and was raised after its delay. */
  readonly onsetMs: number;
  readonly raisedMs: number;
}

/** Null: it was judged by a code, by silence or by a sense, which its words and pictures show. */
export function curveOf(
  alert: Pick<Alert, 'signal' | 'evidence' | 'onsetMs' | 'raisedMs' | 'clearedMs'>,
  nowMs: number,
): CurveOfAlert | null {
  const { signal, evidence, onsetMs, raisedMs, clearedMs } = alert;
  if (signal === null || typeof evidence['value'] !== 'number') return null;
  const limit = typeof evidence['limit'] === 'number' && evidence['perS'] === undefined ? evidence['limit'] : null;
  const endMs = Math.max(raisedMs, clearedMs ?? raisedMs) + aroundMs;
  return { signal, limit, fromMs: onsetMs - aroundMs, toMs: Math.min(nowMs, endMs), onsetMs, raisedMs };
}

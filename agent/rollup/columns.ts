/** Which signals of a machine are summarised, and how. Pure. */
import type { CounterSpec } from '../counters/counter.ts';
import type { SignalModel } from '../machine.ts';

/** A value holds until the next reading, but not longer than this many of its intervals. */
const holdIntervals = 3;

/** True for signals whose minutes are sent. */
export function isSummarised({ spec }: SignalModel): boolean {
  return spec.kind === 'counter' || (spec.kind === 'gauge' && spec.summarise);
}

/** How a signal is counted; null where it is none that counts. */
export function counterSpec(signal: SignalModel): CounterSpec | null {
  const { spec } = signal;
  if (spec.kind !== 'counter') return null;
  return {
    wrapsAt: spec.wrapsAt,
    maxRatePerS: spec.maxRatePerS,
    resolution: Math.abs(spec.scale),
    intervalMs: signal.intervalMs,
  };
}

/** A signal that is summarised. */
export interface Column {
  readonly signal: SignalModel;
  readonly counter: CounterSpec | null;
  readonly holdMs: number;
}

/** @param byException the readings leave out what did not change: a value holds until the next */
export function columnOf(signal: SignalModel, byException: boolean): Column {
  const holds = signal.intervalMs === null || byException;
  const holdMs = holds ? Infinity : holdIntervals * (signal.intervalMs ?? 0);
  return { signal, counter: counterSpec(signal), holdMs };
}

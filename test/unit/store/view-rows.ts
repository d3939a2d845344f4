/** Rows of minutes for the tests of the views. */
import type { SignalRow, StateRow } from '../../../agent/store/packing.ts';

export const fromMs = Date.UTC(2026, 0, 5, 6);
export const minute = (index: number) => fromMs + index * 60_000;
const noCounter = {
  delta: null,
  uncertainty: null,
  from: null,
  to: null,
  fromMs: null,
  toMs: null,
  wraps: null,
  resets: null,
};
const key = { machine: 'ls-1', readingBoot: 'a', segment: 0, revision: 0, boot: 'a', n: 1, atMs: 0 };

export function signalRow(index: number, low: number, high: number, change: Partial<SignalRow> = {}): SignalRow {
  const mean = (low + high) / 2;
  return {
    ...key,
    minuteMs: minute(index),
    signal: 'motor.temp',
    samples: 60,
    good: 60,
    sum: mean * 60,
    integral: mean * 60,
    coveredS: 60,
    min: low,
    max: high,
    first: low,
    last: high,
    ...noCounter,
    ...change,
  };
}
export const stateRow = (index: number, seconds: object, causes: object = {}): StateRow => ({
  ...key,
  minuteMs: minute(index),
  seconds: JSON.stringify(seconds),
  causes: JSON.stringify(causes),
});

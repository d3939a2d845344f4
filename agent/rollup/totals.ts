/** What a minute of readings adds up to: what its summary says of a signal. */
import {
  advanceCounter,
  type CounterBase,
  type CounterSpec,
  type CounterStep,
  type ResetSpan,
} from '../counters/counter.ts';

import type { MinutePoints } from './points.ts';
import { rank, Running, type FoldSpan, type GapSpan } from './sums.ts';

export interface CounterTotals {
  readonly delta: number;
  readonly uncertainty: number;
  readonly from: number;
  readonly to: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly wraps: number;
  readonly resets: number;
}

export interface MinuteTotals {
  readonly samples: number;
  readonly good: number;
  readonly sum: number;
  readonly integral: number;
  readonly coveredS: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly counter: CounterTotals | null;
}

export interface FoldInput extends FoldSpan {
  readonly counter: {
    readonly spec: CounterSpec;
    readonly base: CounterBase | null;
    readonly resets: readonly ResetSpan[];
  } | null;
}

/** Readings that were settled count as those that are kept. A counter's are never settled: a reset may become known late. */
export function foldMinute(
  points: MinutePoints | null,
  input: FoldInput,
): { totals: MinuteTotals; counterOut: CounterBase | null } {
  const count = points?.length ?? 0;
  const running = points?.settled ?? new Running(input.before);
  let steps: CounterTotals | null = null;
  let base = input.counter?.base ?? null;
  for (let i = 0; i < count; i++) {
    if (points === null) break;
    const tMs = points.timeAt(i);
    const value = points.valueAt(i);
    const quality = points.rankAt(i);
    running.take(tMs, value, quality, input);
    if (quality !== rank.good || input.counter === null) continue;
    const { spec, resets } = input.counter;
    const next = advanceCounter(spec, base, { tMs, value }, resets);
    base = next.base;
    if (next.step !== null) steps = addStep(steps, next.step);
  }
  running.hold(Infinity, input);
  const { samples, good, sum, integralMs, coveredMs, min, max, first, last } = running;
  const some = (value: number) => (good === 0 ? null : value);
  return {
    totals: {
      samples,
      good,
      sum,
      integral: integralMs / 1000,
      coveredS: coveredMs / 1000,
      min: some(min),
      max: some(max),
      first: some(first),
      last: some(last),
      counter: steps,
    },
    counterOut: base,
  };
}

/** Counter totals with one more step. */
export function addStep(totals: CounterTotals | null, step: CounterStep): CounterTotals {
  return {
    delta: (totals?.delta ?? 0) + step.delta,
    uncertainty: (totals?.uncertainty ?? 0) + step.uncertainty,
    from: totals?.from ?? step.from.value,
    fromMs: totals?.fromMs ?? step.from.tMs,
    to: step.to.value,
    toMs: step.to.tMs,
    wraps: (totals?.wraps ?? 0) + (step.kind === 'wrap' ? 1 : 0),
    resets: (totals?.resets ?? 0) + (step.kind === 'reset' ? 1 : 0),
  };
}

/** What of the gaps lies outside of all spans. */
export function gapsWithout(gaps: readonly GapSpan[], spans: readonly GapSpan[]): readonly GapSpan[] {
  return spans.reduce((left, span) => left.flatMap((gap) => without(gap, span)), gaps);
}

function without(gap: GapSpan, span: GapSpan): GapSpan[] {
  if (span.toMs <= gap.fromMs || span.fromMs >= gap.toMs) return [gap];
  const parts = [
    { fromMs: gap.fromMs, toMs: span.fromMs },
    { fromMs: span.toMs, toMs: gap.toMs },
  ];
  return parts.filter((part) => part.toMs > part.fromMs);
}

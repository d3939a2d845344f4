/**
 * The numeric readings of one signal within one minute, in order of time whatever order they came in, each time once; and
 * what a minute of them adds up to. Because a minute is folded from its sorted readings, order, repetition and lateness
 * cannot change a total (DESIGN: summary).
 */
import { advanceCounter, type CounterBase, type CounterSpec, type CounterStep, type ResetSpan } from '../counters/counter.ts';

/** Quality by rank: of two readings of one time the better one counts. */
export const rank = { bad: 0, uncertain: 1, good: 2 } as const;
export type Rank = (typeof rank)[keyof typeof rank];

export interface Point {
  readonly tMs: number;
  /** NaN for a bad reading. */
  readonly value: number;
  readonly rank: Rank;
}

/** A span in which the machine was not read; `toMs` is Infinity while it lasts. */
export interface GapSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export class MinutePoints {
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  readonly #ranks: Rank[] = [];

  get length(): number {
    return this.#times.length;
  }

  /** False when nothing changed: the reading of this time was known already. */
  add(tMs: number, value: number, rank: Rank): boolean {
    const count = this.#times.length;
    const last = count === 0 ? -Infinity : (this.#times[count - 1] ?? -Infinity);
    if (tMs > last) {
      this.#times.push(tMs);
      this.#values.push(value);
      this.#ranks.push(rank);
      return true;
    }
    const at = this.#lowerBound(tMs);
    if (this.#times[at] !== tMs) {
      this.#times.splice(at, 0, tMs);
      this.#values.splice(at, 0, value);
      this.#ranks.splice(at, 0, rank);
      return true;
    }
    // Two readings of one time: whichever came first, the better one counts, of equals the greater.
    const known = this.#ranks[at] ?? 0;
    if (rank < known || (rank === known && !(value > (this.#values[at] ?? NaN)))) return false;
    this.#values[at] = value;
    this.#ranks[at] = rank;
    return true;
  }

  at(i: number): Point | undefined {
    const tMs = this.#times[i];
    return tMs === undefined ? undefined : { tMs, value: this.#values[i] ?? NaN, rank: this.#ranks[i] ?? 0 };
  }

  last(): Point | undefined {
    return this.at(this.length - 1);
  }

  #lowerBound(tMs: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? Infinity) < tMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

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

export interface FoldInput {
  /** The span to account for: a minute, or what of it has passed. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The last reading before `fromMs`. */
  readonly before: Point | null;
  readonly gaps: readonly GapSpan[];
  /** How long a value holds without another reading; Infinity where the source reports changes only. */
  readonly holdMs: number;
  readonly counter: {
    readonly spec: CounterSpec;
    readonly base: CounterBase | null;
    readonly resets: readonly ResetSpan[];
  } | null;
}

export function foldMinute(
  points: MinutePoints | null,
  input: FoldInput,
): { totals: MinuteTotals; counterOut: CounterBase | null } {
  const count = points?.length ?? 0;
  let good = 0;
  let sum = 0;
  let min: number | null = null;
  let max: number | null = null;
  let first: number | null = null;
  let last: number | null = null;
  let heldMs = 0;
  let integralMs = 0;
  let steps: CounterTotals | null = null;
  let base = input.counter?.base ?? null;
  let held = input.before;

  for (let i = 0; i <= count; i++) {
    const point = points?.at(i);
    if (held !== null && held.rank === rank.good) {
      const until = Math.min(
        point?.tMs ?? Infinity,
        held.tMs + input.holdMs,
        gapAfter(input.gaps, held.tMs),
        input.toMs,
      );
      const ms = until - Math.max(held.tMs, input.fromMs);
      if (ms > 0) {
        heldMs += ms;
        integralMs += held.value * ms;
      }
    }
    if (point === undefined) break;
    held = point;
    if (point.rank !== rank.good) continue;
    const { value } = point;
    good++;
    sum += value;
    min = min === null ? value : Math.min(min, value);
    max = max === null ? value : Math.max(max, value);
    first ??= value;
    last = value;
    if (input.counter !== null) {
      const { spec, resets } = input.counter;
      const next = advanceCounter(spec, base, point, resets);
      base = next.base;
      if (next.step !== null) {
        steps = addStep(steps, next.step);
      }
    }
  }
  return {
    totals: {
      samples: count,
      good,
      sum,
      integral: integralMs / 1000,
      coveredS: heldMs / 1000,
      min,
      max,
      first,
      last,
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

/** Where a value of `tMs` stops to hold because the machine was not read: the first instant ≥ tMs inside a gap. */
function gapAfter(gaps: readonly GapSpan[], tMs: number): number {
  let first = Infinity;
  for (const gap of gaps) if (gap.toMs > tMs) first = Math.min(first, Math.max(gap.fromMs, tMs));
  return first;
}

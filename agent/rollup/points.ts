/**
 * The numeric readings of one signal within one minute, in order of time whatever order they came in, each time once; and
 * what a minute of them adds up to. Because a minute is folded from its sorted readings, order, repetition and lateness
 * cannot change a total (DESIGN: summary).
 */
import {
  advanceCounter,
  type CounterBase,
  type CounterSpec,
  type CounterStep,
  type ResetSpan,
} from '../counters/counter.ts';

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

const minuteMs = 60_000;
/** A signal read once a second fills it in a minute. */
const leastCapacity = 64;

export class MinutePoints {
  /** Whole ms since the start of the minute where they are that, else since 1970. */
  #times: Uint16Array | Float64Array;
  #values: Float32Array | Float64Array;
  /** Null while all are good. */
  #ranks: Uint8Array | null = null;
  #fromMs = 0;
  #count = 0;

  /** @param expected how many readings are likely: with the right number nothing is copied and nothing stays empty */
  constructor(expected = leastCapacity) {
    const capacity = Math.max(1, expected);
    this.#times = new Uint16Array(capacity);
    this.#values = new Float32Array(capacity);
  }

  get length(): number {
    return this.#count;
  }

  /** False when nothing changed: the reading of this time was known already. */
  add(tMs: number, value: number, rank: Rank): boolean {
    const count = this.#count;
    if (count === 0 || tMs > this.timeAt(count - 1)) {
      this.#insert(count, tMs, value, rank);
      return true;
    }
    const at = this.#lowerBound(tMs);
    if (this.timeAt(at) !== tMs) {
      this.#insert(at, tMs, value, rank);
      return true;
    }
    // Two readings of one time: whichever came first, the better one counts, of equals the greater.
    const known = this.rankAt(at);
    if (rank < known || (rank === known && !(value > this.valueAt(at)))) return false;
    this.#put(at, tMs, value, rank);
    return true;
  }

  timeAt(i: number): number {
    return this.#fromMs + (this.#times[i] ?? NaN);
  }
  /** NaN for a bad reading. */
  valueAt(i: number): number {
    return this.#values[i] ?? NaN;
  }
  rankAt(i: number): Rank {
    return this.#ranks === null ? rank.good : ((this.#ranks[i] ?? rank.bad) as Rank);
  }

  last(): Point | undefined {
    const i = this.#count - 1;
    return i < 0 ? undefined : { tMs: this.timeAt(i), value: this.valueAt(i), rank: this.rankAt(i) };
  }

  #insert(at: number, tMs: number, value: number, rank: Rank): void {
    if (this.#count === this.#times.length) this.#grow(Math.ceil(1.5 * this.#count));
    if (this.#count === 0 && this.#times instanceof Uint16Array) this.#fromMs = Math.floor(tMs / minuteMs) * minuteMs;
    if (at < this.#count) {
      this.#times.copyWithin(at + 1, at, this.#count);
      this.#values.copyWithin(at + 1, at, this.#count);
      this.#ranks?.copyWithin(at + 1, at, this.#count);
    }
    this.#count++;
    this.#put(at, tMs, value, rank);
  }

  /** What does not fit into the narrow form widens it, so that nothing is rounded. */
  #put(at: number, tMs: number, value: number, quality: Rank): void {
    const sinceMs = tMs - this.#fromMs;
    if (this.#times instanceof Uint16Array && !(Number.isInteger(sinceMs) && sinceMs >= 0 && sinceMs < minuteMs)) {
      this.#times = Float64Array.from(this.#times, (ms) => ms + this.#fromMs);
      this.#fromMs = 0;
    }
    this.#times[at] = tMs - this.#fromMs;
    if (this.#values instanceof Float32Array && Math.fround(value) !== value && !Number.isNaN(value)) {
      this.#values = Float64Array.from(this.#values);
    }
    this.#values[at] = value;
    if (quality !== rank.good) this.#ranks ??= new Uint8Array(this.#times.length).fill(rank.good);
    if (this.#ranks !== null) this.#ranks[at] = quality;
  }

  #grow(capacity: number): void {
    this.#times = resized(this.#times, capacity);
    this.#values = resized(this.#values, capacity);
    if (this.#ranks !== null) this.#ranks = resized(this.#ranks, capacity);
  }

  #lowerBound(tMs: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) < tMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function resized<T extends Uint8Array | Uint16Array | Float32Array | Float64Array>(from: T, capacity: number): T {
  const into = new (from.constructor as new (length: number) => T)(capacity);
  into.set(capacity < from.length ? from.subarray(0, capacity) : from);
  return into;
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
  let coveredMs = 0;
  let integralMs = 0;
  let steps: CounterTotals | null = null;
  let base = input.counter?.base ?? null;
  // The reading whose value holds now.
  let heldMs = input.before?.tMs ?? NaN;
  let heldValue = input.before?.rank === rank.good ? input.before.value : NaN;

  for (let i = 0; i <= count; i++) {
    const tMs = i < count && points !== null ? points.timeAt(i) : Infinity;
    if (!Number.isNaN(heldValue)) {
      const until = Math.min(tMs, heldMs + input.holdMs, gapAfter(input.gaps, heldMs), input.toMs);
      const ms = until - Math.max(heldMs, input.fromMs);
      if (ms > 0) {
        coveredMs += ms;
        integralMs += heldValue * ms;
      }
    }
    if (i === count || points === null) break;
    heldMs = tMs;
    heldValue = NaN;
    if (points.rankAt(i) !== rank.good) continue;
    const value = points.valueAt(i);
    heldValue = value;
    good++;
    sum += value;
    min = min === null ? value : Math.min(min, value);
    max = max === null ? value : Math.max(max, value);
    first ??= value;
    last = value;
    if (input.counter !== null) {
      const { spec, resets } = input.counter;
      const next = advanceCounter(spec, base, { tMs, value }, resets);
      base = next.base;
      if (next.step !== null) steps = addStep(steps, next.step);
    }
  }
  return {
    totals: {
      samples: count,
      good,
      sum,
      integral: integralMs / 1000,
      coveredS: coveredMs / 1000,
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

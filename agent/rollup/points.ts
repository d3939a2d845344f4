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
/** Fewer are not settled: that is work for each signal. */
const leastSettled = 8;

/** Where the readings of a minute lie: parts of arrays that other signals share, as 10,000 small ones cost as much again. */
export interface Room {
  readonly times: Uint16Array;
  readonly values: Float32Array;
}

/** Room for so many readings of each signal; null where none is expected. */
export function makeRooms(capacities: readonly number[]): (Room | null)[] {
  const all = capacities.reduce((sum, capacity) => sum + capacity, 0);
  const times = new Uint16Array(all);
  const values = new Float32Array(all);
  let to = 0;
  return capacities.map((capacity) => {
    const from = to;
    to += capacity;
    return capacity === 0 ? null : { times: times.subarray(from, to), values: values.subarray(from, to) };
  });
}

export class MinutePoints {
  /** Whole ms since the start of the minute where they are that, else since 1970. */
  #times: Uint16Array | Float64Array;
  #values: Float32Array | Float64Array;
  /** Null while all are good. */
  #ranks: Uint8Array | null = null;
  #fromMs = 0;
  #count = 0;
  #most = 0;
  /** What those add up to that are no longer kept. */
  #settled: Running | null = null;

  /** @param room with the right one nothing is copied and nothing stays empty; without, it makes its own */
  constructor(room: Room | null = null) {
    this.#times = room?.times ?? new Uint16Array(leastCapacity);
    this.#values = room?.values ?? new Float32Array(leastCapacity);
  }

  get length(): number {
    return this.#count;
  }

  /** The most readings there ever were at once. */
  get most(): number {
    return this.#most;
  }
  /** What the readings that were settled add up to. */
  get settled(): Running | null {
    return this.#settled;
  }

  /**
   * Adds up the readings before `beforeMs`, which do not change any more, and keeps their sums alone. The newest reading stays.
   * Returns the time of the last that was settled; null where there were not enough to be worth it.
   */
  settle(beforeMs: number, input: Omit<FoldInput, 'counter'>): number | null {
    const settled = Math.min(this.#lowerBound(beforeMs), this.#count - 1);
    if (settled < leastSettled) return null;
    this.#settled ??= new Running(input.before);
    for (let i = 0; i < settled; i++) {
      this.#settled.take(this.timeAt(i), this.valueAt(i), this.rankAt(i), input);
    }
    const lastMs = this.timeAt(settled - 1);
    for (const array of [this.#times, this.#values, this.#ranks]) array?.copyWithin(0, settled, this.#count);
    this.#count -= settled;
    return lastMs;
  }

  /** True while the next reading finds room. */
  get hasRoom(): boolean {
    return this.#count < this.#times.length;
  }

  /** What is in it moves into other room; with too little of it, into its own. What was widened keeps its own too. */
  moveTo(room: Room | null): void {
    const count = this.#count;
    const isNarrow = this.#times instanceof Uint16Array && this.#values instanceof Float32Array;
    if (room === null || !isNarrow || room.times.length < count) {
      this.#grow(Math.max(1, count));
      return;
    }
    room.times.set(this.#times.subarray(0, count));
    room.values.set(this.#values.subarray(0, count));
    this.#times = room.times;
    this.#values = room.values;
    if (this.#ranks !== null) this.#ranks = resized(this.#ranks, Math.max(1, room.times.length));
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
    if (this.#most === 0 && this.#times instanceof Uint16Array) this.#fromMs = Math.floor(tMs / minuteMs) * minuteMs;
    if (at < this.#count) {
      this.#times.copyWithin(at + 1, at, this.#count);
      this.#values.copyWithin(at + 1, at, this.#count);
      this.#ranks?.copyWithin(at + 1, at, this.#count);
    }
    this.#count++;
    if (this.#count > this.#most) this.#most = this.#count;
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

/** The sums of a minute while its readings are gone through in order of time. */
export class Running {
  samples = 0;
  good = 0;
  sum = 0;
  integralMs = 0;
  coveredMs = 0;
  /** NaN before the first good reading, as are the three below. */
  min = NaN;
  max = NaN;
  first = NaN;
  last = NaN;
  /** The reading whose value holds now. */
  #heldMs: number;
  #heldValue: number;

  /** @param before the last reading before the minute */
  constructor(before: Point | null) {
    this.#heldMs = before?.tMs ?? NaN;
    this.#heldValue = before?.rank === rank.good ? before.value : NaN;
  }

  static from(other: Running): Running {
    const copy = new Running(null);
    copy.samples = other.samples;
    copy.good = other.good;
    copy.sum = other.sum;
    copy.integralMs = other.integralMs;
    copy.coveredMs = other.coveredMs;
    copy.min = other.min;
    copy.max = other.max;
    copy.first = other.first;
    copy.last = other.last;
    copy.#heldMs = other.#heldMs;
    copy.#heldValue = other.#heldValue;
    return copy;
  }

  take(tMs: number, value: number, quality: Rank, input: Omit<FoldInput, 'counter' | 'before'>): void {
    this.hold(tMs, input);
    this.samples++;
    this.#heldMs = tMs;
    this.#heldValue = NaN;
    if (quality !== rank.good) return;
    this.#heldValue = value;
    if (this.good === 0) this.min = this.max = this.first = value;
    this.good++;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    this.last = value;
  }

  /** The value that holds, held until the next reading or for as long as it may. */
  hold(nextMs: number, { fromMs, toMs, holdMs, gaps }: Omit<FoldInput, 'counter' | 'before'>): void {
    if (Number.isNaN(this.#heldValue)) return;
    const until = Math.min(nextMs, this.#heldMs + holdMs, gapAfter(gaps, this.#heldMs), toMs);
    const ms = until - Math.max(this.#heldMs, fromMs);
    if (!(ms > 0)) return;
    this.coveredMs += ms;
    this.integralMs += this.#heldValue * ms;
  }
}

/** Readings that were settled count as those that are kept. A counter's are never settled: a reset may become known late. */
export function foldMinute(
  points: MinutePoints | null,
  input: FoldInput,
): { totals: MinuteTotals; counterOut: CounterBase | null } {
  const count = points?.length ?? 0;
  const settled = points?.settled ?? null;
  const running = settled === null ? new Running(input.before) : Running.from(settled);
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

/** Where a value of `tMs` stops to hold because the machine was not read: the first instant ≥ tMs inside a gap. */
function gapAfter(gaps: readonly GapSpan[], tMs: number): number {
  let first = Infinity;
  for (const gap of gaps) if (gap.toMs > tMs) first = Math.min(first, Math.max(gap.fromMs, tMs));
  return first;
}

/**
 * The numeric readings of one signal within one minute, in order of time whatever order they came in, each time once.
 * Because a minute is folded from its sorted readings, order, repetition and lateness cannot change a total (DESIGN: summary).
 */
import { rank, Running, Sums, type FoldSpan, type Point, type Rank } from './sums.ts';

const minuteMs = 60_000;
/** A signal read once a second fills it in a minute. */
const leastCapacity = 64;
/** Fewer are not settled: that is work for each signal. */
const leastSettled = 8;

/** Where the readings of a minute lie: each signal has its part of arrays they share, as 10,000 small ones cost as much again. */
export class Rooms {
  readonly times: Uint16Array;
  readonly values: Float32Array;
  /** Where each signal's part begins, and after the last one where it ends. */
  readonly #starts: Uint32Array;

  /** Room for so many readings of each signal; 0 where none is expected. */
  constructor(capacities: readonly number[]) {
    this.#starts = new Uint32Array(capacities.length + 1);
    for (const [i, capacity] of capacities.entries()) this.#starts[i + 1] = this.startOf(i) + capacity;
    const all = this.startOf(capacities.length);
    this.times = new Uint16Array(all);
    this.values = new Float32Array(all);
  }

  /** Where the part of a signal begins; the end where there is no such signal. */
  startOf(column: number): number {
    return this.#starts[column] ?? this.#starts.at(-1) ?? 0;
  }

  capacityOf(column: number): number {
    return this.startOf(column + 1) - this.startOf(column);
  }

  /** For every signal as much as a new one gets that has no room. */
  static least(columns: number): Rooms {
    return new Rooms(Array.from({ length: columns }, () => leastCapacity));
  }
}

export class MinutePoints {
  /** Whole ms since the start of the minute where they are that, else since 1970. From `#timesFrom` on. */
  #times: Uint16Array | Float64Array;
  /** From `#valuesFrom` on. */
  #values: Float32Array | Float64Array;
  #timesFrom = 0;
  #valuesFrom = 0;
  #capacity: number;
  /** Null while all are good. */
  #ranks: Uint8Array | null = null;
  #fromMs = 0;
  #count = 0;
  #most = 0;
  /** What those add up to that are no longer kept: this row. */
  readonly #sums: Sums;
  readonly #row: number;

  /**
   * @param rooms with the right one for this column nothing is copied and nothing stays empty; without, it makes its own
   * @param sums those of the minute
   */
  constructor(rooms: Rooms | null = null, column = 0, sums: Sums | null = null) {
    const isOfMinute = sums?.has(column) === true;
    this.#sums = isOfMinute ? sums : new Sums(1);
    this.#row = isOfMinute ? column : 0;
    const capacity = rooms?.capacityOf(column) ?? 0;
    if (rooms === null || capacity === 0) {
      this.#capacity = leastCapacity;
      this.#times = new Uint16Array(leastCapacity);
      this.#values = new Float32Array(leastCapacity);
      return;
    }
    this.#capacity = capacity;
    this.#times = rooms.times;
    this.#values = rooms.values;
    this.#timesFrom = this.#valuesFrom = rooms.startOf(column);
  }

  get length(): number {
    return this.#count;
  }

  /** The most readings there ever were at once. */
  get most(): number {
    return this.#most;
  }
  /** What the readings that were settled add up to, to go on from; null where none was. */
  get settled(): Running | null {
    return this.#sums.read(this.#row);
  }

  /**
   * Adds up the readings before `beforeMs`, which do not change any more, and keeps their sums alone. The newest reading stays.
   * Returns the time of the last that was settled; null where there were not enough to be worth it.
   */
  settle(beforeMs: number, input: FoldSpan): number | null {
    const settled = Math.min(this.#lowerBound(beforeMs), this.#count - 1);
    if (settled < leastSettled) return null;
    const running = this.settled ?? new Running(input.before);
    for (let i = 0; i < settled; i++) running.take(this.timeAt(i), this.valueAt(i), this.rankAt(i), input);
    this.#sums.write(this.#row, running);
    const lastMs = this.timeAt(settled - 1);
    this.#shift(settled, 0);
    this.#count -= settled;
    return lastMs;
  }

  /** True while the next reading finds room. */
  get hasRoom(): boolean {
    return this.#count < this.#capacity;
  }

  /** What is in it moves into other room; with too little of it, into its own. What was widened keeps its own too. */
  moveTo(rooms: Rooms, column: number): void {
    const count = this.#count;
    const isNarrow = this.#times instanceof Uint16Array && this.#values instanceof Float32Array;
    const capacity = rooms.capacityOf(column);
    if (!isNarrow || capacity < Math.max(1, count)) {
      this.#resize(Math.max(1, count));
      return;
    }
    const start = rooms.startOf(column);
    rooms.times.set(this.#times.subarray(this.#timesFrom, this.#timesFrom + count), start);
    rooms.values.set(this.#values.subarray(this.#valuesFrom, this.#valuesFrom + count), start);
    this.#times = rooms.times;
    this.#values = rooms.values;
    this.#timesFrom = this.#valuesFrom = start;
    this.#capacity = capacity;
    if (this.#ranks !== null) this.#ranks = part(this.#ranks, 0, count, capacity);
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
    return i < this.#count ? this.#fromMs + (this.#times[this.#timesFrom + i] ?? NaN) : NaN;
  }
  /** NaN for a bad reading. */
  valueAt(i: number): number {
    return i < this.#count ? (this.#values[this.#valuesFrom + i] ?? NaN) : NaN;
  }
  rankAt(i: number): Rank {
    return this.#ranks === null ? rank.good : ((this.#ranks[i] ?? rank.bad) as Rank);
  }

  last(): Point | undefined {
    const i = this.#count - 1;
    return i < 0 ? undefined : { tMs: this.timeAt(i), value: this.valueAt(i), rank: this.rankAt(i) };
  }

  #insert(at: number, tMs: number, value: number, rank: Rank): void {
    if (this.#count === this.#capacity) this.#resize(Math.ceil(1.5 * this.#count));
    if (this.#most === 0 && this.#times instanceof Uint16Array) this.#fromMs = Math.floor(tMs / minuteMs) * minuteMs;
    if (at < this.#count) this.#shift(at, at + 1);
    this.#count++;
    if (this.#count > this.#most) this.#most = this.#count;
    this.#put(at, tMs, value, rank);
  }

  /** The readings from place `from` on lie from place `to` on. */
  #shift(from: number, to: number): void {
    const [times, values, count] = [this.#timesFrom, this.#valuesFrom, this.#count];
    this.#times.copyWithin(times + to, times + from, times + count);
    this.#values.copyWithin(values + to, values + from, values + count);
    this.#ranks?.copyWithin(to, from, count);
  }

  /** What does not fit into the narrow form widens it, so that nothing is rounded. */
  #put(at: number, tMs: number, value: number, quality: Rank): void {
    const sinceMs = tMs - this.#fromMs;
    if (this.#times instanceof Uint16Array && !(Number.isInteger(sinceMs) && sinceMs >= 0 && sinceMs < minuteMs)) {
      const own = this.#times.subarray(this.#timesFrom, this.#timesFrom + this.#capacity);
      this.#times = Float64Array.from(own, (ms) => ms + this.#fromMs);
      this.#timesFrom = 0;
      this.#fromMs = 0;
    }
    this.#times[this.#timesFrom + at] = tMs - this.#fromMs;
    if (this.#values instanceof Float32Array && Math.fround(value) !== value && !Number.isNaN(value)) {
      this.#values = Float64Array.from(this.#values.subarray(this.#valuesFrom, this.#valuesFrom + this.#capacity));
      this.#valuesFrom = 0;
    }
    this.#values[this.#valuesFrom + at] = value;
    if (quality !== rank.good) this.#ranks ??= new Uint8Array(this.#capacity).fill(rank.good);
    if (this.#ranks !== null) this.#ranks[at] = quality;
  }

  /** Into arrays of its own. */
  #resize(capacity: number): void {
    const count = this.#count;
    this.#times = part(this.#times, this.#timesFrom, count, capacity);
    this.#values = part(this.#values, this.#valuesFrom, count, capacity);
    if (this.#ranks !== null) this.#ranks = part(this.#ranks, 0, count, capacity);
    this.#timesFrom = this.#valuesFrom = 0;
    this.#capacity = capacity;
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

/** A copy of `count` numbers from `start` on, with room for `capacity`. */
function part<T extends Uint8Array | Uint16Array | Float32Array | Float64Array>(
  from: T,
  start: number,
  count: number,
  capacity: number,
): T {
  const into = new (from.constructor as new (length: number) => T)(capacity);
  into.set(from.subarray(start, start + count));
  return into;
}

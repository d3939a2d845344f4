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

/** What a signal needs of the arrays that those of a minute share. */
export interface Need {
  /** Readings; 0 where none is expected. */
  readonly capacity: number;
  /** Some of its values are not held by 32 bits. */
  readonly isWide: boolean;
}

/** Of a signal that has readings, room for so many. */
export function needOf(points: MinutePoints | null, capacity: number): Need {
  return points === null ? { capacity: 0, isWide: false } : { capacity, isWide: points.isWide };
}

/** The part of a signal. */
interface Room {
  readonly capacity: number;
  readonly timesFrom: number;
  readonly values: Float32Array | Float64Array;
  readonly valuesFrom: number;
}

/** Where the readings of a minute lie: each signal has its part of arrays they share, as 10,000 small ones cost as much again. */
export class Rooms {
  readonly times: Uint16Array;
  readonly #narrow: Float32Array;
  readonly #wide: Float64Array;
  /** Where each signal's times begin, and after the last one where they end. */
  readonly #starts: Uint32Array;
  /** Where each signal's values begin in the array of their kind. */
  readonly #valueStarts: Uint32Array;
  readonly #isWide: Uint8Array;

  constructor(needs: readonly Need[]) {
    this.#starts = new Uint32Array(needs.length + 1);
    this.#valueStarts = new Uint32Array(needs.length);
    this.#isWide = new Uint8Array(needs.length);
    let [narrow, wide] = [0, 0];
    for (const [column, { capacity, isWide }] of needs.entries()) {
      this.#starts[column + 1] = (this.#starts[column] ?? 0) + capacity;
      this.#valueStarts[column] = isWide ? wide : narrow;
      this.#isWide[column] = isWide ? 1 : 0;
      if (isWide) wide += capacity;
      else narrow += capacity;
    }
    this.times = new Uint16Array(narrow + wide);
    this.#narrow = new Float32Array(narrow);
    this.#wide = new Float64Array(wide);
  }

  /** Null where there is none for this signal. */
  of(column: number): Room | null {
    const timesFrom = this.#starts[column] ?? 0;
    const capacity = (this.#starts[column + 1] ?? 0) - timesFrom;
    if (capacity <= 0) return null;
    const values = this.#isWide[column] === 1 ? this.#wide : this.#narrow;
    return { capacity, timesFrom, values, valuesFrom: this.#valueStarts[column] ?? 0 };
  }

  /** For every signal as much as a new one gets that has no room. */
  static least(columns: number): Rooms {
    return new Rooms(Array.from({ length: columns }, () => ({ capacity: leastCapacity, isWide: false })));
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
  #isWide = false;
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
    const room = rooms?.of(column) ?? null;
    if (rooms === null || room === null) {
      this.#capacity = leastCapacity;
      this.#times = new Uint16Array(leastCapacity);
      this.#values = new Float32Array(leastCapacity);
      return;
    }
    this.#capacity = room.capacity;
    this.#times = rooms.times;
    this.#values = room.values;
    this.#timesFrom = room.timesFrom;
    this.#valuesFrom = room.valuesFrom;
  }

  get length(): number {
    return this.#count;
  }

  /** The most readings there ever were at once. */
  get most(): number {
    return this.#most;
  }
  /** Some of its values were not held by 32 bits, so far. */
  get isWide(): boolean {
    return this.#isWide;
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

  /** What is in it moves into other room; with too little of it, or too narrow, into its own. */
  moveTo(rooms: Rooms, column: number): void {
    const count = this.#count;
    const room = rooms.of(column);
    const isTooNarrow = this.#isWide && room?.values instanceof Float32Array;
    if (room === null || room.capacity < count || isTooNarrow || !(this.#times instanceof Uint16Array)) {
      this.#resize(Math.max(1, count));
      return;
    }
    rooms.times.set(this.#times.subarray(this.#timesFrom, this.#timesFrom + count), room.timesFrom);
    room.values.set(this.#values.subarray(this.#valuesFrom, this.#valuesFrom + count), room.valuesFrom);
    const { capacity } = room;
    this.#times = rooms.times;
    this.#timesFrom = room.timesFrom;
    this.#values = room.values;
    this.#valuesFrom = room.valuesFrom;
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
    if (Math.fround(value) !== value && !Number.isNaN(value)) this.#widen();
    this.#values[this.#valuesFrom + at] = value;
    if (quality !== rank.good) this.#ranks ??= new Uint8Array(this.#capacity).fill(rank.good);
    if (this.#ranks !== null) this.#ranks[at] = quality;
  }

  #widen(): void {
    this.#isWide = true;
    if (this.#values instanceof Float64Array) return;
    this.#values = Float64Array.from(this.#values.subarray(this.#valuesFrom, this.#valuesFrom + this.#capacity));
    this.#valuesFrom = 0;
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

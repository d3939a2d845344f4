/**
 * A block in the making; `block.ts` has its form. Readings lie in the order they came, in a few arrays that serve block after block,
 * and become columns when the block leaves: kept whole, those of 50 fast machines would be 30 MB, and in columns that grow anew for
 * each block still megabytes of garbage a second.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import type { Reading, Value } from '../../drivers/contract.ts';
import { AgentError } from '../errors.ts';
import type { RingBlock } from '../store/store.ts';

const monotonicToleranceMs = 2;

type Run = [first: number, count: number, quality: 'u' | 'b', reason: string];
interface Column {
  dt: number[];
  v: (Value | null)[];
  q?: Run[];
  r?: number | number[];
  c?: [number, number][];
}

/** Readings a block has room for at first. */
const leastReadings = 64;

/** Of one machine. */
export class RingBlockWriter {
  readonly #machine: string;
  /** Of every signal there ever was. */
  readonly #columns = new Map<string, Filling>();
  #points = 0;
  #column = new Uint16Array(leastReadings);
  /** Source time since the first reading's, whole ms. */
  readonly #sinceMs = new Numbers(leastReadings, 'whole');
  /** Received − source time less that of the first reading, whole ms; null while it is the same for all. */
  #lagMs: Numbers | null = null;
  /** NaN where there is no number. */
  readonly #value = new Numbers(leastReadings, 'any');
  /** Texts and flags by place. */
  readonly #others = new Map<number, Value>();
  #firstMs = 0;
  #firstLagMs = 0;
  #fromMs = Infinity;
  #toMs = -Infinity;
  #c0 = 0;

  constructor(machine: string) {
    this.#machine = machine;
  }

  get points(): number {
    return this.#points;
  }

  /** @throws AgentError `ringBlockInvalid` when the reading is of another machine. */
  add(reading: Reading): void {
    if (reading.machine !== this.#machine) {
      throw new AgentError(
        'ringBlockInvalid',
        `a reading of ${reading.machine} does not belong in a block of ${this.#machine}`,
      );
    }
    const at = this.#points;
    const atMs = Math.round(reading.sourceTimeMs);
    const lagMs = Math.round(reading.receivedTimeMs) - atMs;
    if (at === 0) {
      this.#c0 = clockOffsetMs(reading);
      this.#firstMs = atMs;
      this.#firstLagMs = lagMs;
    }
    this.#points++;
    const column = this.#columnOf(reading.signal);
    if (at === this.#column.length) this.#column = longer(this.#column, grown(at));
    this.#column[at] = column.index;
    this.#sinceMs.set(at, atMs - this.#firstMs);
    if (lagMs !== this.#firstLagMs) this.#lagMs ??= new Numbers(this.#column.length, 'whole');
    this.#lagMs?.set(at, lagMs - this.#firstLagMs);
    this.#put(at, reading.value);
    column.note(reading, this.#c0);
    this.#fromMs = Math.min(this.#fromMs, atMs);
    this.#toMs = Math.max(this.#toMs, atMs);
  }

  #columnOf(signal: string): Filling {
    let column = this.#columns.get(signal);
    if (column === undefined) this.#columns.set(signal, (column = new Filling(this.#columns.size)));
    return column;
  }

  #put(at: number, value: Value | null): void {
    const isNumber = typeof value === 'number' && Number.isFinite(value);
    this.#value.set(at, isNumber ? value : NaN);
    if (typeof value === 'string' || typeof value === 'boolean') this.#others.set(at, value);
  }

  /** The block, packed; the next one begins. Null when nothing was added. */
  take(): RingBlock | null {
    const points = this.#points;
    if (points === 0) return null;
    const [fromMs, toMs] = [this.#fromMs, this.#toMs];
    // What comes out lies in 64 KB; a block is a third of that, waits for the writer and is copied to its thread with all it lies in.
    const bytes = Uint8Array.from(zstdCompressSync(this.#json(), { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
    for (const column of this.#columns.values()) column.restart();
    this.#points = 0;
    this.#lagMs = null;
    this.#others.clear();
    this.#fromMs = Infinity;
    this.#toMs = -Infinity;
    return { machine: this.#machine, fromMs, toMs, points, bytes };
  }

  /** Column by column, so that no more than one of them lies in arrays of its own. */
  #json(): string {
    const places = this.#placesByColumn();
    const columns: string[] = [];
    let from = 0;
    for (const [signal, column] of this.#columns) {
      if (column.count === 0) continue;
      const to = from + column.count;
      columns.push(`${JSON.stringify(signal)}:${JSON.stringify(this.#listed(places.subarray(from, to), column))}`);
      from = to;
    }
    return `{"v":1,"t0":${this.#fromMs},"c0":${this.#c0},"signals":{${columns.join(',')}}}`;
  }

  /** The places of the readings, those of the first column first, in the order they came. */
  #placesByColumn(): Uint32Array {
    const next: number[] = [];
    let from = 0;
    for (const { count } of this.#columns.values()) {
      next.push(from);
      from += count;
    }
    const places = new Uint32Array(this.#points);
    for (let at = 0; at < this.#points; at++) {
      const column = this.#column[at] ?? 0;
      const place = next[column] ?? 0;
      next[column] = place + 1;
      places[place] = at;
    }
    return places;
  }

  #listed(places: Uint32Array, { q, c }: Filling): Column {
    const dt: number[] = [];
    const v: (Value | null)[] = [];
    const r: number[] = [];
    let lastMs = this.#fromMs - this.#firstMs;
    for (const at of places) {
      const sinceMs = this.#sinceMs.get(at);
      dt.push(sinceMs - lastMs);
      lastMs = sinceMs;
      const number = this.#value.get(at);
      v.push(Number.isNaN(number) ? (this.#others.get(at) ?? null) : number);
      if (this.#lagMs !== null) r.push(this.#firstLagMs + this.#lagMs.get(at));
    }
    const column: Column = { dt, v };
    if (q.length > 0) column.q = q;
    const [first = this.#firstLagMs] = r;
    if (r.some((lagMs) => lagMs !== first)) column.r = r;
    else if (first !== 0) column.r = first;
    if (c.length > 0) column.c = c;
    return column;
  }
}

/** What is known of a column beside its readings. */
class Filling {
  readonly index: number;
  count = 0;
  q: Run[] = [];
  c: [number, number][] = [];
  #offsetMs = 0;

  constructor(index: number) {
    this.index = index;
  }

  restart(): void {
    this.count = 0;
    if (this.q.length > 0) this.q = [];
    if (this.c.length > 0) this.c = [];
  }

  note(reading: Reading, c0: number): void {
    const index = this.count++;
    if (index === 0) this.#offsetMs = c0;
    const offsetMs = clockOffsetMs(reading);
    if (Math.abs(offsetMs - this.#offsetMs) > monotonicToleranceMs) {
      this.c.push([index, offsetMs]);
      this.#offsetMs = offsetMs;
    }
    if (typeof reading.value === 'number' && !Number.isFinite(reading.value)) this.#flag(index, 'b', 'not-a-number');
    else if (reading.quality !== 'good') this.#flag(index, reading.quality === 'bad' ? 'b' : 'u', reading.reason);
  }

  #flag(index: number, quality: 'u' | 'b', reason: string): void {
    const last = this.q.at(-1);
    if (last !== undefined && last[0] + last[1] === index && last[2] === quality && last[3] === reason) last[1]++;
    else this.q.push([index, 1, quality, reason]);
  }
}

/** Numbers by place, in four bytes each as long as that rounds none of them, else in eight. */
class Numbers {
  readonly #kind: 'whole' | 'any';
  #array: Int32Array | Float32Array | Float64Array;

  constructor(capacity: number, kind: 'whole' | 'any') {
    this.#kind = kind;
    this.#array = kind === 'whole' ? new Int32Array(capacity) : new Float32Array(capacity);
  }

  get(at: number): number {
    return this.#array[at] ?? NaN;
  }

  set(at: number, value: number): void {
    if (at >= this.#array.length) this.#array = longer(this.#array, grown(at));
    if (!(this.#array instanceof Float64Array) && !Number.isNaN(value)) {
      const narrow = this.#kind === 'whole' ? value | 0 : Math.fround(value);
      if (narrow !== value) this.#array = Float64Array.from(this.#array);
    }
    this.#array[at] = value;
  }
}

/** A block has about as many readings as the one before it. */
const grown = (count: number): number => Math.ceil(1.25 * count);

function longer<T extends Uint16Array | Int32Array | Float32Array | Float64Array>(from: T, capacity: number): T {
  const into = new (from.constructor as new (length: number) => T)(capacity);
  into.set(from);
  return into;
}

const clockOffsetMs = (reading: Reading) => Math.round(reading.receivedTimeMs) - Math.round(reading.monotonicMs);

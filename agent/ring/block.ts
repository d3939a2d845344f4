/**
 * The format of a ring block: the raw readings of one machine over some seconds, by column, zstd over JSON.
 *
 *     {"v":1, "t0":1760000000000, "c0":1759999123456,
 *      "signals":{"spindle.speed":{"dt":[0,250,250], "v":[3200,3210,null], "q":[[2,1,"b","timeout"]], "r":3}}}
 *
 * - `t0` is the smallest source time in UTC ms. Of each signal, `dt[0]` counts from `t0` and every further `dt` from the reading
 *   before it, so it may be negative where a source's clock fell.
 * - `v` holds the value, null for a bad reading.
 * - `q` lists runs that are not good: [first index, how many, "u" uncertain | "b" bad, reason]. Absent: all good.
 * - `r` is received time − source time in ms: absent 0, one number for all readings, or one per reading.
 * - `c0` is received time − monotonic time in ms at the first reading; `c` of a signal lists [index, new offset] wherever it
 *   moved by more than 2 ms, which happens when the wall clock is stepped.
 *
 * Invariants (test/unit/store/block.test.ts):
 *  R1  decode(encode(readings)) gives every reading back: signal, both times, value, quality and reason, in order per signal.
 *  R2  Times are whole milliseconds; the monotonic time comes back within 3 ms. Nothing else is rounded.
 *  R3  A bad reading stays without a value, and a number JSON cannot carry (NaN, ±Infinity) becomes a bad reading.
 *  R4  Bytes that are no block are refused with a AgentError; they never decode into readings.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import type { Quality, Reading, Value } from '../../drivers/contract.ts';
import { AgentError } from '../errors.ts';
import type { RingBlock } from '../store/store.ts';

/** No block unpacks to more; a machine would have to bring 100,000 readings in one block. */
const maxUnpackedBytes = 8 * 1024 * 1024;
const monotonicToleranceMs = 2;

/** A reading as the ring gives it back. The machine is the block's. */
export interface StoredReading {
  readonly signal: string;
  readonly sourceTimeMs: number;
  readonly receivedTimeMs: number;
  readonly monotonicMs: number;
  readonly value: Value | null;
  readonly quality: Quality;
  /** Null exactly when the quality is good. */
  readonly reason: string | null;
}

type Run = [first: number, count: number, quality: 'u' | 'b', reason: string];
interface Column {
  dt: number[];
  v: (Value | null)[];
  q?: Run[];
  r?: number | number[];
  c?: [number, number][];
}

const int = z.int();
const column = z.strictObject({
  dt: z.array(int).min(1),
  v: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).min(1),
  q: z.array(z.tuple([int.min(0), int.min(1), z.enum(['u', 'b']), z.string()])).optional(),
  r: z.union([int, z.array(int)]).optional(),
  c: z.array(z.tuple([int.min(0), int])).optional(),
});
const body = z.strictObject({ v: z.literal(1), t0: int, c0: int, signals: z.record(z.string(), column) });

/**
 * Packs readings of one machine. Readings keep their order within a signal.
 * @throws AgentError `ringBlockInvalid` when there is no reading, or one of another machine.
 */
export function encodeRingBlock(machine: string, readings: readonly Reading[]): RingBlock {
  const writer = new RingBlockWriter(machine);
  for (const reading of readings) writer.add(reading);
  const block = writer.take();
  if (block === null) throw new AgentError('ringBlockInvalid', `a block of ${machine} needs at least one reading`);
  return block;
}

/**
 * A block in the making. Readings become columns as they come: kept whole until the block leaves, those of 50 fast machines
 * would be 30 MB, and the garbage collector would copy them again and again.
 */
export class RingBlockWriter {
  readonly #machine: string;
  #columns = new Map<string, ColumnWriter>();
  #points = 0;
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
    if (this.#points === 0) this.#c0 = clockOffsetMs(reading);
    let writer = this.#columns.get(reading.signal);
    if (writer === undefined) this.#columns.set(reading.signal, (writer = new ColumnWriter(this.#c0)));
    const atMs = writer.add(reading);
    this.#fromMs = Math.min(this.#fromMs, atMs);
    this.#toMs = Math.max(this.#toMs, atMs);
    this.#points++;
  }

  /** The block, packed; the next one begins. Null when nothing was added. */
  take(): RingBlock | null {
    const points = this.#points;
    if (points === 0) return null;
    const [fromMs, toMs] = [this.#fromMs, this.#toMs];
    const signals = Object.fromEntries([...this.#columns].map(([signal, writer]) => [signal, writer.column(fromMs)]));
    const bytes = zstdCompressSync(JSON.stringify({ v: 1, t0: fromMs, c0: this.#c0, signals }));
    this.#columns = new Map();
    this.#points = 0;
    this.#fromMs = Infinity;
    this.#toMs = -Infinity;
    return { machine: this.#machine, fromMs, toMs, points, bytes };
  }
}

/**
 * Unpacks a block: readings in order of source time, those of one time in the order of the block.
 * @throws AgentError `ringBlockInvalid` when the bytes are not a block of this version.
 */
export function decodeRingBlock(bytes: Uint8Array): StoredReading[] {
  const { t0, c0, signals } = parseBody(bytes);
  const readings: StoredReading[] = [];
  for (const [signal, column] of Object.entries(signals)) readColumn(signal, column, t0, c0, readings);
  return readings.sort((a, b) => a.sourceTimeMs - b.sourceTimeMs);
}

function parseBody(bytes: Uint8Array): z.infer<typeof body> {
  let json: unknown;
  try {
    json = JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString('utf8'));
  } catch (cause) {
    throw new AgentError('ringBlockInvalid', 'a ring block cannot be unpacked', { cause });
  }
  const parsed = body.safeParse(json);
  if (!parsed.success)
    throw new AgentError('ringBlockInvalid', 'a ring block has another form', { cause: parsed.error });
  for (const { dt, v, r } of Object.values(parsed.data.signals)) {
    if (dt.length !== v.length || (Array.isArray(r) && r.length !== v.length)) {
      throw new AgentError('ringBlockInvalid', 'a ring block has columns of unequal length');
    }
  }
  return parsed.data;
}

class ColumnWriter {
  readonly #dt: number[] = [];
  readonly #v: (Value | null)[] = [];
  readonly #q: Run[] = [];
  readonly #r: number[] = [];
  readonly #c: [number, number][] = [];
  #firstMs = 0;
  #lastMs = 0;
  #offsetMs: number;

  constructor(c0: number) {
    this.#offsetMs = c0;
  }

  /** Returns the reading's source time in whole ms. */
  add(reading: Reading): number {
    const index = this.#dt.length;
    const atMs = Math.round(reading.sourceTimeMs);
    // What the first counts from is known when the block is complete.
    if (index === 0) this.#firstMs = atMs;
    this.#dt.push(index === 0 ? 0 : atMs - this.#lastMs);
    this.#lastMs = atMs;
    this.#r.push(Math.round(reading.receivedTimeMs) - atMs);
    const offsetMs = clockOffsetMs(reading);
    if (Math.abs(offsetMs - this.#offsetMs) > monotonicToleranceMs) {
      this.#c.push([index, offsetMs]);
      this.#offsetMs = offsetMs;
    }
    if (typeof reading.value === 'number' && !Number.isFinite(reading.value)) {
      this.#v.push(null);
      this.#flag(index, 'b', 'not-a-number');
      return atMs;
    }
    this.#v.push(reading.value);
    if (reading.quality !== 'good') this.#flag(index, reading.quality === 'bad' ? 'b' : 'u', reading.reason);
    return atMs;
  }

  /** @param t0 smallest source time of the block */
  column(t0: number): Column {
    this.#dt[0] = this.#firstMs - t0;
    const column: Column = { dt: this.#dt, v: this.#v };
    if (this.#q.length > 0) column.q = this.#q;
    const [first = 0] = this.#r;
    if (this.#r.some((offset) => offset !== first)) column.r = this.#r;
    else if (first !== 0) column.r = first;
    if (this.#c.length > 0) column.c = this.#c;
    return column;
  }

  #flag(index: number, quality: 'u' | 'b', reason: string): void {
    const last = this.#q.at(-1);
    if (last !== undefined && last[0] + last[1] === index && last[2] === quality && last[3] === reason) last[1]++;
    else this.#q.push([index, 1, quality, reason]);
  }
}

function readColumn(
  signal: string,
  column: z.infer<typeof body>['signals'][string],
  t0: number,
  c0: number,
  into: StoredReading[],
) {
  const { dt, v, q = [], r = 0, c = [] } = column;
  let sourceTimeMs = t0;
  let offsetMs = c0;
  let nextRun = 0;
  let nextStep = 0;
  for (let index = 0; index < v.length; index++) {
    sourceTimeMs += dt[index] ?? 0;
    if (c[nextStep]?.[0] === index) offsetMs = c[nextStep++]?.[1] ?? offsetMs;
    let run = q[nextRun];
    if (run !== undefined && index >= run[0] + run[1]) run = q[++nextRun];
    const flagged = run !== undefined && index >= run[0] ? run : undefined;
    const receivedTimeMs = sourceTimeMs + (typeof r === 'number' ? r : (r[index] ?? 0));
    into.push({
      signal,
      sourceTimeMs,
      receivedTimeMs,
      monotonicMs: receivedTimeMs - offsetMs,
      value: v[index] ?? null,
      quality: flagged === undefined ? 'good' : flagged[2] === 'b' ? 'bad' : 'uncertain',
      reason: flagged?.[3] ?? null,
    });
  }
}

const clockOffsetMs = (reading: Reading) => Math.round(reading.receivedTimeMs) - Math.round(reading.monotonicMs);

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
  const [head] = readings;
  if (head === undefined) throw new AgentError('ringBlockInvalid', `a block of ${machine} needs at least one reading`);
  let fromMs = Infinity;
  let toMs = -Infinity;
  for (const reading of readings) {
    if (reading.machine !== machine) {
      throw new AgentError(
        'ringBlockInvalid',
        `a reading of ${reading.machine} does not belong in a block of ${machine}`,
      );
    }
    const atMs = Math.round(reading.sourceTimeMs);
    fromMs = Math.min(fromMs, atMs);
    toMs = Math.max(toMs, atMs);
  }
  const c0 = clockOffsetMs(head);
  const columns = new Map<string, ColumnWriter>();
  for (const reading of readings) {
    let writer = columns.get(reading.signal);
    if (writer === undefined) columns.set(reading.signal, (writer = new ColumnWriter(fromMs, c0)));
    writer.add(reading);
  }
  const signals = Object.fromEntries([...columns].map(([signal, writer]) => [signal, writer.column()]));
  const bytes = zstdCompressSync(JSON.stringify({ v: 1, t0: fromMs, c0, signals }));
  return { machine, fromMs, toMs, points: readings.length, bytes };
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
  #lastMs: number;
  #offsetMs: number;

  constructor(t0: number, c0: number) {
    this.#lastMs = t0;
    this.#offsetMs = c0;
  }

  add(reading: Reading): void {
    const index = this.#dt.length;
    const atMs = Math.round(reading.sourceTimeMs);
    this.#dt.push(atMs - this.#lastMs);
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
      return;
    }
    this.#v.push(reading.value);
    if (reading.quality !== 'good') this.#flag(index, reading.quality === 'bad' ? 'b' : 'u', reading.reason);
  }

  column(): Column {
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

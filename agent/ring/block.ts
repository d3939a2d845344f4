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
import { zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import type { Quality, Reading, Value } from '../../drivers/contract.ts';
import { AgentError } from '../errors.ts';
import type { RingBlock } from '../store/store.ts';
import { RingBlockWriter } from './block-writer.ts';

/** No block unpacks to more; a machine would have to bring 100,000 readings in one block. */
const maxUnpackedBytes = 8 * 1024 * 1024;

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

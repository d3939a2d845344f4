/**
 * The health of the gateway as the view reads it. What is not there, or is not what it should be, is unknown (null) and never a
 * number; what this page does not know is left alone.
 */
import * as z from 'zod/mini';

// No code is made from text here: the policy of the page forbids it.
z.config({ jitless: true });

const number = z.catch(z.nullable(z.number()), null);
const text = z.catch(z.nullable(z.string()), null);
const flag = z.catch(z.nullable(z.boolean()), null);
const numbers = z.catch(z.nullable(z.record(z.string(), z.number())), null);

const driver = z.object({
  machine: z.string(),
  connected: flag,
  requests: number,
  failures: number,
  discarded: number,
  reconnects: number,
  pollLatenessP50Ms: number,
  pollLatenessP99Ms: number,
  lastGoodMs: number,
  clockOffsetMs: number,
});

const sense = z.object({
  process: z.catch(z.nullable(z.object({ running: flag, restarts: number, looping: flag, lastEnd: text })), null),
  model: text,
  accelerator: text,
  why: text,
  onTrial: z.catch(z.union([z.boolean(), z.array(z.string())]), false),
  cameras: z.catch(z.array(z.looseObject({})), []),
  microphones: z.catch(z.array(z.looseObject({})), []),
});

const storage = z.object({
  bytesADay: number,
  budgetBytes: number,
  freeBytes: number,
  queuedRecords: number,
  droppedRecords: number,
});
const noStorage = { bytesADay: null, budgetBytes: null, freeBytes: null, queuedRecords: null, droppedRecords: null };

const healthShape = z.object({
  drivers: z.catch(z.array(driver), []),
  eye: z.catch(z.nullable(sense), null),
  ear: z.catch(z.nullable(sense), null),
  storage: z.catch(storage, noStorage),
  storeBytes: number,
  journalBytes: number,
  ringBytes: number,
  ringEvicted: number,
  storeFull: flag,
  waitingForRoom: number,
  lostRecords: number,
  dropped: numbers,
  evicted: numbers,
  readings: number,
  badReadings: number,
  clock: text,
  knowsTime: flag,
  eventLoopP99Ms: number,
  pollLatenessP99Ms: number,
  rssMB: number,
  page: z.catch(z.nullable(z.object({ clients: number, overflows: number })), null),
});
export type Health = z.infer<typeof healthShape>;
export type DriverHealth = Health['drivers'][number];
export type SenseHealth = NonNullable<Health['eye']>;

/** null: it is no health at all. */
export function healthOf(body: unknown): Health | null {
  return healthShape.safeParse(body).data ?? null;
}

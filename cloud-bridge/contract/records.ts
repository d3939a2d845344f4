/** What a gateway tells: descriptions, minutes, seconds by state, events, alerts. C1 is kept by who makes them. */
import { z } from 'zod';
import { boot, id, utcMs } from './words.ts';

export const machineStates = [
  'RUN',
  'IDLE',
  'STOP_MATERIAL',
  'FAULT',
  'SETUP',
  'MAINTENANCE',
  'OFFLINE',
  'UNKNOWN',
] as const;
export type MachineState = (typeof machineStates)[number];

const recordBase = {
  n: z.int().min(1).describe('Number of the record within its boot'),
  v: z.literal(1),
  machine: id,
  atMs: utcMs,
};

export const machineRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('machine'),
  machineKind: z.string(),
  profile: z.string(),
  profileVersion: z.int(),
  line: z.string().nullable(),
  station: z.string().nullable(),
  identification: z.record(z.string(), z.string()),
  signals: z.array(
    z.strictObject({
      signal: z.string(),
      kind: z.enum(['gauge', 'counter', 'flag', 'code', 'text']),
      unit: z.string(),
    }),
  ),
});

/** The key of a partial: readers add partials of different (boot, segment), and keep the highest (revision, record boot, n) of one key. */
const summaryKey = {
  minuteMs: utcMs.describe('Start of the UTC minute'),
  readingBoot: boot.describe('Boot whose readings these are'),
  segment: z.int().min(0).describe('Clock segment; a wall-clock step of more than 2 s opens the next'),
  revision: z.int().min(1),
};
export const summaryRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('summary'),
  ...summaryKey,
  signal: z.string(),
  samples: z.int().min(0).describe('Readings of any quality'),
  good: z.int().min(0).describe('Good readings'),
  sum: z.number().describe('Sum of good values'),
  integral: z.number().describe('Σ value × seconds held, over the covered seconds'),
  coveredS: z.number().min(0).describe('Seconds for which a good value was known'),
  min: z.number().nullable(),
  max: z.number().nullable(),
  first: z.number().nullable(),
  last: z.number().nullable(),
  /** Only for counters; null before there are two readings. Truth of the increase lies in [delta − uncertainty, delta + uncertainty]. */
  counter: z
    .strictObject({
      delta: z.number(),
      uncertainty: z.number().min(0),
      from: z.number().describe('Value at fromMs'),
      to: z.number().describe('Value at toMs'),
      fromMs: utcMs.describe(
        'UTC milliseconds of the first reading; where spans of two branches of a fork overlap, readers count it once',
      ),
      toMs: utcMs.describe('UTC milliseconds of the last reading'),
      wraps: z.int().min(0),
      resets: z.int().min(0),
    })
    .nullable(),
});
export const stateSummaryRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('state-summary'),
  ...summaryKey,
  seconds: z
    .partialRecord(z.enum(machineStates), z.number().min(0))
    .describe(
      'Seconds by state on the monotonic clock. The partials of a minute add up to its 60 s, UNKNOWN included, since the machine was configured; a whole minute in which no agent ran has none',
    ),
  causes: z.record(z.string(), z.number().min(0)).describe('Seconds by canonical stop cause'),
});

/** Something that happened and is no alarm: a state change, a counter reset, a gap, an uplink outage, a clock step. */
export const eventRecord = z.strictObject({
  ...recordBase,
  machine: id.describe('Machine id, or "gateway"'),
  kind: z.literal('event'),
  event: z.string().regex(/^[a-z][a-z0-9_]*$/),
  phase: z.enum(['instant', 'opened', 'closed']),
  fromMs: utcMs.nullable().describe('Start of the span where there is one'),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

export const alertStates = [
  'normal',
  'active-unacked',
  'active-acked',
  'returned-unacked',
  'latched',
  'shelved',
  'suppressed-by-design',
  'out-of-service',
] as const;
export type AlertState = (typeof alertStates)[number];

/** One step in the life of one occurrence (ISA-18.2 / IEC 62682). */
export const alertRecord = z.strictObject({
  ...recordBase,
  kind: z.literal('alert'),
  occurrence: z.string().describe('Id of this activation; acks, comments and evidence name it'),
  type: z.string().regex(/^[a-z][a-z0-9_]*$/),
  rule: z.string(),
  signal: z.string().nullable(),
  priority: z.enum(['low', 'medium', 'high', 'urgent']),
  transition: z.enum([
    'raised',
    'acked',
    'returned',
    'closed',
    'shelved',
    'unshelved',
    'reactivated',
    'unverified',
    'suppressed',
    'removed',
    'verified',
  ]),
  state: z.enum(alertStates),
  onsetMs: utcMs.describe('When the condition began'),
  raisedMs: utcMs,
  clearedMs: utcMs.nullable(),
  cause: z.string().nullable(),
  text: z.string(),
  evidence: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe(
      'What it was judged by. Alerts of one machine with the same `incident` are about one needle; `incidentNeedle` ± `incidentK` is the one they have in common, on the records of those that came later. Names nobody knows are kept as they are',
    ),
  actor: z.string().nullable(),
});

export const wireRecord = z.discriminatedUnion('kind', [
  machineRecord,
  summaryRecord,
  stateSummaryRecord,
  eventRecord,
  alertRecord,
]);
export type WireRecord = z.infer<typeof wireRecord>;
export type MachineRecord = z.infer<typeof machineRecord>;
export type SummaryRecord = z.infer<typeof summaryRecord>;
export type StateSummaryRecord = z.infer<typeof stateSummaryRecord>;
export type EventRecord = z.infer<typeof eventRecord>;
export type AlertRecord = z.infer<typeof alertRecord>;

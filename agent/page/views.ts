/** What the page's API tells of each thing, as zod schemas held against the types of the rooms they come from. */
import { z } from 'zod';
import { alertRecord, machineStates } from '../../cloud-bridge/contract.ts';
import { closingActions, closingCauses } from '../alerts/act-words.ts';
import { mostComments, type Acts } from '../alerts/acts.ts';
import type { IncidentView } from '../incidents/book.ts';
import type { MachineView, UplinkView } from '../live.ts';
import { beginReasons } from '../rolls/events.ts';
import type { RollListed } from '../rolls/read.ts';
import { labelSchema } from '../senses/ear/labels.ts';
import { toldSchema } from '../senses/ear/requests.ts';
import { microphoneStates, roundsStates } from '../senses/ear/settings.ts';
import type { SoundView } from '../senses/ear/staff.ts';
import type { ClothView } from '../senses/teach-desk.ts';
import { teachReport } from '../senses/teach-told.ts';
import type { SetPointView, WriteView } from '../writes/desk.ts';
import type { StreamCounts } from './stream.ts';
import { roles } from './users.ts';

export const ms = z.number().describe('UTC milliseconds');
export const queryMs = z.coerce.number().int().min(0).max(8.64e15).describe('UTC milliseconds');

const signalView = z.strictObject({
  signal: z.string(),
  kind: z.enum(['gauge', 'counter', 'flag', 'code', 'text']),
  unit: z.string().describe('UN/CEFACT common code'),
  value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
  quality: z.enum(['good', 'uncertain', 'bad', 'none']),
  reason: z.string().nullable(),
  sourceTimeMs: ms.nullable(),
});
export const machineView = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  line: z.string().nullable(),
  station: z.string().nullable(),
  profile: z.string(),
  protocol: z.string(),
  endpoint: z.string().nullable().describe('What it is read over; machines with the same share a connection'),
  state: z.enum(machineStates),
  cause: z.string().nullable(),
  stateSinceMs: ms,
  gap: z.strictObject({ fromMs: ms, reason: z.string() }).nullable(),
  unknownCodes: z
    .array(z.strictObject({ signal: z.string(), code: z.string() }))
    .describe('Codes the machine shows that no table of its profile explains'),
  lastGoodMs: ms.nullable(),
  readings: z.number(),
  hasEye: z.boolean().describe('A camera looks at its cloth, so it has rolls'),
  hasEar: z.boolean().describe('A microphone hears it'),
  signals: z.array(signalView),
}) satisfies z.ZodType<MachineView>;
export const uplinkView = z.strictObject({
  configured: z.boolean(),
  connected: z.boolean(),
  sinceMs: ms.nullable(),
  reason: z.string().nullable(),
  outboxRecords: z.number(),
  outboxBatches: z.number(),
  outboxFiles: z.number(),
  oldestUnackedMs: ms.nullable(),
  acked: z.number(),
  redelivered: z.number(),
  deadLetters: z.number(),
}) satisfies z.ZodType<UplinkView>;
export const streamCounts = z.strictObject({
  clients: z.number(),
  resumed: z.number(),
  snapshots: z.number(),
  overflows: z.number().describe('Times a page did not read fast enough and missed events'),
}) satisfies z.ZodType<StreamCounts>;
const incidentView = z.strictObject({
  id: z.string().describe('Alerts of one machine with the same are about one needle'),
  needle: z
    .number()
    .nullable()
    .describe('The needle to change, ± k: the one its alerts have in common; null: one alert alone'),
  k: z.number().nullable(),
  senses: z.array(z.enum(['eye', 'ear'])).readonly(),
  occurrences: z.array(z.string()).readonly().describe('Its alerts, those that are over too'),
  crop: z.string().nullable().describe('SHA-256 of what the eye saw, at /api/crops; null: not kept'),
  spectrogram: z.string().nullable().describe('SHA-256 of what the ear heard, at /api/crops; null: not kept'),
  legend: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe(
      'Fields of the evidence of its alerts that belong to the two: heatMap, heatPeak; spectrogramAxis, bands, speed',
    ),
}) satisfies z.ZodType<IncidentView>;
const said = { by: z.string(), atMs: ms };
const closing = { cause: z.enum(closingCauses), action: z.enum(closingActions), comment: z.string().nullable() };
const actsView = z.strictObject({
  assigned: z
    .strictObject({ to: z.string(), ...said })
    .nullable()
    .describe('Who has it'),
  comments: z
    .array(z.strictObject({ text: z.string(), ...said }))
    .readonly()
    .describe(`The newest ${mostComments}, oldest first`),
  commentsNotShown: z.int().describe('Older ones, in its history'),
  closing: z
    .strictObject({ ...closing, ...said })
    .nullable()
    .describe('What it came from and what was done'),
  count: z.int().describe('All of them so far'),
}) satisfies z.ZodType<Acts>;
export const alertView = alertRecord.extend({
  verified: z.boolean().describe('false: not judged again since the last start'),
  runbook: z.string().nullable().describe('What to do'),
  incident: incidentView
    .nullable()
    .describe('What it belongs to; null: it is about no needle, or was over long ago. The id is in its evidence too'),
  acts: actsView.nullable().describe('What people did with it; null: nothing'),
});
export const setPointValue = z.union([z.number(), z.boolean()]);
export const setPointView = z.strictObject({
  name: z.string(),
  title: z.string(),
  unit: z.string().describe('UN/CEFACT common code'),
  kind: z.enum(['number', 'switch']),
  range: z.tuple([z.number(), z.number()]).readonly().describe('Lowest and highest; 0 is off and 1 is on'),
  step: z.number().nullable(),
  current: setPointValue.nullable().describe('What the machine has now; null: cannot be read'),
}) satisfies z.ZodType<SetPointView>;
export const writeView = z.strictObject({
  id: z.string(),
  machine: z.string(),
  setPoint: z.string(),
  unit: z.string(),
  from: setPointValue.describe('What the machine had when it was proposed'),
  to: setPointValue,
  reason: z.string(),
  proposedBy: z.string(),
  confirmedBy: z.string().nullable(),
  atMs: ms.describe('UTC milliseconds of the newest step'),
  state: z.enum(['proposed', 'sent', 'done', 'dropped']),
  expiresAtMs: ms.nullable().describe('Until then a proposal may be confirmed'),
  outcome: z
    .enum(['written', 'refused', 'unknown', 'not-sent', 'not-allowed', 'dropped'])
    .nullable()
    .describe('unknown: it left, and whether the machine did it is not known; readBack is what was seen after it'),
  detail: z.string().nullable(),
  readBack: setPointValue.nullable(),
}) satisfies z.ZodType<WriteView>;
export const rollView = z.strictObject({
  number: z.int(),
  id: z.string(),
  fabric: z.string(),
  why: z.enum(beginReasons).describe('first: of all; asked: somebody said so; counted: the machine did'),
  missed: z.int().describe('Rolls the machine counted before it and nobody saw'),
  beganMs: ms,
  endedMs: ms.nullable().describe('null: it is on the machine'),
  lengthM: z.number().nullable(),
}) satisfies z.ZodType<RollListed>;
export const clothView = z.strictObject({
  fabric: z.string().describe('As it is configured'),
  known: z
    .strictObject({ version: z.int(), taughtMs: ms, images: z.int() })
    .nullable()
    .describe('What the model in use knows of this cloth'),
  teaching: z
    .strictObject({
      state: z.enum(['running', 'done', 'failed']),
      picture: z.int().describe('Pictures taken so far'),
      of: z.int().describe('0 while that is not known'),
      startedMs: ms,
      report: teachReport.nullable(),
    })
    .nullable()
    .describe('What goes on, or how it ended last since the agent began'),
}) satisfies z.ZodType<ClothView>;
export const soundView = z.strictObject({
  microphone: z.enum(microphoneStates).nullable().describe('null while no ear runs'),
  rounds: z
    .enum(roundsStates)
    .nullable()
    .describe('Whether both branches hear it once a minute, or why not; null while no ear runs'),
  print: z.int().nullable().describe('Version of what was taught that is used; null: nothing is judged'),
  versions: z
    .array(
      z.strictObject({
        version: z.int(),
        taughtMs: ms,
        speeds: z.array(z.strictObject({ speed: z.number(), samples: z.int() })).describe('Stitches or turns a minute'),
      }),
    )
    .describe('What is kept of what was taught, the newest first'),
  teaching: toldSchema
    .omit({ id: true })
    .nullable()
    .describe('What goes on, or how it ended last since the agent began'),
  moved: z.number().describe('Spreads of normal scores by which what staff said moved the threshold'),
  movedRounds: z.number().describe('The same of what they said of alerts that rounds began'),
  mostMove: z.number().describe('The most it may be moved by, up or down'),
  labels: z
    .array(labelSchema)
    .readonly()
    .describe('What staff said of alerts; those of the version in use move the threshold'),
}) satisfies z.ZodType<SoundView>;
export const sessionView = z.strictObject({
  user: z.string(),
  role: z.enum(roles),
  csrf: z.string().describe('Goes into the header x-csrf-token of every POST'),
  site: z.strictObject({ name: z.string(), timeZone: z.string(), gateway: z.string().describe('Name of the gateway') }),
  writable: z.array(z.string()).describe('Machines with set-points this person may write'),
  movedTo: z.string().nullable().describe('Where the page is now, when set-up opened it to the network'),
});
export type SessionView = z.infer<typeof sessionView>;

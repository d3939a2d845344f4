/** What goes between the agent and its ear: settings once; polls and teaching down; what is heard up. Checked on both sides. */
import { z } from 'zod';
import { troubles } from '../../../drivers/microphone/health.ts';
import { faultClasses } from '../../../models/voiceprint/fault-classes.ts';
import { mostMove } from '../../../models/voiceprint/feedback.ts';
import { mostClipBytes, mostClipSeconds } from './clips.ts';
import { paths } from './telling.ts';

const ms = z.number().refine(Number.isFinite);
const id = z.string().min(1).max(40);
const count = z.int().min(0);
const speed = z.number().positive().max(100_000);
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const moved = z.number().min(-mostMove).max(mostMove);

/** Levels below and above 4 kHz, dB. */
export const levelsSchema = z.strictObject({ lowDb: ms, highDb: ms });

/** What was taught at one speed, and lies in a file: fifty machines have 13 MB of it, which the agent's first thread is to know nothing of. */
export const speedFileSchema = z.strictObject({
  speed,
  file: z.string().min(1).describe('Path of it, as stats-file.ts has it'),
  sha256: sha256Schema,
});
export type SpeedFile = z.infer<typeof speedFileSchema>;

/** What is known of how a machine turns. */
export const turnerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sewing') }),
  z.strictObject({ kind: z.literal('knitting'), needles: z.int().min(1), feeders: z.int().min(1) }),
]);

/** Where the needles of a circular machine are; as CylinderGeometry, and how its needles are counted. */
export const cylinderSchema = z.strictObject({
  needles: z.int().min(1),
  feeders: z.int().min(1),
  direction: z.union([z.literal(1), z.literal(-1)]),
  markNeedle: ms,
  microphoneTurns: z.number().min(0).max(1),
  firstNeedle: z.union([z.literal(0), z.literal(1)]),
});
export type EarCylinder = z.infer<typeof cylinderSchema>;

/** Needles that are told of an alert. */
export const mostNeedles = 3;

/** Faults that may be suspected: as many as are told, and from which probability on. */
export const mostSuspected = 3;
export const leastSuspected = 0.1;
const suspectedSchema = z
  .array(
    z.strictObject({
      fault: z.enum([...faultClasses.sewing, ...faultClasses.knitting]).exclude(['healthy']),
      probability: z.number().min(0).max(1.001),
    }),
  )
  .max(mostSuspected);

export const earMachineSchema = z.strictObject({
  machine: id,
  endpoint: z.string().min(1).max(2_000),
  prints: z.array(speedFileSchema).max(24).readonly(),
  print: z.int().min(1).nullable().describe('Version of what was taught; null: nothing was'),
  hasPulse: z.boolean().describe('The second channel carries the pulse'),
  cylinder: cylinderSchema.nullable().describe('null: no needle is looked for'),
  turner: turnerSchema.nullable().describe('null: no fault of it is suspected'),
  faults: z.array(speedFileSchema).max(24).readonly().describe('What was taught of faults; the model may be another'),
  moved: moved.describe('What staff said moved the thresholds by, in spreads'),
  movedRounds: moved.describe('The same of what they said of alerts that rounds began'),
  clip: z
    .strictObject({ seconds: z.int().min(1).max(mostClipSeconds), key: z.instanceof(Uint8Array) })
    .nullable()
    .describe('How much of what was judged is sealed at an alert; null: nothing'),
  reference: levelsSchema.nullable().describe('What a good microphone heard of the running machine; null: not known'),
});
export type EarMachine = z.infer<typeof earMachineSchema>;

export const earSettingsSchema = z.strictObject({
  kind: z.literal('settings'),
  modelFile: z.string().min(1),
  model: z.string().min(1).describe('id@version'),
  faults: z
    .strictObject({ modelFile: z.string().min(1), model: z.string().min(1).describe('id@version') })
    .nullable()
    .describe('Which fault it may be; null: that is not asked'),
  machines: z.array(earMachineSchema).max(200),
  roundEveryMs: z.int().min(1).describe('Between the beginnings of two rounds of a machine'),
  dataDir: z.string().min(1).describe('For the notes of its trials'),
  trials: z.array(z.strictObject({ id: z.string(), version: z.string() })).max(2),
});
export type EarSettings = z.infer<typeof earSettingsSchema>;

/** A poll of a machine that is listened to. */
export const runPollSchema = z.strictObject({
  kind: z.literal('poll'),
  machine: id,
  ageMs: z.number().min(0).describe('When it is sent'),
  isRunning: z.boolean(),
  speed: z.number().min(0).max(100_000).nullable(),
});

/** Samples a speed; the most that one enrolment may ask for. */
export const mostSamples = 200;
export const leastSamples = 10;
/** Unless somebody says otherwise. */
export const defaultSamples = 40;

/** Begins an enrolment, or takes it back. */
export const enrolSchema = z.strictObject({
  kind: z.literal('enrol'),
  machine: id,
  samples: z.int().min(leastSamples).max(mostSamples).nullable(),
});

/** Staff said something of an alert: other thresholds from the next sample on. */
export const moveSchema = z.strictObject({ kind: z.literal('move'), machine: id, moved, movedRounds: moved });
export const earAskedSchema = z.discriminatedUnion('kind', [runPollSchema, enrolSchema, moveSchema]);
export type EarAsked = z.infer<typeof earAskedSchema>;

export const microphoneStates = ['starting', 'ok', ...troubles] as const;

/**
 * Whether a machine is heard in rounds: `teach-anew` where it was enrolled before there were any or too few samples were; `no-faults-known` of such
 * machines; `no-model` of faults can be used; `not-taught` at all.
 */
export const roundsStates = ['on', 'teach-anew', 'not-taught', 'no-model', 'no-faults-known'] as const;
export type RoundsState = (typeof roundsStates)[number];

/** A picture for people: small enough to be sent. */
export const maxPictureBytes = 24 * 1024;

/** Letters of a reason. */
export const mostReason = 200;

const progressSchema = z.array(z.strictObject({ speed, samples: count })).max(24);

/** What was heard of a machine against what was taught. */
const weighed = { machine: id, atMs: ms, speed, score: ms, threshold: ms, evidence: z.number().min(0) };

export const earMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('alive'),
    suspects: z.boolean().describe('The graph of faults is open'),
    microphones: z.array(
      z.strictObject({
        machine: id,
        state: z.enum(microphoneStates),
        moved,
        judged: count,
        standing: count,
        unsteady: count,
        speedUnknown: count,
        notPolled: count,
        untaughtSpeed: count,
        speech: count,
        alarm: count,
        leavesOutTooMuch: z.boolean(),
        movedRounds: moved,
        rounds: z.strictObject({
          state: z.enum(roundsStates),
          judged: count,
          otherHall: count.describe('Not weighed: heard in another hall than was taught'),
          dropped: count.describe('Pieces of which no round came'),
          turnsLost: count.describe('Turns that were refused, or taken back before the round was whole'),
        }),
        dropped: count,
      }),
    ),
  }),
  z.strictObject({
    kind: z.literal('print').describe('Once of each machine that has one'),
    machine: id,
    print: z.int().min(1),
    refused: z.string().max(mostReason).nullable().describe('Why it cannot be used; null: it is'),
  }),
  z.strictObject({
    kind: z.literal('microphone'),
    machine: id,
    state: z.enum(microphoneStates),
    reason: z.string().max(mostReason).nullable(),
    atMs: ms,
  }),
  z.strictObject({
    kind: z.literal('judged'),
    ...weighed,
  }),
  z.strictObject({
    kind: z.literal('round').describe('Both branches together, once a minute'),
    ...weighed,
  }),
  z.strictObject({
    kind: z.literal('began'),
    machine: id,
    path: z.enum(paths).describe('By which it was heard'),
    sinceMs: ms,
    atMs: ms,
    speed,
    score: ms,
    threshold: ms.describe('In force, with what moved it'),
    spread: z.number().positive(),
    moved,
    print: z.int().min(1).nullable(),
    suspected: suspectedSchema.describe('The likeliest first'),
    angle: z
      .strictObject({ degrees: z.number().min(0).max(360), k: z.number().min(0).max(360) })
      .nullable()
      .describe('Of the shaft from its mark on, where it is louder than taught'),
    needles: z
      .strictObject({ needles: z.array(count).min(1).max(mostNeedles), k: count })
      .nullable()
      .describe('As the machine counts, the likeliest first'),
    ranges: z
      .array(
        z.strictObject({
          what: z.enum(['level', 'change']),
          fromHz: count,
          toHz: count,
          db: ms,
        }),
      )
      .max(5),
    picture: z
      .instanceof(Uint8Array)
      .refine((bytes) => bytes.length <= maxPictureBytes)
      .nullable(),
    clip: z
      .instanceof(Uint8Array)
      .refine((bytes) => bytes.length <= mostClipBytes)
      .nullable()
      .describe('Sealed'),
  }),
  z.strictObject({ kind: z.literal('ended'), machine: id, sinceMs: ms, atMs: ms }),
  z.strictObject({
    kind: z.literal('enrolling'),
    machine: id,
    wanted: count,
    speeds: progressSchema,
  }),
  z.strictObject({
    kind: z.literal('enrolled'),
    machine: id,
    rateHz: z.number().positive(),
    levels: levelsSchema,
    prints: z
      .array(
        z.strictObject({
          speed,
          stats: z.instanceof(Uint8Array).describe('As stats-file.ts has it'),
          samples: z.int().min(1),
          threshold: ms,
          spread: ms,
          faults: z.instanceof(Uint8Array).nullable().describe('What branch B learned'),
        }),
      )
      .min(1)
      .max(24),
    leftOut: progressSchema,
  }),
]);
export type EarMessage = z.infer<typeof earMessageSchema>;
export type Enrolled = Extract<EarMessage, { kind: 'enrolled' }>;

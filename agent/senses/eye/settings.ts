/** What goes between the agent and its eye: settings once, polls of the machines down, what is seen up. Checked on both sides. */
import { z } from 'zod';
import { maskSchema } from '../../../drivers/camera/mask.ts';
import { referenceSchema } from '../../../drivers/camera/scene.ts';
import { defectClasses } from '../../../models/vision/classify.ts';
import { tubeGeometrySchema } from '../../../models/vision/position.ts';
import { gapReasons } from '../../../models/vision/roll-map.ts';
import { accelerators } from '../../../models/package/accelerator.ts';
import { shadowCountsSchema } from '../../models/shadow-file.ts';
import { shadowSettingsSchema } from './shadow-messages.ts';

const ms = z.number().refine(Number.isFinite);
const id = z.string().min(1).max(40);
const count = z.int().min(0);

/** How the angle of the machine is known when a picture is taken. */
export const positionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('index'),
    ringRowsPx: z
      .int()
      .min(1)
      .max(256)
      .describe('Rows at the top of the picture that show the ring with the mark, and no cloth'),
    fastestMs: ms.min(50).describe('The shortest revolution the machine can make'),
    frameJitterMs: ms.min(0),
    speedSpread: z.number().min(0).max(1),
    speedCycle: z.number().min(0).max(1),
  }),
  z.strictObject({
    kind: z.literal('encoder'),
    countsPerTurn: z.int().min(1),
    wrapsAt: z.int().min(2),
    latchJitterMs: ms.min(0),
    errorCounts: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal('telemetry'),
    jitterMs: ms.min(0),
    offsetMs: ms.min(0),
    speedError: z.number().min(0).max(1),
    oldestMs: ms.min(1),
  }),
]);
export type Position = z.infer<typeof positionSchema>;

/** The reference is the middle of the picture, whose size is known with the first one. */
export const eyeGeometrySchema = tubeGeometrySchema.omit({ referenceColumnPx: true, referenceRowPx: true });
export type EyeGeometry = z.infer<typeof eyeGeometrySchema>;

export const eyeMachineSchema = z.strictObject({
  machine: id,
  endpoint: z.string().min(1).max(2_000),
  mask: maskSchema,
  geometry: eyeGeometrySchema,
  coursePitchMm: z.number().positive(),
  behind: z.enum(['darker', 'lighter']).nullable(),
  position: positionSchema,
  reference: referenceSchema.nullable().describe('The camera as it was when the cloth was taught; null: not known'),
  stats: z.instanceof(Uint8Array).describe('What was taught of its cloth, as stats-file.ts has it'),
});
export type EyeMachine = z.infer<typeof eyeMachineSchema>;

/** How the way of a flat web is known when a picture is taken. */
export const webPositionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('encoder'), mmPerCount: z.number().positive(), wrapsAt: z.int().min(2) }),
  z.strictObject({ kind: z.literal('speed'), speedError: z.number().min(0).max(1), oldestMs: ms.min(1) }),
]);
export type WebPosition = z.infer<typeof webPositionSchema>;

/** A camera over a flat web, its rows across the web. */
export const flatWebSchema = z.strictObject({
  mmPerPx: z.number().positive(),
  widthMm: z.number().positive(),
  leftMm: ms.describe('Where the left edge of the picture lies on the web'),
  newest: z.enum(['top', 'bottom']),
  isKnit: z.boolean(),
  behind: z.enum(['darker', 'lighter']).nullable(),
  position: webPositionSchema,
});
export type FlatWeb = z.infer<typeof flatWebSchema>;

export const flatMachineSchema = eyeMachineSchema
  .pick({ machine: true, endpoint: true, mask: true, reference: true, stats: true })
  .extend({ flat: flatWebSchema });
export type FlatMachine = z.infer<typeof flatMachineSchema>;

/** A reading of the speed of a flat web. */
export const webSpeedSchema = z.strictObject({
  kind: z.literal('web-speed'),
  machine: id,
  timeMs: ms,
  mPerMin: z.number().min(0).max(10_000),
});

export const eyeSettingsSchema = z.strictObject({
  kind: z.literal('settings'),
  modelFile: z.string().min(1),
  model: z.string().min(1).describe('id@version'),
  machines: z.array(eyeMachineSchema).max(100),
  webs: z.array(flatMachineSchema).max(100).default([]),
  accelerator: z.enum(accelerators).exclude(['auto']),
  dataDir: z.string().min(1).describe('For the notes of its trial and of its shadow'),
  trial: z.strictObject({ id: z.string(), version: z.string() }).nullable(),
  shadow: shadowSettingsSchema.nullable(),
});
export type EyeSettings = z.infer<typeof eyeSettingsSchema>;

/** A poll of the machine that the eye reckons the angle from. */
export const telemetrySchema = z.strictObject({
  kind: z.literal('telemetry'),
  machine: id,
  timeMs: ms,
  rpm: z.number().min(0).max(10_000),
  revolutions: z.number().min(0).nullable(),
});
export type Telemetry = z.infer<typeof telemetrySchema>;
/** Whatever the eye is told while it runs. */
export type EyePoll = Telemetry | z.infer<typeof webSpeedSchema>;

const cameraStates = ['starting', 'ok', 'stalled', 'black', 'over-exposed', 'moved', 'defocused'] as const;
const shapes = ['vertical', 'horizontal', 'spot'] as const;

/** A picture of a fault for people: small enough to be sent. */
export const maxCropBytes = 24 * 1024;
/** What is laid over it: few colours in blocks, so a hundredth of that is usual. */
export const maxHeatMapBytes = 8 * 1024;

export const eyeMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('alive'),
    cameras: z.array(
      z.strictObject({
        machine: id,
        state: z.enum(cameraStates),
        judged: count,
        dropped: count,
        refused: count,
        placeless: count,
        unjudged: count,
        unconfirmed: count,
      }),
    ),
    shadow: shadowCountsSchema.nullable(),
  }),
  z.strictObject({
    kind: z.literal('opened'),
    accelerator: z.enum(accelerators).exclude(['auto']),
    problem: z.string().max(500).nullable().describe('Why it is not the one it was to be; null where it is'),
  }),
  z.strictObject({
    kind: z.literal('camera'),
    machine: id,
    state: z.enum(cameraStates),
    reason: z.string().max(200).nullable(),
    atMs: ms,
  }),
  z.strictObject({ kind: z.literal('looked'), machine: id }),
  z.strictObject({
    kind: z.literal('cloth'),
    machine: id,
    newestMm: ms,
    isAnew: z.boolean(),
    stretches: z
      .array(
        z.strictObject({
          fromMm: ms,
          toMm: ms,
          unseen: z.number().min(0).max(1),
          reason: z.enum(gapReasons).nullable(),
        }),
      )
      .max(64),
  }),
  z.strictObject({
    kind: z.literal('finding'),
    machine: id,
    crop: z
      .instanceof(Uint8Array)
      .refine((bytes) => bytes.length <= maxCropBytes)
      .nullable(),
    heat: z
      .strictObject({
        map: z
          .instanceof(Uint8Array)
          .refine((bytes) => bytes.length <= maxHeatMapBytes)
          .nullable()
          .describe('null: no place comes near the threshold'),
        peak: z.number().min(0).describe('What the worst place scored, in taught thresholds'),
      })
      .nullable()
      .describe('Of the crop; null where there is none'),
    finding: z.strictObject({
      id: count,
      phase: z.enum(['found', 'changed', 'closed']),
      class: z.enum(defectClasses),
      shape: z.enum(shapes),
      cause: z.string().max(40),
      score: z.number(),
      threshold: z.number(),
      needle: count.nullable(),
      k: count.nullable(),
      needleUnknown: z.string().max(40).nullable(),
      rollFromMm: ms,
      rollToMm: ms,
      alongErrorMm: z.number().min(0),
      acrossFromMm: ms,
      acrossToMm: ms,
      revolutions: z.int().min(1),
      firstMs: ms,
      lastMs: ms,
      mergedInto: count.nullable(),
    }),
  }),
]);
export type EyeMessage = z.infer<typeof eyeMessageSchema>;

/** What goes between the agent and its eye: settings once, then telemetry down and what is seen up. Checked on both sides. */
import { z } from 'zod';
import { maskSchema } from '../../../drivers/camera/mask.ts';
import { tubeGeometrySchema } from '../../../models/vision/position.ts';

const ms = z.number().refine(Number.isFinite);
const id = z.string().min(1).max(40);

/** How the angle of the machine is known when a picture is taken. */
export const positionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('index'),
    /** Rows at the top of the image in which the ring with the mark is seen; they show no cloth. */
    ringRowsPx: z.int().min(1).max(256),
    /** The shortest revolution the machine can make. */
    fastestMs: ms.min(50),
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

export const eyeMachineSchema = z.strictObject({
  machine: id,
  endpoint: z.string().min(1).max(2_000),
  mask: maskSchema,
  geometry: tubeGeometrySchema,
  coursePitchMm: z.number().positive(),
  behind: z.enum(['darker', 'lighter']).nullable(),
  position: positionSchema,
  fabric: z.string().min(1).max(80),
});
export type EyeMachine = z.infer<typeof eyeMachineSchema>;

/** A poll of the machine that the eye reckons the angle from. */
export const telemetrySchema = z.strictObject({
  kind: z.literal('telemetry'),
  machine: id,
  timeMs: ms,
  rpm: z.number().min(0).max(10_000),
  revolutions: z.number().min(0).nullable(),
});
export type Telemetry = z.infer<typeof telemetrySchema>;

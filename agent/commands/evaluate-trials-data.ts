/**
 * The trials `selvedge evaluate vision --simulated` is judged on: what `selvedge simulate needle-trials --dataset DIR` wrote
 * (docs/SIMULATED-CLOTH.md). What a gateway gets of a trial and the truth about it lie in files of their own, and stay apart here.
 */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { readImageFile } from '../../drivers/camera/image-file.ts';
import type { Grey } from '../../models/vision/grey.ts';
import { AgentError } from '../errors.ts';

export const positions = ['index', 'encoder', 'telemetry'] as const;
export type PositionKind = (typeof positions)[number];

const finite = z.number().refine(Number.isFinite);
const lotName = z.string().regex(/^[a-z0-9-]{1,40}$/);
const generator = z.string().regex(/^[a-z0-9-]{1,20}$/);

const inputSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9-]{1,60}$/),
  position: z.enum(positions),
  simulated: z.literal(true),
  generator,
  machine: z.object({
    needles: z.int().min(4),
    feeders: z.int().min(1),
    coursesPerCm: finite.positive(),
    walePitchMm: finite.positive(),
    direction: z.union([z.literal(1), z.literal(-1)]),
  }),
  camera: z.object({
    widthPx: z.int().min(1),
    heightPx: z.int().min(1),
    marginPx: z.int().min(0),
    pxPerMm: finite.positive(),
    fps: finite.positive(),
    countsPerRevolution: z.int().min(1).optional(),
  }),
  calibration: z.object({ zeroNeedle: finite.min(0) }),
  frames: z.array(z.object({ capturedMs: finite, receivedMs: finite, count: finite.optional() })).max(100_000),
  telemetry: z.array(z.object({ receivedMs: finite, revolutions: finite.min(0), speedRpm: finite.min(0) })),
});
/** What a gateway gets of a trial. */
export type TrialInput = z.infer<typeof inputSchema>;

const truthSchema = z.object({
  version: z.literal(1),
  simulated: z.literal(true),
  generator,
  seed: finite,
  /** The scenario it was drawn by. */
  plan: z.object({ lot: lotName.optional() }).default({}),
  trials: z.array(
    z.object({
      id: z.string(),
      position: z.enum(positions),
      needles: z.int().min(4),
      truthNeedle: z.int().nullable(),
      strength: finite.nullable(),
      fromRevolutions: finite.nullable(),
      passes: z.array(z.object({ frame: z.int().min(0), xPx: finite, revolutions: finite, mm: finite })),
      partly: z.array(z.int().min(0)).default([]),
      revolutions: z.object({ from: finite, to: finite }),
      clothMm: finite.min(0),
      zeroMm: finite,
      holes: z.array(z.object({ needle: z.int(), mm: finite, frames: z.array(z.int().min(0)) })).optional(),
    }),
  ),
});
export type TrialsTruth = z.infer<typeof truthSchema>;
export type TrialTruth = TrialsTruth['trials'][number];

/** @throws AgentError `fileUnreadable`, `usage` where it is no truth of trials */
export function readTruth(dir: string): TrialsTruth {
  return parsed(join(dir, 'truth.json'), truthSchema);
}

/** What the machine and cloth of a folder are called: as the scenario it was drawn by says, else as the folder. */
export function lotOf({ plan }: Pick<TrialsTruth, 'plan'>, dir: string): string {
  return plan.lot ?? basename(resolve(dir));
}

/** @param stem folder and id of a trial, such as `index/index-0001`; @throws AgentError as `readTruth` */
export function readTrial(dir: string, stem: string): TrialInput {
  return parsed(join(dir, `${stem}.json`), inputSchema);
}

/**
 * The pictures of a trial, in their order.
 * @throws DriverError as `readImageFile`; AgentError `usage` where they are not as many, or not as large, as the trial says
 */
export async function readPictures(dir: string, stem: string, { camera, frames }: TrialInput): Promise<Grey[]> {
  const { width, height, pixels } = await readImageFile(join(dir, `${stem}.jpg`));
  const { widthPx, heightPx } = camera;
  if (width !== widthPx || height !== heightPx * frames.length) {
    throw new AgentError('usage', `${stem}.jpg is ${width} × ${height}, and its trial says otherwise`);
  }
  const size = widthPx * heightPx;
  return frames.map((_, i) => ({ width, height: heightPx, pixels: pixels.subarray(i * size, (i + 1) * size) }));
}

function parsed<T>(file: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnreadable', `${file}: ${why}`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AgentError('usage', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

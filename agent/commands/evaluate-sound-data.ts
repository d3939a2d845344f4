/**
 * The trials `selvedge evaluate voiceprint --simulated` is judged on: what `selvedge simulate sound-trials --dataset DIR` wrote
 * (docs/SIMULATED-SOUND.md). What a gateway gets of a clip and the truth about it lie in files of their own, and stay apart here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readWav } from '../../models/voiceprint/wav.ts';
import { AgentError } from '../errors.ts';

const finite = z.number().refine(Number.isFinite);
const head = {
  version: z.literal(1),
  simulated: z.literal(true),
  generator: z.enum(['a', 'b']),
  seed: finite,
};
const file = z.string().regex(/^clips\/[0-9]{5}\.wav$/);

const clipsSchema = z.object({
  ...head,
  machines: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(['sewing', 'knitting']),
      nominalPerMinute: finite.positive(),
      cylinder: z
        .object({
          needles: z.int().min(4),
          feeders: z.int().min(1),
          direction: z.union([z.literal(1), z.literal(-1)]),
          indexNeedle: z.int().min(0),
          microphoneTurns: finite,
        })
        .nullable(),
    }),
  ),
  clips: z.array(
    z.object({
      file,
      machine: z.string(),
      role: z.enum(['enrol', 'judge']),
      telemetry: z.array(z.object({ atS: finite, speed: finite.min(0) })),
    }),
  ),
});
export type SoundTrials = z.infer<typeof clipsSchema>;
export type TrialMachine = SoundTrials['machines'][number];
export type ToldClip = SoundTrials['clips'][number];

const truthSchema = z.object({
  ...head,
  /** Of a week. */
  days: finite.optional(),
  share: finite.optional(),
  clips: z.array(
    z.object({
      file,
      fault: z.object({ kind: z.string(), code: z.string(), severity: finite, needle: z.int().optional() }).nullable(),
      /** The clip ends with a trim: held against healthy ones that do. */
      trims: z.boolean().optional(),
      /** Of a week: which article's speed. */
      article: z.int().optional(),
      atH: finite.optional(),
      /** Of a needle: by what the ear knows the angle. */
      position: z.enum(['pulse', 'telemetry']).optional(),
    }),
  ),
});
export type SoundTruth = z.infer<typeof truthSchema>;
export type ClipTruth = SoundTruth['clips'][number];

/** @throws AgentError `fileUnreadable`, `usage` */
export const readClips = (dir: string): SoundTrials => parsed(join(dir, 'clips.json'), clipsSchema);
/** @throws AgentError `fileUnreadable`, `usage` */
export const readTruths = (dir: string): SoundTruth => parsed(join(dir, 'truth.json'), truthSchema);

/** The sound of a clip, and its pulse where there is one. @throws AgentError `fileUnreadable`, ModelError `soundUnreadable` */
export function readClip(dir: string, clip: ToldClip, hasPulse: boolean) {
  const bytes = bytesOf(join(dir, clip.file));
  return { sound: readWav(bytes, clip.file), pulse: hasPulse ? readWav(bytes, clip.file, 1).samples : null };
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnreadable', `${path}: ${why}`, { cause: error });
  }
}

function parsed<T>(path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(bytesOf(path).toString('utf8'));
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('usage', `${path} is no JSON`, { cause: error });
  }
  const found = schema.safeParse(value);
  if (!found.success) throw new AgentError('usage', `${path} is nothing that simulate sound-trials wrote`);
  return found.data;
}

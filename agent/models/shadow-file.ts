/**
 * What a model in the shadow found beside the one in use: counts in `models/shadow-<id>.json`, written by the process that runs both, read
 * by `selvedge models list` and the doctor.
 *
 * Invariants (test/unit/models/shadow-file.test.ts):
 *  C1  Counts go on over restarts as long as the same two versions run; with another one they begin anew.
 *  C2  The file is replaced whole; one that cannot be understood is as none.
 */
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../folder.ts';
import { modelsFolder } from './place.ts';

const count = z.int().min(0);
export const shadowCountsSchema = z.strictObject({
  /** Both `id@version`. */
  model: z.string().min(1).max(120),
  beside: z.string().min(1).max(120),
  /** UTC ms. */
  sinceMs: z.number(),
  /** Pictures that both judged; that the shadow was too late for; that it could not judge. */
  pictures: count,
  dropped: count,
  unjudged: count,
  /** Tiles of 256 × 256 px above the threshold of both, of one alone, of neither. */
  tiles: z.strictObject({ both: count, onlyActive: count, onlyShadow: count, neither: count }),
  /** Mean time of a picture, from pixels to scores; null before the first. */
  msPerPicture: z.strictObject({ active: z.number().nullable(), shadow: z.number().nullable() }),
  /** How its process ended, after which it does not run until the eye is started anew; null while it runs. */
  ended: z.string().max(200).nullable(),
  /** Machines whose cloth was not taught with it. */
  untaught: z.array(z.string().max(40)).max(100),
});
export type ShadowCounts = z.infer<typeof shadowCountsSchema>;

const fileSchema = z.strictObject({ v: z.literal(1), counts: shadowCountsSchema });
const fileOf = (dataDir: string, id: string) => join(modelsFolder(dataDir), `shadow-${id}.json`);

/** Of the model with this id; null where there are none. */
export function readShadowCounts(dataDir: string, id: string): ShadowCounts | null {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(fileOf(dataDir, id), 'utf8'))).counts;
  } catch {
    return null;
  }
}

/** What was counted before of the same two, else nothing yet. */
export function countsFrom(before: ShadowCounts | null, model: string, beside: string, nowMs: number): ShadowCounts {
  if (before?.model === model && before.beside === beside) return { ...before, ended: null, untaught: [] };
  return {
    model,
    beside,
    sinceMs: nowMs,
    pictures: 0,
    dropped: 0,
    unjudged: 0,
    tiles: { both: 0, onlyActive: 0, onlyShadow: 0, neither: 0 },
    msPerPicture: { active: null, shadow: null },
    ended: null,
    untaught: [],
  };
}

export interface Compared {
  readonly both: number;
  readonly onlyActive: number;
  readonly onlyShadow: number;
  readonly neither: number;
  readonly activeMs: number;
  readonly shadowMs: number;
}

/** With one more picture. */
export function counted(counts: ShadowCounts, one: Compared): ShadowCounts {
  const { tiles, msPerPicture } = counts;
  const pictures = counts.pictures + 1;
  const mean = (before: number | null, ms: number) => (before ?? 0) + (ms - (before ?? 0)) / pictures;
  return {
    ...counts,
    pictures,
    tiles: {
      both: tiles.both + one.both,
      onlyActive: tiles.onlyActive + one.onlyActive,
      onlyShadow: tiles.onlyShadow + one.onlyShadow,
      neither: tiles.neither + one.neither,
    },
    msPerPicture: {
      active: mean(msPerPicture.active, one.activeMs),
      shadow: mean(msPerPicture.shadow, one.shadowMs),
    },
  };
}

export async function writeShadowCounts(dataDir: string, id: string, counts: ShadowCounts): Promise<void> {
  const path = fileOf(dataDir, id);
  makeFolder(modelsFolder(dataDir));
  await writeFile(`${path}.new`, `${JSON.stringify({ v: 1, counts }, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/**
 * What was taught on this gateway: `styles/<machine>/<fabric>/<version>/` in the data folder, with `stats.bin` (what the model is given)
 * and `style.json` (what it is, signed with the gateway's key).
 *
 * Invariants (test/unit/senses/styles.test.ts):
 *  Y1  A version is there whole or not at all: it is written beside, flushed and renamed.
 *  Y2  A version never changes; teaching again makes the next, and the newest is used.
 *  Y3  What is not signed by this gateway, or is not what was signed, is refused.
 *  Y4  The newest `kept` versions stay, the others go.
 */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { referenceSchema } from '../../drivers/camera/scene.ts';
import { ModelError } from '../../models/errors.ts';
import { mostStatsBytes } from '../../models/vision/stats-file.ts';
import { flushFolder } from '../backup/disk.ts';
import { makeFolder } from '../folder.ts';

export const fabricPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
const kept = 5;
const mostDescriptionBytes = 32 * 1024;

const descriptionSchema = z.strictObject({
  v: z.literal(1),
  machine: z.string().min(1).max(40),
  fabric: z.string().regex(fabricPattern),
  version: z.int().min(1),
  /** UTC ms. */
  taughtMs: z.int(),
  /** `id@version`. */
  model: z.string().min(1).max(120),
  images: z.int().min(1),
  widthPx: z.int().min(1),
  heightPx: z.int().min(1),
  threshold: z.number(),
  /** The camera in its place and in focus; null where nobody showed it, as in styles from before it was kept. */
  camera: referenceSchema.nullable().default(null),
  /** Of `stats.bin`. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type StyleDescription = z.infer<typeof descriptionSchema>;

export interface Style {
  readonly description: StyleDescription;
  /** As `readStats` takes it. */
  readonly stats: Buffer;
}

/** What a style is of, and how it was taught. */
export type Taught = Omit<StyleDescription, 'v' | 'version' | 'sha256'>;

const folderOf = (dataDir: string, machine: string, fabric: string) => join(dataDir, 'styles', machine, fabric);

/** Keeps it as the next version, durably; older ones than the newest five go. */
export function keepStyle(dataDir: string, taught: Taught, stats: Buffer, key: KeyObject): StyleDescription {
  const folder = folderOf(dataDir, taught.machine, taught.fabric);
  makeFolder(folder);
  const known = versionsIn(folder);
  const version = (known[0] ?? 0) + 1;
  const sha256 = createHash('sha256').update(stats).digest('hex');
  const description = descriptionSchema.parse({ v: 1, ...taught, version, sha256 });
  const text = Buffer.from(`${JSON.stringify(description, null, 2)}\n`, 'utf8');
  const fresh = join(folder, `${version}.new`);
  rmSync(fresh, { recursive: true, force: true });
  makeFolder(fresh);
  writeDurably(join(fresh, 'stats.bin'), stats);
  writeDurably(join(fresh, 'style.json'), text);
  writeDurably(join(fresh, 'style.sig'), Buffer.from(`${sign(null, text, key).toString('base64')}\n`));
  flushFolder(fresh);
  renameSync(fresh, join(folder, String(version)));
  for (let up = folder; up.length >= dataDir.length; up = dirname(up)) flushFolder(up);
  for (const old of known.slice(kept - 1)) rmSync(join(folder, String(old)), { recursive: true, force: true });
  return description;
}

/**
 * The newest version, or the one that is named.
 * @throws ModelError `statsInvalid` where there is none, or it is not what this gateway signed
 */
export function readStyle(
  dataDir: string,
  machine: string,
  fabric: string,
  publicKey: KeyObject,
  version?: number,
): Style {
  const folder = folderOf(dataDir, machine, fabric);
  const wanted = version ?? versionsIn(folder)[0];
  if (wanted === undefined) throw new ModelError('statsInvalid', `${machine} was not taught ${fabric}`);
  const at = join(folder, String(wanted));
  const text = readBounded(join(at, 'style.json'), mostDescriptionBytes);
  const signature = Buffer.from(readBounded(join(at, 'style.sig'), 1_024).toString('utf8'), 'base64');
  if (!verify(null, text, publicKey, signature))
    throw new ModelError('statsInvalid', `${at} is not signed by this gateway`);
  const description = descriptionSchema.safeParse(JSON.parse(text.toString('utf8')));
  const stats = readBounded(join(at, 'stats.bin'), mostStatsBytes);
  const isIt =
    description.success &&
    description.data.machine === machine &&
    description.data.fabric === fabric &&
    description.data.version === wanted &&
    description.data.sha256 === createHash('sha256').update(stats).digest('hex');
  if (!isIt) throw new ModelError('statsInvalid', `${at} is not what was taught`);
  return { description: description.data, stats };
}

/** Versions that are there, the newest first. */
export function styleVersions(dataDir: string, machine: string, fabric: string): readonly number[] {
  return versionsIn(folderOf(dataDir, machine, fabric));
}

function versionsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^[1-9][0-9]{0,8}$/.test(name))
      .map(Number)
      .toSorted((a, b) => b - a);
  } catch {
    return [];
  }
}

function readBounded(path: string, mostBytes: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new ModelError('statsInvalid', `${path} has ${size} bytes`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelError('statsInvalid', `${path}: ${why}`, { cause: error });
  }
}

function writeDurably(path: string, bytes: Buffer): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * What was taught on this gateway: `styles/<machine>/<fabric>/<version>/` in the data folder, with `stats.bin` (what the model is given)
 * and `style.json` (what it is, signed with the gateway's key).
 *
 * Invariants (test/unit/senses/styles.test.ts), besides those of `kept.ts`:
 *  Y1  Teaching again makes the next version, and the newest is used.
 *  Y2  What is not signed by this gateway, or is not what was signed, is refused.
 *  Y3  A style that was exported is taken where its signer is trusted, as a new version that this gateway signs; nothing else is.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { referenceSchema } from '../../drivers/camera/scene.ts';
import { ModelError } from '../../models/errors.ts';
import { mostStatsBytes } from '../../models/stats-file.ts';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { keepVersion, readBounded, readSigned, versionsIn, writeSigned } from './kept.ts';

export const fabricPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
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

const stylesIn = (dataDir: string) => join(dataDir, 'styles');
const folderOf = (dataDir: string, machine: string, fabric: string) => join(stylesIn(dataDir), machine, fabric);

/** Keeps it as the next version, durably; older ones than the newest five go. */
export function keepStyle(dataDir: string, taught: Taught, stats: Buffer, key: KeyObject): StyleDescription {
  const describe = (version: number) => descriptionSchema.parse({ v: 1, ...taught, version, sha256: sha256Of(stats) });
  const version = keepVersion(dataDir, folderOf(dataDir, taught.machine, taught.fabric), (next) =>
    signed(describe(next), stats, key),
  );
  return describe(version);
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
  const style = styleIn(join(folder, String(wanted)), [publicKey]);
  const { description } = style;
  const isIt = description.machine === machine && description.fabric === fabric && description.version === wanted;
  if (!isIt) throw new ModelError('statsInvalid', `${join(folder, String(wanted))} is not what was taught`);
  return style;
}

/**
 * The newest version that was taught with this model: to another one it means nothing.
 * @param model `id@version`
 * @throws ModelError `statsInvalid` where there is none, or one is not what this gateway signed
 */
export function styleFor(dataDir: string, machine: string, fabric: string, publicKey: KeyObject, model: string): Style {
  for (const version of styleVersions(dataDir, machine, fabric)) {
    const style = readStyle(dataDir, machine, fabric, publicKey, version);
    if (style.description.model === model) return style;
  }
  throw new ModelError('statsInvalid', `${machine} was not taught ${fabric} with ${model}`);
}

/**
 * What a version is, without what the model is given: cheap.
 * @throws ModelError `statsInvalid`
 */
export function describeStyle(
  dataDir: string,
  machine: string,
  fabric: string,
  publicKey: KeyObject,
  version: number,
): StyleDescription {
  const folder = join(folderOf(dataDir, machine, fabric), String(version));
  const read = descriptionSchema.safeParse(readSigned(folder, 'style', [publicKey], mostDescriptionBytes));
  if (!read.success) throw new ModelError('statsInvalid', `${folder} is not what was taught`);
  return read.data;
}

/** Versions that are there, the newest first. */
export function styleVersions(dataDir: string, machine: string, fabric: string): readonly number[] {
  return versionsIn(folderOf(dataDir, machine, fabric));
}

/** Every machine and fabric something was taught of, in the order of their names. */
export function listStyles(dataDir: string): readonly { readonly machine: string; readonly fabric: string }[] {
  const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).toSorted() : []);
  return namesIn(stylesIn(dataDir)).flatMap((machine) =>
    namesIn(join(stylesIn(dataDir), machine))
      .filter((fabric) => styleVersions(dataDir, machine, fabric).length > 0)
      .map((fabric) => ({ machine, fabric })),
  );
}

/**
 * Writes a copy for another gateway, or for safe keeping, into a folder that is not there yet. It keeps who signed it.
 * @throws AgentError `styleExportTaken`; what the system says
 */
export function exportStyle({ description, stats }: Style, folder: string, key: KeyObject): void {
  if (existsSync(folder)) throw new AgentError('styleExportTaken', folder);
  makeFolder(dirname(folder));
  const fresh = `${folder}.unfinished`;
  rmSync(fresh, { recursive: true, force: true });
  writeSigned(fresh, signed(description, stats, key));
  renameSync(fresh, folder);
}

/**
 * Takes a style that was exported, for a machine with the same camera before the same cloth.
 * @param trusted whose styles are taken: this gateway's own key, and those of the site
 * @throws ModelError `statsInvalid`
 */
export function importStyle(
  dataDir: string,
  folder: string,
  machine: string,
  trusted: readonly KeyObject[],
  key: KeyObject,
): StyleDescription {
  const { description, stats } = styleIn(folder, trusted);
  const { v: _v, version: _version, sha256: _sha256, ...taught } = description;
  // Another camera stands elsewhere: how this one should is known when it is taught.
  const camera = machine === description.machine ? taught.camera : null;
  return keepStyle(dataDir, { ...taught, machine, camera }, stats, key);
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const signed = (description: StyleDescription, stats: Buffer, key: KeyObject) => ({
  name: 'style',
  value: description,
  key,
  files: { 'stats.bin': stats },
});

function styleIn(folder: string, keys: readonly KeyObject[]): Style {
  const description = descriptionSchema.safeParse(readSigned(folder, 'style', keys, mostDescriptionBytes));
  const stats = readBounded(join(folder, 'stats.bin'), mostStatsBytes);
  if (!description.success || description.data.sha256 !== sha256Of(stats)) {
    throw new ModelError('statsInvalid', `${folder} is not what was taught`);
  }
  return { description: description.data, stats };
}

/** What a backup is made of: a folder with files and `manifest.json`, which names each with its length and hash. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { z } from 'zod';
import { AgentError } from '../errors.ts';

export const manifestFile = 'manifest.json';
/** Files of the data folder are under this folder of a backup, the configuration under the other. */
export const dataPart = 'data';
export const configPart = 'config';

const maxManifestBytes = 64 * 1024 * 1024;
const maxFiles = 500_000;

/** No way out of the folder it is put into. */
const relative = z
  .string()
  .min(1)
  .max(1_000)
  .refine((path) => path === posix.normalize(path) && !path.startsWith('/') && !/^\.\.(\/|$)|[\\\0]/.test(path));

const manifestSchema = z.strictObject({
  v: z.literal(1),
  /** UTC ms of the moment the journal shows. */
  madeMs: z.int(),
  agentVersion: z.string(),
  /** Newest migration of journal.db. */
  journalSchema: z.int().min(1),
  /** The newest process start in it. */
  lastBoot: z.string().nullable(),
  /** false: keys and users were left out. */
  hasKey: z.boolean(),
  hasRing: z.boolean(),
  files: z
    .array(z.strictObject({ path: relative, bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .max(maxFiles),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number];

/** @throws AgentError `backupUnusable` */
export function readManifest(backup: string): Manifest {
  const path = join(backup, manifestFile);
  try {
    const bytes = readFileSync(path);
    if (bytes.length > maxManifestBytes) throw new AgentError('backupUnusable', `${path} is too long`);
    return parseManifest(bytes.toString('utf8'), path);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('backupUnusable', `${backup} is no backup: ${why}`, { cause: error });
  }
}

function parseManifest(text: string, path: string): Manifest {
  const json: unknown = JSON.parse(text);
  const version = z.object({ v: z.int() }).safeParse(json).data?.v ?? 1;
  if (version > 1) throw new AgentError('storeTooNew', `${path} has version ${version}, this agent knows 1`);
  const { data } = manifestSchema.safeParse(json);
  if (data === undefined) throw new AgentError('backupUnusable', `${path} is no manifest of a backup`);
  return data;
}

/** Keys, and the hashes of passwords: what a backup that others may see must not hold. */
export const isSecret = (path: string) => /^(users|tablets)\.json$|^(keys|certificates|opcua\/own)\//.test(path);

/** Made anew by every start, or held by a process that runs, or the copy of what was damaged. */
export const isPassing = (path: string) =>
  /^(lock\.db|reserve\.bin$|sessions\.json|page-address\.json|restoring|before-restore-)/.test(path) ||
  /\.bad-|\.(lock|tmp|new)$/.test(path);

/** The databases are copied by SQLite, never as files. */
export const isDatabase = (path: string) => /^(journal|ring)\.db/.test(path);

/**
 * `remote.json` in the data folder: what was set from afar and confirmed, and what is on trial. The local configuration is never
 * written.
 *
 * Invariants (test/unit/config/remote-file.test.ts):
 *  F1  The file holds a whole state at every moment: it is written beside, synced and renamed.
 *  F2  What is on trial counts only for whoever names the trial: a start that knows of none has what is confirmed.
 *  F3  A file that cannot be understood counts as none, and is said.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../folder.ts';
import type { RemoteSetting } from './remote-fields.ts';

export const maxSettings = 200;

const setting = z.strictObject({
  path: z.array(z.string().max(100)).min(1).max(8),
  value: z.union([z.string().max(200), z.number(), z.boolean()]),
  local: z.json(),
  id: z.string(),
  by: z.string(),
  atMs: z.number(),
});
const settings = z.array(setting).max(maxSettings);
const fileSchema = z.strictObject({
  version: z.literal(1),
  settings,
  trial: z.strictObject({ id: z.string(), by: z.string(), needsRestart: z.boolean(), settings }).nullable(),
});

export interface Trial {
  /** The command that began it. */
  readonly id: string;
  readonly by: string;
  readonly needsRestart: boolean;
  /** All settings, were it confirmed. */
  readonly settings: readonly RemoteSetting[];
}
export interface RemoteState {
  readonly settings: readonly RemoteSetting[];
  readonly trial: Trial | null;
  /** Why the file counts as none; null: it is well, or there is none. */
  readonly problem: string | null;
}

export const remoteFile = (dataDir: string): string => join(dataDir, 'remote.json');

/** Never throws. */
export function readRemote(dataDir: string): RemoteState {
  const none = { settings: [], trial: null };
  let text: string;
  try {
    text = readFileSync(remoteFile(dataDir), 'utf8');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code));
    return { ...none, problem: isAbsent ? null : 'it cannot be read' };
  }
  try {
    const { data } = fileSchema.safeParse(JSON.parse(text));
    if (data === undefined) return { ...none, problem: 'it is none of this version' };
    return { settings: data.settings, trial: data.trial, problem: null };
  } catch {
    return { ...none, problem: 'it is no JSON' };
  }
}

/** What counts for a start that knows of this trial, or of none. */
export function settingsFor(
  { settings: confirmed, trial }: RemoteState,
  trialId: string | null,
): readonly RemoteSetting[] {
  return trial !== null && trial.id === trialId ? trial.settings : confirmed;
}

/** Durable when it returns. Throws what the system says; then the file is as it was. */
export function writeRemote(dataDir: string, { settings: confirmed, trial }: Omit<RemoteState, 'problem'>): void {
  makeFolder(dataDir);
  const path = remoteFile(dataDir);
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ version: 1, settings: confirmed, trial })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const folder = openSync(dataDir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

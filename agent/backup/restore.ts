/**
 * Puts a backup in the place of a data folder. All of it is checked before anything is made, and prepared beside what is there
 * before anything is moved; `exchange.ts` has the rest.
 *
 * Invariants (test/unit/backup/restore.test.ts):
 *  P1  A backup with a missing, changed or damaged file, or of a newer version, changes nothing.
 *  P2  While an agent runs on the folder nothing is changed.
 *  P3  A backup without keys and users leaves those that are there.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { lockFolder } from '../store/databases.ts';
import { journalMigrations, ringMigrations, schemaVersion } from '../store/schema.ts';
import { copyDurably, filesBelow, flushFolders, needRoom, Pace, readThrough } from './disk.ts';
import { checkMovable, decide, endExchange, stagingFolder } from './exchange.ts';
import { configPart, dataPart, isSecret, readManifest, type Manifest } from './manifest.ts';

export interface RestoreOptions {
  /** The folder of the backup. */
  readonly from: string;
  readonly dataDir: string;
  readonly nowMs: number;
  /** Called before each step that changes the disk. */
  readonly step?: () => void;
}

export interface Restored {
  readonly manifest: Manifest;
  /** What was in the folder before; null when there was nothing. */
  readonly setAside: string | null;
  readonly key: 'restored' | 'kept' | 'none';
  /** Where the configuration of the backup lies; null when it holds none. */
  readonly config: string | null;
}

/** The configuration belongs to no place in the data folder, so a person puts it where it is read. */
const configName = 'config-of-backup';

/** @throws AgentError `backupUnusable`, `backupDamaged`, `backupNoRoom`, `storeTooNew`, `dataDirInUse`, `dataDirUnusable` */
export function restore({ from, dataDir, nowMs, step = () => undefined }: RestoreOptions): Restored {
  const manifest = readManifest(from);
  checkBackup(from, manifest);
  try {
    makeFolder(dataDir);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('dataDirUnusable', `data folder ${dataDir}: ${why}`, { cause: error });
  }
  const lock = lockFolder(dataDir);
  try {
    // One that was killed after it had decided comes first: what it put in place is what is set aside now.
    endExchange(dataDir, nowMs, step);
    checkMovable(dataDir);
    const key = stage(from, dataDir, manifest, step);
    step();
    decide(dataDir);
    const setAside = endExchange(dataDir, nowMs, step);
    const config = join(dataDir, configName);
    return { manifest, setAside, key, config: existsSync(config) ? config : null };
  } finally {
    lock.close();
  }
}

/** Reads all of a backup. */
function checkBackup(from: string, manifest: Manifest): void {
  const has = (name: string) => manifest.files.some(({ path }) => path === `${dataPart}/${name}`);
  if (!has('journal.db')) throw new AgentError('backupUnusable', `${from} holds no journal.db`);
  for (const { path, bytes, sha256 } of manifest.files) {
    if (!/^(data|config)\//.test(path)) throw new AgentError('backupUnusable', `${from} names ${path}`);
    let found: ReturnType<typeof readThrough>;
    try {
      if (!statSync(join(from, path)).isFile()) throw new AgentError('backupDamaged', `${path} is no file`);
      found = readThrough(join(from, path));
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw new AgentError('backupDamaged', error instanceof Error ? error.message : String(error), { cause: error });
    }
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw new AgentError('backupDamaged', `${join(from, path)} is another than was written`);
  }
  checkDatabase(join(from, dataPart, 'journal.db'), journalMigrations.length);
  if (has('ring.db')) checkDatabase(join(from, dataPart, 'ring.db'), ringMigrations.length);
}

function checkDatabase(path: string, known: number): void {
  try {
    const db = new BetterSqlite(path, { readonly: true, fileMustExist: true });
    try {
      const version = schemaVersion(db);
      if (version > known)
        throw new AgentError('storeTooNew', `${path} has schema ${version}, this version knows ${known}`);
      const verdict = db.pragma('integrity_check(1)', { simple: true });
      if (verdict !== 'ok' || version === 0) throw new AgentError('backupDamaged', `${path}: ${String(verdict)}`);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('backupDamaged', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Prepares the new folder beside the old one. */
function stage(from: string, dataDir: string, manifest: Manifest, step: () => void): Restored['key'] {
  const staging = stagingFolder(dataDir);
  step();
  // Left by one that was killed: nobody else prepares here while we hold the lock.
  rmSync(staging, { recursive: true, force: true });
  needRoom(
    dataDir,
    manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const fresh = join(staging, 'new');
  makeFolder(fresh);
  try {
    const unhurried = new Pace(0);
    const placed: string[] = [];
    const place = (source: string, path: string) => {
      placed.push(path);
      step();
      return copyDurably(source, join(fresh, path), unhurried);
    };
    for (const { path, sha256 } of manifest.files) {
      const [part = '', ...rest] = path.split('/');
      const copied = place(join(from, path), join(part === configPart ? configName : '.', ...rest));
      if (copied.sha256 !== sha256)
        throw new AgentError('backupDamaged', `${join(from, path)} changes while it is read`);
    }
    const kept = manifest.hasKey ? [] : filesBelow(dataDir).filter((path) => isSecret(path));
    for (const path of kept) place(join(dataDir, path), path);
    flushFolders(fresh, placed);
    flushFolders(staging, ['new']);
    const key = placed.includes('keys/gateway.key');
    return !key ? 'none' : manifest.hasKey ? 'restored' : 'kept';
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw error;
  }
}

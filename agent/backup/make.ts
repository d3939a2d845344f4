/**
 * Makes a backup of a data folder, beside an agent that works on it. The journal is copied by SQLite as of one moment; what else
 * lies in the folder comes after it, so every file a record names that was there at that moment is in it.
 *
 * Invariants (test/unit/backup/backup.test.ts):
 *  K1  The folder of the backup has its name only when all of it is on the disk, whole and checked.
 *  K2  Nothing that was there is overwritten.
 *  K3  What is copied is one moment of the journal, however much is committed meanwhile, and no commit waits for it.
 *  K4  Without its key a backup holds no private key and no hash of a password.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { asStoreError } from '../store/errors.ts';
import { journalFile, ringFile } from '../store/files.ts';
import { journalMigrations, ringMigrations, schemaVersion } from '../store/schema.ts';
import {
  copyDurably,
  filesBelow,
  flushFolder,
  flushFolders,
  needRoom,
  readThrough,
  writeDurably,
  type FileSum,
  type Pace,
} from './disk.ts';
import {
  configPart,
  dataPart,
  isDatabase,
  isPassing,
  isSecret,
  manifestFile,
  type Manifest,
  type ManifestFile,
} from './manifest.ts';

export interface BackupOptions {
  readonly dataDir: string;
  /** The folder to be made. It may be there when it is empty. */
  readonly to: string;
  readonly withKey: boolean;
  readonly withRing: boolean;
  /** Files of the configuration, beside the data folder. */
  readonly config: readonly string[];
  readonly agentVersion: string;
  readonly nowMs: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

export interface BackupMade {
  readonly manifest: Manifest;
  readonly bytes: number;
  /** Files that were gone when their turn came: the agent had let go of them. */
  readonly gone: number;
}

/** So much is copied between two waits. */
const stepBytes = 256 * 1024;

/** @throws AgentError `backupTargetUsed`, `backupNoRoom`, `backupDamaged`, or what the disk says */
export async function makeBackup(options: BackupOptions): Promise<BackupMade> {
  const to = resolve(options.to);
  const part = `${to}.unfinished`;
  prepare(options, to, part);
  try {
    const made = await fill(options, part);
    renameSync(part, to);
    flushFolder(dirname(to));
    return made;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error instanceof AgentError ? error : asStoreError(error, `backup of ${options.dataDir}`);
  }
}

function prepare({ dataDir, withRing }: BackupOptions, to: string, part: string): void {
  if (!existsSync(journalFile(dataDir))) {
    throw new AgentError('fileUnreadable', `${journalFile(dataDir)} does not exist: no agent has run there`);
  }
  if (`${to}${sep}`.startsWith(`${resolve(dataDir)}${sep}`)) {
    throw new AgentError('usage', `${to} lies in the data folder; a backup is kept elsewhere, on another disk at best`);
  }
  const there = statSync(to, { throwIfNoEntry: false });
  if (there !== undefined && (!there.isDirectory() || readdirSync(to).length > 0)) {
    throw new AgentError('backupTargetUsed', `${to} is there already`);
  }
  try {
    makeFolder(dirname(to));
    mkdirSync(part, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw new AgentError('backupTargetUsed', `${part} is there: a backup runs, or was killed`);
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnwritable', `${part}: ${why}`, { cause: error });
  }
  try {
    const others = otherFiles(dataDir, true).map((path) => join(dataDir, path));
    const databases = [journalFile(dataDir), ...(withRing ? [ringFile(dataDir)] : [])];
    const sizes = [...databases, ...others].map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    needRoom(
      part,
      sizes.reduce((sum, bytes) => sum + bytes, 0),
    );
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

async function fill(options: BackupOptions, part: string): Promise<BackupMade> {
  const { dataDir, withKey, withRing, pace, signal } = options;
  const files: ManifestFile[] = [];
  const add = (path: string, copied: FileSum) => files.push({ path, ...copied });
  const data = join(part, dataPart);
  makeFolder(data);
  const journal = join(data, basename(journalFile(dataDir)));
  await copyDatabase(journalFile(dataDir), journal, journalMigrations.length, options);
  add(`${dataPart}/${basename(journal)}`, readThrough(journal));
  const hasRing = withRing && existsSync(ringFile(dataDir));
  if (hasRing) {
    const ring = join(data, basename(ringFile(dataDir)));
    await copyDatabase(ringFile(dataDir), ring, ringMigrations.length, options);
    add(`${dataPart}/${basename(ring)}`, readThrough(ring));
  }
  let gone = 0;
  for (const path of otherFiles(dataDir, withKey)) {
    mustGoOn(signal);
    try {
      add(`${dataPart}/${path}`, copyDurably(join(dataDir, path), join(data, path), pace));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      gone++;
    }
  }
  for (const [index, path] of options.config.entries()) {
    const name = `${configPart}/${index + 1}-${basename(path)}`;
    add(name, copyDurably(path, join(part, name), pace));
  }
  const manifest: Manifest = {
    v: 1,
    madeMs: options.nowMs,
    agentVersion: options.agentVersion,
    ...journalFacts(journal),
    hasKey: withKey,
    hasRing,
    files,
  };
  writeDurably(join(part, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
  flushFolders(
    part,
    files.map(({ path }) => path),
  );
  return { manifest, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), gone };
}

const otherFiles = (dataDir: string, withKey: boolean) =>
  filesBelow(dataDir).filter((path) => !isDatabase(path) && !isPassing(path) && (withKey || !isSecret(path)));

/** Copies a database as of one moment, and reads the copy through. It becomes one file, without a WAL. */
async function copyDatabase(
  from: string,
  to: string,
  known: number,
  { pace, signal }: Pick<BackupOptions, 'pace' | 'signal'>,
): Promise<void> {
  const source = new BetterSqlite(from, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    const version = schemaVersion(source);
    if (version > known)
      throw new AgentError('storeTooNew', `${from} has schema ${version}, this version knows ${known}`);
    // The whole copy is made within this read: what is committed meanwhile neither changes it nor makes it begin anew.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    // SQLite would make it readable for all.
    closeSync(openSync(to, 'wx', 0o600));
    await copyPages(source, to, pace, signal);
  } catch (error) {
    if (error instanceof BetterSqlite.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code))
      throw damaged(from, error);
    throw error;
  } finally {
    source.close();
  }
  const copy = new BetterSqlite(to, { fileMustExist: true });
  try {
    copy.pragma('journal_mode = DELETE');
    const verdict = copy.pragma('integrity_check(1)', { simple: true });
    if (verdict !== 'ok') throw damaged(from, verdict);
  } catch (error) {
    throw error instanceof AgentError ? error : damaged(from, error);
  } finally {
    copy.close();
  }
  flush(to);
}

async function copyPages(source: Database, to: string, pace: Pace, signal: AbortSignal): Promise<void> {
  const pageBytes = Number(source.pragma('page_size', { simple: true }));
  const pages = Math.max(1, Math.floor(stepBytes / pageBytes));
  let left: number | null = null;
  await source.backup(to, {
    progress: ({ remainingPages }) => {
      mustGoOn(signal);
      if (left !== null && left > remainingPages) {
        flush(to);
        pace.moved((left - remainingPages) * pageBytes);
      }
      left = remainingPages;
      return pages;
    },
  });
}

function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

function journalFacts(path: string): Pick<Manifest, 'journalSchema' | 'lastBoot'> {
  const db = new BetterSqlite(path, { readonly: true, fileMustExist: true });
  try {
    const boot: unknown = db.prepare('SELECT boot FROM boot ORDER BY id DESC LIMIT 1').pluck().get();
    return { journalSchema: schemaVersion(db), lastBoot: typeof boot === 'string' ? boot : null };
  } finally {
    db.close();
  }
}

function mustGoOn(signal: AbortSignal): void {
  if (signal.aborted) throw new AgentError('backupStopped', 'the backup was stopped');
}

function damaged(path: string, why: unknown): AgentError {
  const text = why instanceof Error ? why.message : String(why);
  return new AgentError('backupDamaged', `${path}: ${text}`, { cause: why });
}

/** Opening the database: lock, check, migrate; a damaged file is set aside, never repaired in place and never deleted. */
import { existsSync, renameSync, truncateSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BridgeError } from '../errors.ts';
import { reasonOf, type DataDir } from '../files.ts';
import { branchKeeper } from './branches.ts';
import { overlapKeeper } from './overlap.ts';
import { migrations, schemaSql, schemaVersion } from './schema.ts';

/** What was set aside at this start, or null. */
export interface Quarantine {
  readonly path: string;
  readonly reason: string;
  /** What the damaged file still told of itself: null where it could not be read. */
  readonly batches: number | null;
  readonly lastReceivedMs: number | null;
}

export interface OpenedDatabase {
  readonly db: Database.Database;
  readonly quarantine: Quarantine | null;
  readonly release: () => void;
}

/** The SQLite result code of an error, or null when it is another error. */
export function sqliteCode(error: unknown): string | null {
  return error instanceof Database.SqliteError ? error.code : null;
}

function isDamage(error: unknown): boolean {
  const code = sqliteCode(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** Holds the data folder for this process until released; the operating system lets go of it when the process dies. Throws BRG-111, -103. */
function lockDataDir(dir: DataDir): () => void {
  try {
    const lock = takeLock(dir.lock);
    return () => lock.close();
  } catch (error) {
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) {
      throw new BridgeError('storeBusy', `another bridge holds ${dir.root}`, { cause: error });
    }
    throw new BridgeError('dataDirUnwritable', `cannot lock ${dir.root}: ${reasonOf(error)}`, { cause: error });
  }
}

function takeLock(path: string, again = true): Database.Database {
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!again || !isDamage(error)) throw error;
    // Rubbish in a file that holds nothing must not keep the bridge from starting. Emptied and not replaced: whoever opens it at this
    // moment locks the same file.
    truncateSync(path);
    return takeLock(path, false);
  }
}

/**
 * Opens `dir.database` for the one writer, with `synchronous=FULL`. Throws BRG-103 (folder), BRG-110 (newer version),
 * BRG-111 (another bridge). A damaged file goes to `bridge.db.bad-<UTC milliseconds>` and a new one is made.
 */
export function openDatabase(dir: DataDir, nowMs: number): OpenedDatabase {
  const release = lockDataDir(dir);
  try {
    try {
      return { db: openSound(dir), quarantine: null, release };
    } catch (error) {
      if (!isDamage(error)) throw error;
      const quarantine = setAside(dir, nowMs, reasonOf(error));
      return { db: openSound(dir), quarantine, release };
    }
  } catch (error) {
    release();
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('dataDirUnwritable', `cannot open ${dir.database}: ${reasonOf(error)}`, { cause: error });
  }
}

/** SQLite calls a damaged page what it is only when it meets it: `quick_check` meets them all. */
function openSound(dir: DataDir): Database.Database {
  const db = new Database(dir.database, { timeout: 5000 });
  try {
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version > schemaVersion) {
      throw new BridgeError('storeNewer', `${dir.database} has version ${version}, this bridge knows ${schemaVersion}`);
    }
    const verdict = db.pragma('quick_check(1)', { simple: true });
    if (verdict !== 'ok') {
      throw new Database.SqliteError(String(verdict), 'SQLITE_CORRUPT');
    }
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('trusted_schema = OFF');
    if (version === 0) {
      db.transaction(() => {
        db.exec(schemaSql);
        db.pragma(`user_version = ${schemaVersion}`);
      })();
    } else {
      migrate(db, version);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Brings an older database to this version, all steps together or none. */
function migrate(db: Database.Database, version: number): void {
  if (version >= schemaVersion) return;
  db.transaction(() => {
    for (const sql of migrations.slice(version - 1)) db.exec(sql);
    const [branches, overlaps] = [branchKeeper(db), overlapKeeper(db)];
    for (const gateway of db.prepare<[], string>('SELECT DISTINCT gateway FROM fork').pluck().all()) {
      overlaps.follow(gateway, branches.place(gateway));
    }
    db.pragma(`user_version = ${schemaVersion}`);
  })();
}

function setAside(dir: DataDir, nowMs: number, reason: string): Quarantine {
  let batches: number | null = null;
  let lastReceivedMs: number | null = null;
  try {
    const damaged = new Database(dir.database, { readonly: true });
    try {
      const row = damaged
        .prepare<[], { batches: number; last: number | null }>(
          'SELECT count(*) AS batches, max(received_ms) AS last FROM batch',
        )
        .get();
      batches = row?.batches ?? null;
      lastReceivedMs = row?.last ?? null;
    } finally {
      damaged.close();
    }
  } catch {
    // It tells nothing any more.
  }
  const path = `${dir.database}.bad-${nowMs}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(dir.database + suffix)) renameSync(dir.database + suffix, path + suffix);
  }
  return { path, reason, batches, lastReceivedMs };
}

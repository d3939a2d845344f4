/**
 * Opening the database: lock, check, migrate. A damaged file is set aside, never repaired in place and never deleted, and what
 * of it reads goes into a new one.
 */
import { existsSync, renameSync, rmSync, truncateSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BridgeError } from '../errors.ts';
import { reasonOf, type DataDir } from '../files.ts';
import { branchKeeper } from './branches.ts';
import { overlapKeeper } from './overlap.ts';
import { isDamage, salvage, sqliteCode, type Salvage } from './salvage.ts';
import { migrations, schemaSql, schemaVersion } from './schema.ts';

/** What was set aside at this start, or null. */
export interface Quarantine {
  readonly path: string;
  readonly reason: string;
  readonly saved: Salvage;
}

export interface OpenedDatabase {
  readonly db: Database.Database;
  readonly quarantine: Quarantine | null;
  readonly release: () => void;
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
 * BRG-111 (another bridge). A damaged file goes to `bridge.db.bad-<UTC milliseconds>` and a new one is made of what it tells.
 */
export function openDatabase(dir: DataDir, nowMs: number): OpenedDatabase {
  const release = lockDataDir(dir);
  try {
    finishReplacing(dir);
    try {
      return { db: openSound(dir.database), quarantine: null, release };
    } catch (error) {
      if (!isDamage(error)) throw error;
      const quarantine = replaceDamaged(dir, nowMs, reasonOf(error));
      return { db: openSound(dir.database), quarantine, release };
    }
  } catch (error) {
    release();
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('dataDirUnwritable', `cannot open ${dir.database}: ${reasonOf(error)}`, { cause: error });
  }
}

/** SQLite calls a damaged page what it is only when it meets it: `quick_check` meets them all. */
function openSound(path: string): Database.Database {
  const db = new Database(path, { timeout: 5000 });
  try {
    const version = Number(db.pragma('user_version', { simple: true }));
    // Every version has another schema: with the present one the number is damaged.
    if (version > schemaVersion && !isPresentSchema(db)) {
      throw new BridgeError('storeNewer', `${path} has version ${version}, this bridge knows ${schemaVersion}`);
    }
    const verdict = db.pragma('quick_check(1)', { simple: true });
    if (verdict !== 'ok') {
      throw new Database.SqliteError(String(verdict), 'SQLITE_CORRUPT');
    }
    const asKnown = isPresentSchema(db);
    const isEmpty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
    if (asKnown !== (version === schemaVersion) || (version === 0 && !isEmpty)) {
      throw new Database.SqliteError('the schema is not that of its version', 'SQLITE_CORRUPT');
    }
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('trusted_schema = OFF');
    // Minutes lie as they arrive; what a batch touches besides is the index of the counters, a page for each. Kept in memory, and
    // written back when some minutes have come together, they cost half of what they cost one at a time.
    db.pragma('cache_size = -32768');
    db.pragma('wal_autocheckpoint = 4096');
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

/** What a schema means: its columns, the columns of its indexes, and the text of its views and triggers. */
function meaningOf(db: Database.Database): string {
  const parts = db
    .prepare<[], { type: string; name: string; sql: string | null }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
    )
    .all()
    .map(({ type, name, sql }) => {
      if (type === 'table') {
        // A column that a migration added stands last.
        const columns = db.pragma(`table_info(${JSON.stringify(name)})`) as { readonly name: string }[];
        return [name, columns.map((column) => JSON.stringify({ ...column, cid: 0 })).sort()];
      }
      // With its condition, where it has one.
      if (type === 'index')
        return [name, db.pragma(`index_xinfo(${JSON.stringify(name)})`), sql?.split(/\bWHERE\b/i)[1]];
      return [name, sql?.replaceAll(/ *--.*/g, '')];
    });
  return JSON.stringify(parts);
}

let presentSchema: string | null = null;
/** Whether the database has the tables, indexes and views of this version. */
function isPresentSchema(db: Database.Database): boolean {
  if (presentSchema === null) {
    const fresh = new Database(':memory:');
    fresh.exec(schemaSql);
    presentSchema = meaningOf(fresh);
    fresh.close();
  }
  try {
    return meaningOf(db) === presentSchema;
  } catch (error) {
    // Words that SQLite can no longer make sense of.
    if (sqliteCode(error) !== 'SQLITE_ERROR') throw error;
    throw new Database.SqliteError(reasonOf(error), 'SQLITE_CORRUPT');
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

const parts = ['', '-wal', '-shm'];

/** Salvaged and whole, about to become the database. */
const replacementOf = (dir: DataDir) => `${dir.database}.new`;

/**
 * Makes a new database of what the damaged one tells. It gets the name only when it is whole and the damaged one has left it: a
 * bridge that dies on the way begins again, or goes on, at its next start.
 */
function replaceDamaged(dir: DataDir, nowMs: number, reason: string): Quarantine {
  const working = `${dir.database}.salvage`;
  for (const part of parts) rmSync(working + part, { force: true });
  const fresh = openSound(working);
  let saved: Salvage;
  try {
    saved = salvage(dir.database, fresh);
  } finally {
    // As the last connection it empties the WAL into the file.
    fresh.close();
  }
  renameSync(working, replacementOf(dir));
  const path = `${dir.database}.bad-${nowMs}`;
  for (const part of parts) {
    if (existsSync(dir.database + part)) renameSync(dir.database + part, path + part);
  }
  finishReplacing(dir);
  return { path, reason, saved };
}

function finishReplacing(dir: DataDir): void {
  const replacement = replacementOf(dir);
  if (!existsSync(replacement)) return;
  // With the old file still there it is from a try that did not come to its end.
  if (existsSync(dir.database)) rmSync(replacement);
  else renameSync(replacement, dir.database);
}

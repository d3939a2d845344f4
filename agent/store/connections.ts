/** Connections to the databases that stay open. */
import BetterSqlite, { type Database } from 'better-sqlite3';

/**
 * KiB. The library of SQLite would keep 16 MB for each connection, and fills them over hours: memory of the agent that grows, for pages which
 * the system's own cache has anyway.
 */
const pageCacheKiB = 2_048;

/** Bounds the pages that `db` keeps in memory; it asks for others again. */
export function boundPageCache(db: Database, mostKiB = pageCacheKiB): void {
  db.pragma(`cache_size = -${mostKiB}`);
}

/** A connection that reads a database beside its writer. Throws SqliteError where there is none. */
export function openReadOnly(path: string): Database {
  const db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
  boundPageCache(db);
  return db;
}

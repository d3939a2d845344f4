/** What a connection that stays open keeps of its database in memory. */
import type { Database } from 'better-sqlite3';

/**
 * KiB. The library of SQLite would keep 16 MB for each connection, and fills them over hours: memory of the agent that grows, for pages which
 * the system's own cache has anyway.
 */
const pageCacheKiB = 2_048;

/** Bounds the pages that `db` keeps in memory; it asks for others again. */
export function boundPageCache(db: Database): void {
  db.pragma(`cache_size = -${pageCacheKiB}`);
}

/**
 * Damaged databases. A file that fails `quick_check`, or is no database at all, is put aside as `<name>.bad-<time>`, what can
 * still be read is copied into a new one, and the start goes on. Nothing is ever deleted.
 */
import { existsSync, renameSync } from 'node:fs';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { schemaVersion } from './schema.ts';

export interface Salvage {
  /** Where the damaged file is now. */
  readonly path: string;
  readonly rows: number;
  /** Tables of which a part could not be read. */
  readonly incomplete: readonly string[];
}

/** Why the database at `path` is damaged, or null when it is sound or not there. Reads every page once. */
export function damageOf(path: string): string | null {
  if (!existsSync(path)) return null;
  let db: Database | null = null;
  try {
    db = new BetterSqlite(path, { timeout: 2_000 });
    const answer = db.pragma('quick_check(1)', { simple: true });
    return answer === 'ok' ? null : String(answer);
  } catch (error) {
    if (isDamage(error)) return error instanceof Error ? error.message : String(error);
    throw error;
  } finally {
    db?.close();
  }
}

/** The schema version of the database at `path`, which is not changed; null where there is none or it does not read. */
export function versionOf(path: string): number | null {
  if (!existsSync(path)) return null;
  let db: Database | null = null;
  try {
    db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
    return schemaVersion(db);
  } catch {
    // Whatever is the matter, opening it for good finds it again and tells it.
    return null;
  } finally {
    db?.close();
  }
}

export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** Moves a database with its WAL out of the way. Returns the new path. */
export function setAside(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '');
  let bad = `${path}.bad-${stamp}`;
  for (let i = 2; existsSync(bad); i++) bad = `${path}.bad-${stamp}-${i}`;
  renameSync(path, bad);
  // The WAL keeps its name relation, so whoever opens the bad file still finds the newest pages.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${bad}-wal`);
  if (existsSync(`${path}-shm`)) renameSync(`${path}-shm`, `${bad}-shm`);
  return bad;
}

/**
 * Copies what reads from the file at `bad` into `into`, table by table: forwards to the first damaged page, then backwards from
 * the end. Rows that are there already or do not fit are left out.
 */
export function salvage(bad: string, into: Database): Salvage {
  let from: Database;
  try {
    from = new BetterSqlite(bad, { timeout: 2_000 });
    if (schemaVersion(from) === 0) {
      from.close();
      return { path: bad, rows: 0, incomplete: ['all'] };
    }
  } catch {
    return { path: bad, rows: 0, incomplete: ['all'] };
  }
  let rows = 0;
  const incomplete: string[] = [];
  try {
    for (const table of tablesOf(into)) {
      const copied = into.transaction(() => copyTable(from, into, table))();
      rows += copied.rows;
      if (!copied.whole) incomplete.push(table);
    }
  } finally {
    from.close();
  }
  return { path: bad, rows, incomplete };
}

function tablesOf(db: Database): string[] {
  return db
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('schema_version') AND name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all()
    .map(String);
}

function copyTable(from: Database, into: Database, table: string): { rows: number; whole: boolean } {
  const columns = into.pragma(`table_info("${table}")`) as { name: string; pk: number }[];
  const names = columns.map(({ name }) => `"${name}"`);
  const key = columns
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map(({ name }) => `"${name}"`);
  const insert = into.prepare(
    `INSERT OR IGNORE INTO "${table}" (${names.join()}) VALUES (${names.map(() => '?').join()})`,
  );
  let rows = 0;
  const read = (direction: 'ASC' | 'DESC'): boolean => {
    try {
      const order = key.map((name) => `${name} ${direction}`).join();
      const select = from.prepare(`SELECT ${names.join()} FROM "${table}" NOT INDEXED ORDER BY ${order}`).raw();
      for (const row of select.iterate()) rows += insert.run(...(row as unknown[])).changes;
      return true;
    } catch (error) {
      if (isDamage(error) || missing(error)) return false;
      throw error;
    }
  };
  const whole = read('ASC') || (read('DESC'), false);
  return { rows, whole };
}

/** The damage can have eaten the schema's own page. */
function missing(error: unknown): boolean {
  return error instanceof Error && /no such (table|column)/.test(error.message);
}

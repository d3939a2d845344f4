/**
 * Damaged databases. A file whose pages, schema, rows or log are not as they were written is put aside as `<name>.bad-<time>`, what can
 * still be read is copied into a new one, and the start goes on. Nothing is ever deleted.
 *
 * Invariants (test/unit/store/flips.test.ts, test/unit/store/damage.test.ts):
 *  B1  Whatever is done to a file, the start comes to its end, and what it opens is sound.
 *  B2  Of what was stored all is shown, or something was put aside and told. Aside from that: the journal's last transaction in its log;
 *      of the ring what is in its log alone, which a power cut may take; and a ring too large to be read through at the start.
 *  B3  What is shown or sent was stored as it is.
 *  B4  The file that was put aside is not changed.
 */
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { damagedRow, rowIsSound } from './row-sums.ts';
import { schemaVersion } from './schema.ts';
import { repairedWal, walDamage, walOf, type DamagedWal } from './wal.ts';

/** Some 3 µs a row: a million and a half of them. */
const maxRowCheckMs = 5_000;
function within(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() < endMs;
}

/** Of a larger file the indexes are not compared with their tables: that takes many times as long. */
const maxIndexCheckBytes = 64 * 1024 * 1024;

export interface Salvage {
  /** Where the damaged file is now. */
  readonly path: string;
  readonly rows: number;
  /** Tables of which a part could not be read. */
  readonly incomplete: readonly string[];
}

/**
 * Why the database at `path` is damaged, or null when it is sound or not there.
 * @param whole read every page and every row; false: look at its schema alone
 */
export function damageOf(path: string, migrations: readonly string[], whole: boolean): string | null {
  if (!existsSync(path)) return null;
  takeBack(path);
  return damageFound(path, migrations, whole);
}

/**
 * A cut while the file was made, before it had a write-ahead log, leaves a rollback journal beside it. SQLite takes back by it what was
 * half done, which wants a connection that writes; before that nothing in the file is worth a look, its header least of all.
 */
function takeBack(path: string): void {
  if ((statSync(`${path}-journal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const db = new BetterSqlite(path, { timeout: 2_000 });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    // Found again by whoever reads the file, and told there.
    if (!isDamage(error)) throw error;
  } finally {
    db.close();
  }
}

function damageFound(path: string, migrations: readonly string[], whole: boolean): string | null {
  const page = firstPage(path);
  if (page !== null && !ourHeader(page).equals(page.subarray(0, headerBytes))) return 'its header is another';
  let db: Database | null = null;
  try {
    // Read only: the log of a damaged file is not folded into it.
    db = new BetterSqlite(path, { readonly: true, timeout: 2_000 });
    if (whole) {
      const isSmall = statSync(path).size <= maxIndexCheckBytes;
      const answer = db.pragma(isSmall ? 'integrity_check(1)' : 'quick_check(1)', { simple: true });
      if (answer !== 'ok') return String(answer);
    }
    return damagedSchema(db, migrations) ?? (whole ? (damagedSpan(db) ?? damagedRow(db, within(maxRowCheckMs))) : null);
  } catch (error) {
    if (isUnreadable(error)) return error instanceof Error ? error.message : String(error);
    throw error;
  } finally {
    db?.close();
  }
}

/** Every migration leaves a row, so a single damaged one is not taken for a newer program's. */
function versionsAreInARow(db: Database): boolean {
  const version = schemaVersion(db);
  return version === 0 || Number(db.prepare('SELECT count(*) FROM schema_version').pluck().get()) === version;
}

/** A word of the schema that is another makes tables that nobody can use. */
function damagedSchema(db: Database, migrations: readonly string[]): string | null {
  const version = schemaVersion(db);
  if (!versionsAreInARow(db)) return 'versions of its schema are missing';
  if (version === 0 && tablesOf(db).length > 0) return 'it has tables and no version';
  const expected = new BetterSqlite(':memory:');
  try {
    for (const sql of migrations.slice(0, version)) expected.exec(sql);
    const read = 'SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL';
    const found = new Set(
      db
        .prepare(read)
        .raw()
        .all()
        .map((row) => JSON.stringify(row)),
    );
    const isMissing = expected
      .prepare(read)
      .raw()
      .all()
      .find((row) => !found.has(JSON.stringify(row)));
    return isMissing === undefined ? null : 'the schema is not that of its version';
  } finally {
    expected.close();
  }
}

/** Spans are the index of the ring: a block they leave out is not found. */
function damagedSpan(db: Database): string | null {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'span'").get() === undefined) return null;
  const wrong = db.prepare(`SELECT 1 FROM block WHERE id <= (SELECT max(last_id) FROM span) AND 1 <>
    (SELECT count(*) FROM span WHERE block.id BETWEEN span.id AND span.last_id
      AND block.from_ms >= span.from_ms AND block.to_ms <= span.to_ms) LIMIT 1`);
  return wrong.get() === undefined ? null : 'a span is not that of its blocks';
}

/** The schema version of the database at `path`, which is not changed; null where there is none, or none with this table, or it does not read. */
export function versionOf(path: string, table: string): number | null {
  if (!existsSync(path)) return null;
  let db: Database | null = null;
  try {
    db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
    const has = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;
    return has && versionsAreInARow(db) ? schemaVersion(db) : null;
  } catch {
    // Whatever is the matter, opening it for good finds it again and tells it.
    return null;
  } finally {
    db?.close();
  }
}

/** What is damaged in the WAL of the database at `path`, seen before SQLite opens it; null: nothing that was committed is lost. */
export function damagedWalOf(path: string): DamagedWal | null {
  return walDamage(`${path}-wal`, pageBytesOf(path));
}

/** As the header of the database says it; null where there is no sensible one. */
function pageBytesOf(path: string): number | null {
  const header = Buffer.alloc(18);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, header, 0, 18, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
  const stored = header.readUInt16BE(16);
  return stored === 0 ? null : stored === 1 ? 65_536 : stored;
}

export function isDamage(error: unknown): boolean {
  return hasCode(error, 'SQLITE_CORRUPT') || hasCode(error, 'SQLITE_NOTADB');
}

/** Damage of a page, or of the words that a table goes by: of that SQLite says that it does not understand a statement. */
function isUnreadable(error: unknown): boolean {
  return isDamage(error) || hasCode(error, 'SQLITE_ERROR');
}

/** The code itself, or one that is a kind of it. */
function hasCode(error: unknown, code: string): boolean {
  const found = error instanceof Error && 'code' in error ? String(error.code) : '';
  return found === code || (code !== 'SQLITE_ERROR' && found.startsWith(`${code}_`));
}

/** Moves a database with its WAL out of the way. Returns the new path. */
export function setAside(path: string, nowMs: number, wal: DamagedWal | null = null): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '');
  let bad = `${path}.bad-${stamp}`;
  for (let i = 2; existsSync(bad); i++) bad = `${path}.bad-${stamp}-${i}`;
  renameSync(path, bad);
  // The WAL keeps its name relation, so whoever opens the bad file still finds the newest pages.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${bad}-wal`);
  if (wal !== null) {
    // SQLite would read it to the damaged place alone. What reads of all of it takes its name, and it stays beside.
    renameSync(`${bad}-wal`, `${bad}-wal.damaged`);
    writeFileSync(`${bad}-wal`, repairedWal(`${bad}-wal.damaged`, wal), { mode: 0o600 });
    rmSync(`${path}-shm`, { force: true });
  }
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
    // Read only: whoever looks into it later finds it as it was.
    mendHeader(bad);
    from = new BetterSqlite(bad, { readonly: true, timeout: 2_000 });
    // A table whose own words are damaged is missing, and the others read.
    from.unsafeMode();
    from.pragma('writable_schema = ON');
    tablesOf(from);
  } catch {
    return { path: bad, rows: 0, incomplete: ['all'] };
  }
  let rows = 0;
  const incomplete: string[] = [];
  try {
    const tables = tablesOf(into);
    for (const table of tables) {
      const copied = into.transaction(() => copyTable(from, into, table))();
      rows += copied.rows;
      if (!copied.whole) incomplete.push(table);
    }
    if (tables.includes('outbox')) into.transaction(() => complete(into))();
    return { path: bad, rows, incomplete: incomplete.length === tables.length && rows === 0 ? ['all'] : incomplete };
  } finally {
    from.close();
  }
}

const headerBytes = 100;
const ourPageBytes = 4_096;
/** Where more of a header is another it is that of another file. */
const maxMendedBytes = 16;

/** The header that every database of ours has, with what differs from one to another taken from `page`. */
function ourHeader(page: Buffer): Buffer {
  const header = Buffer.from(page.subarray(0, headerBytes));
  header.write('SQLite format 3\0', 0, 'latin1');
  header.writeUInt16BE(ourPageBytes, 16);
  // Written and read as WAL, or both not, as in a backup; no bytes reserved, and the three that are always so.
  const mode = page[18] === 1 && page[19] === 1 ? 1 : 2;
  Buffer.from([mode, mode, 0, 64, 32, 32]).copy(header, 18);
  // Until its first tables are copied from the log into it a new file says neither.
  if (page.readUInt32BE(44) === 0 && page.readUInt32BE(56) === 0) return header;
  // Schema format 4, UTF-8.
  header.writeUInt32BE(4, 44);
  header.writeUInt32BE(1, 56);
  return header;
}

function firstPage(path: string): Buffer | null {
  const page = Buffer.alloc(ourPageBytes);
  const file = openSync(path, 'r');
  try {
    return readSync(file, page, 0, ourPageBytes, 0) === ourPageBytes ? page : null;
  } finally {
    closeSync(file);
  }
}

/**
 * Puts a damaged header right, without which SQLite reads nothing at all of a database: in a log beside the file, which stays as
 * it is.
 */
function mendHeader(bad: string): void {
  const page = firstPage(bad);
  if (page === null || (statSync(`${bad}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const mended = Buffer.from(page);
  ourHeader(page).copy(mended);
  const sizePages = Math.floor(statSync(bad).size / ourPageBytes);
  mended.writeUInt32BE(sizePages, 28);
  // So that the size is believed.
  mended.copy(mended, 92, 24, 28);
  const differs = mended.subarray(0, headerBytes).filter((byte, index) => byte !== page[index]).length;
  if (differs === 0 || differs > maxMendedBytes) return;
  writeFileSync(`${bad}-wal`, walOf(ourPageBytes, [{ page: 1, sizePages, bytes: mended }]), { mode: 0o600 });
}

/** Made anew by the ring from its blocks. */
const derived = new Set(['schema_version', 'span']);

function tablesOf(db: Database): string[] {
  return db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all()
    .map(String)
    .filter((name) => !derived.has(name));
}

/** What others hang on. */
function complete(db: Database): void {
  // A record is sealed under its boot, which must be known for that.
  db.exec(`INSERT INTO boot (id, boot, started_ms)
    SELECT (SELECT coalesce(min(id), 1) FROM boot) - row_number() OVER (), boot, min(ms) FROM
      (SELECT boot, committed_ms AS ms FROM outbox UNION ALL SELECT boot, at_ms FROM alert)
    WHERE boot NOT IN (SELECT boot FROM boot) GROUP BY boot`);
  // An alert that is lost from the list of those open would never be looked at again: its newest step that reads stands for it.
  db.exec(`DELETE FROM occurrence WHERE last_alert NOT IN (SELECT id FROM alert);
    INSERT OR IGNORE INTO occurrence
      (occurrence, machine, type, priority, state, onset_ms, raised_ms, cleared_ms, is_open, last_alert)
    SELECT occurrence, machine, type, priority, state, onset_ms, raised_ms, cleared_ms,
      state <> 'normal' AND transition <> 'closed', id
    FROM alert WHERE id IN (SELECT max(id) FROM alert GROUP BY occurrence)`);
}

interface Column {
  readonly name: string;
  readonly pk: number;
}
const columnsOf = (db: Database, table: string) => db.pragma(`table_info("${table}")`) as Column[];

function copyTable(from: Database, into: Database, table: string): { rows: number; whole: boolean } {
  const there = readable(() => columnsOf(from, table)) ?? [];
  // An earlier version has fewer of them.
  const columns = columnsOf(into, table).filter(({ name }) => there.some((one) => one.name === name));
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  // Words that are another can give a table the columns of another: without its key it is not this one.
  if (key.length === 0) return { rows: 0, whole: false };
  const names = columns.map(({ name }) => `"${name}"`);
  const insert = into.prepare(
    `INSERT OR IGNORE INTO "${table}" (${names.join()}) VALUES (${columns.map(({ name }) => `$${name}`).join()})`,
  );
  let rows = 0;
  let spoilt = 0;
  const read = (direction: 'ASC' | 'DESC'): boolean =>
    readable(() => {
      const order = key.map(({ name }) => `"${name}" ${direction}`).join();
      const select = from.prepare(`SELECT ${names.join()} FROM "${table}" NOT INDEXED ORDER BY ${order}`);
      for (const row of select.iterate() as Iterable<Record<string, unknown>>) {
        if (rowIsSound(table, row)) rows += insert.run(row).changes;
        else spoilt++;
      }
      return true;
    }) ?? false;
  const whole = read('ASC') || (read('DESC'), false);
  return { rows, whole: whole && spoilt === 0 };
}

/** What `read` gives, or null where damage keeps it from being read. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

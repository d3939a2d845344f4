/**
 * What a damaged database still tells, copied into a new one: its gateways will not send again what was acknowledged.
 *
 * Invariants (test/unit/bridge/salvage.test.ts):
 *  V1  A row is copied as it was or not at all, into tables of the current version.
 *  V2  The ledger claims no number whose row may be gone: of a gateway of which part could not be read it holds the numbers
 *      of the rows that were, of the others what it held. So a batch that is sent again is stored, and nothing twice.
 *  V3  What is worked out from rows (chains of boots, branches, islands) is worked out anew.
 *  V4  Of evidence only whole files whose bytes hash to their name are kept, and chunks of files under way.
 *  V5  The damaged file is not changed.
 */
import Database from 'better-sqlite3';
import { branchKeeper } from './branches.ts';
import { fileKeeper } from './files.ts';
import { overlapKeeper } from './overlap.ts';
import { openAlertsSql } from './schema-alerts.ts';
import { workedOutSql } from './schema.ts';

export interface Salvage {
  /** Rows copied, those of the ledger not among them. */
  readonly rows: number;
  /** Tables of which a part could not be read, in the order of the schema. */
  readonly incomplete: readonly string[];
  /**
   * Record numbers the ledger held and holds no more: records that are gone, and earlier revisions of summaries of the same
   * gateways. Null where the ledger itself could not be read.
   */
  readonly forgotten: number | null;
}

/** The SQLite result code of an error, or null when it is another error. */
export function sqliteCode(error: unknown): string | null {
  return error instanceof Database.SqliteError ? error.code : null;
}

export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** Tables with a row for each record number. */
const recordTables = ['record_machine', 'record_event', 'record_alert', 'summary', 'state_summary'] as const;
const plainTables = [
  'gateway',
  'boot',
  'batch',
  ...recordTables,
  'boot_rebuilt',
  'status',
  'evidence_file',
  'evidence_chunk',
] as const;

/** Of one table: rows copied, and the gateways of which every row was; `all` where nothing was missing. */
interface Copied {
  readonly rows: number;
  readonly sound: 'all' | ReadonlySet<string>;
}

/** Copies what reads from the database at `path` into the new and empty `into`. */
export function salvage(path: string, into: Database.Database): Salvage {
  const from = new Database(path, { readonly: true, timeout: 5000 });
  try {
    from.pragma('trusted_schema = OFF');
    return salvageFrom(from, into);
  } finally {
    from.close();
  }
}

function salvageFrom(from: Database.Database, into: Database.Database): Salvage {
  into.exec('CREATE TEMP TABLE claimed (gateway, boot, from_n, to_n, PRIMARY KEY (gateway, boot, from_n))');
  const first = new Map(plainTables.map((table) => [table, copyWhole(from, into, table, table)]));
  const ledger = copyWhole(from, into, 'ledger', 'claimed');
  // With the gateways and boots of all tables known, a hole in one of them can be looked into from many sides.
  const keys = knownKeys(into);
  const copied = new Map<string, Copied>();
  for (const [table, one] of first)
    copied.set(table, one.sound === 'all' ? one : copyParts(from, into, table, keys, one));
  const incomplete = [...copied].flatMap(([table, { sound }]) => (sound === 'all' ? [] : [table]));
  if (ledger.sound !== 'all') incomplete.push('ledger');
  into.transaction(() => complete(into))();
  into.transaction(() => fileKeeper(into).forgetDamaged())();
  const isSound = (gateway: string) =>
    ledger.sound === 'all' &&
    recordTables.every((table) => {
      const sound = copied.get(table)?.sound;
      return sound === 'all' || sound?.has(gateway) === true;
    });
  const { before, after } = into.transaction(() => makeLedger(into, isSound))();
  into.exec('DROP TABLE temp.claimed');
  const rows = [...copied.values()].reduce((sum, one) => sum + one.rows, 0);
  const all = incomplete.length === copied.size + 1 && rows === 0;
  return {
    rows,
    incomplete: all ? ['all'] : incomplete,
    forgotten: ledger.sound === 'all' ? Math.max(0, before - after) : null,
  };
}

// ——— rows ———

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

const patterns: Readonly<Record<string, RegExp>> = {
  gateway: /^[a-z0-9-]{1,40}$/,
  machine: /^[a-z0-9-]{1,40}$/,
  boot: /^[0-9a-f]{16}$/,
  previous_boot: /^[0-9a-f]{16}$/,
  reading_boot: /^[0-9a-f]{16}$/,
  sha256: /^[0-9a-f]{64}$/,
};
const jsonColumns = new Set(['identification', 'signals', 'data', 'evidence', 'seconds', 'causes']);

/** A page can be damaged and still read: what no bridge could have written is damage too. */
function fits({ name, type, notnull, pk }: Column, value: unknown): boolean {
  if (value === null) return notnull === 0 && pk === 0;
  switch (type) {
    case 'INTEGER':
      return Number.isSafeInteger(value);
    case 'REAL':
      return typeof value === 'number';
    case 'BLOB':
      return Buffer.isBuffer(value);
    default:
      if (typeof value !== 'string' || patterns[name]?.test(value) === false) return false;
      return !jsonColumns.has(name) || isJson(value);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Read {
  readonly whole: boolean;
  readonly rows: number;
  readonly seen: number;
}

/** Reads the rows of `table` in the order of its key, whole or of some first columns, and puts them into `target`. */
function reader(from: Database.Database, into: Database.Database, table: string, target: string) {
  const has = new Set(columnsOf(from, table).map(({ name }) => name));
  // The branch is worked out anew (V3).
  const columns = columnsOf(into, table).filter(
    ({ name }) => has.has(name) && !(table === 'boot' && name === 'branch'),
  );
  const names = columns.map(({ name }) => name);
  const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
  const order = (direction: 'ASC' | 'DESC') => key.map(({ name }) => `${name} ${direction}`).join(', ');
  const isWritable = names.length > 0 && key.length > 0;
  const insert = isWritable
    ? into.prepare(`INSERT OR IGNORE INTO ${target} (${names.join()}) VALUES (${names.map(() => '?').join()})`)
    : null;
  return {
    /** Names of the key's columns. */
    key: key.map(({ name }) => name),
    /** Copies what is under `prefix`. `rows` counts those that were not there before; `whole`: nothing stood in the way. */
    read: (prefix: readonly string[], direction: 'ASC' | 'DESC'): Read => {
      let rows = 0;
      let seen = 0;
      if (insert === null) return { whole: false, rows, seen };
      const where = prefix.map((_, index) => `${key[index]?.name ?? 'NULL'} = ?`).join(' AND ') || '1';
      let whole = true;
      try {
        const select = from
          .prepare<unknown[], unknown[]>(
            `SELECT ${names.join()} FROM ${table} NOT INDEXED WHERE ${where} ORDER BY ${order(direction)}`,
          )
          .raw();
        for (const row of select.iterate(...prefix)) {
          seen++;
          if (columns.every((column, index) => fits(column, row[index]))) rows += insert.run(...row).changes;
          else whole = false;
        }
        return { whole, rows, seen };
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        return { whole: false, rows, seen };
      }
    },
  };
}

/**
 * The damage can have eaten the schema's own page, or be one the disk stumbles over. Trouble with writing the new database is
 * none of this: then the start fails, with the damaged one where it was.
 */
function isUnreadable(error: unknown): boolean {
  return (
    isDamage(error) || /^SQLITE_(ERROR|IOERR_READ|IOERR_SHORT_READ|IOERR_CORRUPTFS)$/.test(sqliteCode(error) ?? '')
  );
}

function columnsOf(db: Database.Database, table: string): readonly Column[] {
  try {
    return db.pragma(`table_info(${table})`) as Column[];
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return [];
  }
}

/** The table from its first row to the first damage, then backwards from its last. */
function copyWhole(from: Database.Database, into: Database.Database, table: string, target: string): Copied {
  return into.transaction((): Copied => {
    const { read } = reader(from, into, table, target);
    const forwards = read([], 'ASC');
    if (forwards.whole) return { rows: forwards.rows, sound: isDoubtful(from, table) ? new Set() : 'all' };
    return { rows: forwards.rows + read([], 'DESC').rows, sound: new Set() };
  })();
}

/** Pages that read without an error can still have lost cells. SQLite's check tells of those; of others it fails as reading does. */
function isDoubtful(from: Database.Database, table: string): boolean {
  try {
    const root = from.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table);
    const told = from.pragma(`quick_check('${table}')`) as readonly { quick_check: string }[];
    return told.some(({ quick_check }) => quick_check.includes(`Tree ${String(root)} `));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  }
}

/** Gateway → what its keys go on with: its boots or machines. */
type Keys = ReadonlyMap<string, { readonly boot: ReadonlySet<string>; readonly machine: ReadonlySet<string> }>;

function knownKeys(into: Database.Database): Keys {
  const keys = new Map<string, { boot: Set<string>; machine: Set<string> }>();
  const of = (gateway: string) => {
    const known = keys.get(gateway) ?? { boot: new Set<string>(), machine: new Set<string>() };
    keys.set(gateway, known);
    return known;
  };
  for (const table of plainTables) {
    const names = new Set(columnsOf(into, table).map(({ name }) => name));
    for (const column of ['boot', 'machine'] as const) {
      const select = names.has(column) ? column : 'NULL';
      const found = into.prepare<[], [string, string | null]>(`SELECT DISTINCT gateway, ${select} FROM ${table}`).raw();
      for (const [gateway, value] of found.all()) {
        const known = of(gateway);
        if (value !== null) known[column].add(value);
      }
    }
  }
  return keys;
}

/** Goes into the hole from the keys that are known: gateway by gateway, and within one by boot or machine. */
function copyParts(
  from: Database.Database,
  into: Database.Database,
  table: string,
  keys: Keys,
  { rows: before }: Copied,
): Copied {
  return into.transaction((): Copied => {
    const { read, key } = reader(from, into, table, table);
    // With cells lost no reading tells what is missing.
    const doubtful = isDoubtful(from, table);
    const sound = new Set<string>();
    let rows = before;
    const take = (prefix: readonly string[]): boolean => {
      const [forwards, backwards] = [read(prefix, 'ASC'), read(prefix, 'DESC')];
      rows += forwards.rows + backwards.rows;
      // A damaged key leads one of the two astray.
      return forwards.whole && backwards.whole && forwards.seen === backwards.seen;
    };
    for (const [gateway, known] of keys) {
      if (take([gateway])) {
        if (!doubtful) sound.add(gateway);
        continue;
      }
      const second = key[1];
      if (second === 'boot' || second === 'machine') for (const value of known[second]) take([gateway, value]);
    }
    return { rows, sound };
  })();
}

// ——— what goes with the rows ———

/** Gives every row its boot and its gateway, and works out what is worked out (V3). */
function complete(into: Database.Database): void {
  const seen = [
    ...['batch', 'status'].map((table) => `SELECT gateway, boot, received_ms AS ms FROM ${table}`),
    ...recordTables.map((table) => `SELECT gateway, boot, at_ms FROM ${table}`),
  ].join(' UNION ALL ');
  into.exec(`
    INSERT OR IGNORE INTO boot (gateway, boot, previous_boot, generation, first_ms, last_ms)
      SELECT s.gateway, s.boot, max(status.previous_boot), coalesce(max(p.generation) + 1, 0), min(s.ms), max(s.ms)
      FROM (${seen}) s
      LEFT JOIN status ON status.gateway = s.gateway AND status.boot = s.boot
      LEFT JOIN boot p ON p.gateway = s.gateway AND p.boot = status.previous_boot
      GROUP BY s.gateway, s.boot;
    UPDATE boot SET sealed_ms = sealed.ms
      FROM (SELECT gateway, boot, min(sealed_ms) AS ms FROM batch GROUP BY gateway, boot) sealed
      WHERE sealed.gateway = boot.gateway AND sealed.boot = boot.boot
        AND (boot.sealed_ms IS NULL OR boot.sealed_ms > sealed.ms);
    INSERT OR IGNORE INTO gateway (gateway, site, first_ms, last_ms)
      SELECT gateway, 'unknown', min(first_ms), max(last_ms) FROM boot GROUP BY gateway;
    INSERT OR IGNORE INTO boot_rebuilt SELECT DISTINCT gateway, reading_boot FROM summary WHERE reading_boot <> boot;
    UPDATE gateway SET batches = 0, repeats = 0, forks = 0;
    ${workedOutSql}
    ${openAlertsSql}`);
  const [branches, overlaps] = [branchKeeper(into), overlapKeeper(into)];
  for (const gateway of into.prepare<[], string>('SELECT DISTINCT gateway FROM fork').pluck().all()) {
    overlaps.follow(gateway, branches.place(gateway));
  }
}

/** The numbers of the rows there are, and for gateways of which nothing is missing those the ledger held. Returns how many it held and holds. */
function makeLedger(
  into: Database.Database,
  isSound: (gateway: string) => boolean,
): { readonly before: number; readonly after: number } {
  const count = (table: string) =>
    Number(into.prepare(`SELECT coalesce(sum(to_n - from_n + 1), 0) FROM ${table}`).pluck().get());
  const before = count('temp.claimed');
  const gateways = into.prepare<[], string>('SELECT DISTINCT gateway FROM temp.claimed').pluck().all();
  const drop = into.prepare('DELETE FROM temp.claimed WHERE gateway = ?');
  for (const gateway of gateways) if (!isSound(gateway)) drop.run(gateway);
  const numbers = recordTables.map((table) => `SELECT gateway, boot, n FROM ${table}`).join(' UNION ALL ');
  // A wrong range would keep records out for ever: none is believed that turns round, or goes beyond the last row.
  into.exec(`UPDATE temp.claimed SET to_n = 0 WHERE from_n < 1
      OR (gateway, boot) NOT IN (SELECT gateway, boot FROM (${numbers}));
    UPDATE temp.claimed SET to_n = min(to_n, last.n)
      FROM (SELECT gateway, boot, max(n) AS n FROM (${numbers}) GROUP BY gateway, boot) last
      WHERE last.gateway = claimed.gateway AND last.boot = claimed.boot;
    DELETE FROM temp.claimed WHERE to_n < from_n`);
  // Runs of numbers, joined with what is still claimed wherever two meet or touch.
  into.exec(`INSERT INTO ledger (gateway, boot, from_n, to_n)
    WITH span AS (
      SELECT gateway, boot, min(n) AS from_n, max(n) AS to_n FROM (
        SELECT gateway, boot, n, n - dense_rank() OVER (PARTITION BY gateway, boot ORDER BY n) AS run FROM (${numbers})
      ) GROUP BY gateway, boot, run
      UNION ALL SELECT gateway, boot, from_n, to_n FROM temp.claimed
    ), opening AS (
      SELECT *, coalesce(from_n > 1 + max(to_n) OVER (
        PARTITION BY gateway, boot ORDER BY from_n, to_n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), 1) AS opens FROM span
    ), range AS (
      SELECT *, sum(opens) OVER (PARTITION BY gateway, boot ORDER BY from_n, to_n ROWS UNBOUNDED PRECEDING) AS id FROM opening
    )
    SELECT gateway, boot, min(from_n), max(to_n) FROM range GROUP BY gateway, boot, id`);
  return { before, after: count('ledger') };
}

/**
 * A sum over what a row says, beside it: SQLite tells when the shape of a page is damaged, not when a digit in it is another.
 *
 * Invariants (test/unit/store/row-sums.test.ts):
 *  Y1  Every row the journal and the ring write has the sum of what it says, also after its times were put right.
 *  Y2  A row with another sum than its own is damage: it is not salvaged, shown or sent.
 *  Y3  A row without a sum (of an earlier version, or changed by hand) is believed when its JSON can be read.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Database } from 'better-sqlite3';

/** Table → what its sum (`crc`) goes over, in this order. What changes in the life of a row is not in it. What matters most
 * comes first: the start reads as far as its time goes. */
export const summed: Readonly<Record<string, readonly string[]>> = {
  boot: ['boot', 'previous_boot', 'started_ms'],
  machine: ['machine', 'boot', 'n', 'at_ms', 'body'],
  counter_last: ['machine', 'signal', 'value', 'at_ms', 'reading_boot', 'segment'],
  // prettier-ignore
  occurrence: ['occurrence', 'machine', 'type', 'priority', 'state', 'onset_ms', 'raised_ms', 'cleared_ms', 'is_open', 'last_alert'],
  outbox: ['boot', 'n', 'lane', 'kind', 'committed_ms', 'body'],
  // prettier-ignore
  alert: ['boot', 'n', 'machine', 'at_ms', 'occurrence', 'type', 'rule', 'signal', 'priority', 'transition', 'state', 'onset_ms',
    'raised_ms', 'cleared_ms', 'cause', 'body'],
  event: ['boot', 'n', 'machine', 'at_ms', 'event', 'phase', 'from_ms', 'body'],
  batch: ['boot', 'seq', 'sha256', 'lane', 'records', 'first_n', 'last_n', 'wire_bytes', 'sealed_ms', 'oldest_ms'],
  // prettier-ignore
  state_summary: ['minute_ms', 'machine', 'reading_boot', 'segment', 'revision', 'boot', 'n', 'at_ms', 'seconds', 'causes'],
  // prettier-ignore
  summary: ['minute_ms', 'machine', 'signal', 'reading_boot', 'segment', 'revision', 'boot', 'n', 'at_ms', 'samples', 'good', 'sum',
    'integral', 'covered_s', 'min', 'max', 'first', 'last', 'counter_delta', 'counter_uncertainty', 'counter_from', 'counter_to',
    'counter_from_ms', 'counter_to_ms', 'counter_wraps', 'counter_resets'],
  block: ['machine', 'from_ms', 'to_ms', 'boot', 'points', 'bytes'],
};
const jsonColumns = ['body', 'seconds', 'causes'];

export type Value = string | number | null | Uint8Array;

export function rowSum(values: readonly Value[]): number {
  return crc32(JSON.stringify(values.map((value) => (value instanceof Uint8Array ? crc32(value) : value))));
}

/** Gives the connection `row_sum(…)`. Statements that write rows use it. */
export function addRowSum(db: Database): void {
  db.function('row_sum', { varargs: true, deterministic: true }, (...values: unknown[]) => rowSum(values as Value[]));
}

/** Whether a row, by the names of its columns, is as it was written. */
export function rowIsSound(table: string, row: Readonly<Record<string, unknown>>): boolean {
  const columns = summed[table];
  if (columns === undefined) return true;
  const { crc = null } = row;
  if (crc !== null && crc !== rowSum(columns.map((name) => row[name] as Value))) return false;
  if (crc === null && !jsonColumns.every((name) => typeof row[name] !== 'string' || isJson(row[name]))) return false;
  // The bytes of a batch go when it is acked, so they are not in its sum; they have a hash of their own.
  return table !== 'batch' || !(row['bytes'] instanceof Uint8Array) || hash('sha256', row['bytes']) === row['sha256'];
}

/** Rows looked at between two looks at the clock. */
const rowsAtOnce = 500;

/**
 * A row that is not as it was written, or null. Reads the tables in the order of `summed`, of each the newest rows first, for as long as
 * `mayGoOn` says: a start does not wait for all of years of minutes.
 */
export function damagedRow(db: Database, mayGoOn: () => boolean = () => true): string | null {
  const tables = new Set(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all());
  let looked = 0;
  for (const table of Object.keys(summed).filter((name) => tables.has(name))) {
    const first = db.prepare(`SELECT name FROM pragma_table_info('${table}') WHERE cid = 0`).pluck().get();
    for (const row of db.prepare(`SELECT * FROM "${table}" ORDER BY "${String(first)}" DESC`).iterate()) {
      if (!rowIsSound(table, row as Record<string, unknown>)) return `a row of ${table} is not as it was written`;
      if (++looked % rowsAtOnce === 0 && !mayGoOn()) return null;
    }
  }
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

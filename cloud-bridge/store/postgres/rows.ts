/** Records into their tables, one statement a table and batch, as JSON that PostgreSQL takes apart. */
import type { WireRecord } from '../../contract.ts';
import { recordTables, rowOf, type RecordRow, type RecordTable } from '../record-rows.ts';
import type { Session } from './sessions.ts';

const words = (text: string) => new Set(text.trim().split(/\s+/));
const jsonColumns = words('identification signals data evidence seconds causes');
const realColumns = words(`
  sum integral covered_s min max first last counter_delta counter_uncertainty counter_from counter_to`);
const integerColumns = words(`
  n at_ms profile_version from_ms onset_ms raised_ms cleared_ms minute_ms segment revision samples good
  counter_from_ms counter_to_ms counter_wraps counter_resets`);

function typeOf(column: string): string {
  if (realColumns.has(column)) return 'double precision';
  return integerColumns.has(column) ? 'bigint' : 'text';
}

function insertOf(table: RecordTable): string {
  const { key, columns } = recordTables[table];
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  const values = columns.map((name) => (jsonColumns.has(name) ? `CAST(r."${name}" AS jsonb)` : `r."${name}"`));
  const plain = `INSERT INTO ${table} (${quoted(columns)}) SELECT ${values.join(', ')}
    FROM json_to_recordset($1::json) AS r(${columns.map((name) => `"${name}" ${typeOf(name)}`).join(', ')})`;
  if (key.length === 0) return `${plain} ON CONFLICT DO NOTHING`;
  const kept = columns.filter((name) => !key.includes(name)).map((name) => `"${name}" = excluded."${name}"`);
  return `${plain} ON CONFLICT (${quoted(key)}) DO UPDATE SET ${kept.join(', ')}
    WHERE (excluded.revision, excluded.boot, excluded.n) > (${table}.revision, ${table}.boot, ${table}.n)`;
}

const inserts: Readonly<Record<RecordTable, string>> = {
  record_machine: insertOf('record_machine'),
  record_event: insertOf('record_event'),
  record_alert: insertOf('record_alert'),
  summary: insertOf('summary'),
  state_summary: insertOf('state_summary'),
};

const noteFirst = `INSERT INTO alert_first (gateway, occurrence, raised_ms)
  SELECT r.gateway, r.occurrence, min(r.raised_ms)
  FROM json_to_recordset($1::json) AS r(gateway text, occurrence text, raised_ms bigint) GROUP BY r.gateway, r.occurrence
  ON CONFLICT (gateway, md5(occurrence)) DO UPDATE SET raised_ms = excluded.raised_ms
    WHERE excluded.raised_ms < alert_first.raised_ms`;

/** PostgreSQL's text holds neither U+0000 nor half of a character: shown as ␀ and �, so that no batch is stuck for one. */
export function cleanText(text: string): string {
  return text.includes('\u0000') || !text.isWellFormed() ? text.replaceAll('\u0000', '\u2400').toWellFormed() : text;
}

/** The same in JSON text, where they are written as escapes. */
export function cleanJson(text: string): string {
  if (!text.includes('\\u')) return text;
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|.)/g, (escape, hex?: string) => {
    if (hex === '0000') return '\u2400';
    return hex !== undefined && /^d[89a-f]/.test(hex) ? '\ufffd' : escape;
  });
}

/** The row itself where nothing is to be cleaned, as nearly always. */
function clean(row: RecordRow): RecordRow {
  let cleaned: Record<string, string | number | null> | null = null;
  for (const [name, value] of Object.entries(row)) {
    if (typeof value !== 'string') continue;
    const text = jsonColumns.has(name) ? cleanJson(value) : cleanText(value);
    if (text !== value) (cleaned ??= { ...row })[name] = text;
  }
  return cleaned ?? row;
}

const beats = (a: RecordRow, b: RecordRow) =>
  a['revision'] === b['revision'] ? Number(a['n']) > Number(b['n']) : Number(a['revision']) > Number(b['revision']);

/** Stores records of one boot, none of them known, inside the caller's transaction. */
export async function writeRecords(
  session: Session,
  gateway: string,
  boot: string,
  records: readonly WireRecord[],
): Promise<void> {
  const tables = new Map<RecordTable, Map<string, RecordRow>>();
  for (const record of records) {
    const { table, row } = rowOf(gateway, boot, record);
    const { key } = recordTables[table];
    const cleaned = clean(row);
    // One statement may meet a key only once. What was cleaned holds no U+0000.
    const name = key.length === 0 ? String(record.n) : key.map((column) => cleaned[column]).join('\u0000');
    const rows = tables.get(table) ?? new Map<string, RecordRow>();
    const had = rows.get(name);
    if (had === undefined || beats(cleaned, had)) rows.set(name, cleaned);
    tables.set(table, rows);
  }
  for (const [table, rows] of tables) {
    const values = JSON.stringify([...rows.values()]);
    await session.query(inserts[table], [values]);
    if (table === 'record_alert') await session.query(noteFirst, [values]);
  }
}

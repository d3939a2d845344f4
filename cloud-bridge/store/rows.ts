/** One SQL statement for each kind of record, with the values it takes. */
import type Database from 'better-sqlite3';
import type { WireRecord } from '../contract.ts';
import { recordTables, rowOf, type RecordTable } from './record-rows.ts';

/** Inserts a row; of a table with a key the row with the highest (revision, boot, n) stays. */
function insert(table: RecordTable): string {
  const { key, columns } = recordTables[table];
  const plain = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  // The ledger knows what is stored; where it has lost a number the row itself does.
  if (key.length === 0) return `${plain} ON CONFLICT DO NOTHING`;
  const values = columns.filter((c) => !key.includes(c)).map((c) => `${c} = excluded.${c}`);
  return (
    `${plain} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${values.join(', ')} ` +
    `WHERE (excluded.revision, excluded.boot, excluded.n) > (${table}.revision, ${table}.boot, ${table}.n)`
  );
}

export interface RecordWriter {
  write(gateway: string, boot: string, record: WireRecord): void;
}

/** Prepares the statements on `db`; each `write` must run inside the caller's transaction. */
export function recordWriter(db: Database.Database): RecordWriter {
  const statement = (table: RecordTable) => db.prepare<[(string | number | null)[]]>(insert(table));
  const statements: Readonly<Record<RecordTable, ReturnType<typeof statement>>> = {
    record_machine: statement('record_machine'),
    record_event: statement('record_event'),
    record_alert: statement('record_alert'),
    summary: statement('summary'),
    state_summary: statement('state_summary'),
  };
  const first = db.prepare<[string, string, number]>(
    `INSERT INTO alert_first (gateway, occurrence, raised_ms) VALUES (?, ?, ?)
     ON CONFLICT (gateway, occurrence) DO UPDATE SET raised_ms = excluded.raised_ms WHERE excluded.raised_ms < raised_ms`,
  );
  return {
    write(gateway, boot, record) {
      const { table, row } = rowOf(gateway, boot, record);
      // By place: to look up each of 27 names costs a third of the insertion.
      statements[table].run(Object.values(row));
      if (record.kind === 'alert') first.run(gateway, record.occurrence, record.raisedMs);
    },
  };
}

/**
 * Minutes from their rows to packed hours, and from those to hours folded together. Synchronous, in the writer thread; each call is a
 * piece of work of some tens of ms inside the transaction of its caller.
 *
 * A row of a minute with its key takes 165 bytes, packed by column 32. Rows stay for `rowsForMs`, in which late readings and a start
 * may still change them. Packing goes hour by hour: first every machine's rows are written packed, beside them, then the rows go. A
 * reader takes both and lets the standing row of each key count, so it sees the same at every moment, also after a kill in between.
 *
 * Invariants (test/unit/store/minutes.test.ts):
 *  N1  What a reader sees is the same before, during and after packing, and after a kill between two pieces.
 *  N2  A row that comes for an hour while it is being packed is not deleted with it.
 *  N3  Folding moves each minute into exactly one folded hour.
 */
import type { Database, Statement } from 'better-sqlite3';
import { dayMs, foldHours, hourMs, minuteMs, startOf, together } from './hours.ts';
import { packRows, unpackRows, type PackedRows, type SignalRow, type StateRow } from './packing.ts';
import { stateSummaryColumns, summaryColumns } from './rows.ts';

/** Beyond what can still come late, and beyond what a start reads anew. */
export const rowsForMs = 3 * hourMs;
/** A piece of work ends when it has taken this long. */
const pieceMs = 25;

interface Packing {
  readonly hourMs: number;
  readonly machines: string[];
  /** Rows of minutes before this are deleted already. */
  deletedToMs: number;
}
interface PackedRow {
  readonly id: number;
  readonly fromMs: number;
  readonly machine: string;
  readonly records: number;
  readonly bytes: Buffer;
}
/** What a piece of folding did. */
export interface Folded {
  /** Minutes of signals and of states that were folded. */
  readonly records: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Bytes they took less those of the hours. */
  readonly bytes: number;
}

export class Minutes {
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #builtMs: number;
  readonly #monotonicMs: () => number;
  #packing: Packing | null = null;

  /** @param builtMs minutes before this are of a day nobody knows; they stay rows */
  constructor(db: Database, builtMs: number, monotonicMs: () => number) {
    this.#sql = prepareAll(db);
    this.#builtMs = builtMs;
    this.#monotonicMs = monotonicMs;
  }

  /** To be told of every row that is written (N2). */
  noteRow(rowMs: number): void {
    if (this.#packing !== null && startOf(rowMs, hourMs) === this.#packing.hourMs) this.#packing = null;
  }

  /** To be called when a piece of work was rolled back. */
  forget(): void {
    this.#packing = null;
  }

  /** Packs rows older than `rowsForMs`, measured by the newest. False when there was nothing to do. */
  pack(): boolean {
    const stopMs = this.#monotonicMs() + pieceMs;
    this.#packing ??= this.#nextHour();
    const packing = this.#packing;
    if (packing === null) return false;
    do {
      const machine = packing.machines.pop();
      if (machine !== undefined) this.#packMachine(packing.hourMs, machine);
      else if (packing.deletedToMs < packing.hourMs + hourMs) this.#deleteMinute(packing);
      else {
        this.#packing = null;
        break;
      }
    } while (this.#monotonicMs() < stopMs);
    return true;
  }

  /** Start of the oldest packed hour that is not folded; null when there is none. */
  oldestHourMs(): number | null {
    return this.#sql.oldest.get(1) as number | null;
  }
  /** Start of the oldest day of folded hours. */
  oldestDayMs(): number | null {
    return this.#sql.oldest.get(24) as number | null;
  }

  /** Folds packed hours that end before `beforeMs`, oldest first, one machine's after the other's. Null when there is none. */
  fold(beforeMs: number): Folded | null {
    const stopMs = this.#monotonicMs() + pieceMs;
    let done: Folded | null = null;
    do {
      const row = this.#sql.oldestHour.get(beforeMs - hourMs) as PackedRow | undefined;
      if (row === undefined) break;
      done = sumOf(done, this.#foldRow(row));
    } while (this.#monotonicMs() < stopMs);
    return done;
  }

  /** Deletes folded hours of days that end before `beforeMs`. Null when there is none. */
  dropHours(beforeMs: number, limit: number): Folded | null {
    let done: Folded | null = null;
    for (const row of this.#sql.oldestDays.all(beforeMs - dayMs, limit) as PackedRow[]) {
      this.#sql.deletePacked.run(row.id);
      const { records, fromMs, bytes } = row;
      done = sumOf(done, { records, fromMs, toMs: fromMs + dayMs, bytes: bytes.length });
    }
    return done;
  }

  #nextHour(): Packing | null {
    const newestMs = this.#sql.newestRow.get() as number | null;
    const oldestMs = this.#sql.oldestRow.get({ builtMs: this.#builtMs }) as number | null;
    if (oldestMs === null || newestMs === null) return null;
    const fromMs = startOf(oldestMs, hourMs);
    if (fromMs + hourMs > newestMs - rowsForMs) return null;
    const machines = this.#sql.machines.all({ fromMs, toMs: fromMs + hourMs - 1 }).map(String);
    return { hourMs: fromMs, machines, deletedToMs: fromMs };
  }

  #packMachine(fromMs: number, machine: string): void {
    const span = { fromMs, toMs: fromMs + hourMs - 1, machine };
    const rows: PackedRows = {
      signals: this.#sql.signals.all(span) as SignalRow[],
      states: this.#sql.states.all(span) as StateRow[],
    };
    this.#write(1, fromMs, machine, rows);
  }

  #deleteMinute(packing: Packing): void {
    // An hour that reaches back before the build date has its rows of before stay.
    const atMs = packing.deletedToMs;
    if (atMs >= this.#builtMs) {
      this.#sql.deleteSignals.run(atMs);
      this.#sql.deleteStates.run(atMs);
    }
    packing.deletedToMs = atMs + minuteMs;
  }

  #foldRow(row: PackedRow): Folded {
    const rows = unpackRows(row.bytes) ?? { signals: [], states: [] };
    const dayFromMs = startOf(row.fromMs, dayMs);
    const grown = this.#write(24, dayFromMs, row.machine, foldHours(rows));
    this.#sql.deletePacked.run(row.id);
    const { records, fromMs, bytes } = row;
    return { records, fromMs, toMs: fromMs + hourMs, bytes: bytes.length - grown };
  }

  /** Adds rows to what is packed already. Returns by how many bytes that has grown. */
  #write(hours: 1 | 24, fromMs: number, machine: string, rows: PackedRows): number {
    const before = this.#sql.packed.get({ hours, fromMs, machine }) as Pick<PackedRow, 'bytes'> | undefined;
    const known = before === undefined ? null : unpackRows(before.bytes);
    const all = known === null ? rows : together(known, rows);
    const bytes = packRows(all);
    const records = all.signals.length + all.states.length;
    this.#sql.write.run({ hours, fromMs, machine, records, bytes });
    return bytes.length - (before?.bytes.length ?? 0);
  }
}

function sumOf(a: Folded | null, b: Folded): Folded {
  if (a === null) return b;
  return {
    records: a.records + b.records,
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    bytes: a.bytes + b.bytes,
  };
}

/** One seek per minute instead of a scan over every machine of the span. */
const eachMinute = `WITH RECURSIVE minute (ms) AS (SELECT $fromMs UNION ALL SELECT ms + 60000 FROM minute WHERE ms + 60000 <= $toMs)`;

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const plucked = (sql: string): Statement => db.prepare(sql).pluck();
  const packed = 'SELECT id, from_ms AS fromMs, machine, records, bytes FROM packed';
  return {
    newestRow: plucked(
      'SELECT max(ms) FROM (SELECT max(minute_ms) AS ms FROM summary UNION ALL SELECT max(minute_ms) FROM state_summary)',
    ),
    oldestRow: plucked(`SELECT min(ms) FROM (SELECT min(minute_ms) AS ms FROM summary WHERE minute_ms >= $builtMs
      UNION ALL SELECT min(minute_ms) FROM state_summary WHERE minute_ms >= $builtMs)`),
    machines: plucked(`SELECT DISTINCT machine FROM summary WHERE minute_ms BETWEEN $fromMs AND $toMs
      UNION SELECT DISTINCT machine FROM state_summary WHERE minute_ms BETWEEN $fromMs AND $toMs`),
    signals: one(`${eachMinute} SELECT boot, ${summaryColumns} FROM minute CROSS JOIN summary
      ON minute_ms = minute.ms AND machine = $machine`),
    states: one(`${eachMinute} SELECT boot, ${stateSummaryColumns} FROM minute CROSS JOIN state_summary
      ON minute_ms = minute.ms AND machine = $machine`),
    deleteSignals: one('DELETE FROM summary WHERE minute_ms = ?'),
    deleteStates: one('DELETE FROM state_summary WHERE minute_ms = ?'),
    oldest: plucked('SELECT min(from_ms) FROM packed WHERE hours = ?'),
    oldestHour: one(`${packed} WHERE hours = 1 AND from_ms <= ? ORDER BY from_ms, machine LIMIT 1`),
    oldestDays: one(`${packed} WHERE hours = 24 AND from_ms <= ? ORDER BY from_ms, machine LIMIT ?`),
    packed: one('SELECT bytes FROM packed WHERE hours = $hours AND from_ms = $fromMs AND machine = $machine'),
    write:
      one(`INSERT INTO packed (hours, from_ms, machine, records, bytes) VALUES ($hours, $fromMs, $machine, $records, $bytes)
      ON CONFLICT (hours, from_ms, machine) DO UPDATE SET records = $records, bytes = $bytes`),
    deletePacked: one('DELETE FROM packed WHERE id = ?'),
  };
}

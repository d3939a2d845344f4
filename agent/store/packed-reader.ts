/** Reads packed minutes and folded hours; for both threads of the store. What is damaged reads as nothing. */
import type { Database, Statement } from 'better-sqlite3';
import { dayMs, hourMs, standing, startOf } from './hours.ts';
import { unpackRows, unpackStates, type PackedRows, type SignalRow, type StateRow } from './packing.ts';

/** Unpacked hours kept for the next page of a list. */
const keptHours = 2;

/** Rows of a minute that is not there. */
const nothing: PackedRows = { signals: [], states: [] };

interface Hour {
  readonly stamp: string;
  /** In order of time. */
  readonly minutes: readonly number[];
  readonly byMinute: ReadonlyMap<number, PackedRows>;
}

export class PackedReader {
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #kept = new Map<string, Hour>();

  constructor(db: Database) {
    this.#sql = prepareAll(db);
  }

  /** Rows of one minute, of all machines or one; of each key the one that stands. */
  minute(atMs: number, machine: string | null): PackedRows {
    return this.#hour(atMs, machine).byMinute.get(atMs) ?? nothing;
  }

  /** The first minute in [fromMs, toMs) that is packed; null when there is none. */
  nextMinute(fromMs: number, toMs: number, machine: string | null): number | null {
    for (let atMs: number | null = fromMs; atMs !== null && atMs < toMs;) {
      const firstMs = atMs;
      const found = this.#hour(firstMs, machine).minutes.find((ms) => ms >= firstMs);
      if (found !== undefined) return found < toMs ? found : null;
      atMs = this.#nextHour(startOf(firstMs, hourMs) + hourMs, machine);
    }
    return null;
  }

  /** Rows of one signal with minutes in [fromMs, toMs], in no order; a key may come twice. */
  signal(machine: string, signal: string, fromMs: number, toMs: number): SignalRow[] {
    const span = { machine, fromMs, toMs, hourMs: startOf(fromMs, hourMs), dayMs: startOf(fromMs, dayMs) };
    return (this.#sql.span.all(span) as Buffer[]).flatMap(
      (bytes) =>
        unpackRows(bytes, signal)?.signals.filter((row) => row.minuteMs >= fromMs && row.minuteMs <= toMs) ?? [],
    );
  }

  /** Seconds by state of one machine's minutes in [fromMs, toMs], in no order; a key may come twice. */
  states(machine: string, fromMs: number, toMs: number): StateRow[] {
    const span = { machine, fromMs, toMs, hourMs: startOf(fromMs, hourMs), dayMs: startOf(fromMs, dayMs) };
    return (this.#sql.span.all(span) as Buffer[]).flatMap(
      (bytes) => unpackStates(bytes)?.filter((row) => row.minuteMs >= fromMs && row.minuteMs <= toMs) ?? [],
    );
  }

  #hour(atMs: number, machine: string | null): Hour {
    const fromMs = startOf(atMs, hourMs);
    const span = { hourMs: fromMs, dayMs: startOf(fromMs, dayMs), machine };
    // Packed rows are replaced under the same id: their sizes tell.
    const stamp = String(this.#sql.stamp.get(span));
    const key = `${fromMs}~${machine ?? ''}`;
    const known = this.#kept.get(key);
    if (known?.stamp === stamp) return known;
    const found = (this.#sql.hour.all(span) as Buffer[]).map((bytes) => unpackRows(bytes) ?? nothing);
    const within = (row: { readonly minuteMs: number }) => startOf(row.minuteMs, hourMs) === fromMs;
    const signals = Map.groupBy(standing(found.flatMap((some) => some.signals.filter(within))), (row) => row.minuteMs);
    const states = Map.groupBy(standing(found.flatMap((some) => some.states.filter(within))), (row) => row.minuteMs);
    const minutes = [...new Set([...signals.keys(), ...states.keys()])].sort((a, b) => a - b);
    const byMinute = new Map(
      minutes.map((ms) => [ms, { signals: signals.get(ms) ?? [], states: states.get(ms) ?? [] }]),
    );
    this.#kept.delete(key);
    this.#kept.set(key, { stamp, minutes, byMinute });
    for (const old of this.#kept.keys()) if (this.#kept.size > keptHours) this.#kept.delete(old);
    return { stamp, minutes, byMinute };
  }

  /** The first hour at or after one that may hold something. */
  #nextHour(fromMs: number, machine: string | null): number | null {
    const next = this.#sql.next.get({ fromMs, dayMs: startOf(fromMs, dayMs), machine }) as {
      hour: number | null;
      day: number | null;
    };
    const ofDay = next.day === null ? null : Math.max(next.day, fromMs);
    if (next.hour === null || ofDay === null) return next.hour ?? ofDay;
    return Math.min(next.hour, ofDay);
  }
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const ofHour = `((hours = 1 AND from_ms = $hourMs) OR (hours = 24 AND from_ms = $dayMs)) AND ($machine IS NULL OR machine = $machine)`;
  const ofMachine = '($machine IS NULL OR machine = $machine)';
  return {
    stamp: db
      .prepare(`SELECT count(*) || '~' || total(id) || '~' || total(length(bytes)) FROM packed WHERE ${ofHour}`)
      .pluck(),
    hour: db.prepare(`SELECT bytes FROM packed WHERE ${ofHour} ORDER BY machine`).pluck(),
    span: db
      .prepare(
        `SELECT bytes FROM packed WHERE hours = 1 AND from_ms BETWEEN $hourMs AND $toMs AND machine = $machine
         UNION ALL SELECT bytes FROM packed WHERE hours = 24 AND from_ms BETWEEN $dayMs AND $toMs AND machine = $machine`,
      )
      .pluck(),
    next: one(`SELECT (SELECT min(from_ms) FROM packed WHERE hours = 1 AND from_ms >= $fromMs AND ${ofMachine}) AS hour,
      (SELECT min(from_ms) FROM packed WHERE hours = 24 AND from_ms >= $dayMs AND ${ofMachine}) AS day`),
  };
}

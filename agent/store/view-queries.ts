/**
 * The questions of the views Floor and Machine, on the reader thread. Each is bounded: by its span, by the points it gives, and the
 * sums of a day by the time it takes of the thread; what is not added up then is the next call's.
 */
import type { Database, Statement } from 'better-sqlite3';
import type {
  BandQuery,
  Page,
  ShiftQuery,
  StopsQuery,
  TableQuery,
  TimelineQuery,
  Today,
  TodayQuery,
  TrendPoint,
  TrendQuery,
} from './history.ts';
import { dayMs, hourMs, startOf, together } from './hours.ts';
import { unpackRows, type PackedRows, type SignalRow, type StateRow } from './packing.ts';
import { ShiftEvents, shiftOf, type ShiftSums } from './shift-sums.ts';
import { stateSummaryColumns, summaryColumns } from './rows.ts';
import type { SummaryList } from './summary-list.ts';
import {
  addSums,
  bandOfMinutes,
  bandOfReadings,
  countUp,
  noSums,
  stepOf,
  stopsOf,
  sumsOf,
  timelineOf,
  todayOf,
  type Band,
  type DaySums,
  type StopCount,
  type Stops,
  type Timeline,
} from './view-sums.ts';
import { signalLines, stateLines } from './view-tables.ts';

/** Of new packed hours, of one call. */
const sumForMs = 250;
/** Days of some hundred machines. */
const maxKeptSums = 12_000;
/** Changes of state that are looked at for one count of stops. */
const maxChanges = 50_000;

export interface ViewParts {
  readonly summaries: SummaryList;
  /** Readings of the ring in order of time; null where the span is too long or older than the ring. */
  readonly raw: (query: TrendQuery) => readonly TrendPoint[] | null;
  readonly monotonicMs: () => number;
}

export class ViewQueries {
  readonly #db: Database;
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #p: ViewParts;
  readonly #shiftEvents: ShiftEvents;
  /** Sums of packed hours by their row, its size and where it was cut at both ends. */
  readonly #kept = new Map<string, DaySums>();

  constructor(journal: Database, parts: ViewParts) {
    this.#db = journal;
    this.#sql = prepareAll(journal);
    this.#p = parts;
    this.#shiftEvents = new ShiftEvents(journal);
  }

  band({ machine, signal, fromMs, toMs, points }: BandQuery): Band {
    const spanMs = toMs - fromMs;
    const raw = this.#p.raw({ machine, signal, fromMs, toMs });
    if (raw !== null) return bandOfReadings(raw, fromMs, toMs, stepOf(spanMs, points, false));
    const rows = this.#p.summaries.ofSignal(machine, signal, fromMs, toMs);
    return bandOfMinutes(rows, fromMs, toMs, stepOf(spanMs, points, true));
  }

  timeline({ machine, fromMs, toMs, steps }: TimelineQuery): Timeline {
    const rows = this.#p.summaries.ofStates(machine, fromMs, toMs);
    return timelineOf(rows, fromMs, toMs, stepOf(toMs - fromMs, steps, true));
  }

  stops({ machine, fromMs, toMs }: StopsQuery): Stops {
    const rows = this.#p.summaries.ofStates(machine, fromMs, toMs - 1);
    const counts = this.#sql.changes.all({ machine, fromMs, toMs, limit: maxChanges }) as StopCount[];
    return stopsOf(rows, counts, fromMs, toMs);
  }

  /** Lines of minutes that start in [fromMs, toMs), of a day at most; `next` is where the rest begins. */
  table({ machine, signal, unit, fromMs, toMs, timeZone }: TableQuery): Page<string> {
    const endMs = Math.min(toMs, fromMs + dayMs);
    const { summaries } = this.#p;
    const text =
      signal === null
        ? stateLines(summaries.ofStates(machine, fromMs, endMs - 1), timeZone)
        : signalLines(summaries.ofSignal(machine, signal, fromMs, endMs - 1), unit, timeZone);
    return { items: text === '' ? [] : [text], next: endMs < toMs ? String(endMs) : null };
  }

  today({ fromMs, toMs }: TodayQuery): Today {
    const { sums, isWhole } = this.#db.transaction(() => this.#sumUp(fromMs, toMs))();
    const machines = [...sums].map(([machine, found]) => todayOf(machine, found, fromMs, toMs));
    return { fromMs, toMs, isWhole, machines };
  }

  /** What the day's sums have, of any span, and its stops and faults of cloth. */
  shift({ fromMs, toMs, isOver }: ShiftQuery): ShiftSums {
    return this.#db.transaction(() => {
      const { sums, isWhole } = this.#sumUp(fromMs, toMs);
      return { isWhole, ...shiftOf(sums, this.#shiftEvents.of(fromMs, toMs), { fromMs, toMs, isOver }) };
    })();
  }

  #sumUp(fromMs: number, toMs: number): { readonly sums: ReadonlyMap<string, DaySums>; readonly isWhole: boolean } {
    const span = { fromMs, toMs, hourMs: startOf(fromMs, hourMs), dayMs: startOf(fromMs, dayMs) };
    const sums = new Map<string, DaySums>();
    const of = (machine: string): DaySums => {
      const known = sums.get(machine) ?? noSums();
      sums.set(machine, known);
      return known;
    };
    const packed = this.#sql.packed.all(span) as PackedKey[];
    const packedHours = new Set(packed.filter(({ hours }) => hours === 1).map((row) => `${row.fromMs} ${row.machine}`));
    // Rows of an hour that is packed already: late ones, and those the writer has not removed yet.
    const inBoth = new Map<string, { readonly machine: string; readonly hourMs: number }>();
    for (const row of this.#sql.signalSums.all(span) as SignalSum[]) {
      const key = `${row.hourMs} ${row.machine}`;
      if (packedHours.has(key)) {
        inBoth.set(key, row);
        continue;
      }
      const into = of(row.machine);
      into.samples += row.samples;
      into.good += row.good;
      if (row.counted > 0) countUp(into, row.signal, row.delta, row.uncertainty);
    }
    for (const row of this.#sql.stateRows.all(span) as StateRow[]) {
      const at = startOf(row.minuteMs, hourMs);
      const key = `${at} ${row.machine}`;
      if (packedHours.has(key)) inBoth.set(key, { machine: row.machine, hourMs: at });
      else addSums(of(row.machine), sumsOf({ signals: [], states: [row] }, fromMs, toMs));
    }
    const stopMs = this.#p.monotonicMs() + sumForMs;
    let isWhole = true;
    for (const key of packed) {
      const rows = inBoth.get(`${key.fromMs} ${key.machine}`);
      const found =
        key.hours === 1 && rows !== undefined
          ? sumsOf(this.#bothOf(key), fromMs, toMs)
          : this.#sumsOf(key, fromMs, toMs, stopMs);
      if (found === null) isWhole = false;
      else addSums(of(key.machine), found);
    }
    return { sums, isWhole };
  }

  #bothOf({ id, fromMs, machine }: PackedKey): PackedRows {
    const hour = { fromMs, toMs: fromMs + hourMs, machine };
    const rows = {
      signals: this.#sql.signals.all(hour) as SignalRow[],
      states: this.#sql.states.all(hour) as StateRow[],
    };
    return together(this.#unpacked(id), rows);
  }

  /** null: the time of this call is over. */
  #sumsOf(row: PackedKey, fromMs: number, toMs: number, stopMs: number): DaySums | null {
    const key = `${row.id} ${row.length} ${Math.max(row.fromMs, fromMs)} ${Math.min(row.fromMs + row.hours * hourMs, toMs)}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    if (this.#p.monotonicMs() > stopMs) return null;
    const found = sumsOf(this.#unpacked(row.id), fromMs, toMs, row.hours === 24 ? 'hour' : 'minute');
    if (this.#kept.size >= maxKeptSums) this.#kept.clear();
    this.#kept.set(key, found);
    return found;
  }

  #unpacked(id: number): PackedRows {
    const bytes = this.#sql.bytes.get(id) as Buffer | undefined;
    return (bytes === undefined ? null : unpackRows(bytes)) ?? { signals: [], states: [] };
  }
}

interface PackedKey {
  readonly id: number;
  readonly hours: 1 | 24;
  readonly fromMs: number;
  readonly machine: string;
  readonly length: number;
}
interface SignalSum {
  readonly machine: string;
  readonly hourMs: number;
  readonly signal: string;
  readonly samples: number;
  readonly good: number;
  readonly counted: number;
  readonly delta: number;
  readonly uncertainty: number;
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const within = 'minute_ms >= $fromMs AND minute_ms < $toMs';
  return {
    packed: one(`SELECT id, hours, from_ms AS fromMs, machine, length(bytes) AS length FROM packed
      WHERE (hours = 1 AND from_ms >= $hourMs AND from_ms < $toMs) OR (hours = 24 AND from_ms >= $dayMs AND from_ms < $toMs)`),
    bytes: db.prepare('SELECT bytes FROM packed WHERE id = ?').pluck(),
    signalSums:
      one(`SELECT machine, minute_ms - minute_ms % ${hourMs} AS hourMs, signal, sum(samples) AS samples, sum(good) AS good,
      count(counter_delta) AS counted, total(counter_delta) AS delta, total(counter_uncertainty) AS uncertainty
      FROM summary WHERE ${within} GROUP BY 1, 2, 3`),
    stateRows: one(`SELECT boot, ${stateSummaryColumns} FROM state_summary WHERE ${within}`),
    signals: one(`SELECT boot, ${summaryColumns} FROM summary WHERE ${within} AND machine = $machine`),
    states: one(`SELECT boot, ${stateSummaryColumns} FROM state_summary WHERE ${within} AND machine = $machine`),
    changes:
      one(`SELECT json_extract(body, '$.data.to') AS "to", json_extract(body, '$.data.cause') AS cause, count(*) AS count
      FROM (SELECT body FROM event INDEXED BY event_machine WHERE machine = $machine AND at_ms >= $fromMs AND at_ms < $toMs
        AND event = 'state_changed' LIMIT $limit) GROUP BY 1, 2`),
  };
}

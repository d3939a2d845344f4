/**
 * Minutes for the reader thread: what lies in rows and what lies packed, as one (`minutes.ts` moves them from there to here).
 * The order of the list is minute, machine, seconds by state before signals by name, boot, segment.
 *
 * Rows are read before what is packed: the writer packs first and deletes then, so that nothing falls between the two reads.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { StateSummaryRecord, SummaryRecord } from '../../cloud-bridge/contract.ts';
import type { Page, SummaryQuery } from './history.ts';
import { minuteMs, standing, startOf } from './hours.ts';
import { PackedReader } from './packed-reader.ts';
import type { SignalRow, StateRow } from './packing.ts';
import { stateSummaryColumns, stateSummaryOf, summaryColumns, summaryOf } from './rows.ts';

type Listed = SummaryRecord | StateSummaryRecord;

/** A week. A page that finds next to nothing must end: the reader thread has others to answer. */
const maxMinutesLooked = 10_080;
const maxSpanMs = 35 * 86_400_000;

export const limitOf = (limit = 100) => Math.max(1, Math.min(1_000, Math.floor(limit)));

export class SummaryList {
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #packed: PackedReader;

  constructor(db: Database) {
    this.#sql = prepareAll(db);
    this.#packed = new PackedReader(db);
  }

  page(query: SummaryQuery): Page<Listed> {
    const { machine = null, signal = null, toMs } = query;
    const limit = limitOf(query.limit);
    const found: Listed[] = [];
    let after = summaryKeyOf(query.after) ?? { ...beforeAll, minuteMs: query.fromMs };
    for (let looked = 0; looked < maxMinutesLooked; looked++) {
      // Cursors of ours and `fromMs` name the first minute that may still hold something.
      const minuteMs = this.#nextMinute(after.minuteMs, toMs, machine);
      if (minuteMs === null) return { items: found, next: null };
      if (minuteMs !== after.minuteMs) after = { ...beforeAll, minuteMs };
      found.push(...this.#minute(after, { machine, signal, limit: limit + 1 - found.length }));
      if (found.length > limit) {
        const items = found.slice(0, limit);
        return { items, next: summaryCursor(keyOf(items.at(-1)) ?? after) };
      }
      after = { ...beforeAll, minuteMs: minuteMs + 1 };
    }
    return { items: found, next: summaryCursor(after) };
  }

  /** Of one signal the row that stands of each key, in order of time, of the minutes that touch [fromMs, toMs]. */
  ofSignal(machine: string, signal: string, fromMs: number, toMs: number): SignalRow[] {
    const firstMs = startOf(fromMs, minuteMs);
    const lastMs = Math.min(toMs, firstMs + maxSpanMs);
    // Rows are the newest hours: seeking every minute of a month would find nothing in most.
    const oldestMs = this.#sql.nextMinute.get({ fromMs: firstMs, toMs: lastMs + 1 }) as number | null;
    const span = { machine, signal, fromMs: oldestMs ?? 0, toMs: lastMs };
    const rows = oldestMs === null ? [] : (this.#sql.signal.all(span) as SignalRow[]);
    const packed = this.#packed.signal(machine, signal, firstMs, lastMs);
    return standing([...packed, ...rows]).sort((a, b) => a.minuteMs - b.minuteMs);
  }

  /** Of one machine the seconds by state that stand of each key, in order of time, of the minutes that touch [fromMs, toMs]. */
  ofStates(machine: string, fromMs: number, toMs: number): StateRow[] {
    const firstMs = startOf(fromMs, minuteMs);
    const lastMs = Math.min(toMs, firstMs + maxSpanMs);
    const oldestMs = this.#sql.nextMinute.get({ fromMs: firstMs, toMs: lastMs + 1 }) as number | null;
    const span = { machine, fromMs: oldestMs ?? 0, toMs: lastMs };
    const rows = oldestMs === null ? [] : (this.#sql.statesOf.all(span) as StateRow[]);
    return standing([...this.#packed.states(machine, firstMs, lastMs), ...rows]).sort(
      (a, b) => a.minuteMs - b.minuteMs,
    );
  }

  #nextMinute(fromMs: number, toMs: number, machine: string | null): number | null {
    const row = this.#sql.nextMinute.get({ fromMs, toMs }) as number | null;
    const packed = this.#packed.nextMinute(fromMs, row ?? toMs, machine);
    return packed ?? row;
  }

  /** What one minute holds after a key, at most `limit` records. */
  #minute(
    after: SummaryKey,
    filter: { readonly machine: string | null; readonly signal: string | null; readonly limit: number },
  ): Listed[] {
    const { machine, signal, limit } = filter;
    const rows = (machine === null ? this.#sql.minute : this.#sql.machineMinute).all({ ...after, ...filter });
    const { signal: _, ...stateFilter } = filter;
    const stateRows = signal === null ? this.#sql.states.all({ ...after, ...stateFilter }) : [];
    const packed = this.#packed.minute(after.minuteMs, machine);
    const signals = standing([...packed.signals, ...(rows as SignalRow[])])
      .filter((row) => signal === null || row.signal === signal)
      .map((row): Listed => summaryOf(row));
    const states = standing([...(signal === null ? packed.states : []), ...(stateRows as StateRow[])]).map(
      (row): Listed => stateSummaryOf(row),
    );
    return [...states, ...signals]
      .map((record) => ({ record, key: orderOf(record) }))
      .filter(({ key }) => compare(key, orderOfKey(after)) > 0)
      .sort((a, b) => compare(a.key, b.key))
      .slice(0, limit)
      .map(({ record }) => record);
  }
}

interface SummaryKey {
  readonly minuteMs: number;
  readonly afterMachine: string;
  readonly afterSignal: string;
  readonly afterBoot: string;
  readonly afterSegment: number;
}
/** Comes before every row of its minute. */
const beforeAll = { afterMachine: '', afterSignal: '', afterBoot: '', afterSegment: -1 };

type Order = readonly [machine: string, signal: string, boot: string, segment: number];
/** Seconds by state have no signal, and so come before every signal of their machine. */
const orderOf = (record: Listed): Order => [
  record.machine,
  record.kind === 'summary' ? record.signal : '',
  record.readingBoot,
  record.segment,
];
const orderOfKey = (key: SummaryKey): Order => [key.afterMachine, key.afterSignal, key.afterBoot, key.afterSegment];

function compare(a: Order, b: Order): number {
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (other !== undefined && part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

function keyOf(record: Listed | undefined): SummaryKey | null {
  if (record === undefined) return null;
  const [afterMachine, afterSignal, afterBoot, afterSegment] = orderOf(record);
  return { minuteMs: record.minuteMs, afterMachine, afterSignal, afterBoot, afterSegment };
}
function summaryCursor(key: SummaryKey): string {
  return [key.minuteMs, key.afterMachine, key.afterSignal, key.afterBoot, key.afterSegment].join('~');
}
function summaryKeyOf(text: string | null | undefined): SummaryKey | null {
  const match = /^(\d{1,16})~([^~]*)~([^~]*)~([^~]*)~(-1|\d{1,9})$/.exec(text ?? '');
  if (match === null) return null;
  const [, minuteMs, afterMachine = '', afterSignal = '', afterBoot = '', afterSegment] = match;
  return { minuteMs: Number(minuteMs), afterMachine, afterSignal, afterBoot, afterSegment: Number(afterSegment) };
}

/** One seek per minute instead of a scan over every machine and signal of the span. */
const eachMinute = `WITH RECURSIVE minute (ms) AS (SELECT $fromMs UNION ALL SELECT ms + 60000 FROM minute WHERE ms + 60000 <= $toMs)`;

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    signal: one(`${eachMinute} SELECT boot, ${summaryColumns} FROM minute CROSS JOIN summary
      ON minute_ms = minute.ms AND machine = $machine AND signal = $signal`),
    statesOf: one(`${eachMinute} SELECT boot, ${stateSummaryColumns} FROM minute CROSS JOIN state_summary
      ON minute_ms = minute.ms AND machine = $machine`),
    nextMinute: db
      .prepare(
        `SELECT min(ms) FROM (SELECT min(minute_ms) AS ms FROM summary WHERE minute_ms >= $fromMs AND minute_ms < $toMs
         UNION ALL SELECT min(minute_ms) FROM state_summary WHERE minute_ms >= $fromMs AND minute_ms < $toMs)`,
      )
      .pluck(),
    minute: one(`SELECT boot, ${summaryColumns} FROM summary WHERE minute_ms = $minuteMs AND $machine IS NULL
        AND (machine, signal, reading_boot, segment) > ($afterMachine, $afterSignal, $afterBoot, $afterSegment)
        AND ($signal IS NULL OR signal = $signal)
      ORDER BY machine, signal, reading_boot, segment LIMIT $limit`),
    machineMinute: one(`SELECT boot, ${summaryColumns} FROM summary WHERE minute_ms = $minuteMs AND machine = $machine
        AND (machine, signal, reading_boot, segment) > ($afterMachine, $afterSignal, $afterBoot, $afterSegment)
        AND ($signal IS NULL OR signal = $signal)
      ORDER BY signal, reading_boot, segment LIMIT $limit`),
    states: one(`SELECT boot, ${stateSummaryColumns} FROM state_summary WHERE minute_ms = $minuteMs
        AND (machine, '', reading_boot, segment) > ($afterMachine, $afterSignal, $afterBoot, $afterSegment)
        AND ($machine IS NULL OR machine = $machine)
      ORDER BY machine, reading_boot, segment LIMIT $limit`),
  };
}

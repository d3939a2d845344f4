/** The SQL behind `history.ts`, synchronous, on read-only connections. */
import type { Database, Statement } from 'better-sqlite3';
import type {
  AlertRecord,
  EventRecord,
  MachineRecord,
  StateSummaryRecord,
  SummaryRecord,
} from '../../cloud-bridge/contract.ts';
import { decodeRingBlock } from '../ring/block.ts';
import { listRolls, readRoll, type RollListed } from '../rolls/read.ts';
import { mapOf, rendered } from '../rolls/show.ts';
import { ActEvents } from './act-events.ts';
import { AlertCounting } from './alert-counting.ts';
import type { AuditEntry } from './audit-entry.ts';
import type {
  AlertQuery,
  EventQuery,
  HistoryCounts,
  OccurrenceQuery,
  OccurrenceRecord,
  Page,
  RollFileQuery,
  RollsQuery,
  SummaryQuery,
  Trend,
  TrendPoint,
  TrendQuery,
  WriteQuery,
} from './history.ts';
import { RollEvents } from './roll-events.ts';
import { limitOf, SummaryList } from './summary-list.ts';
import { thin } from './thin.ts';
import { ViewQueries } from './view-queries.ts';

/** Longer trends come from summaries: three hours of one machine are some 2,000 blocks to unpack. */
const maxRawSpanMs = 3 * 3_600_000;
/** Values are stored at least this often, so one older than that before a span tells nothing about it. */
const heartbeatMs = 61_000;

export class Queries {
  readonly #journal: ReturnType<typeof prepareJournal>;
  readonly #ring: ReturnType<typeof prepareRing>;
  readonly #summaries: SummaryList;
  readonly #rolls: RollEvents;
  readonly views: ViewQueries;
  readonly acts: ActEvents;
  readonly figures: AlertCounting;

  constructor(journal: Database, ring: Database) {
    this.#journal = prepareJournal(journal);
    this.#summaries = new SummaryList(journal);
    this.#rolls = new RollEvents(journal);
    this.acts = new ActEvents(journal);
    this.figures = new AlertCounting(journal);
    this.#ring = prepareRing(ring);
    this.views = new ViewQueries(journal, {
      summaries: this.#summaries,
      raw: (query) => (this.#inRing(query) ? this.#rawPoints(query) : null),
      monotonicMs: () => performance.now(),
    });
  }

  alerts(query: AlertQuery): Page<AlertRecord> {
    const limit = limitOf(query.limit);
    const [beforeMs, beforeId] = cursorOf(query.before);
    const rows = this.#journal.alerts.all({
      openOnly: query.open === true ? 1 : 0,
      closedOnly: query.open === false ? 1 : 0,
      machine: query.machine ?? null,
      beforeMs,
      beforeId,
      limit: limit + 1,
    }) as ListRow[];
    return pageOf<AlertRecord>(rows, limit);
  }

  occurrence(id: string): AlertRecord[] {
    return this.#journal.occurrence.all(id).map((body) => JSON.parse(String(body)) as AlertRecord);
  }

  occurrenceRecords({ occurrence, after, limit }: OccurrenceQuery): Page<OccurrenceRecord> {
    return this.acts.history(occurrence, after, limitOf(limit));
  }

  events(query: EventQuery): Page<EventRecord> {
    const limit = limitOf(query.limit);
    const [beforeMs, beforeId] = cursorOf(query.before);
    const filter = {
      machine: query.machine ?? null,
      event: query.event ?? null,
      fromMs: query.fromMs ?? 0,
      toMs: query.toMs ?? Number.MAX_SAFE_INTEGER,
      beforeMs,
      beforeId: Number(beforeId) || Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    };
    const statement = query.machine === undefined ? this.#journal.events : this.#journal.machineEvents;
    return pageOf<EventRecord>(statement.all(filter) as ListRow[], limit);
  }

  summaries(query: SummaryQuery): Page<SummaryRecord | StateSummaryRecord> {
    return this.#summaries.page(query);
  }

  writes({ before, limit }: WriteQuery): Page<AuditEntry> {
    const shown = limitOf(limit);
    const beforeId = /^\d{1,15}$/.test(before ?? '') ? Number(before) : Number.MAX_SAFE_INTEGER;
    const rows = this.#journal.writes.all({ beforeId, limit: shown + 1 }) as { id: number; body: string }[];
    const items = rows.slice(0, shown).map(({ body }) => {
      const { id: _, boot: __, ...entry } = JSON.parse(body) as AuditEntry & { id: number; boot: string };
      return entry;
    });
    return { items, next: rows.length > shown ? String(rows[shown - 1]?.id ?? 0) : null };
  }

  trend(query: TrendQuery): Trend {
    const { machine, signal, fromMs, toMs, maxPoints = 500 } = query;
    const inRing = this.#inRing(query);
    const points = inRing ? this.#rawPoints(query) : this.#minutePoints(machine, signal, fromMs, toMs);
    return { source: inRing ? 'ring' : 'summaries', found: points.length, points: thin(points, maxPoints) };
  }

  rolls({ machine }: RollsQuery): RollListed[] {
    return listRolls(this.#rolls, machine);
  }

  async rollFile({ machine, which, format, options }: RollFileQuery): Promise<Uint8Array | null> {
    const read = readRoll(this.#rolls, machine, which);
    return read === null ? null : rendered(mapOf(read, options), format);
  }

  machines(): MachineRecord[] {
    return this.#journal.machines.all().map((body) => JSON.parse(String(body)) as MachineRecord);
  }

  counts(): HistoryCounts {
    return { ...(this.#journal.counts.get() as object), ...(this.#ring.counts.get() as object) } as HistoryCounts;
  }

  #inRing({ fromMs, toMs }: TrendQuery): boolean {
    const ringFromMs = this.#ring.fromMs.get() as number | null;
    return ringFromMs !== null && toMs >= ringFromMs && toMs - fromMs <= maxRawSpanMs;
  }

  #rawPoints({ machine, signal, fromMs, toMs }: TrendQuery): TrendPoint[] {
    const points: TrendPoint[] = [];
    let before: TrendPoint | null = null;
    for (const bytes of this.#ring.blocks.all({ machine, fromMs: fromMs - heartbeatMs, toMs })) {
      for (const reading of readable(bytes as Buffer)) {
        if (reading.signal !== signal || reading.sourceTimeMs > toMs) continue;
        const point = { atMs: reading.sourceTimeMs, value: reading.value, quality: reading.quality };
        if (point.atMs >= fromMs) points.push(point);
        else if (before === null || point.atMs >= before.atMs) before = point;
      }
    }
    points.sort((a, b) => a.atMs - b.atMs);
    return before === null ? points : [before, ...points];
  }

  #minutePoints(machine: string, signal: string, fromMs: number, toMs: number): TrendPoint[] {
    const summaries = this.#summaries.ofSignal(machine, signal, fromMs, toMs);
    const byMinute = Map.groupBy(summaries, (summary) => summary.minuteMs);
    return [...byMinute].map(([atMs, parts]) => {
      const coveredS = parts.reduce((sum, part) => sum + part.coveredS, 0);
      if (coveredS === 0) return { atMs, value: null, quality: 'bad' };
      return { atMs, value: parts.reduce((sum, part) => sum + part.integral, 0) / coveredS, quality: 'good' };
    });
  }
}

/** A damaged block is an empty one: the ring is expendable, and its span shows as having no readings. */
function readable(bytes: Buffer): ReturnType<typeof decodeRingBlock> {
  try {
    return decodeRingBlock(bytes);
  } catch {
    return [];
  }
}

interface ListRow {
  readonly ms: number;
  readonly id: number | string;
  readonly body: string;
}
function pageOf<T>(rows: readonly ListRow[], limit: number): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? `${last.ms}~${last.id}` : null;
  return { items: shown.map((row) => JSON.parse(row.body) as T), next };
}
function cursorOf(text: string | null | undefined): [ms: number, id: string] {
  const match = /^(\d{1,15})~(.+)$/.exec(text ?? '');
  // The largest id there is: U+10FFFF sorts after every id in UTF-8 order.
  return match === null ? [Number.MAX_SAFE_INTEGER, '\u{10FFFF}'] : [Number(match[1]), match[2] ?? ''];
}

function prepareJournal(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    alerts: one(`SELECT occurrence.raised_ms AS ms, occurrence.occurrence AS id, alert.body FROM occurrence
      JOIN alert ON alert.id = occurrence.last_alert
      WHERE ($openOnly = 0 OR is_open = 1) AND ($closedOnly = 0 OR is_open = 0)
        AND ($machine IS NULL OR occurrence.machine = $machine)
        AND (occurrence.raised_ms, occurrence.occurrence) < ($beforeMs, $beforeId)
      ORDER BY occurrence.raised_ms DESC, occurrence.occurrence DESC LIMIT $limit`),
    occurrence: db.prepare('SELECT body FROM alert WHERE occurrence = ? ORDER BY id').pluck(),
    events: one(`SELECT at_ms AS ms, id, body FROM event INDEXED BY event_time
      WHERE at_ms BETWEEN $fromMs AND $toMs AND ($event IS NULL OR event = $event) AND (at_ms, id) < ($beforeMs, $beforeId)
      ORDER BY at_ms DESC, id DESC LIMIT $limit`),
    machineEvents: one(`SELECT at_ms AS ms, id, body FROM event INDEXED BY event_machine
      WHERE machine = $machine AND at_ms BETWEEN $fromMs AND $toMs AND ($event IS NULL OR event = $event)
        AND (at_ms, id) < ($beforeMs, $beforeId)
      ORDER BY at_ms DESC, id DESC LIMIT $limit`),
    writes: one(`SELECT id, body FROM audit WHERE id < $beforeId
      AND NOT EXISTS (SELECT 1 FROM audit AS later WHERE later.write_id = audit.write_id AND later.id > audit.id)
      ORDER BY id DESC LIMIT $limit`),
    machines: db.prepare('SELECT body FROM machine ORDER BY machine').pluck(),
    counts: one(`SELECT (SELECT count(*) FROM occurrence WHERE is_open = 1) AS openOccurrences,
      (SELECT coalesce(max(id), 0) FROM alert) AS alerts, (SELECT coalesce(max(id), 0) FROM event) AS events`),
  };
}

function prepareRing(db: Database) {
  const overlaps = 'machine = $machine AND block.to_ms >= $fromMs AND block.from_ms <= $toMs';
  return {
    fromMs: db.prepare('SELECT from_ms FROM block ORDER BY id LIMIT 1').pluck(),
    blocks: db
      .prepare(
        `SELECT bytes FROM (
           SELECT block.id, block.bytes FROM span CROSS JOIN block ON block.id BETWEEN span.id AND span.last_id
             WHERE span.to_ms >= $fromMs AND span.from_ms <= $toMs AND ${overlaps}
           UNION ALL
           SELECT block.id, block.bytes FROM block
             WHERE block.id > coalesce((SELECT max(last_id) FROM span), 0) AND ${overlaps}
         ) ORDER BY id`,
      )
      .pluck(),
    counts: db.prepare(`SELECT coalesce(max(id) - min(id) + 1, 0) AS ringBlocks,
      (SELECT from_ms FROM block ORDER BY id LIMIT 1) AS ringFromMs,
      (SELECT to_ms FROM block ORDER BY id DESC LIMIT 1) AS ringToMs FROM block`),
  };
}

/** Read queries of the page, the API and the status line. They run on the reader thread and see all that was committed before. */
import type {
  AlertRecord,
  EventRecord,
  MachineRecord,
  StateSummaryRecord,
  SummaryRecord,
} from '../../cloud-bridge/contract.ts';
import type { Quality, Value } from '../../drivers/contract.ts';
import type { FourPointOptions } from '../../models/vision/four-point.ts';
import type { RollListed, WhichRoll } from '../rolls/read.ts';
import type { RollFormat } from '../rolls/show.ts';
import type { Acts } from '../alerts/acts.ts';
import type { AlertFigures } from '../alerts/figures.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { ShiftSums } from './shift-sums.ts';
import type { Band, MachineToday, Stops, Timeline } from './view-sums.ts';

/** A page of a list. `next` goes into `before` or `after` of the next query; null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface AlertQuery {
  readonly open?: boolean;
  readonly machine?: string;
  readonly before?: string | null;
  /** At most 1,000; default 100. */
  readonly limit?: number;
}
/** One step of an occurrence, or an event `alert_act`: what a person did with it. */
export type OccurrenceRecord = AlertRecord | EventRecord;
export interface OccurrenceQuery {
  readonly occurrence: string;
  readonly after: string | null;
  /** At most 1,000; default 100. */
  readonly limit?: number;
}
export interface FiguresQuery {
  /** Alerts raised in [fromMs, toMs), UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
}
export interface WriteQuery {
  readonly before?: string | null;
  /** At most 1,000; default 100. */
  readonly limit?: number;
}
export interface EventQuery {
  readonly machine?: string;
  readonly event?: string;
  /** First and last UTC ms, both included. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly before?: string | null;
  readonly limit?: number;
}
export interface SummaryQuery {
  /** All machines when absent. */
  readonly machine?: string;
  /** All signals, and the seconds by state, when absent; with a signal there are no seconds by state. */
  readonly signal?: string;
  /** Minutes that start in [fromMs, toMs), UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `next` of the page before; where that is given `fromMs` is not looked at, so that a span that moves on leaves nothing out. */
  readonly after?: string | null;
  /** At most 1,000; default 100. */
  readonly limit?: number;
}
export interface TrendQuery {
  readonly machine: string;
  readonly signal: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Default 500. */
  readonly maxPoints?: number;
}
export interface RollsQuery {
  readonly machine: string;
}
export interface RollFileQuery extends RollsQuery {
  readonly which: WhichRoll;
  readonly format: RollFormat;
  readonly options: FourPointOptions;
}
/** Spans of the views are of 35 days at most; what is beyond is left out. */
export interface StopsQuery {
  readonly machine: string;
  /** UTC ms, [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
}
export interface BandQuery extends StopsQuery {
  readonly signal: string;
  /** The most steps the span is cut into. */
  readonly points: number;
}
export interface TimelineQuery extends StopsQuery {
  readonly steps: number;
}
export interface TableQuery extends StopsQuery {
  /** null: the seconds by state. */
  readonly signal: string | null;
  /** What the column says. */
  readonly unit: string;
  readonly timeZone: string;
}
export interface ShiftQuery extends TodayQuery {
  /** It ended long enough ago that none of its minutes is still to come. */
  readonly isOver: boolean;
}
export interface TodayQuery {
  readonly fromMs: number;
  readonly toMs: number;
}
export interface Today extends TodayQuery {
  /** false: not all is added up yet; ask again. */
  readonly isWhole: boolean;
  readonly machines: readonly MachineToday[];
}
export interface TrendPoint {
  readonly atMs: number;
  readonly value: Value | null;
  readonly quality: Quality;
}
export interface Trend {
  /** `ring`: raw readings, thinned so that extremes and bad readings stay. `summaries`: a mean per minute, for spans over 3 h or beyond the ring. */
  readonly source: 'ring' | 'summaries';
  /** Readings or minutes before thinning. */
  readonly found: number;
  /** In order of time. Within the ring the newest reading before `fromMs` comes first, since values are stored by exception. */
  readonly points: readonly TrendPoint[];
}
export interface HistoryCounts {
  readonly openOccurrences: number;
  /** Rows ever written by this database, pruned ones included. */
  readonly alerts: number;
  readonly events: number;
  readonly ringBlocks: number;
  readonly ringFromMs: number | null;
  readonly ringToMs: number | null;
}

/** All methods reject with a StoreError. A cursor that is none of ours starts from the beginning. */
export interface History {
  /** The newest record of each occurrence, latest raised first. */
  alerts(query: AlertQuery): Promise<Page<AlertRecord>>;
  /** Every step of one occurrence, oldest first; empty when there is none. */
  occurrence(id: string): Promise<readonly AlertRecord[]>;
  /** What people did with each of these occurrences, open or closed; those nobody did anything with are left out. */
  alertActs(occurrences: readonly string[]): Promise<Readonly<Record<string, Acts>>>;
  /** Steps and acts of one occurrence, oldest first. */
  occurrenceRecords(query: OccurrenceQuery): Promise<Page<OccurrenceRecord>>;
  /** How many alerts there were, of what, and how they came. */
  alertFigures(query: FiguresQuery): Promise<AlertFigures>;
  /** Latest first. */
  events(query: EventQuery): Promise<Page<EventRecord>>;
  /**
   * The highest revision of each key, in one order: minute, machine, seconds by state before signals by name, boot, segment.
   * What is searched for far and wide and seldom found may come in pages that are short, even empty, and yet have a `next`.
   */
  summaries(query: SummaryQuery): Promise<Page<SummaryRecord | StateSummaryRecord>>;
  /** The newest audit row of each write, the newest write first. */
  writes(query: WriteQuery): Promise<Page<AuditEntry>>;
  trend(query: TrendQuery): Promise<Trend>;
  /** The newest rolls of a machine, newest first. */
  rolls(query: RollsQuery): Promise<readonly RollListed[]>;
  /** The map of one roll as a file; null where there is no such roll. */
  rollFile(query: RollFileQuery): Promise<Uint8Array | null>;
  /** Newest description of each machine ever seen. */
  machines(): Promise<readonly MachineRecord[]>;
  /** Lowest, mean and highest of a signal by steps of time: from the ring for some hours, from minutes for longer. */
  band(query: BandQuery): Promise<Band>;
  timeline(query: TimelineQuery): Promise<Timeline>;
  stops(query: StopsQuery): Promise<Stops>;
  /** Lines of a table of minutes, of a day at most; `next` is the `fromMs` of the rest. */
  table(query: TableQuery): Promise<Page<string>>;
  /** What the counters of all machines went on by, and their seconds by state. */
  today(query: TodayQuery): Promise<Today>;
  /** The same of any span, with stops by cause and faults of cloth. */
  shift(query: ShiftQuery): Promise<ShiftSums>;
  counts(): Promise<HistoryCounts>;
}

export type HistoryOperations = {
  readonly alerts: { in: AlertQuery; out: Page<AlertRecord> };
  readonly occurrence: { in: string; out: readonly AlertRecord[] };
  readonly alertActs: { in: readonly string[]; out: Readonly<Record<string, Acts>> };
  readonly occurrenceRecords: { in: OccurrenceQuery; out: Page<OccurrenceRecord> };
  readonly alertFigures: { in: FiguresQuery; out: AlertFigures };
  readonly events: { in: EventQuery; out: Page<EventRecord> };
  readonly summaries: { in: SummaryQuery; out: Page<SummaryRecord | StateSummaryRecord> };
  readonly writes: { in: WriteQuery; out: Page<AuditEntry> };
  readonly trend: { in: TrendQuery; out: Trend };
  readonly rolls: { in: RollsQuery; out: readonly RollListed[] };
  readonly rollFile: { in: RollFileQuery; out: Uint8Array | null };
  readonly machines: { in: null; out: readonly MachineRecord[] };
  readonly band: { in: BandQuery; out: Band };
  readonly timeline: { in: TimelineQuery; out: Timeline };
  readonly stops: { in: StopsQuery; out: Stops };
  readonly table: { in: TableQuery; out: Page<string> };
  readonly today: { in: TodayQuery; out: Today };
  readonly shift: { in: ShiftQuery; out: ShiftSums };
  readonly counts: { in: null; out: HistoryCounts };
};

/** Read queries of the page, the API and the status line. They run on the reader thread and see all that was committed before. */
import type {
  AlertRecord,
  EventRecord,
  MachineRecord,
  StateSummaryRecord,
  SummaryRecord,
} from '../../cloud-bridge/contract.ts';
import type { Quality, Value } from '../../drivers/contract.ts';

/** A page of a list. `next` goes into `before` of the next query; null at the end. */
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
  readonly machine: string;
  /** All signals of the machine when absent. */
  readonly signal?: string;
  /** First and last minute, UTC ms, both included; at most 35 days, later minutes are left to the next query. */
  readonly fromMs: number;
  readonly toMs: number;
}
export interface StateSummaryQuery {
  /** All machines when absent. */
  readonly machine?: string;
  readonly fromMs: number;
  readonly toMs: number;
}
export interface TrendQuery {
  readonly machine: string;
  readonly signal: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Default 500. */
  readonly maxPoints?: number;
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
  /** Latest first. */
  events(query: EventQuery): Promise<Page<EventRecord>>;
  /** The highest revision of each key, in order of time. */
  summaries(query: SummaryQuery): Promise<readonly SummaryRecord[]>;
  stateSummaries(query: StateSummaryQuery): Promise<readonly StateSummaryRecord[]>;
  trend(query: TrendQuery): Promise<Trend>;
  /** Newest description of each machine ever seen. */
  machines(): Promise<readonly MachineRecord[]>;
  counts(): Promise<HistoryCounts>;
}

export type HistoryOperations = {
  readonly alerts: { in: AlertQuery; out: Page<AlertRecord> };
  readonly occurrence: { in: string; out: readonly AlertRecord[] };
  readonly events: { in: EventQuery; out: Page<EventRecord> };
  readonly summaries: { in: SummaryQuery; out: readonly SummaryRecord[] };
  readonly stateSummaries: { in: StateSummaryQuery; out: readonly StateSummaryRecord[] };
  readonly trend: { in: TrendQuery; out: Trend };
  readonly machines: { in: null; out: readonly MachineRecord[] };
  readonly counts: { in: null; out: HistoryCounts };
};

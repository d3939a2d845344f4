/** Rows of the summary tables as wire records. Apart from the journal, so that the reader thread need not load its schemas. */
import type { StateSummaryRecord, SummaryRecord } from '../../cloud-bridge/contract.ts';

export interface SummaryRow extends Omit<SummaryRecord, 'v' | 'kind' | 'counter'> {
  readonly delta: number | null;
  readonly uncertainty: number | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly wraps: number | null;
  readonly resets: number | null;
}
export interface StateSummaryRow extends Omit<StateSummaryRecord, 'v' | 'kind' | 'seconds' | 'causes'> {
  readonly seconds: string;
  readonly causes: string;
}

/** Columns of `summary` under the names of the wire record. */
export const summaryColumns = `n, machine, at_ms AS atMs, minute_ms AS minuteMs, reading_boot AS readingBoot, segment, revision, signal,
  samples, good, sum, integral, covered_s AS coveredS, min, max, first, last,
  counter_delta AS delta, counter_uncertainty AS uncertainty, counter_from AS "from", counter_to AS "to",
  counter_from_ms AS fromMs, counter_to_ms AS toMs, counter_wraps AS wraps, counter_resets AS resets`;
export const stateSummaryColumns = `n, machine, at_ms AS atMs, minute_ms AS minuteMs, reading_boot AS readingBoot, segment, revision,
  seconds, causes`;

/** The records of rows; the boot that some rows have with them is not part of a record. */
export function summaryOf(row: SummaryRow & { readonly boot?: string }): SummaryRecord {
  const { boot: _, delta, uncertainty, from, to, fromMs, toMs, wraps, resets, ...rest } = row;
  const counter =
    delta === null
      ? null
      : {
          delta,
          uncertainty: uncertainty ?? 0,
          from: from ?? 0,
          to: to ?? 0,
          fromMs: fromMs ?? 0,
          toMs: toMs ?? 0,
          wraps: wraps ?? 0,
          resets: resets ?? 0,
        };
  return { ...rest, v: 1, kind: 'summary', counter };
}
export function stateSummaryOf(row: StateSummaryRow & { readonly boot?: string }): StateSummaryRecord {
  const { boot: _, ...rest } = row;
  const seconds = JSON.parse(row.seconds) as StateSummaryRecord['seconds'];
  return { ...rest, v: 1, kind: 'state-summary', seconds, causes: JSON.parse(row.causes) as Record<string, number> };
}

/** The rows of records that are not in a table. */
export function signalRowOf(boot: string, record: SummaryRecord): SummaryRow & { readonly boot: string } {
  const { v: _, kind: __, counter, ...rest } = record;
  const none = {
    delta: null,
    uncertainty: null,
    from: null,
    to: null,
    fromMs: null,
    toMs: null,
    wraps: null,
    resets: null,
  };
  return { boot, ...rest, ...(counter ?? none) };
}
export function stateRowOf(boot: string, record: StateSummaryRecord): StateSummaryRow & { readonly boot: string } {
  const { v: _, kind: __, seconds, causes, ...rest } = record;
  return { boot, ...rest, seconds: JSON.stringify(seconds), causes: JSON.stringify(causes) };
}

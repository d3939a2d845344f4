/** Each kind of record as a row of its table, the same for every store. JSON columns hold JSON text. */
import type { WireRecord } from '../contract.ts';

export type RecordTable = 'record_machine' | 'record_event' | 'record_alert' | 'summary' | 'state_summary';
export type RecordRow = Readonly<Record<string, string | number | null>>;

/** Column lists are words in a text here: one a line would hide the statements they belong to. */
const words = (text: string) => text.trim().split(/\s+/);

/** All columns of a table, in the order in which `rowOf` has them; of the summaries `key` are those of which one row is kept, the highest (revision, boot, n). */
export const recordTables: Readonly<
  Record<RecordTable, { readonly key: readonly string[]; readonly columns: readonly string[] }>
> = {
  record_machine: {
    key: [],
    columns: words(`
      gateway boot n machine at_ms machine_kind profile profile_version line station identification signals`),
  },
  record_event: { key: [], columns: words('gateway boot n machine at_ms event phase from_ms data') },
  record_alert: {
    key: [],
    columns: words(`
      gateway boot n machine at_ms
      occurrence type rule signal priority transition state onset_ms raised_ms cleared_ms cause text evidence actor`),
  },
  summary: {
    key: words('gateway minute_ms machine signal reading_boot segment'),
    columns: words(`
      gateway boot n machine at_ms
      signal minute_ms reading_boot segment revision samples good sum integral covered_s min max first last
      counter_delta counter_uncertainty counter_from counter_to counter_from_ms counter_to_ms counter_wraps counter_resets`),
  },
  state_summary: {
    key: words('gateway minute_ms machine reading_boot segment'),
    columns: words('gateway boot n machine at_ms minute_ms reading_boot segment revision seconds causes'),
  },
};

/** The record as the row of its table. */
export function rowOf(
  gateway: string,
  boot: string,
  record: WireRecord,
): { readonly table: RecordTable; readonly row: RecordRow } {
  const base = { gateway, boot, n: record.n, machine: record.machine, at_ms: record.atMs };
  switch (record.kind) {
    case 'machine':
      return {
        table: 'record_machine',
        row: {
          ...base,
          machine_kind: record.machineKind,
          profile: record.profile,
          profile_version: record.profileVersion,
          line: record.line,
          station: record.station,
          identification: JSON.stringify(record.identification),
          signals: JSON.stringify(record.signals),
        },
      };
    case 'event':
      return {
        table: 'record_event',
        row: {
          ...base,
          event: record.event,
          phase: record.phase,
          from_ms: record.fromMs,
          data: JSON.stringify(record.data),
        },
      };
    case 'alert':
      return {
        table: 'record_alert',
        row: {
          ...base,
          occurrence: record.occurrence,
          type: record.type,
          rule: record.rule,
          signal: record.signal,
          priority: record.priority,
          transition: record.transition,
          state: record.state,
          onset_ms: record.onsetMs,
          raised_ms: record.raisedMs,
          cleared_ms: record.clearedMs,
          cause: record.cause,
          text: record.text,
          evidence: JSON.stringify(record.evidence),
          actor: record.actor,
        },
      };
    case 'summary':
      return {
        table: 'summary',
        row: {
          ...base,
          signal: record.signal,
          minute_ms: record.minuteMs,
          reading_boot: record.readingBoot,
          segment: record.segment,
          revision: record.revision,
          samples: record.samples,
          good: record.good,
          sum: record.sum,
          integral: record.integral,
          covered_s: record.coveredS,
          min: record.min,
          max: record.max,
          first: record.first,
          last: record.last,
          counter_delta: record.counter?.delta ?? null,
          counter_uncertainty: record.counter?.uncertainty ?? null,
          counter_from: record.counter?.from ?? null,
          counter_to: record.counter?.to ?? null,
          counter_from_ms: record.counter?.fromMs ?? null,
          counter_to_ms: record.counter?.toMs ?? null,
          counter_wraps: record.counter?.wraps ?? null,
          counter_resets: record.counter?.resets ?? null,
        },
      };
    case 'state-summary':
      return {
        table: 'state_summary',
        row: {
          ...base,
          minute_ms: record.minuteMs,
          reading_boot: record.readingBoot,
          segment: record.segment,
          revision: record.revision,
          seconds: JSON.stringify(record.seconds),
          causes: JSON.stringify(record.causes),
        },
      };
  }
}

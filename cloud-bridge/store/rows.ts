/** One SQL statement for each kind of record, with the values it takes. */
import type Database from 'better-sqlite3';
import type { WireRecord } from '../contract.ts';

type Params = Record<string, string | number | null>;

function insert(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((c) => `@${c}`).join(', ')})`;
}

/** As `insert`, and on a known key the row with the highest (revision, boot, n) stays. */
function upsert(table: string, key: readonly string[], columns: readonly string[]): string {
  const values = columns.map((c) => `${c} = excluded.${c}`).join(', ');
  return (
    `${insert(table, [...key, ...columns])} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${values} ` +
    `WHERE (excluded.revision, excluded.boot, excluded.n) > (${table}.revision, ${table}.boot, ${table}.n)`
  );
}

/** Column lists are words in a text here: one a line would hide the statements they belong to. */
const words = (text: string) => text.trim().split(/\s+/);
const alertColumns = words(`
  occurrence type rule signal priority transition state onset_ms raised_ms cleared_ms cause text evidence actor`);
const summaryColumns = words(`
  revision boot n at_ms samples good sum integral covered_s min max first last
  counter_delta counter_uncertainty counter_from counter_to counter_from_ms counter_to_ms counter_wraps counter_resets`);
const identity = ['gateway', 'boot', 'n', 'machine', 'at_ms'];

export interface RecordWriter {
  write(gateway: string, boot: string, record: WireRecord): void;
}

/** Prepares the statements on `db`; each `write` must run inside the caller's transaction. */
export function recordWriter(db: Database.Database): RecordWriter {
  const machine = db.prepare<Params>(
    insert('record_machine', [
      ...identity,
      'machine_kind',
      'profile',
      'profile_version',
      'line',
      'station',
      'identification',
      'signals',
    ]),
  );
  const event = db.prepare<Params>(insert('record_event', [...identity, 'event', 'phase', 'from_ms', 'data']));
  const alert = db.prepare<Params>(insert('record_alert', [...identity, ...alertColumns]));
  const summary = db.prepare<Params>(
    upsert('summary', ['gateway', 'machine', 'signal', 'minute_ms', 'reading_boot', 'segment'], summaryColumns),
  );
  const stateSummary = db.prepare<Params>(
    upsert(
      'state_summary',
      ['gateway', 'machine', 'minute_ms', 'reading_boot', 'segment'],
      ['revision', 'boot', 'n', 'at_ms', 'seconds', 'causes'],
    ),
  );
  return {
    write(gateway, boot, record) {
      const base = { gateway, boot, n: record.n, machine: record.machine, at_ms: record.atMs };
      switch (record.kind) {
        case 'machine':
          machine.run({
            ...base,
            machine_kind: record.machineKind,
            profile: record.profile,
            profile_version: record.profileVersion,
            line: record.line,
            station: record.station,
            identification: JSON.stringify(record.identification),
            signals: JSON.stringify(record.signals),
          });
          return;
        case 'event':
          event.run({
            ...base,
            event: record.event,
            phase: record.phase,
            from_ms: record.fromMs,
            data: JSON.stringify(record.data),
          });
          return;
        case 'alert':
          alert.run({
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
          });
          return;
        case 'summary':
          summary.run({
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
          });
          return;
        case 'state-summary':
          stateSummary.run({
            ...base,
            minute_ms: record.minuteMs,
            reading_boot: record.readingBoot,
            segment: record.segment,
            revision: record.revision,
            seconds: JSON.stringify(record.seconds),
            causes: JSON.stringify(record.causes),
          });
          return;
      }
    },
  };
}

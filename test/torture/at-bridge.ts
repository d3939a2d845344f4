/**
 * What the bridge has, read from its database by hand: each record made again from its row, so that its hash can be held against the
 * one the agent told. Shares no code with the bridge or the agent.
 */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

/** One row that holds a record. */
export interface BridgeRow {
  readonly boot: string;
  readonly n: number;
  readonly sha256: string;
  /** Of summaries: what names the minute of the signal, and the revision that stands. */
  readonly key: string | null;
  readonly revision: number | null;
}
export interface Range {
  readonly boot: string;
  readonly from: number;
  readonly to: number;
}
export interface AtBridge {
  readonly rows: readonly BridgeRow[];
  /** The record numbers the bridge says it has stored: of a superseded summary no row is left. */
  readonly ledger: readonly Range[];
  /** Batches that arrived again. */
  readonly redelivered: number;
}

type Row = Readonly<Record<string, string | number | null>>;

/** JSON of plain data with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`).join(',')}}`;
}

export const sha256Of = (record: unknown): string => createHash('sha256').update(canonicalJson(record)).digest('hex');

/** Names a summary's minute; the same text for a told record and for a row. */
export function keyText(key: {
  readonly machine: string;
  readonly signal: string | null;
  readonly minuteMs: number;
  readonly readingBoot: string;
  readonly segment: number;
}): string {
  return [key.machine, key.signal ?? '', key.minuteMs, key.readingBoot, key.segment].join(' ');
}

/** Reads the database at `file`, which a bridge may be writing. */
export function readBridge(file: string, gateway: string): AtBridge {
  const db = new Database(file, { readonly: true });
  try {
    // One moment of the database for all queries.
    return db.transaction(() => {
      const all = (table: string) => db.prepare(`SELECT * FROM ${table} WHERE gateway = ?`).all(gateway) as Row[];
      return {
        rows: [
          ...all('record_machine').map((row) => single(row, machineOf(row))),
          ...all('record_event').map((row) => single(row, eventOf(row))),
          ...all('record_alert').map((row) => single(row, alertOf(row))),
          ...all('summary').map((row) => minute(row, summaryOf(row))),
          ...all('state_summary').map((row) => minute(row, stateSummaryOf(row))),
        ],
        ledger: db
          .prepare('SELECT boot, from_n AS "from", to_n AS "to" FROM ledger WHERE gateway = ?')
          .all(gateway) as Range[],
        redelivered: Number(
          db.prepare('SELECT coalesce(sum(repeats), 0) FROM batch WHERE gateway = ?').pluck().get(gateway),
        ),
      };
    })();
  } finally {
    db.close();
  }
}

const named = (row: Row) => ({ boot: String(row['boot']), n: Number(row['n']) });
const single = (row: Row, record: object): BridgeRow => ({
  ...named(row),
  sha256: sha256Of(record),
  key: null,
  revision: null,
});
const minute = (row: Row, record: object): BridgeRow => ({
  ...named(row),
  sha256: sha256Of(record),
  key: keyText({
    machine: String(row['machine']),
    signal: 'signal' in row ? String(row['signal']) : null,
    minuteMs: Number(row['minute_ms']),
    readingBoot: String(row['reading_boot']),
    segment: Number(row['segment']),
  }),
  revision: Number(row['revision']),
});

const base = (row: Row, kind: string) => ({
  n: row['n'],
  v: 1,
  machine: row['machine'],
  atMs: row['at_ms'],
  kind,
});
const json = (value: Row[string] | undefined): unknown => JSON.parse(String(value));

const machineOf = (row: Row) => ({
  ...base(row, 'machine'),
  machineKind: row['machine_kind'],
  profile: row['profile'],
  profileVersion: row['profile_version'],
  line: row['line'],
  station: row['station'],
  identification: json(row['identification']),
  signals: json(row['signals']),
});
const eventOf = (row: Row) => ({
  ...base(row, 'event'),
  event: row['event'],
  phase: row['phase'],
  fromMs: row['from_ms'],
  data: json(row['data']),
});
const alertOf = (row: Row) => ({
  ...base(row, 'alert'),
  occurrence: row['occurrence'],
  type: row['type'],
  rule: row['rule'],
  signal: row['signal'],
  priority: row['priority'],
  transition: row['transition'],
  state: row['state'],
  onsetMs: row['onset_ms'],
  raisedMs: row['raised_ms'],
  clearedMs: row['cleared_ms'],
  cause: row['cause'],
  text: row['text'],
  evidence: json(row['evidence']),
  actor: row['actor'],
});
const minuteBase = (row: Row, kind: string) => ({
  ...base(row, kind),
  minuteMs: row['minute_ms'],
  readingBoot: row['reading_boot'],
  segment: row['segment'],
  revision: row['revision'],
});
const stateSummaryOf = (row: Row) => ({
  ...minuteBase(row, 'state-summary'),
  seconds: json(row['seconds']),
  causes: json(row['causes']),
});
const summaryOf = (row: Row) => ({
  ...minuteBase(row, 'summary'),
  signal: row['signal'],
  samples: row['samples'],
  good: row['good'],
  sum: row['sum'],
  integral: row['integral'],
  coveredS: row['covered_s'],
  min: row['min'],
  max: row['max'],
  first: row['first'],
  last: row['last'],
  counter:
    row['counter_delta'] === null
      ? null
      : {
          delta: row['counter_delta'],
          uncertainty: row['counter_uncertainty'],
          from: row['counter_from'],
          to: row['counter_to'],
          fromMs: row['counter_from_ms'],
          toMs: row['counter_to_ms'],
          wraps: row['counter_wraps'],
          resets: row['counter_resets'],
        },
});

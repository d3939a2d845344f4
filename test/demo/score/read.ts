/** Reads what the judge judges: the scenario and the profiles as data, the truth log, and the databases by plain SQL. */
import Database from 'better-sqlite3';
import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { parse } from 'yaml';
import type { CounterBound } from './conserved.ts';
import type { CounterAtBridge, Observation, PlannedFault, StoredPoint, SyncRow, TruthLine } from './report.ts';

export function readTruth(path: string): TruthLine[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TruthLine);
}

interface ScenarioFile {
  machines: { id: string; kind: string; parameters?: { diameterInch?: number; gauge?: number } }[];
  faults: {
    id: string;
    machine: string;
    fault: string;
    expect: { as: 'alert' | 'event'; type: string; withinS: number; clearsWithinS?: number | null };
  }[];
}
export function readScenario(path: string): {
  faults: PlannedFault[];
  kinds: Map<string, string>;
  /** Of the cylinder: π · diameter · gauge. */
  needles: Map<string, number>;
} {
  const file = parse(readFileSync(path, 'utf8')) as ScenarioFile;
  return {
    kinds: new Map(file.machines.map((m) => [m.id, m.kind])),
    needles: new Map(
      file.machines.flatMap(({ id, parameters: { diameterInch, gauge } = {} }) =>
        diameterInch === undefined || gauge === undefined ? [] : [[id, Math.round(Math.PI * diameterInch * gauge)]],
      ),
    ),
    faults: file.faults.map((f) => ({
      id: f.id,
      machine: f.machine,
      fault: f.fault,
      expect: {
        as: f.expect.as,
        type: f.expect.type,
        withinS: f.expect.withinS,
        clearsWithinS: f.expect.clearsWithinS ?? null,
      },
    })),
  };
}

/** What a profile says of each of its counters. */
export function readCounterBounds(path: string): Map<string, CounterBound> {
  const file = parse(readFileSync(path, 'utf8')) as {
    signals: Record<string, { maxRatePerS?: number; scale?: number }>;
  };
  return new Map(
    Object.entries(file.signals).flatMap(([name, { maxRatePerS, scale = 1 }]) =>
      maxRatePerS === undefined ? [] : [[name, { maxRatePerS, count: Math.abs(scale) }] as const],
    ),
  );
}

export interface RingContent {
  readonly points: (machine: string, signal: string) => readonly StoredPoint[];
  readonly heard: (machine: string) => readonly number[];
  readonly count: (machine: string) => number;
}

interface Block {
  t0: number;
  signals: Record<string, { dt: number[]; v: StoredPoint['value'][]; q?: [number, number, string, string][] }>;
}
/** All raw readings kept in ring.db; `docs/STORE.md` has the format of a block. */
export function readRing(path: string): RingContent {
  const db = new Database(path, { readonly: true });
  try {
    const points = new Map<string, StoredPoint[]>();
    const heard = new Map<string, number[]>();
    const counts = new Map<string, number>();
    for (const row of db.prepare('SELECT machine, points, bytes FROM block ORDER BY id').all() as {
      machine: string;
      points: number;
      bytes: Buffer;
    }[]) {
      counts.set(row.machine, (counts.get(row.machine) ?? 0) + row.points);
      const block = JSON.parse(zstdDecompressSync(row.bytes).toString('utf8')) as Block;
      for (const [signal, column] of Object.entries(block.signals)) {
        const key = `${row.machine} ${signal}`;
        const list = points.get(key) ?? [];
        points.set(key, list);
        const times = heard.get(row.machine) ?? [];
        heard.set(row.machine, times);
        let tMs = block.t0;
        for (const [i, value] of column.v.entries()) {
          tMs += column.dt[i] ?? 0;
          const good = !(column.q ?? []).some(([first, count]) => i >= first && i < first + count);
          list.push({ tMs, value, good });
          if (good) times.push(tMs);
        }
      }
    }
    for (const list of points.values()) list.sort((a, b) => a.tMs - b.tMs);
    for (const times of heard.values()) times.sort((a, b) => a - b);
    return {
      points: (machine, signal) => points.get(`${machine} ${signal}`) ?? [],
      heard: (machine) => heard.get(machine) ?? [],
      count: (machine) => counts.get(machine) ?? 0,
    };
  } finally {
    db.close();
  }
}

export interface BridgeContent {
  readonly observed: Observation[];
  readonly counters: CounterAtBridge[];
  readonly states: ReadonlyMap<string, Record<string, number>>;
  /** From the agent's start to its stop, as its own events tell it, UTC ms; null when one of them is missing. */
  readonly watched: { readonly fromMs: number; readonly toMs: number } | null;
  readonly gaps: ReadonlyMap<string, { from: number; to: number | null; reason: string }[]>;
}

/** Events the scenario may expect; every one of them must be expected. The others of the list nothing in a demo can bring about. */
const judgedEvents = new Set([
  'counter_reset',
  'uplink_outage',
  'clock_step',
  'unknown_code',
  'counter_implausible',
  'store_quarantined',
  'alert_flood',
]);

export function readBridge(path: string, gateway: string): BridgeContent {
  const db = new Database(path, { readonly: true });
  try {
    // Each activation counts, also one that comes back within its occurrence; it is over when the next step that has an end says so.
    const alerts = db
      .prepare(
        `SELECT a.machine, a.type, a.onset_ms AS onset, a.raised_ms AS raised,
          (SELECT b.cleared_ms FROM record_alert b WHERE b.gateway = a.gateway AND b.occurrence = a.occurrence
           AND b.transition IN ('returned', 'reactivated') AND (b.at_ms, b.n) > (a.at_ms, a.n)
           ORDER BY b.at_ms, b.n LIMIT 1) AS cleared
         FROM record_alert a WHERE a.gateway = ? AND a.transition IN ('raised', 'reactivated') ORDER BY raised`,
      )
      .all(gateway) as { machine: string; type: string; onset: number; raised: number; cleared: number | null }[];
    const events = db
      .prepare(
        'SELECT machine, event, phase, at_ms AS at, from_ms AS start, data FROM record_event WHERE gateway = ? ORDER BY at_ms, boot, n',
      )
      .all(gateway) as {
      machine: string;
      event: string;
      phase: string;
      at: number;
      start: number | null;
      data: string;
    }[];
    const observed: Observation[] = alerts.map((a) => ({
      as: 'alert',
      machine: a.machine,
      type: a.type,
      onsetMs: a.onset,
      detectedMs: a.raised,
      clearedMs: a.cleared,
    }));
    const gaps = new Map<string, { from: number; to: number | null; reason: string }[]>();
    for (const [i, e] of events.entries()) {
      if (e.phase === 'closed') continue;
      const end =
        events.slice(i + 1).find((c) => c.event === e.event && c.machine === e.machine && c.phase === 'closed')?.at ??
        null;
      if (judgedEvents.has(e.event)) {
        observed.push({
          as: 'event',
          machine: e.machine,
          type: e.event,
          // The start of an instant event is the reading before it, not its onset.
          onsetMs: e.phase === 'instant' ? e.at : (e.start ?? e.at),
          detectedMs: e.at,
          clearedMs: e.phase === 'instant' ? e.at : end,
        });
      } else if (e.event === 'gap') {
        const list = gaps.get(e.machine) ?? [];
        gaps.set(e.machine, list);
        list.push({
          from: e.start ?? e.at,
          to: end,
          reason: String((JSON.parse(e.data) as { reason?: unknown }).reason),
        });
      }
    }
    const counters = db
      .prepare('SELECT machine, signal, delta, uncertainty, resets FROM counter_totals WHERE gateway = ?')
      .all(gateway) as CounterAtBridge[];
    const states = new Map<string, Record<string, number>>();
    for (const row of db.prepare('SELECT machine, seconds FROM state_summary WHERE gateway = ?').all(gateway) as {
      machine: string;
      seconds: string;
    }[]) {
      const sums = states.get(row.machine) ?? {};
      states.set(row.machine, sums);
      for (const [state, seconds] of Object.entries(JSON.parse(row.seconds) as Record<string, number>))
        sums[state] = (sums[state] ?? 0) + seconds;
    }
    const fromMs = events.find((e) => e.event === 'agent_started')?.at;
    const toMs = events.findLast((e) => e.event === 'agent_stopped')?.at;
    const watched = fromMs === undefined || toMs === undefined ? null : { fromMs, toMs };
    return { observed, counters, states, watched, gaps };
  } finally {
    db.close();
  }
}

/**
 * The two ledgers against each other. A record is lost when the journal has it and the bridge has not; a summary is lost
 * when the bridge does not hold the very revision the journal holds; doubled is a record the bridge holds more than once
 * or that the journal never made.
 */
export function readSync(journalPath: string, bridgePath: string, gateway: string): SyncRow {
  const journal = new Database(journalPath, { readonly: true });
  const bridge = new Database(bridgePath, { readonly: true });
  try {
    const one = (db: Database.Database, sql: string, ...args: string[]) =>
      Number(
        db
          .prepare(sql)
          .pluck()
          .get(...args) ?? 0,
      );
    const keys = (db: Database.Database, sql: string, ...args: string[]) =>
      db
        .prepare(sql)
        .pluck()
        .all(...args) as string[];
    const pairs = [
      ['event', 'record_event', "boot || '/' || n || '/' || machine || '/' || at_ms || '/' || event || '/' || phase"],
      [
        'alert',
        'record_alert',
        "boot || '/' || n || '/' || machine || '/' || occurrence || '/' || transition || '/' || coalesce(cleared_ms, '')",
      ],
      [
        'summary',
        'summary',
        "machine || '/' || signal || '/' || minute_ms || '/' || reading_boot || '/' || segment || '/' || revision || '/' || samples || '/' || sum || '/' || coalesce(counter_delta, '')",
      ],
      [
        'state_summary',
        'state_summary',
        "machine || '/' || minute_ms || '/' || reading_boot || '/' || segment || '/' || revision || '/' || seconds",
      ],
    ] as const;
    let lost = 0;
    let duplicated = 0;
    for (const [journalTable, bridgeTable, key] of pairs) {
      const made = keys(journal, `SELECT ${key} FROM ${journalTable}`);
      const arrived = keys(bridge, `SELECT ${key} FROM ${bridgeTable} WHERE gateway = ?`, gateway);
      const madeSet = new Set(made);
      const arrivedSet = new Set(arrived);
      lost += made.filter((k) => !arrivedSet.has(k)).length;
      duplicated += arrived.length - arrivedSet.size + [...arrivedSet].filter((k) => !madeSet.has(k)).length;
    }
    return {
      sealed: one(journal, 'SELECT count(*) FROM batch'),
      acked: one(journal, "SELECT count(*) FROM batch WHERE state = 'acked' AND result IN ('stored', 'repeat')"),
      redelivered: one(journal, 'SELECT coalesce(sum(max(sends - 1, 0)), 0) FROM batch'),
      atBridge: one(bridge, 'SELECT count(*) FROM batch WHERE gateway = ?', gateway),
      lost,
      duplicated,
    };
  } finally {
    journal.close();
    bridge.close();
  }
}

/**
 * Days without uplink at the store's own commit path, with a clock that is made up: minutes of a floor of machines, events and alerts
 * are committed, sealed as backlog and kept up as the writer thread does it, as fast as the disk takes them.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertRecord, StateSummaryRecord, SummaryRecord } from '../../cloud-bridge/contract.ts';
import { batchLimits } from '../../agent/store/checked.ts';
import { openJournal, type Journal } from '../../agent/store/journal.ts';
import { openRing, type Ring } from '../../agent/store/ring-db.ts';
import { Outbox } from '../../agent/store/sealing.ts';
import type { JournalEntry } from '../../agent/store/store.ts';
import { Upkeep } from '../../agent/store/upkeep.ts';

export interface OutageOptions {
  readonly dir: string;
  readonly machines: number;
  readonly signals: number;
  readonly days: number;
  readonly budgetBytes: number;
  /** Called once a simulated day. */
  readonly progress?: (day: number, bytes: number, evicted: Readonly<Record<string, number>>) => void;
}

export interface OutageResult {
  /** Records committed, by kind. */
  readonly made: { readonly minutes: number; readonly events: number; readonly alerts: number };
  /** The same that wait for the bridge at the end; folded hours apart. */
  readonly waiting: { readonly records: number; readonly alerts: number };
  readonly evicted: Readonly<Record<string, number>>;
  /** The most that all files together ever took, as the file system tells it. */
  readonly maxFileBytes: number;
  readonly journalBytes: number;
  readonly ringBytes: number;
  readonly slowPieces: number;
  readonly maxPieceMs: number;
  readonly seconds: number;
}

export interface Outage extends AsyncDisposable {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly ring: Ring;
  readonly upkeep: Upkeep;
  readonly fromMs: number;
  readonly toMs: number;
  readonly result: OutageResult;
}

export const outageBoot = 'aaaaaaaaaaaaaaaa';
export const outageFromMs = Date.UTC(2026, 0, 5);
const minuteMs = 60_000;
const dayMs = 86_400_000;
const dayMinutes = 1_440;
/** The uplink's housekeeping seals from 2,000 records on: here every so many minutes. */
const sealEveryMinutes = 5;
const upkeepEveryMinutes = 5;
const counters = 3;

/** The same numbers on every computer. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

/** A gauge or counter whose minutes are noise: no real one packs worse. */
class Maker {
  readonly #random = numbersFrom(1);
  readonly #counts = new Map<string, number>();
  n = 0;

  summary(machine: string, signal: number, atMinuteMs: number): SummaryRecord {
    const tenth = () => Math.round((2_000 + this.#random() * 2_500) * 10) / 10;
    const [sum, low, high] = [this.#random() * 192_000, tenth(), tenth()];
    return {
      ...this.#head(machine, atMinuteMs),
      kind: 'summary',
      signal: `signal.${signal}`,
      samples: 60,
      good: 60,
      sum: Math.round(sum * 10) / 10,
      integral: sum * 1.0003,
      coveredS: 60,
      min: Math.min(low, high),
      max: Math.max(low, high),
      first: tenth(),
      last: tenth(),
      counter: signal < counters ? this.#counter(`${machine} ${signal}`, atMinuteMs) : null,
    };
  }

  state(machine: string, atMinuteMs: number): StateSummaryRecord {
    const run = Math.round(this.#random() * 60_000) / 1_000;
    return {
      ...this.#head(machine, atMinuteMs),
      kind: 'state-summary',
      seconds: { RUN: run, IDLE: Math.round((60 - run) * 1_000) / 1_000 },
      causes: { 'thread-break': Math.round(this.#random() * 10_000) / 1_000 },
    };
  }

  event(machine: string, atMs: number): JournalEntry {
    const data = { from: 'RUN', to: 'STOP_MATERIAL', cause: 'thread-break' };
    const head = { n: ++this.n, v: 1, machine, atMs } as const;
    return {
      lane: 'live',
      record: { ...head, kind: 'event', event: 'state_change', phase: 'instant', fromMs: null, data },
    };
  }

  /** An alert that comes and goes. */
  alert(machine: string, atMs: number): JournalEntry[] {
    const occurrence = `${outageBoot}-${this.n + 1}`;
    const step = (transition: AlertRecord['transition'], state: AlertRecord['state'], clearedMs: number | null) =>
      ({
        n: ++this.n,
        v: 1,
        machine,
        atMs,
        kind: 'alert',
        occurrence,
        type: 'thread_break',
        rule: 'thread-break',
        signal: null,
        priority: 'high',
        transition,
        state,
        onsetMs: atMs,
        raisedMs: atMs,
        clearedMs,
        cause: null,
        text: 'The thread breaks often',
        evidence: { breaks: 5 },
        actor: null,
      }) satisfies AlertRecord;
    const records = [step('raised', 'active-unacked', null), step('closed', 'normal', atMs)];
    return records.map((record) => ({ lane: 'alerts' as const, record }));
  }

  #head(machine: string, atMinuteMs: number) {
    const atMs = atMinuteMs + 65_000 + Math.floor(this.#random() * 300);
    const key = { minuteMs: atMinuteMs, readingBoot: outageBoot, segment: 0, revision: 1 };
    return { n: ++this.n, v: 1, machine, atMs, ...key } as const;
  }

  #counter(key: string, atMinuteMs: number): NonNullable<SummaryRecord['counter']> {
    const from = this.#counts.get(key) ?? 1_000;
    const delta = Math.floor(this.#random() * 3_000);
    this.#counts.set(key, from + delta);
    const jitterMs = () => Math.floor(this.#random() * 1_000);
    const times = { fromMs: atMinuteMs - jitterMs(), toMs: atMinuteMs + 59_000 + jitterMs() };
    return { delta, uncertainty: 0, from, to: from + delta, ...times, wraps: 0, resets: 0 };
  }
}

/** Lives through the days and leaves the store open for whoever asks it. */
export function liveThrough(options: OutageOptions): Outage {
  const { dir, machines, signals, days, budgetBytes } = options;
  mkdirSync(dir, { recursive: true });
  const nowMs = outageFromMs;
  const journal = openJournal(join(dir, 'journal.db'), { nowMs, outbox: true });
  const maxBytes = Math.round(budgetBytes * 0.4);
  const ring = openRing(join(dir, 'ring.db'), { nowMs, maxBytes, maxAgeMs: 7 * dayMs });
  const outbox = new Outbox(journal.db, batchLimits);
  const monotonicMs = () => performance.now();
  const upkeep = new Upkeep({
    dataDir: dir,
    journal,
    ring,
    budgetBytes,
    reserveBytes: 0,
    keepAckedMs: 7 * dayMs,
    builtMs: 0,
    outbox: true,
    monotonicMs,
    ages: { 'acked-minutes': 90 * dayMs, 'acked-hours': 730 * dayMs, 'acked-history': 365 * dayMs },
  });
  // Of a power cut nothing is asked here.
  for (const { db } of [journal, ring]) db.pragma('synchronous = OFF');
  journal.transaction(() => journal.beginBoot(outageBoot, nowMs));
  fillRing(ring, maxBytes);

  const startedMs = performance.now();
  const maker = new Maker();
  const names = Array.from({ length: machines }, (_, i) => `lockstitch-${i + 1}`);
  const made = { minutes: 0, events: 0, alerts: 0 };
  const pieces = { slow: 0, maxMs: 0 };
  let maxFileBytes = 0;
  for (let minute = 0; minute < days * dayMinutes; minute++) {
    const atMs = outageFromMs + minute * minuteMs;
    const entries: JournalEntry[] = [];
    for (const [index, machine] of names.entries()) {
      for (let signal = 0; signal < signals; signal++) {
        entries.push({ lane: 'live', record: maker.summary(machine, signal, atMs) });
      }
      entries.push({ lane: 'live', record: maker.state(machine, atMs) });
      made.minutes += signals + 1;
      // 48 events and 4 alerts a machine and day.
      if ((minute + index) % 30 === 0) {
        entries.push(maker.event(machine, atMs + 61_000));
        made.events++;
      }
      if ((minute + index) % 360 === 0) {
        entries.push(...maker.alert(machine, atMs + 62_000));
        made.alerts += 2;
      }
    }
    const committedMs = atMs + 66_000;
    journal.transaction(() =>
      journal.insert(
        outageBoot,
        entries.map((entry) => ({ ...entry, committedMs })),
      ),
    );
    if (minute % sealEveryMinutes === 0) {
      const seal = { site: 'demo', gateway: 'demo-gw', clock: 'synced', nowMs: atMs + 600_000 } as const;
      journal.transaction(() => outbox.sealBacklog({ seal, lingerMs: 0, backlogAfterMs: 120_000 }));
    }
    if (minute % upkeepEveryMinutes === 0) {
      keepUp({ journal, upkeep, atMs, pieces });
      maxFileBytes = Math.max(maxFileBytes, fileBytes(dir));
    }
    if (minute % dayMinutes === dayMinutes - 1) {
      options.progress?.((minute + 1) / dayMinutes, fileBytes(dir), journal.gaps.counts());
    }
  }
  const result: OutageResult = {
    made,
    waiting: waitingIn(journal),
    evicted: journal.gaps.counts(),
    maxFileBytes,
    journalBytes: journal.fileBytes(),
    ringBytes: ring.fileBytes,
    slowPieces: pieces.slow,
    maxPieceMs: Math.round(pieces.maxMs),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
  };
  return {
    journal,
    outbox,
    ring,
    upkeep,
    result,
    fromMs: outageFromMs,
    toMs: outageFromMs + days * dayMs,
    [Symbol.asyncDispose]: async () => {
      ring.close();
      journal.close();
    },
  };
}

/** A turn as the writer thread makes it: piece by piece, each a transaction. */
function keepUp(o: {
  readonly journal: Journal;
  readonly upkeep: Upkeep;
  readonly atMs: number;
  readonly pieces: { slow: number; maxMs: number };
}): void {
  o.upkeep.begin({ nowMs: o.atMs, ageMs: o.atMs });
  for (let more = true; more;) {
    const fromMs = performance.now();
    more = o.journal.transaction(() => o.upkeep.piece());
    const tookMs = performance.now() - fromMs;
    if (tookMs > 50) o.pieces.slow++;
    o.pieces.maxMs = Math.max(o.pieces.maxMs, tookMs);
  }
}

/** Raw readings of the week before: the ring is at its share when the uplink goes. */
function fillRing(ring: Ring, maxBytes: number): void {
  const blockBytes = 64 * 1024;
  const random = numbersFrom(7);
  const bytes = Buffer.from(Array.from({ length: blockBytes }, () => Math.floor(random() * 256)));
  for (let filled = 0; filled < maxBytes; filled += 32 * blockBytes) {
    const at = outageFromMs - dayMs + filled / 1_024;
    const block = { machine: 'lockstitch-1', boot: outageBoot, points: 1, fromMs: at, toMs: at, bytes };
    ring.append(
      Array.from({ length: 32 }, () => block),
      outageFromMs,
    );
  }
}

function waitingIn(journal: Journal): OutageResult['waiting'] {
  const one = (sql: string) => Number(journal.db.prepare(sql).pluck().get());
  const batches = (what: string) => one(`SELECT total(records) FROM batch WHERE state = 'pending' ${what}`);
  return {
    records: batches('') + one('SELECT count(*) FROM outbox'),
    alerts: batches("AND lane = 'alerts'") + one("SELECT count(*) FROM outbox WHERE lane = 'alerts'"),
  };
}

export function fileBytes(dir: string): number {
  const files = ['journal.db', 'ring.db'].flatMap((name) => [name, `${name}-wal`]);
  return files.reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

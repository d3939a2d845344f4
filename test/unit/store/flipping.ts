/**
 * A data folder in which every value is known, opened after something was done to its files. What it shows is judged by what was
 * stored, which this file keeps as the records themselves.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import { encodeRingBlock } from '../../../agent/ring/block.ts';
import { defaultAges } from '../../../agent/store/open.ts';
import { batchLimits } from '../../../agent/store/checked.ts';
import { openDatabases, type OpenDatabases } from '../../../agent/store/databases.ts';
import type { SealedBatch } from '../../../agent/store/outbox.ts';
import { Queries } from '../../../agent/store/queries.ts';
import { alert, event, machine, stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, entry, nowMs, seal, takeFrom } from './making.ts';

const machines = ['ls-1', 'ls-2', 'ck-1'] as const;
const minutes = 24;
export const signal = 'spindle.speed';

/** What was stored: records, and the readings of the first machine. */
export interface Truth {
  readonly byNumber: ReadonlyMap<number, WireRecord>;
  readonly readings: ReadonlyMap<number, number>;
}
/** Records and readings of the last transaction of a log: they may be missing without a word. */
export const lastCommit = { records: machines.length * 5, readings: 12 };

export function open(dataDir: string, boot: string): OpenDatabases {
  return openDatabases({
    dataDir,
    boot,
    nowMs: nowMs + 3_600_000,
    groupCommitMs: 50,
    outbox: true,
    journalMaxBytes: null,
    reserveBytes: 4_096,
    budgetBytes: null,
    ages: defaultAges,
    keepAckedMs: 86_400_000,
    maxHeldRecords: 100,
    ringMaxBytes: 10_000_000,
    ringMaxAgeMs: 86_400_000 * 7,
    builtMs: 0,
    host: { boot: null, offsetMs: 0 },
    batchLimits,
  });
}

/**
 * Makes two folders of the same content in `root`: `closed`, as a stop leaves it, and `killed`, with all of the last minutes in the
 * write-ahead logs.
 */
export function makeFolders(root: string): Truth {
  const live = join(root, 'live');
  mkdirSync(live);
  const records: WireRecord[] = [];
  const readings = new Map<number, number>();
  const opened = open(live, bootA);
  const { journal, outbox, ring } = opened;
  let n = 0;
  for (let minute = 0; minute < minutes; minute++) {
    const minuteMs = nowMs + minute * 60_000;
    const made: WireRecord[] = machines.flatMap((name, index) => [
      ...(minute === 0 ? [machine(++n, { machine: name, atMs: minuteMs })] : []),
      event(++n, {
        machine: name,
        atMs: minuteMs + index,
        data: { to: minute % 2 === 0 ? 'RUN' : 'IDLE', at: minute * 7 },
      }),
      alert(++n, { machine: name, atMs: minuteMs + index, raisedMs: minuteMs, occurrence: `o-${name}-${minute}` }),
      summary(++n, { machine: name, minuteMs, signal: 'motor.temp', sum: minute * 1.25, max: minute, counter: null }),
      summary(++n, { machine: name, minuteMs }),
      stateSummary(++n, { machine: name, minuteMs, seconds: { RUN: minute, IDLE: 60 - minute } }),
    ]);
    records.push(...made);
    journal.transaction(() =>
      journal.insert(
        bootA,
        made.map((record) => entry(record, record.kind === 'alert' ? 'alerts' : 'live')),
      ),
    );
    const points = Array.from({ length: 12 }, (_, i) => ({
      atMs: minuteMs + i * 5_000,
      value: 3_000 + minute * 12 + i,
    }));
    for (const { atMs, value } of points) readings.set(atMs, value);
    const block = encodeRingBlock(
      'ls-1',
      points.map(({ atMs, value }) => ({
        machine: 'ls-1',
        signal,
        sourceTimeMs: atMs,
        receivedTimeMs: atMs + 3,
        monotonicMs: atMs - nowMs,
        quality: 'good' as const,
        value,
      })),
    );
    ring.append([{ ...block, boot: bootA }], nowMs);
    // A third is sealed: half of it acked, the rest waits.
    if (minute === minutes / 3) {
      const batches = journal.transaction(() => outbox.take(takeFrom('live', { limit: 1 })));
      for (const { boot, seq, sha256 } of batches.slice(0, 1))
        outbox.settle({ boot, seq, sha256, result: 'stored', code: null, atMs: nowMs });
      journal.transaction(() => outbox.take(takeFrom('alerts', { limit: 1 })));
    }
    if (minute === minutes / 2) {
      journal.db.pragma('wal_checkpoint(TRUNCATE)');
      ring.db.pragma('wal_checkpoint(TRUNCATE)');
    }
  }
  cpSync(live, join(root, 'killed'), { recursive: true });
  opened.close();
  cpSync(live, join(root, 'closed'), { recursive: true });
  return { byNumber: new Map(records.map((record) => [record.n, record])), readings };
}

export interface Shown {
  /** What was put aside, as the start tells it. */
  readonly quarantined: readonly string[];
  /** Records and readings that were shown or would be sent, and were never stored. */
  readonly wrong: readonly string[];
  /** What was stored and is not shown. */
  readonly missingRecords: number;
  readonly missingReadings: number;
  /** Batches whose bytes are not those of their hash: the bridge refuses them. */
  readonly spoilt: number;
  /** What a query refused to show. */
  readonly refused: readonly string[];
}

/** Opens the folder as a start does, reads all there is to read, seals all there is to send, stores one thing more, and closes. */
export function show(dataDir: string, truth: Truth): Shown {
  const opened = open(dataDir, bootB);
  try {
    return judge(opened, truth);
  } finally {
    opened.close();
  }
}

function judge({ journal, ring, outbox, recovery }: OpenDatabases, truth: Truth): Shown {
  const wrong: string[] = [];
  const refused: string[] = [];
  let spoilt = 0;
  const { byNumber } = truth;
  const seen = new Set<number>();
  const one = (where: string, record: WireRecord) => {
    if (record.machine === 'gateway') return;
    const stored = byNumber.get(record.n);
    if (stored !== undefined && isDeepStrictEqual(record, stored)) seen.add(record.n);
    else wrong.push(`${where}: ${JSON.stringify(record)}`);
  };
  const attempt = (where: string, read: () => readonly WireRecord[]) => {
    try {
      for (const record of read()) one(where, record);
    } catch (error) {
      refused.push(`${where}: ${String(error)}`);
    }
  };
  const queries = new Queries(journal.db, ring.db);
  attempt('events', () => everyPage((before) => queries.events({ before, limit: 1_000 })));
  attempt('alerts', () => everyPage((before) => queries.alerts({ before, limit: 1_000 })));
  attempt('machines', () => queries.machines());
  attempt('summaries', () =>
    everyPage((after) => queries.summaries({ fromMs: 0, toMs: nowMs * 2, after, limit: 1_000 })),
  );
  attempt('open occurrences', () => recovery.openOccurrences);
  attempt('open summaries', () => [...recovery.openSummaries, ...recovery.openStateSummaries]);
  const shownReadings = new Set<number>();
  for (let hour = 0; hour < 2; hour++) {
    const fromMs = nowMs + hour * 3_600_000;
    try {
      const trend = queries.trend({ machine: 'ls-1', signal, fromMs, toMs: fromMs + 3_599_999, maxPoints: 100_000 });
      if (trend.source !== 'ring') continue;
      for (const { atMs, value, quality } of trend.points) {
        if (truth.readings.get(atMs) === value && quality === 'good') shownReadings.add(atMs);
        else wrong.push(`trend: ${atMs} ${value} ${quality}`);
      }
    } catch (error) {
      refused.push(`trend: ${String(error)}`);
    }
  }
  const sent = (batch: SealedBatch) => {
    if (createHash('sha256').update(batch.bytes).digest('hex') !== batch.sha256) {
      spoilt++;
      return;
    }
    const { records } = JSON.parse(zstdDecompressSync(batch.bytes).toString()) as { records: WireRecord[] };
    for (const record of records) one('batch', record);
  };
  for (const lane of ['alerts', 'live', 'backlog'] as const) {
    try {
      for (const batch of journal.transaction(() => outbox.take(takeFrom(lane, { limit: 200, seal })))) sent(batch);
    } catch (error) {
      refused.push(`take ${lane}: ${String(error)}`);
    }
  }
  journal.transaction(() => journal.insert(bootB, [entry(event(1, { machine: 'gateway' }))]));
  ring.append([{ ...encodeRingBlock('ls-2', [reading]), boot: bootB }], nowMs);
  return {
    quarantined: recovery.quarantined,
    wrong,
    missingRecords: byNumber.size - seen.size,
    missingReadings: truth.readings.size - shownReadings.size,
    spoilt,
    refused,
  };
}

const reading = {
  machine: 'ls-2',
  signal,
  sourceTimeMs: nowMs + 3_600_000,
  receivedTimeMs: nowMs + 3_600_000,
  monotonicMs: 0,
  quality: 'good' as const,
  value: 1,
};

function everyPage<T>(
  page: (next: string | null) => { readonly items: readonly T[]; readonly next: string | null },
): T[] {
  const all: T[] = [];
  for (let next: string | null = null, pages = 0; pages < 1_000; pages++) {
    const found = page(next);
    all.push(...found.items);
    if (found.next === null) return all;
    next = found.next;
  }
  throw new TypeError('the pages have no end');
}

/** How the databases of a folder are, when it is closed. */
export function isSound(dataDir: string): boolean {
  return ['journal.db', 'ring.db'].every((name) => {
    const db = new BetterSqlite(join(dataDir, name), { readonly: true });
    try {
      return db.pragma('integrity_check', { simple: true }) === 'ok';
    } finally {
      db.close();
    }
  });
}

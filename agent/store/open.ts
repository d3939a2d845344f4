/** The store as the rest of the agent holds it: calls into the writer and the reader thread, with bounded queues. */
import { randomBytes } from 'node:crypto';
import { batchLimits, checkedAuditEntry, checkedEntries } from './checked.ts';
import type { CommandStore } from './commands.ts';
import type { AgeLimits } from './budget.ts';
import type { FoldSpan, HostClock, OwnSpan } from './dating.ts';
import { StoreError } from './errors.ts';
import type { GapNote } from './gaps.ts';
import { keepFile, readKept } from './evidence-files.ts';
import type { History, HistoryOperations } from './history.ts';
import type { OutboxStore } from './outbox.ts';
import { startThread, startWhenAsked } from './rpc.ts';
import type { JournalEntry, Recovery, StoreWriter } from './store.ts';
import type { WriterCounters, WriterOperations, WriterSettings } from './writer-protocol.ts';

export interface StoreOptions {
  readonly dataDir: string;
  readonly clock: { wallMs(): number };
  /** 64-bit number of this process start in hex; random when absent. */
  readonly boot?: string;
  /** How long a record that is not urgent may wait for others to share an fsync; at most 100 ms. Default 50. */
  readonly groupCommitMs?: number;
  /** false: no uplink is configured, so nothing is queued for one. Default true. */
  readonly outbox?: boolean;
  /** Hard limit of journal.db; beyond it commits are rejected as on a full disk. Default: none. */
  readonly journalMaxBytes?: number;
  /** Room on the disk that is kept for alerts and events. Default 4 MiB. */
  readonly reserveBytes?: number;
  /** Records that may wait for room on a full disk; beyond it the oldest minutes are dropped. Default 8,000. */
  readonly maxHeldRecords?: number;
  /** UTC ms before which no clock that shows the time can be. Default 0: every clock is believed. */
  readonly builtMs?: number;
  /** This start of the computer, and the wall time less its monotonic time at the start of this process. */
  readonly host?: HostClock;
  /** UTC ms by which rows are judged too old; null: none is at present. Default: the clock. */
  readonly ageMs?: () => number | null;
  /** Bound of everything in the data folder that grows. Default: the disk alone. */
  readonly budgetBytes?: number;
  /** Default 800 MiB. */
  readonly ringMaxBytes?: number;
  /** Default 7 days. */
  readonly ringMaxAgeMs?: number;
  /** Ages at which what the bridge has goes. Default: minutes are folded after 90 days, hours go after 2 years, the rest after 1. */
  readonly ages?: AgeLimits;
  /** Age at which the row of an acked batch is deleted. Default 7 days. */
  readonly keepAckedMs?: number;
  /** Records that may wait for the writer before `commit` rejects. Default 20,000. */
  readonly maxQueuedRecords?: number;
  /** The thread that answers queries ends so long after the last one. Default 60 s. */
  readonly readerIdleMs?: number;
  /** Ring blocks that may wait for the writer before they are dropped. Default 400. */
  readonly maxQueuedBlocks?: number;
}

export interface StoreStats extends WriterCounters {
  readonly queuedRecords: number;
  readonly queuedBlocks: number;
  /** Blocks dropped because the writer could not follow. */
  readonly ringDropped: number;
  /** Commits rejected because too much was waiting. */
  readonly commitsRefused: number;
}

export interface Store extends StoreWriter, OutboxStore, CommandStore, History {
  readonly recovery: Recovery;
  /** The time has become known: dates every record of this boot, and of those before it that can be dated, in one transaction. */
  date(host: HostClock, own: OwnSpan): Promise<void>;
  /** Dates some of the readings of those boots: those in blocks after one, 0 at first. Gives the last block; null at the end. */
  dateRing(afterId: number): Promise<number | null>;
  /** Spans without the time whose minutes are to be folded; `folded` notes that one is done. */
  toFold(): Promise<readonly FoldSpan[]>;
  folded(boot: string): Promise<void>;
  /** Keeps a file under its SHA-256, which it gives; durable when resolved. The record that names it comes after it. */
  keepFile(bytes: Uint8Array): Promise<string>;
  stats(): Promise<StoreStats>;
  /** One turn of upkeep now; it goes by itself every ten seconds. Resolves when all is done. */
  upkeep(): Promise<void>;
  /** What went for its age or for want of room and is to be told by the event `data_evicted`, each with its note's number. */
  gaps(): Promise<readonly GapNote[]>;
  /** Before a stop: what waits for room is tried once more and then rejected, and from now on nothing waits. */
  holdNothing(): Promise<void>;
  /** Commits what waits, closes both databases and ends the threads. May be called twice. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;
const upkeepEveryMs = 10_000;
export const defaultAges: AgeLimits = {
  'acked-evidence': 30 * dayMs,
  'acked-minutes': 90 * dayMs,
  'acked-hours': 730 * dayMs,
  'acked-history': 365 * dayMs,
};

/**
 * Opens the store in `dataDir`: creates, migrates or repairs the databases, stores the boot of this start, and reads what a start
 * needs from before.
 * @throws StoreError `dataDirUnusable`, `dataDirInUse`, `storeTooNew`, `storeFull` or `storeFailed`, with its cure.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const settings: WriterSettings = {
    dataDir: options.dataDir,
    boot: options.boot ?? randomBytes(8).toString('hex'),
    nowMs: options.clock.wallMs(),
    groupCommitMs: Math.min(100, options.groupCommitMs ?? 50),
    outbox: options.outbox ?? true,
    journalMaxBytes: options.journalMaxBytes ?? null,
    reserveBytes: options.reserveBytes ?? 4 * 1024 * 1024,
    maxHeldRecords: options.maxHeldRecords ?? 8_000,
    ringMaxBytes: options.ringMaxBytes ?? 800 * 1024 * 1024,
    ringMaxAgeMs: options.ringMaxAgeMs ?? 7 * dayMs,
    budgetBytes: options.budgetBytes ?? null,
    ages: options.ages ?? defaultAges,
    keepAckedMs: options.keepAckedMs ?? 7 * dayMs,
    builtMs: options.builtMs ?? 0,
    host: options.host ?? { boot: null, offsetMs: 0 },
    batchLimits,
  };
  const writer = startThread<WriterOperations>(new URL('./writer-thread.ts', import.meta.url), settings);
  let recovery: Recovery;
  try {
    recovery = await writer.call('open', null);
  } catch (error) {
    await writer.end();
    throw error;
  }
  const reader = startWhenAsked<HistoryOperations>(
    () => startThread(new URL('./reader-thread.ts', import.meta.url), { dataDir: options.dataDir }),
    options.readerIdleMs ?? 60_000,
  );
  const ask: typeof reader.call = (op, input) =>
    closing === null ? reader.call(op, input) : Promise.reject(new StoreError('storeClosed', 'the store is closed'));

  const { clock, maxQueuedRecords = 20_000, maxQueuedBlocks = 400 } = options;
  const listeners = new Set<() => void>();
  let queuedRecords = 0;
  let queuedBlocks = 0;
  let ringDropped = 0;
  let commitsRefused = 0;
  let closing: Promise<void> | null = null;

  const commit = async (entries: readonly JournalEntry[], { urgent }: { urgent: boolean }): Promise<void> => {
    if (entries.length === 0) return;
    if (queuedRecords + entries.length > maxQueuedRecords) {
      commitsRefused++;
      throw new StoreError('storeBusy', `${queuedRecords} records wait for the disk`);
    }
    const checked = checkedEntries(entries);
    const nowMs = clock.wallMs();
    // A minute that nobody could date waits as one of its own day: so its batch tells.
    const committedMs = ({ record }: JournalEntry) =>
      record.atMs < settings.builtMs ? Math.min(nowMs, record.atMs) : nowMs;
    queuedRecords += entries.length;
    try {
      const stamped = checked.map((entry) => ({ ...entry, committedMs: committedMs(entry) }));
      await writer.call('commit', { entries: stamped, urgent });
    } finally {
      queuedRecords -= entries.length;
    }
    for (const listener of listeners) listener();
  };

  const ageMs = options.ageMs ?? (() => clock.wallMs());
  const times = () => ({ nowMs: clock.wallMs(), ageMs: ageMs() });
  // A turn that fails is followed by the next.
  const keepUp = () => void writer.call('upkeep', times()).catch(() => undefined);
  const upkeep = setInterval(keepUp, upkeepEveryMs);
  upkeep.unref();

  const close = async () => {
    clearInterval(upkeep);
    listeners.clear();
    await reader.end();
    try {
      await writer.call('close', null);
    } catch (error) {
      if (!(error instanceof StoreError && error.key === 'storeClosed')) throw error;
    } finally {
      await writer.end();
    }
  };

  return {
    recovery,
    commit,
    appendRing: async (block) => {
      // Records come first: a writer that is behind with them takes no blocks.
      if (queuedBlocks >= maxQueuedBlocks || queuedRecords > maxQueuedRecords / 2) {
        ringDropped++;
        return;
      }
      queuedBlocks++;
      try {
        await writer.call('ring', { block, nowMs: ageMs() });
      } catch {
        ringDropped++;
      } finally {
        queuedBlocks--;
      }
    },
    date: async (host, own) => {
      await writer.call('date', { host, own });
    },
    dateRing: (afterId) => writer.call('dateRing', { afterId }),
    toFold: () => writer.call('toFold', null),
    folded: async (boot) => {
      await writer.call('folded', { boot });
    },
    audit: async (entry) => writer.call('audit', checkedAuditEntry(entry)),
    takeCommand: (take) => writer.call('takeCommand', take),
    answerCommand: async (answer) => {
      await writer.call('answerCommand', answer);
    },
    askRequest: (request) => writer.call('askRequest', request),
    take: (request) => writer.call('take', request),
    sealBacklog: (request) => writer.call('sealBacklog', request),
    sealSnapshot: (seal) => writer.call('sealSnapshot', seal),
    settle: (settlement) => writer.call('settle', settlement),
    nextFile: () => writer.call('nextFile', null),
    readFile: (sha256) => readKept(options.dataDir, sha256),
    keepFile: (bytes) => keepFile(options.dataDir, bytes),
    settleFile: (settlement) => writer.call('settleFile', settlement),
    noteSent: async (batches, atMs) => {
      await writer.call('noteSent', { batches, atMs });
    },
    outboxCounts: () => writer.call('counts', null),
    upkeep: async () => {
      await writer.call('upkeepNow', times());
    },
    gaps: () => writer.call('gaps', { nowMs: clock.wallMs() }),
    onCommitted: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    alerts: (query) => ask('alerts', query),
    occurrence: (id) => ask('occurrence', id),
    alertActs: (occurrences) => ask('alertActs', occurrences),
    occurrenceRecords: (query) => ask('occurrenceRecords', query),
    alertFigures: (query) => ask('alertFigures', query),
    events: (query) => ask('events', query),
    summaries: (query) => ask('summaries', query),
    writes: (query) => ask('writes', query),
    trend: (query) => ask('trend', query),
    rolls: (query) => ask('rolls', query),
    rollFile: (query) => ask('rollFile', query),
    machines: () => ask('machines', null),
    band: (query) => ask('band', query),
    timeline: (query) => ask('timeline', query),
    stops: (query) => ask('stops', query),
    table: (query) => ask('table', query),
    today: (query) => ask('today', query),
    shift: (query) => ask('shift', query),
    counts: () => ask('counts', null),
    stats: async () => ({
      ...(await writer.call('stats', null)),
      queuedRecords,
      queuedBlocks,
      ringDropped,
      commitsRefused,
    }),
    holdNothing: async () => {
      await writer.call('holdNothing', null);
    },
    close: () => (closing ??= close()),
  };
}

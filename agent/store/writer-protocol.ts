/** What the main thread can ask of the writer thread. */
import type { FoldSpan, HostClock, OwnSpan } from './dating.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { CommandTake, CommandTaken, RequestState } from './commands.ts';
import type { JournalEntryAt } from './journal.ts';
import type {
  BatchKey,
  BatchLimits,
  FileSettlement,
  OutboxCounts,
  SealContext,
  SealedBatch,
  Settlement,
  TakeRequest,
  WaitingFile,
} from './outbox.ts';
import type { AgeLimits } from './budget.ts';
import type { GapNote } from './gaps.ts';
import type { CallOf } from './rpc.ts';
import type { Recovery, RingBlock } from './store.ts';
import type { TurnTimes } from './upkeep.ts';

export interface WriterSettings {
  readonly dataDir: string;
  readonly boot: string;
  readonly nowMs: number;
  readonly groupCommitMs: number;
  readonly outbox: boolean;
  readonly journalMaxBytes: number | null;
  readonly reserveBytes: number;
  /** Records that may wait for room on the disk. */
  readonly maxHeldRecords: number;
  readonly ringMaxBytes: number;
  readonly ringMaxAgeMs: number;
  /** Null: the disk alone bounds the store. */
  readonly budgetBytes: number | null;
  readonly ages: AgeLimits;
  readonly keepAckedMs: number;
  readonly builtMs: number;
  readonly host: HostClock;
  readonly batchLimits: BatchLimits;
}

/** Counted in the writer thread since the start. */
export interface WriterCounters {
  /** Transactions on the journal. */
  readonly transactions: number;
  /** Calls that rejected. */
  readonly rejected: number;
  readonly ringBlocks: number;
  /** Blocks the ring database refused. */
  readonly ringFailed: number;
  readonly ringEvicted: number;
  readonly ringBytes: number;
  readonly journalBytes: number;
  /** The disk or the budget is full: alerts and events alone are stored, the rest waits. */
  readonly full: boolean;
  /** Records that wait for room. */
  readonly heldRecords: number;
  /** Records that waited and had to be dropped. */
  readonly droppedRecords: number;
  /** Of everything in the data folder that grows. */
  readonly storeBytes: number;
  /** Records that went for their age or for want of room since the database was made, by step. */
  readonly evicted: Readonly<Record<string, number>>;
  /** Pieces of upkeep that took longer than 50 ms, and the longest, ms. */
  readonly upkeepSlow: number;
  readonly upkeepMaxMs: number;
}

export type WriterOperations = {
  readonly open: { in: null; out: Recovery };
  readonly commit: { in: { entries: readonly JournalEntryAt[]; urgent: boolean }; out: null };
  readonly ring: { in: { block: RingBlock; nowMs: number | null }; out: boolean };
  readonly date: { in: { host: HostClock; own: OwnSpan }; out: null };
  /** Dates some blocks after one; answers the last one looked at, null at the end. */
  readonly dateRing: { in: { afterId: number }; out: number | null };
  readonly toFold: { in: null; out: readonly FoldSpan[] };
  readonly folded: { in: { boot: string }; out: null };
  readonly take: { in: TakeRequest; out: readonly SealedBatch[] };
  readonly sealBacklog: { in: Omit<TakeRequest, 'lane' | 'exclude' | 'limit'>; out: number };
  readonly sealSnapshot: { in: SealContext; out: readonly SealedBatch[] };
  readonly settle: { in: Settlement; out: boolean };
  readonly nextFile: { in: null; out: WaitingFile | null };
  readonly settleFile: { in: FileSettlement; out: boolean };
  readonly noteSent: { in: { batches: readonly BatchKey[]; atMs: number }; out: null };
  readonly counts: { in: null; out: OutboxCounts };
  /** Begins a turn of upkeep; answers at once. */
  readonly upkeep: { in: TurnTimes; out: null };
  /** Runs a whole turn of upkeep, commits held up meanwhile. */
  readonly upkeepNow: { in: TurnTimes; out: null };
  readonly gaps: { in: { nowMs: number }; out: readonly GapNote[] };
  readonly audit: { in: AuditEntry; out: number };
  readonly takeCommand: { in: CommandTake; out: CommandTaken };
  readonly answerCommand: { in: { key: string; counter: number; answer: string }; out: null };
  readonly askRequest: { in: { kind: string; body: string; atMs: number }; out: RequestState };
  readonly stats: { in: null; out: WriterCounters };
  /** From now on nothing waits for room. */
  readonly holdNothing: { in: null; out: null };
  readonly close: { in: null; out: null };
};

export type WriterCall = CallOf<WriterOperations>;

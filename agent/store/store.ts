/**
 * What the rest of the agent may ask of its storage. One writer (a worker thread) owns both databases; queries run on a
 * reader thread. The main thread never touches a database.
 *
 *  journal.db  precious: every record, the outbox, sealed batches, users, audit. synchronous=FULL, group commit.
 *  ring.db     expendable: raw readings by exception, one block per machine and ~5 s. synchronous=NORMAL.
 *
 * Invariants (each has a test in `test/unit/store/`):
 *  S1  When `commit` resolves, its records and their outbox rows are durable together, or it rejects and none is stored.
 *  S2  A start stores its boot (with the previous boot) before anything else of that boot is stored.
 *  S3  A record leaves the outbox only by a valid `stored` or `repeat` ack with the hash of its batch, as a counted dead letter, or for
 *      want of room in the order of `budget.ts`, counted and told.
 *  S5  On a full disk alerts and events are stored still, and minutes wait, bounded; what is dropped is rejected, never forgotten.
 *  S4  The ring may lose its last seconds in a power cut; the journal loses no committed row.
 */
import type {
  AlertRecord,
  EventRecord,
  Lane,
  StateSummaryRecord,
  SummaryRecord,
  WireRecord,
} from '../../cloud-bridge/contract.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { ActsHead } from './page-acts-event.ts';

/** A record to be kept and sent. */
export interface JournalEntry {
  readonly record: WireRecord;
  readonly lane: Lane;
}

/** Raw readings of one machine over some seconds, packed (`agent/ring/block.ts` has the format). */
export interface RingBlock {
  readonly machine: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: number;
  readonly bytes: Uint8Array;
}

/** An event that lasts, of a process that ended before it did. */
export interface OpenSpan {
  readonly machine: string;
  readonly event: string;
  /** UTC ms; null where the event had none. */
  readonly fromMs: number | null;
}

/** What a boot stored before it knew the time. */
export interface UndatedSpan {
  readonly boot: string;
  /** UTC ms at which the boot came to know the time; beyond all times where it never did. */
  readonly untilMs: number;
  /** It was of this start of the computer, so its times are on the same clock as ours. */
  readonly sameHost: boolean;
}

/** Of one segment of a boot: how far its clock was off that of the running one, told by the computer's monotonic clock. */
export interface ClockShift {
  readonly boot: string;
  readonly segment: number;
  readonly shiftMs: number;
}

/** The last step of a boot's clock that is stored. */
export interface LastStep {
  readonly boot: string;
  /** The segment it opened. */
  readonly segment: number;
  /** When it was seen, on that process's monotonic clock. */
  readonly monotonicMs: number;
}

/** What a start finds from before. */
export interface Recovery {
  readonly boot: string;
  readonly previousBoot: string | null;
  /** Last record of every occurrence that is not closed. */
  readonly openOccurrences: readonly AlertRecord[];
  /** Last record of occurrences of an incident that were closed a little while ago: others may still belong to it. Oldest first. */
  readonly justClosed: readonly AlertRecord[];
  /** What people did with the occurrences that are not closed: events `alert_act`, those of one occurrence in the order they were told. */
  readonly openActs: readonly EventRecord[];
  /** Gaps, outages and floods that were told as opened and never as closed. */
  readonly openSpans: readonly OpenSpan[];
  /** Of each machine the newest event `roll_begun`, and what came after it of `roll_looked`, the last few; oldest first. */
  readonly lastRolls: readonly EventRecord[];
  /** Every act of the newest needle cases of each machine, oldest first. */
  readonly needleCases: readonly EventRecord[];
  /** The newest line of what was done on the page that was told; null: none. */
  readonly pageActs: ActsHead | null;
  /** Last known value of each counter, from summaries, its time on the clock of this start; the pipeline goes on counting from here. */
  readonly lastCounters: readonly { machine: string; signal: string; value: number; atMs: number }[];
  /** Ring blocks from the start of the last minute that was not sealed, oldest first, of whichever boot. */
  readonly ringTail: readonly (RingBlock & { readonly boot: string })[];
  /** Highest revision stored for each summary key that lies within the ring tail. */
  readonly openSummaries: readonly SummaryRecord[];
  /** The same for the seconds by state. */
  readonly openStateSummaries: readonly StateSummaryRecord[];
  /** Spans in which a boot did not know the time: their minutes are folded apart (`agent/dating/`). */
  readonly undated: readonly UndatedSpan[];
  /** Of each boot in the ring's tail whose clock was stepped. */
  readonly lastSteps: readonly LastStep[];
  /** What times of the ring's tail are to be moved by, to stand on the clock of this start; where none is named by nothing. */
  readonly clockShifts: readonly ClockShift[];
  /** Set when a damaged database was put aside at this start. */
  readonly quarantined: readonly string[];
}

export interface StoreWriter {
  /**
   * Durable when resolved. `urgent` commits at once, otherwise within the group-commit window (≤ 100 ms). On a full disk it waits for
   * room: alerts and events use a reserve, minutes wait for as long as it takes. Rejects with a StoreError, `storeFull` when it was
   * dropped to make room for newer ones.
   */
  commit(entries: readonly JournalEntry[], options: { urgent: boolean }): Promise<void>;
  /** Durable when resolved, with the number of the row. Rejects with a StoreError; then nothing may be written to a machine. */
  audit(entry: AuditEntry): Promise<number>;
  /** Resolves when the block is written or was dropped. A drop (queue or disk full) is counted in the store's stats; the ring is expendable. */
  appendRing(block: RingBlock): Promise<void>;
}

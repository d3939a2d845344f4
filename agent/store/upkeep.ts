/**
 * What the writer does between commits, in pieces of some tens of ms: packs minutes, keeps the store within its budget, removes what is
 * too old. Each piece is one transaction, its note (`gaps.ts`) included. Synchronous, in the writer thread.
 *
 * Invariant (test/unit/store/upkeep.test.ts):
 *  K1  The files of the journal, the ring, their logs, the evidence and the reserve stay within the budget as long as there is anything that may go.
 */
import { statSync } from 'node:fs';
import { nextEviction, type AgeLimits, type Eviction, type EvictionStep, type Stocks } from './budget.ts';
import { Evicting, ringPieceBytes, type Gone } from './evicting.ts';
import type { Journal } from './journal.ts';
import { OutboxFolding } from './outbox-folding.ts';
import type { Ring } from './ring-db.ts';

export interface UpkeepOptions {
  readonly dataDir: string;
  readonly journal: Journal;
  readonly ring: Ring;
  /** Null: the disk alone bounds the store. */
  readonly budgetBytes: number | null;
  readonly reserveBytes: number;
  readonly ages: AgeLimits;
  /** Age at which the row of an acked batch is deleted, ms. */
  readonly keepAckedMs: number;
  readonly builtMs: number;
  /** False: nothing waits for a bridge. */
  readonly outbox: boolean;
  readonly monotonicMs: () => number;
}

/** The ring keeps this share of the budget whatever comes. */
const ringFloorShare = 1 / 32;
/** Kept free for what is written until the next look. */
const headroomShare = 1 / 16;
const minHeadroomBytes = 6 * 1024 * 1024;
const maxHeadroomBytes = 48 * 1024 * 1024;
/** What the ring lost is looked up so often. */
const ringNoteMs = 3_600_000;
const pruneRows = 2_000;

/** The times of a turn: UTC ms, and UTC ms to judge ages by, null while no clock can be trusted. */
export interface TurnTimes {
  readonly nowMs: number;
  readonly ageMs: number | null;
}

export class Upkeep {
  readonly #o: UpkeepOptions;
  readonly #folding: OutboxFolding;
  readonly #evicting: Evicting;
  readonly #ringFloorBytes: number;
  readonly #limitBytes: number;
  #times: TurnTimes = { nowMs: 0, ageMs: null };
  /** Steps that found nothing after all are left out until the next turn. */
  readonly #empty = new Set<EvictionStep>();
  #hasPruned = false;
  #ringNotedMs = -Infinity;
  /** Of the evidence files, as of the beginning of the turn. */
  #evidenceBytes = 0;

  constructor(options: UpkeepOptions) {
    const { dataDir, journal, ring, budgetBytes, builtMs, outbox, monotonicMs } = options;
    this.#o = options;
    const budget = budgetBytes ?? Infinity;
    this.#ringFloorBytes = budget * ringFloorShare;
    this.#limitBytes = budget - Math.max(minHeadroomBytes, Math.min(maxHeadroomBytes, budget * headroomShare));
    this.#folding = new OutboxFolding(journal.db, builtMs, monotonicMs);
    this.#evicting = new Evicting({
      dataDir,
      journal,
      ring,
      folding: this.#folding,
      ringFloorBytes: this.#ringFloorBytes,
      builtMs,
      outbox,
    });
  }

  /** Begins a turn: from here on `piece` is to be called until it gives false. */
  begin(times: TurnTimes): void {
    this.#times = times;
    this.#empty.clear();
    this.#hasPruned = false;
    this.#evidenceBytes = this.#evicting.evidenceBytes();
  }

  /** One piece of work, inside a transaction of the journal. False: all is done until the next turn. */
  piece(): boolean {
    if (this.#o.journal.minutes.pack()) return true;
    if (this.#evict()) return true;
    if (!this.#hasPruned && this.#prune()) return true;
    this.#noteRing();
    if (this.#overBytes(this.#o.journal.fileBytes()) < -4 * ringPieceBytes) this.#o.ring.takeBack(ringPieceBytes);
    return false;
  }

  /** A piece was rolled back. */
  failed(): void {
    this.#o.journal.minutes.forget();
    this.#folding.forget();
  }

  /** Bytes of everything in the data folder that grows. */
  bytes(): number {
    return this.#bytesWith(this.#o.journal.fileBytes());
  }

  #evict(): boolean {
    const eviction = nextEviction(this.#stocks(), this.#o.ages);
    if (eviction === null) return false;
    const gone = this.#evicting.carryOut(eviction);
    if (gone === null) this.#empty.add(eviction.step);
    else if (gone !== 'working') this.#note(eviction, gone);
    return true;
  }

  #note({ step, why }: Eviction, gone: Gone): void {
    if (step.endsWith('-evidence')) this.#evidenceBytes -= gone.bytes;
    this.#o.journal.gaps.note(gone.step ?? step, why, gone, this.#times.nowMs);
  }

  #stocks(): Stocks {
    const { journal } = this.#o;
    const oldestMs = this.#evicting.oldestMs();
    for (const step of this.#empty) delete oldestMs[step];
    return {
      oldestMs,
      filesOverBytes: this.#overBytes(journal.fileBytes()),
      usedOverBytes: this.#overBytes(journal.usedBytes()),
      nowMs: this.#times.ageMs,
    };
  }

  #overBytes(journalBytes: number): number {
    return this.#bytesWith(journalBytes) - this.#limitBytes;
  }

  #bytesWith(journalBytes: number): number {
    const { journal, ring, reserveBytes } = this.#o;
    const logs = [journal.db.name, ring.db.name].map((path) => sizeOf(`${path}-wal`));
    return (
      journalBytes + ring.fileBytes + this.#evidenceBytes + reserveBytes + logs.reduce((sum, bytes) => sum + bytes, 0)
    );
  }

  #prune(): boolean {
    const { journal, keepAckedMs, ages, builtMs } = this.#o;
    const { ageMs, nowMs } = this.#times;
    if (ageMs === null) return false;
    const before = (step: EvictionStep) => ageMs - (ages[step] ?? Infinity);
    const records = journal.undated.prune(
      { summariesMs: before('acked-minutes'), historyMs: before('acked-history') },
      pruneRows,
    );
    if (records > 0) {
      const gone = { records, fromMs: 0, toMs: builtMs, bytes: 0 };
      this.#o.journal.gaps.note('acked-history', 'age', gone, nowMs);
    }
    this.#hasPruned = records + journal.pruneBatches(ageMs - keepAckedMs, pruneRows) === 0;
    return !this.#hasPruned;
  }

  /** What the ring lost shows in what it still has: blocks are numbered in order. So no kill can come between the two databases. */
  #noteRing(): void {
    const { ring, monotonicMs } = this.#o;
    if (monotonicMs() - this.#ringNotedMs < ringNoteMs) return;
    this.#ringNotedMs = monotonicMs();
    const oldest = ring.oldest();
    if (oldest === null) return;
    const [id, fromMs] = [this.#o.journal.gaps.figure('ring_from_id'), this.#o.journal.gaps.figure('ring_from_ms')];
    if (id === oldest.id) return;
    // A ring that was made anew begins at 1 again.
    if (id !== null && fromMs !== null && id < oldest.id) {
      const gone = { records: oldest.id - id, fromMs, toMs: oldest.fromMs, bytes: 0 };
      this.#o.journal.gaps.note('ring', ring.yields ? 'room' : 'age', gone, this.#times.nowMs);
    }
    this.#o.journal.gaps.setFigure('ring_from_id', oldest.id);
    this.#o.journal.gaps.setFigure('ring_from_ms', oldest.fromMs);
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Carries out what `budget.ts` decides, a piece at a time, each inside the transaction of its caller together with its note
 * (`gaps.ts`). Synchronous, in the writer thread.
 */
import { rmSync } from 'node:fs';
import type { Database, Statement } from 'better-sqlite3';
import type { Eviction, EvictionStep } from './budget.ts';
import type { GapStep } from './gaps.ts';
import { placeOf } from './files.ts';
import { hourMs } from './hours.ts';
import type { Journal } from './journal.ts';
import type { Folded } from './minutes.ts';
import type { OutboxFolding } from './outbox-folding.ts';
import type { Ring } from './ring-db.ts';

/** Rows of one table that go in a piece. */
const pieceRows = 500;
/** Batches are up to 64 KiB. */
const pieceBatches = 20;
/** By so much the ring yields in a piece. */
export const ringPieceBytes = 1024 * 1024;
/** Minutes are committed this long after their end at most, late readings included. */
const lateMs = 300_000;

/** What a piece of work did; `step` where that is another than was asked for. */
export type Gone = Folded & { readonly step?: GapStep };
interface Deleted {
  readonly atMs: number;
  readonly bytes: number;
  readonly records?: number;
}

interface KeptFile {
  readonly id: number;
  readonly sha256: string;
  readonly atMs: number;
  readonly bytes: number;
}

export interface EvictingOptions {
  readonly dataDir: string;
  readonly journal: Journal;
  readonly ring: Ring;
  readonly folding: OutboxFolding;
  readonly ringFloorBytes: number;
  readonly builtMs: number;
  /** False: nothing waits for a bridge. */
  readonly outbox: boolean;
}

export class Evicting {
  readonly #o: EvictingOptions;
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(options: EvictingOptions) {
    this.#o = options;
    this.#sql = prepareAll(options.journal.db);
  }

  /** Time of the oldest that each step could take. */
  oldestMs(): Partial<Record<EvictionStep, number>> {
    const { ring, ringFloorBytes, folding } = this.#o;
    const { minutes } = this.#o.journal;
    const ackedMs = this.#ackedBeforeMs();
    const [hour, day] = [minutes.oldestHourMs(), minutes.oldestDayMs()];
    const found: Record<EvictionStep, number | null> = {
      ring: ring.spareMs(ringFloorBytes),
      'acked-evidence': smallest(this.#sql.oldestSent.get()),
      'acked-minutes': hour !== null && hour + hourMs + lateMs <= ackedMs ? hour : null,
      'acked-hours': day !== null && day + 24 * hourMs + lateMs <= ackedMs ? day : null,
      'unacked-evidence': smallest(this.#sql.oldestUnsent.get(), this.#sql.oldestRefused.get()),
      'unacked-minutes': smallest(folding.oldestMs(), hour),
      'acked-history': smallest(...this.#history(ackedMs)),
      'unacked-history': smallest(
        this.#sql.oldestPending.get(),
        this.#sql.oldestDead.get(),
        day,
        ...this.#history(Infinity),
      ),
    };
    return Object.fromEntries(Object.entries(found).filter(([, ms]) => ms !== null));
  }

  /** Null: there was nothing. `working`: something was done, and what went is told with a later piece. */
  carryOut({ step, beforeMs }: Eviction): Gone | 'working' | null {
    const { minutes } = this.#o.journal;
    const acked = Math.min(beforeMs, this.#ackedBeforeMs(), Number.MAX_SAFE_INTEGER);
    switch (step) {
      case 'ring':
        // Of its own database, in transactions of its own; `noteRing` tells by what is left.
        this.#o.ring.giveUp(ringPieceBytes, this.#o.ringFloorBytes);
        return 'working';
      case 'acked-minutes':
        return minutes.fold(acked - lateMs);
      case 'acked-hours':
        return minutes.dropHours(acked - lateMs, pieceBatches);
      case 'unacked-minutes':
        return this.#foldUnacked();
      case 'acked-history':
        return this.#dropHistory(acked);
      case 'unacked-history':
        return this.#dropUnacked(beforeMs);
      case 'acked-evidence':
        return this.#dropFiles(this.#sql.sent.all(pieceBatches) as KeptFile[], beforeMs);
      case 'unacked-evidence':
        return this.#dropFiles(
          [...this.#sql.refused.all(pieceBatches), ...this.#sql.unsent.all(pieceBatches)] as KeptFile[],
          beforeMs,
        );
    }
  }

  /** Bytes of the evidence files, each with half a block of its disk. */
  evidenceBytes(): number {
    return Number(this.#sql.fileBytes.get());
  }

  /** The files go before their rows say so: after a kill between the two a row names a file that is not there, and no file is left over. */
  #dropFiles(files: readonly KeptFile[], beforeMs: number): Folded | null {
    const gone = files.filter(({ atMs }) => atMs < beforeMs);
    for (const { sha256, id } of gone) {
      rmSync(placeOf(this.#o.dataDir, sha256).path, { force: true });
      this.#sql.fileGone.run(id);
    }
    return goneOf(gone);
  }

  /** Everything before this the bridge has; where nothing waits for it, everything there is. */
  #ackedBeforeMs(): number {
    if (!this.#o.outbox) return Infinity;
    return smallest(this.#sql.oldestPending.get(), this.#sql.oldestWaiting.get()) ?? Infinity;
  }

  /** Minutes that wait for the bridge and those kept here, whichever are older. */
  #foldUnacked(): Gone | 'working' | null {
    const { minutes } = this.#o.journal;
    const [waiting, kept] = [this.#o.folding.oldestMs(), minutes.oldestHourMs()];
    if (waiting !== null && (kept === null || waiting <= kept + hourMs)) return this.#o.folding.fold();
    // What is kept here of the same time is another copy: the bridge may still get its minutes.
    const folded = minutes.fold(Number.MAX_SAFE_INTEGER);
    return folded === null ? null : { ...folded, step: 'kept-minutes' };
  }

  #history(beforeMs: number): (number | null)[] {
    const span = { builtMs: this.#o.builtMs, beforeMs: Math.min(beforeMs, Number.MAX_SAFE_INTEGER) };
    return [this.#sql.oldestEvent.get(span), this.#sql.oldestClosed.get(span)] as (number | null)[];
  }

  /** Events and closed alerts of before, oldest first. */
  #dropHistory(beforeMs: number): Folded | null {
    const span = { beforeMs: Math.min(beforeMs, Number.MAX_SAFE_INTEGER), limit: pieceRows };
    const events = this.#sql.dropEvents.all(span) as Deleted[];
    const alerts = this.#sql.closed.all(span).flatMap((occurrence) => {
      this.#sql.dropOccurrence.run(occurrence);
      return this.#sql.dropAlerts.all(occurrence) as Deleted[];
    });
    return goneOf([...events, ...alerts]);
  }

  /** What the bridge does not have: what it refused first, alerts last. */
  #dropUnacked(beforeMs: number): Folded | null {
    const { minutes } = this.#o.journal;
    return (
      goneOf(this.#sql.dropDead.all(pieceBatches) as Deleted[]) ??
      minutes.dropHours(Number.MAX_SAFE_INTEGER, pieceBatches) ??
      goneOf(this.#sql.dropPending.all({ alerts: 0, limit: pieceBatches }) as Deleted[]) ??
      this.#dropHistory(beforeMs) ??
      goneOf(this.#sql.dropPending.all({ alerts: 1, limit: pieceBatches }) as Deleted[])
    );
  }
}

function smallest(...values: readonly unknown[]): number | null {
  const known = values.filter((value) => typeof value === 'number');
  return known.length === 0 ? null : Math.min(...known);
}

function goneOf(rows: readonly Deleted[]): Folded | null {
  if (rows.length === 0) return null;
  const times = rows.map((row) => row.atMs);
  return {
    records: rows.reduce((sum, row) => sum + (row.records ?? 1), 0),
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
  };
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const plucked = (sql: string): Statement => db.prepare(sql).pluck();
  // When its record was made; of a record that is gone, when the bridge had it.
  const fileAt = 'coalesce((SELECT at_ms FROM event WHERE event.boot = f.boot AND event.n = f.n), settled_ms, 0)';
  const oldestFile = (where: string) =>
    plucked(`SELECT ${fileAt} FROM evidence_file AS f WHERE ${where} ORDER BY id LIMIT 1`);
  const files = (where: string) =>
    one(`SELECT id, sha256, ${fileAt} AS atMs, bytes FROM evidence_file AS f WHERE ${where} ORDER BY id LIMIT ?`);
  const [sent, unsent, refused] = ["state IN ('stored', 'kept')", "state = 'waiting'", "state = 'refused'"] as const;
  // Its first half is that of the index: without it the whole table is read.
  const dead = "state <> 'acked' AND state = 'dead' AND bytes IS NOT NULL";
  const pending = "state = 'pending' AND (lane = 'alerts') = $alerts";
  return {
    oldestSent: oldestFile(sent),
    oldestUnsent: oldestFile(unsent),
    oldestRefused: oldestFile(refused),
    sent: files(sent),
    unsent: files(unsent),
    refused: files(refused),
    fileGone: one("UPDATE evidence_file SET state = 'gone' WHERE id = ?"),
    fileBytes: plucked("SELECT total(bytes + 2048) FROM evidence_file WHERE state <> 'gone'"),
    oldestPending: plucked("SELECT min(oldest_ms) FROM batch WHERE state = 'pending'"),
    oldestWaiting: plucked('SELECT min(committed_ms) FROM outbox'),
    oldestDead: plucked(`SELECT min(oldest_ms) FROM batch WHERE ${dead}`),
    oldestEvent: plucked(
      'SELECT at_ms FROM event WHERE at_ms >= $builtMs AND at_ms < $beforeMs ORDER BY at_ms LIMIT 1',
    ),
    oldestClosed: plucked(`SELECT raised_ms FROM occurrence WHERE is_open = 0 AND raised_ms >= $builtMs
      AND raised_ms < $beforeMs ORDER BY raised_ms LIMIT 1`),
    dropEvents: one(`DELETE FROM event WHERE id IN
      (SELECT id FROM event WHERE at_ms < $beforeMs ORDER BY at_ms LIMIT $limit) RETURNING at_ms AS atMs, length(body) AS bytes`),
    closed: plucked(`SELECT occurrence FROM occurrence WHERE is_open = 0 AND raised_ms < $beforeMs
      ORDER BY raised_ms LIMIT $limit`),
    dropOccurrence: one('DELETE FROM occurrence WHERE occurrence = ?'),
    dropAlerts: one('DELETE FROM alert WHERE occurrence = ? RETURNING at_ms AS atMs, length(body) AS bytes'),
    dropDead: one(`UPDATE batch SET bytes = NULL WHERE id IN
      (SELECT id FROM batch WHERE ${dead} ORDER BY lane, id LIMIT ?)
      RETURNING oldest_ms AS atMs, wire_bytes AS bytes, records`),
    dropPending: one(`DELETE FROM batch WHERE id IN
      (SELECT id FROM batch WHERE ${pending} ORDER BY oldest_ms LIMIT $limit)
      RETURNING oldest_ms AS atMs, wire_bytes AS bytes, records`),
  };
}

/**
 * What was removed or folded, noted in the same transaction, and told to the bridge later as the event `data_evicted`. Synchronous, in
 * the writer thread.
 *
 * Invariants (test/unit/store/gaps.test.ts):
 *  E1  What went and the note of it are one transaction.
 *  E2  A note is told until its event is in the journal, which marks it told in the same transaction: so none is lost or told twice.
 *  E3  A note that is being told is not added to.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import type { Eviction, EvictionStep } from './budget.ts';
import { evictedEvent } from './evicted-event.ts';
import type { Folded } from './minutes.ts';

/** A step of the budget; and minutes kept here alone that were folded with those that wait for the bridge. */
export type GapStep = EvictionStep | 'kept-minutes';

/** Something that is no longer there, or no longer by the minute. */
export interface GapNote {
  readonly id: number;
  readonly step: GapStep;
  readonly why: Eviction['why'];
  /** Span of what went, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Minutes, events, alerts, blocks of the ring … */
  readonly records: number;
  readonly bytes: number;
}

/** What goes by its age, and what the bridge has, is told once a day; what the bridge was still to get, at once. */
const tellAfterMs = 86_400_000;
const keptNotes = 1_000;

export class Gaps {
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#sql = prepareAll(db);
  }

  /** Inside the transaction that removes it. */
  note(step: GapStep, why: Eviction['why'], gone: Folded, nowMs: number): void {
    const { records, bytes } = gone;
    const span = { fromMs: Math.round(gone.fromMs), toMs: Math.round(gone.toMs) };
    const note = { step, why, ...span, records, bytes, nowMs: Math.round(nowMs) };
    if (this.#sql.add.run(note).changes === 0) this.#sql.insert.run(note);
    this.#sql.count.run({ name: `evicted ${step}`, records });
  }

  /** Notes that are due, no longer added to from here on (E3). */
  due(nowMs: number): GapNote[] {
    this.#sql.close.run({ nowMs, beforeMs: nowMs - tellAfterMs });
    return this.#sql.telling.all() as GapNote[];
  }

  /** To be called with every event that is stored, in its transaction. */
  told(record: EventRecord): void {
    const id = record.event === evictedEvent ? record.data['note'] : undefined;
    if (typeof id !== 'number') return;
    this.#sql.told.run(id);
    this.#sql.forget.run(keptNotes);
  }

  /** Records that went since the database was made, by step. */
  counts(): Readonly<Record<string, number>> {
    const rows = this.#sql.counts.all() as { name: string; value: number }[];
    return Object.fromEntries(rows.map(({ name, value }) => [name.slice('evicted '.length), value]));
  }

  /** A figure of `total`; null where there is none. */
  figure(name: string): number | null {
    return (this.#sql.figure.get(name) as number | undefined) ?? null;
  }
  setFigure(name: string, value: number): void {
    this.#sql.setFigure.run(name, value);
  }
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    add: one(`UPDATE gap SET from_ms = min(from_ms, $fromMs), to_ms = max(to_ms, $toMs), records = records + $records,
      bytes = bytes + $bytes WHERE state = 'open' AND step = $step AND why = $why`),
    insert: one(`INSERT INTO gap (step, why, from_ms, to_ms, records, bytes, noted_ms, state)
      VALUES ($step, $why, $fromMs, $toMs, $records, $bytes, $nowMs, 'open')`),
    // A clock that was set back keeps no note waiting.
    close: one(`UPDATE gap SET state = 'telling' WHERE state = 'open'
      AND (step LIKE 'unacked-%' OR noted_ms <= $beforeMs OR noted_ms > $nowMs)`),
    telling: one(`SELECT id, step, why, from_ms AS fromMs, to_ms AS toMs, records, bytes FROM gap
      WHERE state = 'telling' ORDER BY id LIMIT 100`),
    told: one("UPDATE gap SET state = 'told' WHERE id = ?"),
    forget: one(`DELETE FROM gap WHERE state = 'told' AND id <= (SELECT max(id) FROM gap) - ?`),
    count: one(
      'INSERT INTO total (name, value) VALUES ($name, $records) ON CONFLICT DO UPDATE SET value = value + $records',
    ),
    counts: one("SELECT name, value FROM total WHERE name LIKE 'evicted %'"),
    figure: db.prepare('SELECT value FROM total WHERE name = ?').pluck(),
    setFigure: one('INSERT INTO total (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
  };
}

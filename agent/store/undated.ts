/** What boots stored that never knew the time. Synchronous, in the writer thread, inside the transaction of its caller. */
import type { Database, Statement } from 'better-sqlite3';

export class Undated {
  readonly #builtMs: number;
  readonly #sql: ReturnType<typeof prepareAll>;

  /** @param builtMs UTC ms before which no clock that shows the time can be */
  constructor(db: Database, builtMs: number) {
    this.#builtMs = builtMs;
    this.#sql = prepareAll(db);
  }

  /**
   * Deletes it, at most `limit` rows of each table. It is as old as the next boot that did know the time; everything else goes by its own
   * times (`evicting.ts`). Returns the rows deleted.
   */
  prune(before: { readonly summariesMs: number; readonly historyMs: number }, limit: number): number {
    let deleted = 0;
    const builtMs = this.#builtMs;
    for (const statement of [this.#sql.pruneSummary, this.#sql.pruneStateSummary]) {
      deleted += statement.run({ builtMs, beforeMs: before.summariesMs, limit }).changes;
    }
    const history = { builtMs, beforeMs: before.historyMs, limit };
    deleted += this.#sql.pruneEvent.run(history).changes;
    for (const occurrence of this.#sql.oldOccurrences.all(history)) {
      deleted += this.#sql.deleteAlerts.run(occurrence).changes;
      this.#sql.deleteOccurrence.run(occurrence);
    }
    return deleted;
  }
}

/** Of boots that never knew the time: those followed, before `$beforeMs`, by one that did. */
const oldUndatedBoots = `SELECT boot FROM boot WHERE started_ms < $builtMs AND $beforeMs >
  (SELECT min(started_ms) FROM boot AS later WHERE later.id > boot.id AND later.started_ms >= $builtMs)`;
const isOldUndated = (column: string, boot: string) => `${column} < $builtMs AND ${boot} IN (${oldUndatedBoots})`;

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    pruneSummary: one(`DELETE FROM summary WHERE (minute_ms, machine, signal, reading_boot, segment) IN
      (SELECT minute_ms, machine, signal, reading_boot, segment FROM summary WHERE ${isOldUndated('minute_ms', 'reading_boot')} LIMIT $limit)`),
    pruneStateSummary: one(`DELETE FROM state_summary WHERE (minute_ms, machine, reading_boot, segment) IN
      (SELECT minute_ms, machine, reading_boot, segment FROM state_summary WHERE ${isOldUndated('minute_ms', 'reading_boot')} LIMIT $limit)`),
    pruneEvent: one(`DELETE FROM event WHERE id IN
      (SELECT id FROM event WHERE ${isOldUndated('at_ms', 'boot')} ORDER BY at_ms LIMIT $limit)`),
    oldOccurrences: db
      .prepare(
        `SELECT occurrence FROM occurrence WHERE ${isOldUndated('raised_ms', 'substr(occurrence, 1, 16)')} AND is_open = 0
         ORDER BY raised_ms LIMIT $limit`,
      )
      .pluck(),
    deleteAlerts: one('DELETE FROM alert WHERE occurrence = ?'),
    deleteOccurrence: one('DELETE FROM occurrence WHERE occurrence = ?'),
  };
}

/**
 * When each alert of a gateway can be read in the bridge's store, seen from outside by another program: the database is asked every
 * few milliseconds whether anything was committed.
 */
import BetterSqlite from 'better-sqlite3';

const everyMs = 2;

export class Arrivals {
  /** UTC ms by record number. */
  readonly seenMs = new Map<number, number>();
  readonly #db: BetterSqlite.Database;
  readonly #boot: string;
  readonly #timer: NodeJS.Timeout;
  #version = -1;

  /** @param boot of the alerts */
  constructor(database: string, boot: string) {
    this.#db = new BetterSqlite(database, { readonly: true });
    this.#boot = boot;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  #look(): void {
    const version = Number(this.#db.pragma('data_version', { simple: true }));
    if (version === this.#version) return;
    this.#version = version;
    const rows = this.#db.prepare('SELECT n FROM record_alert WHERE boot = ?').pluck().all(this.#boot);
    const nowMs = Date.now();
    for (const n of rows) if (!this.seenMs.has(Number(n))) this.seenMs.set(Number(n), nowMs);
  }

  /** Milliseconds from each commit to its arrival; those that have not arrived are not among them. */
  latenciesMs(committedMs: Readonly<Record<number, number>>): number[] {
    this.#look();
    return Object.entries(committedMs).flatMap(([n, atMs]) => {
      const seenMs = this.seenMs.get(Number(n));
      return seenMs === undefined ? [] : [seenMs - atMs];
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#db.close();
  }
}

/**
 * Records on their way to other platforms: rows that were written in the transaction that stored their batch, and go when the stream has
 * all of them.
 *
 * Invariants (test/integration/bridge-postgres.test.ts):
 *  O1  A stored record has its row or is on the stream, since the fan-out was switched on for this database.
 *  O2  One worker at a time holds the queue, by an advisory lock of its session: what it asks goes through that session, so it
 *      cannot work on without the lock.
 */
import type { Outgoing, OutgoingQueue } from '../../fan-out/publisher.ts';
import type { Session, Sessions } from './sessions.ts';

/** Of the locks for publishing; those of gateways are hashes. */
const publisherLock = '7310578961034227';

export class PostgresOutgoing implements OutgoingQueue {
  readonly #sessions: Sessions;
  #held: Session | null = null;

  /** @param sessions at least one for this queue alone, as it keeps it */
  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  async hold(): Promise<boolean> {
    if (this.#held !== null) return true;
    const session = await this.#sessions.borrow();
    let got = false;
    try {
      const [row] = await session.query<{ got: boolean }>(`SELECT pg_try_advisory_lock(${publisherLock}) AS got`);
      got = row?.got === true;
      // From here on every worker writes rows, whatever it was started with.
      if (got) await session.query('INSERT INTO fan_out (only_row) VALUES (true) ON CONFLICT DO NOTHING');
    } catch (error) {
      session.release(true);
      throw error;
    }
    if (got) this.#held = session;
    else session.release(false);
    return got;
  }

  take(limit: number): Promise<readonly Outgoing[]> {
    return this.#ask<Outgoing>(
      'SELECT id, site, gateway, boot, received_ms AS "receivedMs", records FROM outgoing ORDER BY id LIMIT $1',
      [limit],
    );
  }

  async drop(ids: readonly number[]): Promise<void> {
    await this.#ask(`DELETE FROM outgoing WHERE id IN (${ids.map((_, at) => `$${at + 1}`).join(', ')})`, ids);
  }

  release(): void {
    // With its session goes the lock.
    this.#held?.release(true);
    this.#held = null;
  }

  async close(): Promise<void> {
    this.release();
    await this.#sessions.close();
  }

  async #ask<T>(sql: string, values: readonly number[] = []): Promise<T[]> {
    const held = this.#held;
    if (held === null) return [];
    try {
      return await held.query<T>(sql, values);
    } catch (error) {
      this.release();
      throw error;
    }
  }
}

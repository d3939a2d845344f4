/**
 * The book of commands in PostgreSQL, for workers that share one database: any of them may send a command, and any may be given its
 * answer. One lock gives the counters out, so they rise over all workers.
 */
import { sha256Hex } from '../contract.ts';
import type { Session, Sessions } from '../store/postgres/sessions.ts';
import { Turns, type CommandBook, type NewOrder, type Order, type OrderAnswer, type OrderPage } from './book.ts';
import { maxOrders, maxResults } from './sqlite-book.ts';

/** Of the tables and the counters of this book; others of this database are elsewhere. */
const lock = 'SELECT pg_advisory_xact_lock(7310578961034227)';
/** Of one gateway's turn, over all workers. Let go with its transaction, also where a worker dies in it. */
const turn = 'SELECT pg_advisory_xact_lock(73105789, hashtext($1))';

const tables = `
CREATE TABLE IF NOT EXISTS command_counter (key TEXT PRIMARY KEY, counter BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS command (
  counter BIGINT PRIMARY KEY, gateway TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, by TEXT NOT NULL,
  at_ms BIGINT NOT NULL, not_after_ms BIGINT NOT NULL, payload TEXT NOT NULL, sha256 TEXT NOT NULL,
  ok BOOLEAN, code TEXT, result TEXT, answered_ms BIGINT, UNIQUE (gateway, id)
);
CREATE INDEX IF NOT EXISTS command_open ON command (gateway, counter) WHERE ok IS NULL;
CREATE INDEX IF NOT EXISTS command_result ON command (counter) WHERE result IS NOT NULL;
`;

export class PostgresBook implements CommandBook {
  readonly #sessions: Sessions;
  readonly #key: string;
  /** At most one session of this worker is held for a turn: the others are for the work done in it. */
  readonly #turns = new Turns();
  #isReady = false;

  /** @param key names the signing key, of which the counters are */
  constructor(sessions: Sessions, key: string) {
    this.#sessions = sessions;
    this.#key = key;
  }

  add(order: NewOrder, seal: (counter: number) => Buffer): Promise<{ order: Order; payload: Buffer }> {
    return this.#transaction(async (session) => {
      await session.query(lock);
      const [last] = await session.query<{ counter: number | null }>(
        'SELECT max(counter) AS counter FROM command_counter',
      );
      const counter = Math.max((last?.counter ?? 0) + 1, Math.floor(order.atMs));
      const payload = seal(counter);
      await session.query(
        `INSERT INTO command_counter (key, counter) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET counter = excluded.counter`,
        [this.#key, counter],
      );
      const { gateway, id, kind, body, by, atMs, notAfterMs } = order;
      await session.query(
        `INSERT INTO command (counter, gateway, id, kind, body, by, at_ms, not_after_ms, payload, sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [counter, gateway, id, kind, text(body), by, atMs, notAfterMs, payload.toString('base64'), sha256Hex(payload)],
      );
      await session.query(
        `UPDATE command SET result = NULL WHERE result IS NOT NULL AND counter <=
           (SELECT counter FROM command WHERE result IS NOT NULL ORDER BY counter DESC LIMIT 1 OFFSET $1)`,
        [maxResults],
      );
      await session.query(
        'DELETE FROM command WHERE counter <= (SELECT counter FROM command ORDER BY counter DESC LIMIT 1 OFFSET $1)',
        [maxOrders],
      );
      return { order: { ...order, counter, ok: null, code: null, result: null, answeredMs: null }, payload };
    });
  }

  open(gateway: string, nowMs: number): Promise<readonly Buffer[]> {
    return this.#transaction(async (session) => {
      const rows = await session.query<{ payload: string }>(
        'SELECT payload FROM command WHERE gateway = $1 AND ok IS NULL AND not_after_ms >= $2 ORDER BY counter',
        [gateway, Math.floor(nowMs)],
      );
      return rows.map(({ payload }) => Buffer.from(payload, 'base64'));
    });
  }

  answer({ gateway, id, counter, command, ok, code, result, atMs }: OrderAnswer): Promise<boolean> {
    return this.#transaction(async (session) => {
      const changed = await session.query(
        `UPDATE command SET ok = $1, code = $2, result = $3, answered_ms = $4
         WHERE gateway = $5 AND id = $6 AND counter = $7 AND sha256 = $8 AND ok IS NULL RETURNING counter`,
        [ok ? 'true' : 'false', code, text(result), atMs, gateway, id, counter, command],
      );
      return changed.length > 0;
    });
  }

  page({ gateway, id, before, limit }: OrderPage): Promise<readonly Order[]> {
    return this.#transaction((session) =>
      session.query<Order>(
        `SELECT gateway, id, kind, body, by, at_ms AS "atMs", not_after_ms AS "notAfterMs", counter, ok, code, result,
           answered_ms AS "answeredMs"
         FROM command WHERE ($1::text IS NULL OR gateway = $1) AND ($2::text IS NULL OR id = $2)
           AND ($3::bigint IS NULL OR counter < $3)
         ORDER BY counter DESC LIMIT $4`,
        [gateway ?? null, id ?? null, before ?? null, limit],
      ),
    );
  }

  inTurn<T>(gateway: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(() =>
      this.#transaction(async (session) => {
        await session.query(turn, [gateway]);
        return await work();
      }),
    );
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  async #transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#sessions.borrow();
    let broken = true;
    try {
      // Before, not in it: the lock would be held for a whole turn.
      if (!this.#isReady) {
        await session.query('BEGIN');
        await session.query(lock);
        await session.query(tables);
        await session.query('COMMIT');
        this.#isReady = true;
      }
      await session.query('BEGIN');
      const done = await work(session);
      await session.query('COMMIT');
      broken = false;
      return done;
    } catch (error) {
      // Whether it is back in order is not known where even that fails.
      broken = await session.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      throw error;
    } finally {
      session.release(broken);
    }
  }
}

/** What PostgreSQL takes as text. */
const text = (given: string) => given.replaceAll('\u0000', '').toWellFormed();

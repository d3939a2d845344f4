/**
 * The book of commands in a file of its own: a damaged store of records costs no counter, and the other way round. A damaged book
 * is set aside and begun anew; what it knew is in the bridge's log, too.
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sha256Hex } from '../contract.ts';
import { BridgeError } from '../errors.ts';
import { reasonOf, type DataDir } from '../files.ts';
import { isDamage } from '../store/salvage.ts';
import { Turns, type CommandBook, type NewOrder, type Order, type OrderAnswer, type OrderPage } from './book.ts';

/** Rows beyond these are forgotten, the oldest first; results are large and are kept of fewer. */
export const maxOrders = 20_000;
export const maxResults = 1_000;
const version = 1;

const schemaSql = `
CREATE TABLE counter (key TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE command (
  counter INTEGER PRIMARY KEY, gateway TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, by TEXT NOT NULL,
  at_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL, payload BLOB NOT NULL, sha256 TEXT NOT NULL,
  ok INTEGER, code TEXT, result TEXT, answered_ms INTEGER, UNIQUE (gateway, id)
);
CREATE INDEX command_open ON command (gateway, counter) WHERE ok IS NULL;
CREATE INDEX command_result ON command (counter) WHERE result IS NOT NULL;
`;

type Found = Omit<Order, 'ok'> & { readonly ok: number | null };

export class SqliteBook implements CommandBook {
  readonly #db: Database.Database;
  readonly #key: string;
  readonly #sql: ReturnType<typeof prepareAll>;
  /** There is one bridge with this file. */
  readonly #turns = new Turns();
  /** Where a damaged book went at this opening. */
  readonly setAside: string | null;

  /** @param key names the signing key, of which the counters are. Throws BRG-103 or -110. */
  static open(dir: DataDir, key: string, nowMs: number): SqliteBook {
    const path = join(dir.root, 'commands.db');
    try {
      try {
        return new SqliteBook(openFile(path), key, null);
      } catch (error) {
        if (!isDamage(error)) throw error;
        const aside = `${path}.bad-${nowMs}`;
        for (const part of ['', '-wal', '-shm']) if (existsSync(path + part)) renameSync(path + part, aside + part);
        return new SqliteBook(openFile(path), key, aside);
      }
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      throw new BridgeError('dataDirUnwritable', `cannot open ${path}: ${reasonOf(error)}`, { cause: error });
    }
  }

  private constructor(db: Database.Database, key: string, setAside: string | null) {
    this.#db = db;
    this.#key = key;
    this.#sql = prepareAll(db);
    this.setAside = setAside;
  }

  add(order: NewOrder, seal: (counter: number) => Buffer): { order: Order; payload: Buffer } {
    return this.#db
      .transaction(() => {
        const last = this.#sql.counter.get() ?? 0;
        const counter = Math.max(last + 1, Math.floor(order.atMs));
        const payload = seal(counter);
        this.#sql.raise.run(this.#key, counter);
        this.#sql.insert.run({ ...order, counter, payload, sha256: sha256Hex(payload) });
        this.#sql.forgetResults.run(maxResults);
        this.#sql.forget.run(maxOrders);
        return { order: { ...order, counter, ok: null, code: null, result: null, answeredMs: null }, payload };
      })
      .immediate();
  }

  open(gateway: string, nowMs: number): readonly Buffer[] {
    return this.#sql.open.all(gateway, nowMs);
  }

  answer({ ok, ...answer }: OrderAnswer): boolean {
    return this.#sql.answer.run({ ...answer, ok: ok ? 1 : 0 }).changes > 0;
  }

  page({ gateway, id, before, limit }: OrderPage): readonly Order[] {
    const values = { gateway: gateway ?? null, id: id ?? null, before: before ?? null, limit };
    return this.#sql.page.all(values).map(({ ok, ...order }) => ({ ...order, ok: ok === null ? null : ok === 1 }));
  }

  inTurn<T>(_gateway: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  close(): void {
    this.#db.close();
  }
}

function openFile(path: string): Database.Database {
  const db = new Database(path, { timeout: 5_000 });
  try {
    const found = Number(db.pragma('user_version', { simple: true }));
    if (found > version)
      throw new BridgeError('storeNewer', `${path} has version ${found}, this bridge knows ${version}`);
    if (db.pragma('quick_check(1)', { simple: true }) !== 'ok') {
      throw new Database.SqliteError(`${path} is damaged`, 'SQLITE_CORRUPT');
    }
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('trusted_schema = OFF');
    if (found === 0) {
      db.transaction(() => {
        db.exec(schemaSql);
        db.pragma(`user_version = ${version}`);
      })();
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareAll(db: Database.Database) {
  return {
    // Over all keys: a command has one number in the book, whatever signed it.
    counter: db.prepare<[], number | null>('SELECT max(counter) FROM counter').pluck(),
    raise: db.prepare<[string, number]>(
      'INSERT INTO counter (key, counter) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET counter = excluded.counter',
    ),
    insert: db.prepare<NewOrder & { counter: number; payload: Buffer; sha256: string }>(
      `INSERT INTO command (counter, gateway, id, kind, body, by, at_ms, not_after_ms, payload, sha256)
       VALUES (@counter, @gateway, @id, @kind, @body, @by, @atMs, @notAfterMs, @payload, @sha256)`,
    ),
    forget: db.prepare<[number]>(
      'DELETE FROM command WHERE counter <= (SELECT counter FROM command ORDER BY counter DESC LIMIT 1 OFFSET ?)',
    ),
    forgetResults: db.prepare<[number]>(
      `UPDATE command SET result = NULL WHERE result IS NOT NULL AND counter <=
       (SELECT counter FROM command WHERE result IS NOT NULL ORDER BY counter DESC LIMIT 1 OFFSET ?)`,
    ),
    open: db
      .prepare<[string, number], Buffer>(
        'SELECT payload FROM command WHERE gateway = ? AND ok IS NULL AND not_after_ms >= ? ORDER BY counter',
      )
      .pluck(),
    answer: db.prepare<Omit<OrderAnswer, 'ok'> & { ok: number }>(
      `UPDATE command SET ok = @ok, code = @code, result = @result, answered_ms = @atMs
       WHERE gateway = @gateway AND id = @id AND counter = @counter AND sha256 = @command AND ok IS NULL`,
    ),
    page: db.prepare<Record<string, string | number | null>, Found>(
      `SELECT gateway, id, kind, body, by, at_ms AS atMs, not_after_ms AS notAfterMs, counter, ok, code, result,
         answered_ms AS answeredMs
       FROM command WHERE (@gateway IS NULL OR gateway = @gateway) AND (@id IS NULL OR id = @id)
         AND (@before IS NULL OR counter < @before)
       ORDER BY counter DESC LIMIT @limit`,
    ),
  };
}

/**
 * The bridge's store in PostgreSQL, for any number of workers at once. It keeps the promises of `bridge-store.ts`; the
 * suite is `test/contract/bridge-store.ts`.
 *
 * Invariants:
 *  P1  A transaction holds the advisory locks of all its gateways before it reads anything, taken in one order: of one
 *      gateway's batches one is judged and stored after the other, whoever has them, and no two workers wait for each other.
 *  P2  A transaction that collided is tried again as a whole, at most `maxTries` times.
 *  P3  A session whose state is not known is never used again.
 */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { StatusMessage } from '../../contract.ts';
import { BridgeError } from '../../errors.ts';
import { reasonOf } from '../../files.ts';
import type {
  BridgeStore,
  CheckedBatch,
  Chunk,
  CommitOutcome,
  CommitResult,
  FileState,
  Fork,
  Row,
  Scalar,
  StatusResult,
  Trouble,
} from '../bridge-store.ts';
import { supersedes } from '../status.ts';
import { storeBatch } from './batches.ts';
import { chain, follows, knownBoot, noteBoot, placeBranches } from './boots.ts';
import { isCollision, isRefusal, troubleOf } from './errors.ts';
import { putChunk, readFile } from './files.ts';
import { layoutOf, makeMonth, monthOf, type Layout, type Month } from './layout.ts';
import { migrations } from './schema.ts';
import type { Session, Sessions } from './sessions.ts';

const maxTries = 4;
const weekMs = 7 * 86_400_000;
/** Of the locks for migrations and partitions; those of gateways are hashes. */
const schemaLock = '7310578961034226';

export interface PostgresOptions {
  readonly sessions: Sessions;
  /** For `rows`, so that no reader keeps a batch waiting for a session; null: `sessions`. */
  readonly readers: Sessions | null;
  readonly nowMs: () => number;
  /** Half-open random numbers from 0 to 1, for the pauses after collisions. */
  readonly random: () => number;
}

interface Schema {
  readonly layout: Layout;
  /** Whose partitions are there. */
  readonly months: Set<string>;
}

export class PostgresStore implements BridgeStore {
  readonly quarantine = null;
  readonly #options: PostgresOptions;
  /** What is known of the schema; null until the database has been there. */
  #schema: Schema | null = null;

  constructor(options: PostgresOptions) {
    this.#options = options;
  }

  /**
   * Brings the schema up to this version. Resolves with the error where the database is away: the store then does it at its
   * first use. Rejects with BRG-110 (newer version) or BRG-151 (the database refuses the bridge).
   */
  async start(): Promise<Error | null> {
    try {
      await this.#ready();
      return null;
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      if (isRefusal(error)) throw new BridgeError('storeRefused', reasonOf(error), { cause: error });
      return error instanceof Error ? error : new BridgeError('storeUnreachable', reasonOf(error));
    }
  }

  async commit(batches: readonly CheckedBatch[], receivedMs: number): Promise<CommitResult> {
    await this.#makeMonths(batches);
    const gateways = batches.map(({ name }) => name.gateway);
    return this.#transaction(gateways, async (session) => {
      const forks: Fork[] = [];
      const tally = { fresh: 0, known: 0 };
      const outcomes: CommitOutcome[] = [];
      for (const batch of batches) outcomes.push(await storeBatch(session, batch, receivedMs, forks, tally));
      return { outcomes, forks, ...tally };
    });
  }

  async applyStatus(site: string, status: StatusMessage, receivedMs: number): Promise<StatusResult> {
    const { gateway, boot, previousBoot } = status;
    return this.#transaction([gateway], async (session) => {
      const forks: Fork[] = [];
      const known = await knownBoot(session, gateway, boot);
      const at = { site, gateway, boot, previous: previousBoot, nowMs: receivedMs, batches: 0 } as const;
      if (await noteBoot(session, at, known, forks)) await placeBranches(session, gateway);
      const [stored] = await session.query<{ boot: string; connection: number; online: boolean }>(
        'SELECT boot, connection, online FROM status WHERE gateway = $1',
        [gateway],
      );
      const parents =
        stored === undefined || stored.boot === boot ? new Map<string, string | null>() : await chain(session, gateway);
      const taken = supersedes(status, stored ?? null, (later, earlier) => follows(parents, later, earlier));
      if (taken) {
        await session.query(
          `INSERT INTO status
             (gateway, boot, previous_boot, connection, online, at_ms, agent_version, session, received_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (gateway) DO UPDATE SET boot = excluded.boot, previous_boot = excluded.previous_boot,
             connection = excluded.connection, online = excluded.online, at_ms = excluded.at_ms,
             agent_version = excluded.agent_version, session = excluded.session, received_ms = excluded.received_ms`,
          [
            gateway,
            boot,
            previousBoot,
            status.connection,
            status.online ? 'true' : 'false',
            status.atMs,
            status.agentVersion.replaceAll('\u0000', '').toWellFormed(),
            status.session.replaceAll('\u0000', '').toWellFormed(),
            receivedMs,
          ],
        );
      }
      return { taken, forks };
    });
  }

  putChunk(chunk: Chunk, receivedMs: number): Promise<FileState> {
    return this.#transaction([chunk.gateway], (session) => putChunk(session, chunk, receivedMs));
  }

  async readFile(gateway: string, sha256: string): Promise<Buffer | null> {
    await this.#ready();
    const { readers, sessions } = this.#options;
    return this.#borrowed((session) => readFile(session, gateway, sha256), readers ?? sessions);
  }

  async forgetConnections(): Promise<void> {
    await this.#transaction([], (session) => session.query('UPDATE status SET online = false WHERE online'));
  }

  async rows<T = Row>(sql: string, values: Readonly<Record<string, Scalar>> = {}): Promise<T[]> {
    await this.#ready();
    const given: Scalar[] = [];
    const places = new Map<string, string>();
    const text = sql.replaceAll(/@(\w+)/g, (_, name: string) => {
      const place = places.get(name) ?? `$${given.push(values[name] ?? '')}`;
      places.set(name, place);
      return place;
    });
    return this.#borrowed((session) => session.query<T>(text, given), this.#options.readers ?? this.#options.sessions);
  }

  troubleOf(error: unknown): Trouble | null {
    return troubleOf(error);
  }

  async close(): Promise<void> {
    const { sessions, readers } = this.#options;
    await Promise.all([sessions.close(), readers?.close()]);
  }

  /** How the summaries lie; null until the database has been there. */
  get layout(): Layout | null {
    return this.#schema?.layout ?? null;
  }

  async #ready(): Promise<Schema> {
    if (this.#schema !== null) return this.#schema;
    const layout = await this.#try(`SELECT pg_advisory_xact_lock(${schemaLock})`, async (session) => {
      await migrate(session);
      return layoutOf(session);
    });
    this.#schema ??= { layout, months: new Set() };
    return this.#schema;
  }

  /**
   * Partitions come before the batches and by themselves: making one locks the whole table for a moment, once a month, by
   * whichever worker is the first to need it. The month that comes is made a week ahead.
   */
  async #makeMonths(batches: readonly CheckedBatch[]): Promise<void> {
    const { layout, months } = await this.#ready();
    if (layout === 'hypertable') return;
    const nowMs = this.#options.nowMs();
    const missing = new Map<string, Month>();
    const need = (minuteMs: number) => {
      const month = monthOf(minuteMs, nowMs);
      if (month !== null && !months.has(month.name)) missing.set(month.name, month);
    };
    for (const record of batches.flatMap(({ body }) => body.records)) {
      if (record.kind !== 'summary' && record.kind !== 'state-summary') continue;
      need(record.minuteMs);
      need(nowMs + weekMs);
    }
    for (const month of missing.values()) {
      await this.#try(`SELECT pg_advisory_xact_lock(${schemaLock})`, (session) => makeMonth(session, month));
      months.add(month.name);
    }
  }

  async #transaction<T>(gateways: readonly string[], work: (session: Session) => Promise<T>): Promise<T> {
    await this.#ready();
    const locks = [...new Set(gateways.map(lockOf))].sort((a, b) => (a < b ? -1 : 1));
    return this.#try(locks.map((lock) => `SELECT pg_advisory_xact_lock(${lock})`).join('; '), work);
  }

  async #try<T>(locks: string, work: (session: Session) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#borrowed(async (session) => {
          await session.query(`BEGIN ISOLATION LEVEL READ COMMITTED; ${locks}`);
          const result = await work(session);
          await session.query('COMMIT');
          return result;
        });
      } catch (error) {
        if (tried >= maxTries || !isCollision(error)) throw error;
        await wait(20 * 2 ** tried * this.#options.random());
      }
    }
  }

  async #borrowed<T>(work: (session: Session) => Promise<T>, from: Sessions = this.#options.sessions): Promise<T> {
    const session = await from.borrow();
    let broken = false;
    try {
      return await work(session);
    } catch (error) {
      try {
        await session.query('ROLLBACK');
      } catch {
        broken = true;
      }
      throw error;
    } finally {
      session.release(broken);
    }
  }
}

/** A signed 64-bit number, in words. */
function lockOf(gateway: string): string {
  return String(createHash('sha256').update(`selvedge/${gateway}`).digest().readBigInt64BE());
}

async function migrate(session: Session): Promise<void> {
  await session.query('CREATE TABLE IF NOT EXISTS selvedge_schema (version BIGINT NOT NULL)');
  const [row] = await session.query<{ version: number }>('SELECT version FROM selvedge_schema');
  const version = row?.version ?? 0;
  if (version > migrations.length) {
    const detail = `the database has version ${version}, this bridge knows ${migrations.length}`;
    throw new BridgeError('storeNewer', detail);
  }
  for (const step of migrations.slice(version)) await step(session);
  if (row === undefined) await session.query('INSERT INTO selvedge_schema VALUES ($1)', [migrations.length]);
  else if (version < migrations.length)
    await session.query('UPDATE selvedge_schema SET version = $1', [migrations.length]);
}

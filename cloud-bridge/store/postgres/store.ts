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
import { branchesOf, type KnownBoot } from '../branches.ts';
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
import { addNumbers } from '../ledger.ts';
import { supersedes } from '../status.ts';
import { isCollision, isRefusal, troubleOf } from './errors.ts';
import { putChunk, readFile } from './files.ts';
import { writeRecords } from './rows.ts';
import { makeMonth, migrations, monthOf, type Month } from './schema.ts';
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

export class PostgresStore implements BridgeStore {
  readonly quarantine = null;
  readonly #options: PostgresOptions;
  /** What is known of the schema; null until the database has been there. */
  #schema: { readonly months: Set<string> } | null = null;

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

  async #ready(): Promise<{ readonly months: Set<string> }> {
    if (this.#schema !== null) return this.#schema;
    await this.#try(`SELECT pg_advisory_xact_lock(${schemaLock})`, migrate);
    this.#schema ??= { months: new Set() };
    return this.#schema;
  }

  /**
   * Partitions come before the batches and by themselves: making one locks the whole table for a moment, once a month, by
   * whichever worker is the first to need it. The month that comes is made a week ahead.
   */
  async #makeMonths(batches: readonly CheckedBatch[]): Promise<void> {
    const { months } = await this.#ready();
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

interface BootRow {
  readonly known: boolean;
  readonly previous: string | null;
  readonly sealed: number | null;
  readonly forked: boolean;
}

const bootColumns = `b.boot IS NOT NULL AS known, b.previous_boot AS previous, b.sealed_ms AS sealed,
  EXISTS (SELECT 1 FROM branch_older o WHERE o.gateway = $1) AS forked`;
const bootSource = `(SELECT 1) AS once LEFT JOIN boot b ON b.gateway = $1 AND b.boot = $2`;
const noBoot: BootRow = { known: false, previous: null, sealed: null, forked: false };

async function knownBoot(session: Session, gateway: string, boot: string): Promise<BootRow> {
  const [row] = await session.query<BootRow>(`SELECT ${bootColumns} FROM ${bootSource}`, [gateway, boot]);
  return row ?? noBoot;
}

interface Told {
  readonly site: string;
  readonly gateway: string;
  readonly boot: string;
  readonly previous: string | null;
  readonly nowMs: number;
  /** How many batches come with it. */
  readonly batches: 0 | 1;
}

/** Keeps gateway and boot; a new boot is placed in its chain, and everything known to follow it moves with it. True: branches may have changed. */
async function noteBoot(session: Session, told: Told, known: BootRow, forks: Fork[]): Promise<boolean> {
  const { site, gateway, boot, previous, nowMs, batches } = told;
  await session.query(
    `INSERT INTO gateway (gateway, site, first_ms, last_ms, batches, repeats, forks) VALUES ($1, $2, $3, $3, $4, 0, 0)
     ON CONFLICT (gateway) DO UPDATE SET site = excluded.site, last_ms = greatest(gateway.last_ms, excluded.last_ms),
       batches = gateway.batches + excluded.batches`,
    [gateway, site, nowMs, batches],
  );
  if (known.known && (known.previous !== null || previous === null)) {
    await session.query('UPDATE boot SET last_ms = greatest(last_ms, $3) WHERE gateway = $1 AND boot = $2', [
      gateway,
      boot,
      nowMs,
    ]);
    return false;
  }
  const all = await session.query<{ boot: string; previous: string | null; generation: number }>(
    'SELECT boot, previous_boot AS previous, generation FROM boot WHERE gateway = $1 ORDER BY boot',
    [gateway],
  );
  const parent = all.find((other) => other.boot === previous);
  const generation = parent === undefined ? 0 : parent.generation + 1;
  await session.query(
    `INSERT INTO boot (gateway, boot, previous_boot, generation, first_ms, last_ms) VALUES ($1, $2, $3, $4, $5, $5)
     ON CONFLICT (gateway, boot) DO UPDATE SET previous_boot = excluded.previous_boot,
       generation = excluded.generation, last_ms = greatest(boot.last_ms, excluded.last_ms)`,
    [gateway, boot, previous, generation, nowMs],
  );
  const seen = new Set([boot]);
  const waiting = [{ boot, generation }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of all) {
      // No agent makes a circle; a forged one must not hold the bridge.
      if (child.previous !== next.boot || seen.has(child.boot)) continue;
      seen.add(child.boot);
      const moved = { boot: child.boot, generation: next.generation + 1 };
      await session.query('UPDATE boot SET generation = $3 WHERE gateway = $1 AND boot = $2', [
        gateway,
        moved.boot,
        moved.generation,
      ]);
      waiting.push(moved);
    }
  }
  if (previous === null) return known.forked;
  const siblings = all.filter((other) => other.previous === previous).map((other) => other.boot);
  const children = [...new Set([...siblings, boot])].sort();
  if (children.length > 1) {
    forks.push({ gateway, previousBoot: previous, boots: children });
    await session.query(
      'UPDATE gateway SET forks = (SELECT count(*) FROM fork WHERE gateway = $1) WHERE gateway = $1',
      [gateway],
    );
  }
  return known.forked || children.length > 1;
}

/** Brings `boot.branch` and `branch_older` up to the boots now known of a forked gateway. */
async function placeBranches(session: Session, gateway: string): Promise<void> {
  const boots = await session.query<KnownBoot & { readonly branch: string | null }>(
    'SELECT boot, previous_boot AS previous, sealed_ms AS "sealedMs", branch FROM boot WHERE gateway = $1',
    [gateway],
  );
  const { branchOf, older } = branchesOf(boots);
  const moved = boots.filter(({ boot, branch }) => (branchOf.get(boot) ?? null) !== branch);
  if (moved.length > 0) {
    await session.query(
      `UPDATE boot SET branch = r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text)
       WHERE boot.gateway = $1 AND boot.boot = r.boot`,
      [gateway, JSON.stringify(moved.map(({ boot }) => ({ boot, branch: branchOf.get(boot) ?? null })))],
    );
  }
  const pairs = [...older].flatMap(([branch, found]) => [...found].map((boot) => ({ boot, branch })));
  await session.query(
    `DELETE FROM branch_older WHERE gateway = $1 AND (boot, branch) NOT IN
       (SELECT r.boot, r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text))`,
    [gateway, JSON.stringify(pairs)],
  );
  await session.query(
    `INSERT INTO branch_older (gateway, boot, branch)
     SELECT $1, r.boot, r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text) ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(pairs)],
  );
}

async function chain(session: Session, gateway: string): Promise<Map<string, string | null>> {
  const rows = await session.query<{ boot: string; previous: string | null }>(
    'SELECT boot, previous_boot AS previous FROM boot WHERE gateway = $1',
    [gateway],
  );
  return new Map(rows.map(({ boot, previous }) => [boot, previous]));
}

function follows(parents: ReadonlyMap<string, string | null>, later: string, earlier: string): boolean {
  const seen = new Set<string>();
  for (let at: string | null = later; at !== null && !seen.has(at);) {
    seen.add(at);
    at = parents.get(at) ?? null;
    if (at === earlier) return true;
  }
  return false;
}

interface Tally {
  fresh: number;
  known: number;
}

async function storeBatch(
  session: Session,
  { name, body, wireBytes }: CheckedBatch,
  receivedMs: number,
  forks: Fork[],
  tally: Tally,
): Promise<CommitOutcome> {
  const { gateway, boot, seq, sha256 } = name;
  let [low, high] = [Infinity, 0];
  for (const { n } of body.records) [low, high] = [Math.min(low, n), Math.max(high, n)];
  const [found] = await session.query<BootRow & { readonly sha256: string | null; readonly ranges: string }>(
    `SELECT (SELECT sha256 FROM batch WHERE gateway = $1 AND boot = $2 AND seq = $3) AS sha256, ${bootColumns},
       coalesce((SELECT json_agg(json_build_object('from', from_n, 'to', to_n) ORDER BY from_n) FROM ledger
         WHERE gateway = $1 AND boot = $2 AND from_n <= $4 AND to_n >= $5), '[]') AS ranges
     FROM ${bootSource}`,
    [gateway, boot, seq, high + 1, low - 1],
  );
  if (found !== undefined && found.sha256 !== null) {
    if (found.sha256 !== sha256) return 'conflict';
    await session.query('UPDATE batch SET repeats = repeats + 1 WHERE gateway = $1 AND boot = $2 AND seq = $3', [
      gateway,
      boot,
      seq,
    ]);
    await session.query('UPDATE gateway SET repeats = repeats + 1 WHERE gateway = $1', [gateway]);
    return 'repeat';
  }
  const known = found ?? { ...noBoot, ranges: '[]' };
  const told = { site: body.site, gateway, boot, previous: body.previousBoot, nowMs: receivedMs, batches: 1 } as const;
  const branched = await noteBoot(session, told, known, forks);
  // The boot is as old as its earliest batch: an older one that comes late may change which child of a fork is the oldest.
  const older = known.sealed === null || body.sealedMs < known.sealed;
  if (older) {
    await session.query('UPDATE boot SET sealed_ms = $3 WHERE gateway = $1 AND boot = $2', [
      gateway,
      boot,
      body.sealedMs,
    ]);
  }
  if (branched || (older && known.forked)) await placeBranches(session, gateway);
  await session.query(
    `INSERT INTO batch (gateway, boot, seq, sha256, lane, clock, sealed_ms, received_ms, records, bytes, repeats)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)`,
    [gateway, boot, seq, sha256, body.lane, body.clock, body.sealedMs, receivedMs, body.records.length, wireBytes],
  );

  const before = JSON.parse(known.ranges) as { from: number; to: number }[];
  const { ranges, fresh } = addNumbers(
    before,
    body.records.map((record) => record.n),
  );
  const kept = new Set(ranges.map(({ from }) => from));
  for (const { from } of before) {
    if (kept.has(from)) continue;
    await session.query('DELETE FROM ledger WHERE gateway = $1 AND boot = $2 AND from_n = $3', [gateway, boot, from]);
  }
  const had = new Set(before.map(({ from, to }) => `${from}-${to}`));
  for (const { from, to } of ranges) {
    if (had.has(`${from}-${to}`)) continue;
    await session.query(
      `INSERT INTO ledger (gateway, boot, from_n, to_n) VALUES ($1, $2, $3, $4)
       ON CONFLICT (gateway, boot, from_n) DO UPDATE SET to_n = excluded.to_n`,
      [gateway, boot, from, to],
    );
  }
  const taken = new Set<number>();
  const records = body.records.filter(({ n }) => {
    if (!fresh.has(n) || taken.has(n)) return false;
    taken.add(n);
    return true;
  });
  tally.fresh += records.length;
  tally.known += body.records.length - records.length;
  await writeRecords(session, gateway, boot, records);
  return 'stored';
}

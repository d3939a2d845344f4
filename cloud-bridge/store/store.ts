/**
 * The bridge's store in SQLite: one writer, one file.
 *
 * Invariants (each has a test in `test/unit/bridge/store.test.ts`):
 *  B1  A batch, its records and its ledger numbers are durable together when `commit` returns, or none of them is.
 *  B2  A record is stored once, however often and in whatever batches it arrives: by its identity (gateway, boot, n).
 *  B3  Of the summaries of one key the highest (revision, record boot, n) stays, in whatever order they arrive.
 *  B4  A batch name is (gateway, boot, seq); another hash under a known name stores nothing.
 *      Of a batch that is known it stores the records whose numbers the ledger has lost (see `salvage.ts`), else nothing.
 *  B5  Any order, repetition or interleaving of the same batches gives the same rows, receive times aside.
 */
import type Database from 'better-sqlite3';
import type { BatchName, StatusMessage } from '../contract.ts';
import type { DataDir } from '../files.ts';
import { branchKeeper } from './branches.ts';
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
} from './bridge-store.ts';
import { fileKeeper, type FileKeeper } from './files.ts';
import { addNumbers, type Range } from './ledger.ts';
import { openDatabase, type Quarantine } from './open.ts';
import { overlapKeeper } from './overlap.ts';
import { recordWriter } from './rows.ts';
import { sqliteCode } from './salvage.ts';
import { supersedes } from './status.ts';

export class SqliteStore implements BridgeStore {
  readonly db: Database.Database;
  readonly quarantine: Quarantine | null;
  readonly #release: () => void;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #records: ReturnType<typeof recordWriter>;
  readonly #branches: ReturnType<typeof branchKeeper>;
  readonly #overlaps: ReturnType<typeof overlapKeeper>;
  readonly #files: FileKeeper;

  /** Takes the data folder's lock and opens the database; throws as `openDatabase`. */
  static open(dir: DataDir, nowMs: number): SqliteStore {
    const { db, quarantine, release } = openDatabase(dir, nowMs);
    return new SqliteStore(db, quarantine, release);
  }

  private constructor(db: Database.Database, quarantine: Quarantine | null, release: () => void) {
    this.db = db;
    this.quarantine = quarantine;
    this.#release = release;
    this.#statements = prepare(db);
    this.#records = recordWriter(db);
    this.#branches = branchKeeper(db);
    this.#overlaps = overlapKeeper(db);
    this.#files = fileKeeper(db);
  }

  /** Stores the batches in one transaction. Throws SQLite's error with nothing stored when the disk does not take it. */
  commit(batches: readonly CheckedBatch[], receivedMs: number): CommitResult {
    return this.db
      .transaction(() => {
        const forks: Fork[] = [];
        const tally = { fresh: 0, known: 0 };
        const outcomes = batches.map((batch) => this.#store(batch, receivedMs, forks, tally));
        return { outcomes, forks, ...tally };
      })
      .immediate();
  }

  /** Keeps the newest birth or death of the gateway; `site` is the registered one. */
  applyStatus(site: string, status: StatusMessage, receivedMs: number): StatusResult {
    return this.db
      .transaction(() => {
        const forks: Fork[] = [];
        this.#noteBoot(site, status.gateway, status.boot, status.previousBoot, receivedMs, forks);
        const row = this.#statements.status.get(status.gateway);
        const stored = row === undefined ? null : { ...row, online: row.online === 1 };
        const after = (later: string, earlier: string) => this.#comesAfter(status.gateway, later, earlier);
        const taken = supersedes(status, stored, after);
        if (taken) {
          this.#statements.putStatus.run({
            gateway: status.gateway,
            boot: status.boot,
            previous_boot: status.previousBoot,
            connection: status.connection,
            online: status.online ? 1 : 0,
            at_ms: status.atMs,
            agent_version: status.agentVersion,
            session: status.session,
            received_ms: receivedMs,
          });
        }
        return { taken, forks };
      })
      .immediate();
  }

  putChunk(chunk: Chunk, receivedMs: number): FileState {
    return this.db.transaction(() => this.#files.put(chunk, receivedMs)).immediate();
  }

  readFile(gateway: string, sha256: string): Buffer | null {
    return this.db.transaction(() => this.#files.read(gateway, sha256))();
  }

  /** For a start with the embedded broker: nobody is connected to it yet, whatever the last run saw. */
  forgetConnections(): void {
    this.db.exec('UPDATE status SET online = 0 WHERE online = 1');
  }

  rows<T = Row>(sql: string, values: Readonly<Record<string, Scalar>> = {}): T[] {
    return this.db.prepare<[Readonly<Record<string, Scalar>>], T>(sql).all(values);
  }

  /** The disk or the file, as against the batch. */
  troubleOf(error: unknown): Trouble | null {
    const code = sqliteCode(error) ?? '';
    if (code.startsWith('SQLITE_FULL')) return 'full';
    return /^SQLITE_(IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|BUSY|LOCKED|NOMEM)/.test(code) ? 'down' : null;
  }

  close(): void {
    this.db.close();
    this.#release();
  }

  #store(
    batch: CheckedBatch,
    receivedMs: number,
    forks: Fork[],
    tally: { fresh: number; known: number },
  ): CommitOutcome {
    const { name, body } = batch;
    const known = this.#statements.batch.get(name.gateway, name.boot, name.seq);
    if (known !== undefined) {
      if (known.sha256 !== name.sha256) return 'conflict';
      this.#statements.repeat.run(name.gateway, name.boot, name.seq);
      this.#statements.countRepeat.run(name.gateway);
      // After a salvage the batch may be known, and its records or what is known of its boot gone: now they can be had back.
      if (!this.#isPlaced(body.site, name, body.previousBoot)) {
        this.#noteBoot(body.site, name.gateway, name.boot, body.previousBoot, receivedMs, forks);
      }
      const again = { fresh: 0, known: 0 };
      this.#write(batch, again);
      tally.fresh += again.fresh;
      return again.fresh > 0 ? 'stored' : 'repeat';
    }
    this.#noteBoot(body.site, name.gateway, name.boot, body.previousBoot, receivedMs, forks);
    this.#age(name, body.sealedMs);
    this.#statements.putBatch.run({
      gateway: name.gateway,
      boot: name.boot,
      seq: name.seq,
      sha256: name.sha256,
      lane: body.lane,
      clock: body.clock,
      sealed_ms: body.sealedMs,
      received_ms: receivedMs,
      records: body.records.length,
      bytes: batch.wireBytes,
    });
    this.#statements.countBatch.run(name.gateway);
    this.#write(batch, tally);
    return 'stored';
  }

  /** Stores the records whose numbers are not in the ledger. */
  #write({ name, body }: CheckedBatch, tally: { fresh: number; known: number }): void {
    const fresh = this.#enter(
      name,
      body.records.map((record) => record.n),
    );
    const taken = new Set<number>();
    const forked = this.#branches.forked(name.gateway);
    for (const record of body.records) {
      if (!fresh.has(record.n) || taken.has(record.n)) {
        tally.known += 1;
        continue;
      }
      taken.add(record.n);
      tally.fresh += 1;
      if (record.kind === 'summary' && record.readingBoot !== name.boot) {
        this.#statements.putRebuilt.run(name.gateway, record.readingBoot);
      }
      const write = () => this.#records.write(name.gateway, name.boot, record);
      if (record.kind === 'summary' && forked) this.#overlaps.around(name.gateway, record, write);
      else write();
    }
  }

  /** Enters the numbers in the ledger; returns those that were not in it. Touches only the ranges they meet. */
  #enter(name: BatchName, numbers: readonly number[]): ReadonlySet<number> {
    const { gateway, boot } = name;
    let low = Infinity;
    let high = 0;
    for (const n of numbers) {
      low = Math.min(low, n);
      high = Math.max(high, n);
    }
    const before: Range[] = this.#statements.ranges.all(gateway, boot, high + 1, low - 1);
    const { ranges, fresh } = addNumbers(before, numbers);
    const [had, has] = [new Set(before.map(nameOf)), new Set(ranges.map(nameOf))];
    for (const range of before) if (!has.has(nameOf(range))) this.#statements.dropRange.run(gateway, boot, range.from);
    for (const range of ranges)
      if (!had.has(nameOf(range))) this.#statements.putRange.run(gateway, boot, range.from, range.to);
    return fresh;
  }

  /** The boot is as old as its earliest batch: an older one that comes late may change which child of a fork is the oldest. */
  #age({ gateway, boot }: BatchName, sealedMs: number): void {
    const older = this.#statements.age.run(sealedMs, gateway, boot, sealedMs).changes > 0;
    if (older && this.#branches.forked(gateway)) this.#overlaps.follow(gateway, this.#branches.place(gateway));
  }

  /** Keeps gateway and boot; a new boot is placed in its chain, and everything known to follow it moves with it. */
  #noteBoot(site: string, gateway: string, boot: string, previous: string | null, nowMs: number, forks: Fork[]): void {
    this.#statements.putGateway.run({ gateway, site, now: nowMs });
    if (this.#hasPlace(gateway, boot, previous)) {
      this.#statements.touchBoot.run(nowMs, gateway, boot);
      return;
    }
    const parent = previous === null ? undefined : this.#statements.boot.get(gateway, previous);
    const generation = parent === undefined ? 0 : parent.generation + 1;
    this.#statements.putBoot.run({ gateway, boot, previous_boot: previous, generation, now: nowMs });
    const seen = new Set([boot]);
    const waiting = [{ boot, generation }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const child of this.#statements.children.all(gateway, next.boot)) {
        // No agent makes a circle; a forged one must not hold the bridge.
        if (seen.has(child.boot)) continue;
        seen.add(child.boot);
        this.#statements.place.run(next.generation + 1, gateway, child.boot);
        waiting.push({ boot: child.boot, generation: next.generation + 1 });
      }
    }
    const siblings = previous === null ? [] : this.#statements.children.all(gateway, previous).map((row) => row.boot);
    if (previous !== null && siblings.length > 1) {
      forks.push({ gateway, previousBoot: previous, boots: siblings });
      this.#statements.countForks.run(gateway, gateway);
    }
    if (siblings.length > 1 || this.#branches.forked(gateway)) {
      this.#overlaps.follow(gateway, this.#branches.place(gateway));
    }
  }

  /** False of a boot that is new, or that was salvaged without the boot before it. */
  #hasPlace(gateway: string, boot: string, previous: string | null): boolean {
    const known = this.#statements.boot.get(gateway, boot);
    return known !== undefined && (known.previous_boot !== null || previous === null);
  }

  /** Nothing of a batch's gateway and boot was lost. */
  #isPlaced(site: string, { gateway, boot }: BatchName, previous: string | null): boolean {
    return this.#statements.site.get(gateway)?.site === site && this.#hasPlace(gateway, boot, previous);
  }

  #comesAfter(gateway: string, later: string, earlier: string): boolean {
    const seen = new Set<string>();
    for (let at: string | null = later; at !== null && !seen.has(at);) {
      seen.add(at);
      const row: { previous_boot: string | null } | undefined = this.#statements.boot.get(gateway, at);
      at = row?.previous_boot ?? null;
      if (at === earlier) return true;
    }
    return false;
  }
}

function nameOf({ from, to }: Range): string {
  return `${from}-${to}`;
}

type Params = Record<string, string | number | null>;

function prepare(db: Database.Database) {
  return {
    batch: db.prepare<[string, string, number], { sha256: string }>(
      'SELECT sha256 FROM batch WHERE gateway = ? AND boot = ? AND seq = ?',
    ),
    repeat: db.prepare<[string, string, number]>(
      'UPDATE batch SET repeats = repeats + 1 WHERE gateway = ? AND boot = ? AND seq = ?',
    ),
    putBatch: db.prepare<Params>(
      `INSERT INTO batch (gateway, boot, seq, sha256, lane, clock, sealed_ms, received_ms, records, bytes, repeats)
       VALUES (@gateway, @boot, @seq, @sha256, @lane, @clock, @sealed_ms, @received_ms, @records, @bytes, 0)`,
    ),
    countBatch: db.prepare<[string]>('UPDATE gateway SET batches = batches + 1 WHERE gateway = ?'),
    countRepeat: db.prepare<[string]>('UPDATE gateway SET repeats = repeats + 1 WHERE gateway = ?'),
    countForks: db.prepare<[string, string]>(
      'UPDATE gateway SET forks = (SELECT count(*) FROM fork WHERE gateway = ?) WHERE gateway = ?',
    ),
    putGateway: db.prepare<Params>(
      `INSERT INTO gateway (gateway, site, first_ms, last_ms) VALUES (@gateway, @site, @now, @now)
       ON CONFLICT (gateway) DO UPDATE SET site = excluded.site, last_ms = max(last_ms, excluded.last_ms)`,
    ),
    site: db.prepare<[string], { site: string }>('SELECT site FROM gateway WHERE gateway = ?'),
    touchBoot: db.prepare<[number, string, string]>(
      'UPDATE boot SET last_ms = max(last_ms, ?) WHERE gateway = ? AND boot = ?',
    ),
    boot: db.prepare<[string, string], { generation: number; previous_boot: string | null }>(
      'SELECT generation, previous_boot FROM boot WHERE gateway = ? AND boot = ?',
    ),
    putBoot: db.prepare<Params>(
      `INSERT INTO boot (gateway, boot, previous_boot, generation, first_ms, last_ms)
       VALUES (@gateway, @boot, @previous_boot, @generation, @now, @now)
       ON CONFLICT (gateway, boot) DO UPDATE SET previous_boot = excluded.previous_boot,
         generation = excluded.generation, last_ms = max(last_ms, excluded.last_ms)`,
    ),
    children: db.prepare<[string, string], { boot: string }>(
      'SELECT boot FROM boot WHERE gateway = ? AND previous_boot = ? ORDER BY boot',
    ),
    place: db.prepare<[number, string, string]>('UPDATE boot SET generation = ? WHERE gateway = ? AND boot = ?'),
    age: db.prepare<[number, string, string, number]>(
      'UPDATE boot SET sealed_ms = ? WHERE gateway = ? AND boot = ? AND (sealed_ms IS NULL OR sealed_ms > ?)',
    ),
    putRebuilt: db.prepare<[string, string]>('INSERT OR IGNORE INTO boot_rebuilt (gateway, boot) VALUES (?, ?)'),
    ranges: db.prepare<[string, string, number, number], Range>(
      `SELECT from_n AS "from", to_n AS "to" FROM ledger
       WHERE gateway = ? AND boot = ? AND from_n <= ? AND to_n >= ? ORDER BY from_n`,
    ),
    dropRange: db.prepare<[string, string, number]>('DELETE FROM ledger WHERE gateway = ? AND boot = ? AND from_n = ?'),
    putRange: db.prepare<[string, string, number, number]>(
      // A damaged range may stand under the number.
      'INSERT OR REPLACE INTO ledger (gateway, boot, from_n, to_n) VALUES (?, ?, ?, ?)',
    ),
    status: db.prepare<[string], { boot: string; connection: number; online: number }>(
      'SELECT boot, connection, online FROM status WHERE gateway = ?',
    ),
    putStatus: db.prepare<Params>(
      `INSERT OR REPLACE INTO status
       (gateway, boot, previous_boot, connection, online, at_ms, agent_version, session, received_ms)
       VALUES (@gateway, @boot, @previous_boot, @connection, @online, @at_ms, @agent_version, @session, @received_ms)`,
    ),
  };
}

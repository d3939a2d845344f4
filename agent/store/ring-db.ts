/**
 * The ring database: raw readings as packed blocks, in the order they came. Synchronous; used by the writer thread.
 *
 * Invariants (test/unit/store/ring-db.test.ts):
 *  G1  The oldest blocks go first, when the ring is over its bytes or its age; the newest block always stays.
 *  G3  What it gives up leaves the file: that is shorter afterwards, down to the floor it is given.
 *  G2  Every block older than the last `spanBlocks` is covered by exactly one span, whose times enclose it, also after a crash.
 */
import { createRequire } from 'node:module';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { boundPageCache } from './connections.ts';
import { AgentError } from '../errors.ts';
import type * as DatedBlock from './dated-block.ts';
import { rowSum } from './row-sums.ts';
import { migrate, ringMigrations } from './schema.ts';
import type { RingBlock } from './store.ts';

export type StoredBlock = RingBlock & { readonly boot: string };

export interface RingOptions {
  readonly nowMs: number;
  /** Bound of the blocks' bytes. The file is a few percent larger; freed pages are used again. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export const spanBlocks = 256;
/** Unpacked and packed again in one transaction: some tens of ms. */
const datedBlocks = 16;
/** So much more than needed goes at a time: removed one by one, blocks have the pages they share written again and again. */
const spareBytes = 512 * 1024;
const spareAgeMs = 60_000;
/** A file of before it could shrink is made anew while it is small. */
const maxRemadeBytes = 32 * 1024 * 1024;
/** The tail never has more blocks: two minutes of 200 machines. */
const maxTailBlocks = 10_000;

/** Opens or creates the ring at `path`. Throws SqliteError or StoreError. */
export function openRing(path: string, options: RingOptions): Ring {
  const db = new BetterSqlite(path, { timeout: 2_000 });
  try {
    // Before anything is in the file: what is given up can then be cut off its end.
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('journal_size_limit = 16777216');
    // Blocks are written once and not read again: a cache of their pages is memory for nothing.
    boundPageCache(db, 512);
    migrate(db, ringMigrations, options.nowMs);
    if (!canShrink(db) && fileBytesOf(db) <= maxRemadeBytes) remake(db);
    return new Ring(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

export class Ring {
  readonly db: Database;
  readonly #options: RingOptions;
  readonly #sql: ReturnType<typeof prepareAll>;
  #bytes: number;
  /** At present; below `maxBytes` while the rest of the store needs the room. */
  #limitBytes: number;

  constructor(db: Database, options: RingOptions) {
    this.db = db;
    this.#options = options;
    this.#limitBytes = options.maxBytes;
    this.#sql = prepareAll(db);
    this.#bytes = Number(this.#sql.allBytes.get());
  }

  /** Bytes of all blocks. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the file without its write-ahead log. */
  get fileBytes(): number {
    return fileBytesOf(this.db);
  }

  /** True while it has given up room. */
  get yields(): boolean {
    return this.#limitBytes < this.#options.maxBytes;
  }

  /** Number and start of the oldest block; null when there is none. */
  oldest(): { readonly id: number; readonly fromMs: number } | null {
    const row = this.#sql.oldest.get() as { id: number; fromMs: number } | undefined;
    return row === undefined ? null : { id: row.id, fromMs: row.fromMs };
  }

  /** Time of the oldest block that can be given up with a floor of so many bytes; null when there is none. */
  spareMs(floorBytes: number): number | null {
    const free = Number(this.db.pragma('freelist_count', { simple: true }));
    if (this.#bytes <= floorBytes && free <= minFreePages) return null;
    return this.oldest()?.fromMs ?? null;
  }

  /** Gives up the oldest blocks, some `bytes` of them but none of the last `floorBytes`, and shortens the file. */
  giveUp(bytes: number, floorBytes: number): void {
    if (!canShrink(this.db)) {
      // A file of an earlier version. All of it goes, once.
      this.db.exec('DELETE FROM block; DELETE FROM span');
      this.#bytes = 0;
      remake(this.db);
      return;
    }
    this.#limitBytes = Math.max(floorBytes, Math.min(this.#limitBytes, this.#bytes) - bytes);
    const { removed } = this.db.transaction(() => this.#evict(this.#bytes, null, this.#limitBytes)).immediate();
    this.#bytes -= removed;
    const pages = Math.ceil(bytes / Number(this.db.pragma('page_size', { simple: true })));
    this.db.pragma(`incremental_vacuum(${pages})`);
  }

  /** There is room again. */
  takeBack(bytes: number): void {
    this.#limitBytes = Math.min(this.#options.maxBytes, this.#limitBytes + bytes);
  }

  /**
   * Stores blocks in one transaction and evicts what is over the budget. Returns the number of blocks evicted.
   * @param nowMs UTC ms to judge the age by; null: nothing is too old at present
   */
  append(blocks: readonly StoredBlock[], nowMs: number | null): number {
    const { added, removed, evicted } = this.db
      .transaction(() => {
        let added = 0;
        for (const block of blocks) {
          this.#sql.insert.run({ ...block, crc: blockSum(block) });
          added += block.bytes.length;
        }
        this.#closeSpans();
        return { added, ...this.#evict(this.#bytes + added, nowMs, this.#limitBytes) };
      })
      .immediate();
    this.#bytes += added - removed;
    return evicted;
  }

  /**
   * Blocks from the minute before the newest block's on, oldest first: all that an unsealed minute can need. `dated` puts right what
   * is still to be dated.
   */
  tail(
    dated: (block: StoredBlock) => StoredBlock = (block) => block,
  ): { readonly fromMs: number; readonly toMs: number; readonly blocks: StoredBlock[] } | null {
    const found = this.#sql.newest.get() as StoredBlock | undefined;
    if (found === undefined) return null;
    const newest = dated(found);
    const fromMs = Math.floor(newest.toMs / 60_000) * 60_000 - 60_000;
    const toMs = newest.toMs + 60_000;
    // Blocks that a clock step put out of order are left out on both sides.
    const shiftMs = newest.toMs - found.toMs;
    const stored = this.#sql.tail.all({ limit: maxTailBlocks, fromMs, toMs, shiftMs }) as StoredBlock[];
    const blocks = stored.map(dated).filter((block) => block.toMs >= fromMs && block.fromMs <= toMs);
    return { fromMs, toMs, blocks: blocks.reverse() };
  }

  /**
   * Dates some of the blocks after `afterId` whose boot has a shift, in one transaction. Returns the last block looked at; null when
   * none is left. G2 holds at every step: spans grow with their blocks first and are drawn tight at the end.
   */
  date(shifts: ReadonlyMap<string, number>, builtMs: number, afterId: number): number | null {
    if (shifts.size === 0) return null;
    const rows = this.#sql.ofBoots.all({
      boots: [...shifts.keys()].join(' '),
      afterId,
      limit: datedBlocks,
    }) as (StoredBlock & { id: number })[];
    const last = rows.at(-1);
    const grown = this.db
      .transaction(() => {
        let grown = 0;
        for (const { id, ...block } of rows) {
          const dated = datedOrNull(block, shifts.get(block.boot) ?? 0, builtMs);
          if (dated === null) continue;
          const { fromMs, toMs, bytes } = dated;
          this.#sql.replace.run({ id, fromMs, toMs, bytes, crc: blockSum({ ...block, fromMs, toMs, bytes }) });
          this.#sql.widenSpan.run({ id, fromMs, toMs });
          grown += bytes.length - block.bytes.length;
        }
        if (last === undefined) this.#sql.tightenSpans.run(builtMs);
        return grown;
      })
      .immediate();
    this.#bytes += grown;
    return last?.id ?? null;
  }

  close(): void {
    this.db.pragma('wal_checkpoint(TRUNCATE)');
    this.db.close();
  }

  #closeSpans(): void {
    for (;;) {
      const after = Number(this.#sql.spannedTo.get());
      const next = this.#sql.nextSpan.get(after, spanBlocks) as SpanRow;
      if (next.count < spanBlocks) return;
      this.#sql.insertSpan.run(next);
    }
  }

  #evict(bytes: number, nowMs: number | null, limitBytes: number): { removed: number; evicted: number } {
    let removed = 0;
    let evicted = 0;
    const oldestMs = nowMs === null ? -Infinity : nowMs - this.#options.maxAgeMs;
    // Small rings are exact.
    const spare = limitBytes < 16 * spareBytes ? 0 : spareBytes;
    let keepBytes = limitBytes;
    let keepMs = oldestMs - spareAgeMs;
    for (;;) {
      const oldest = this.#sql.oldest.get() as { id: number; toMs: number; bytes: number; last: number } | undefined;
      if (oldest === undefined || oldest.last === 1) break;
      if (bytes - removed > keepBytes) keepBytes = limitBytes - spare;
      else if (oldest.toMs < keepMs) keepMs = oldestMs;
      else break;
      this.#sql.remove.run(oldest.id);
      removed += oldest.bytes;
      evicted++;
    }
    if (evicted > 0) this.#sql.removeSpans.run();
    return { removed, evicted };
  }
}

const blockSum = ({ machine, fromMs, toMs, boot, points, bytes }: StoredBlock): number =>
  rowSum([machine, fromMs, toMs, boot, points, bytes]);

/** Pages that free up in the way of blocks coming and going. */
const minFreePages = 16;

const fileBytesOf = (db: Database): number =>
  Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
const canShrink = (db: Database): boolean => Number(db.pragma('auto_vacuum', { simple: true })) === 2;
function remake(db: Database): void {
  db.pragma('auto_vacuum = INCREMENTAL');
  db.exec('VACUUM');
}

const require = createRequire(import.meta.url);

/** A damaged block is left as it is; it reads as a hole. */
export function datedOrNull(block: StoredBlock, shiftMs: number, builtMs: number): RingBlock | null {
  // Loaded by a boot without the time alone: the reading of blocks brings schemas, which every other writer thread does without.
  const { datedBlock } = require('./dated-block.ts') as typeof DatedBlock;
  try {
    return datedBlock(block, shiftMs, builtMs);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return null;
  }
}

interface SpanRow {
  readonly count: number;
  readonly id: number;
  readonly lastId: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly bytes: number;
}

/** Where the last span ends, or just before the first block. */
const spannedTo =
  'SELECT coalesce((SELECT last_id FROM span ORDER BY id DESC LIMIT 1), (SELECT min(id) - 1 FROM block), 0)';

function prepareAll(db: Database) {
  return {
    // Spans know their bytes, so a start does not read the whole ring. The oldest span may be partly evicted: it is counted anew.
    allBytes: db
      .prepare(
        `SELECT (SELECT coalesce(sum(length(bytes)), 0) FROM block
            WHERE id <= coalesce((SELECT min(last_id) FROM span), 0) OR id > (${spannedTo}))
          + (SELECT coalesce(sum(bytes), 0) FROM span WHERE id > (SELECT min(id) FROM span))`,
      )
      .pluck(),
    insert: db.prepare(`INSERT INTO block (machine, from_ms, to_ms, boot, points, bytes, crc)
      VALUES ($machine, $fromMs, $toMs, $boot, $points, $bytes, $crc)`),
    spannedTo: db.prepare(spannedTo).pluck(),
    nextSpan:
      db.prepare(`SELECT count(*) AS count, min(id) AS id, max(id) AS lastId, min(from_ms) AS fromMs, max(to_ms) AS toMs,
      sum(bytes) AS bytes FROM (SELECT id, from_ms, to_ms, length(bytes) AS bytes FROM block WHERE id > ? ORDER BY id LIMIT ?)`),
    insertSpan: db.prepare(
      'INSERT INTO span (id, last_id, from_ms, to_ms, bytes) VALUES ($id, $lastId, $fromMs, $toMs, $bytes)',
    ),
    newest: db.prepare(
      `SELECT machine, from_ms AS fromMs, to_ms AS toMs, boot, points, bytes FROM block ORDER BY id DESC LIMIT 1`,
    ),
    tail: db.prepare(`SELECT machine, from_ms AS fromMs, to_ms AS toMs, boot, points, bytes FROM
      (SELECT * FROM block ORDER BY id DESC LIMIT $limit) WHERE (to_ms >= $fromMs AND from_ms <= $toMs)
        OR (to_ms >= $fromMs - $shiftMs AND from_ms <= $toMs - $shiftMs) ORDER BY id DESC`),
    oldest:
      db.prepare(`SELECT id, from_ms AS fromMs, to_ms AS toMs, length(bytes) AS bytes, id = (SELECT max(id) FROM block) AS last
      FROM block ORDER BY id LIMIT 1`),
    ofBoots: db.prepare(`SELECT id, machine, from_ms AS fromMs, to_ms AS toMs, boot, points, bytes FROM block
      WHERE id > $afterId AND instr($boots, boot) > 0 ORDER BY id LIMIT $limit`),
    replace: db.prepare('UPDATE block SET from_ms = $fromMs, to_ms = $toMs, bytes = $bytes, crc = $crc WHERE id = $id'),
    widenSpan: db.prepare(`UPDATE span SET from_ms = min(from_ms, $fromMs), to_ms = max(to_ms, $toMs)
      WHERE id <= $id AND last_id >= $id`),
    tightenSpans: db.prepare(`UPDATE span SET (from_ms, to_ms, bytes) =
      (SELECT coalesce(min(from_ms), span.from_ms), coalesce(max(to_ms), span.to_ms), coalesce(sum(length(bytes)), 0)
        FROM block WHERE block.id BETWEEN span.id AND span.last_id)
      WHERE from_ms < ?`),
    remove: db.prepare('DELETE FROM block WHERE id = ?'),
    removeSpans: db.prepare('DELETE FROM span WHERE last_id < (SELECT min(id) FROM block)'),
  };
}

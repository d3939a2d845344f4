/** Opens both databases for the one writer: data folder, lock, damage, migration, boot row, recovery. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { performance } from 'node:perf_hooks';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { endExchange } from '../backup/exchange.ts';
import { makeFolder } from '../folder.ts';
import { ActEvents } from './act-events.ts';
import { asStoreError, StoreError } from './errors.ts';
import { journalFile, lockFile, reserveFile, ringFile } from './files.ts';
import { openJournal, type Journal } from './journal.ts';
import { damagedWalOf, damageOf, isDamage, salvage, setAside, versionOf } from './repair.ts';
import { Reserve } from './reserve.ts';
import { lastPageActs } from './page-acts-event.ts';
import { lastCases } from './case-events.ts';
import { RollEvents } from './roll-events.ts';
import { datedOrNull, openRing, type Ring } from './ring-db.ts';
import { journalMigrations, ringMigrations } from './schema.ts';
import { Outbox } from './sealing.ts';
import type { Recovery } from './store.ts';
import { Upkeep } from './upkeep.ts';
import type { WriterSettings } from './writer-protocol.ts';

export interface OpenDatabases {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly ring: Ring;
  readonly reserve: Reserve;
  readonly upkeep: Upkeep;
  readonly recovery: Recovery;
  close(): void;
}

/** A larger ring is not read through at a start: it would keep the machines waiting, and it is expendable. */
const maxCheckedRingBytes = 256 * 1024 * 1024;
/** A salvaged boot may have sealed batches that did not read back; their numbers must not be used again. */
const seqJumpAfterSalvage = 1_000_000;

/** @throws StoreError */
export function openDatabases(settings: WriterSettings): OpenDatabases {
  try {
    return openOnce(settings);
  } catch (error) {
    const reserve = reserveFile(settings.dataDir);
    if (!(error instanceof StoreError && error.key === 'storeFull' && existsSync(reserve))) throw error;
    // A start needs some pages, too.
    rmSync(reserve, { force: true });
    return openOnce(settings);
  }
}

function openOnce(settings: WriterSettings): OpenDatabases {
  const { dataDir, boot, nowMs } = settings;
  prepareFolder(dataDir);
  const lock = lockFolder(dataDir);
  const opened: { close(): void }[] = [lock];
  const close = () => {
    for (const database of opened.toReversed()) database.close();
  };
  try {
    // A restore that was killed on its way: the folder is one or the other before anything of it is read.
    endExchange(dataDir, nowMs);
    refuseStrange(journalFile(dataDir), 'boot', journalMigrations.length);
    refuseStrange(ringFile(dataDir), 'block', ringMigrations.length);
    const quarantined: string[] = [];
    const journal = openSound({
      path: journalFile(dataDir),
      nowMs,
      migrations: journalMigrations,
      quarantined,
      check: true,
      everyCommitSynced: true,
      open: () =>
        openJournal(journalFile(dataDir), {
          nowMs,
          outbox: settings.outbox,
          builtMs: settings.builtMs,
          ...(settings.journalMaxBytes === null ? {} : { maxBytes: settings.journalMaxBytes }),
        }),
    });
    opened.push(journal);
    const { previousBoot } = journal.transaction(() => {
      if (quarantined.length > 0)
        journal.db.prepare('UPDATE boot SET next_seq = next_seq + ?').run(seqJumpAfterSalvage);
      const begun = journal.beginBoot(boot, nowMs);
      // Before anything of them is taken over.
      if (nowMs >= settings.builtMs) journal.dating.date(settings.host, null);
      return begun;
    });
    const path = ringFile(dataDir);
    const check = !existsSync(path) || statSync(path).size <= maxCheckedRingBytes;
    const ring = openSound({
      path,
      nowMs,
      migrations: ringMigrations,
      quarantined,
      check,
      everyCommitSynced: false,
      open: () => openRing(path, { nowMs, maxBytes: settings.ringMaxBytes, maxAgeMs: settings.ringMaxAgeMs }),
    });
    opened.push(ring);
    syncFolder(dataDir);
    const undated = journal.dating.undatedSpans(settings.host.boot);
    const recovery = recover(journal, ring, settings, { boot, previousBoot, quarantined, undated });
    const outbox = new Outbox(journal.db, settings.batchLimits, settings.builtMs);
    const upkeep = new Upkeep({ ...settings, journal, ring, monotonicMs: () => performance.now() });
    return { journal, outbox, ring, reserve: reserveFor(settings, journal), upkeep, recovery, close };
  } catch (error) {
    close();
    throw asStoreError(error, `open ${dataDir}`);
  }
}

function reserveFor({ dataDir, reserveBytes, journalMaxBytes }: WriterSettings, journal: Journal): Reserve {
  return new Reserve({
    path: reserveFile(dataDir),
    bytes: reserveBytes,
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(dataDir);
      return bavail * bsize;
    },
    usedBytes: () => journal.usedBytes(),
    maxBytes: journalMaxBytes,
    nowMs: () => performance.now(),
  });
}

function prepareFolder(dataDir: string): void {
  try {
    makeFolder(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('dataDirUnusable', `data folder ${dataDir}: ${why}`, { cause: error });
  }
}

/**
 * Makes the names of the files durable. SQLite does so when it first syncs a file it has made; the ring's log is first synced by the next
 * process, which copies it into the ring: without its name after a power cut, half of a copy would be a damaged ring.
 */
function syncFolder(dataDir: string): void {
  try {
    const folder = openSync(dataDir, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Some systems have no such thing as a sync of a folder.
  }
}

/** Keeps a second agent out. The lock is the operating system's, so it goes with the process however that ends. */
export function lockFolder(dataDir: string): Database {
  try {
    return takeLock(lockFile(dataDir));
  } catch (error) {
    const known = asStoreError(error, `lock ${dataDir}`);
    if (known.key !== 'storeBusy') throw known;
    throw new StoreError('dataDirInUse', `data folder ${dataDir} is in use by another process`, { cause: error });
  }
}

function takeLock(path: string, again = true): Database {
  const lock = new BetterSqlite(path, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!again || !isDamage(error)) throw error;
    // Rubbish in a file that holds nothing must not keep the agent from starting. Emptied and not replaced: whoever opens it at this
    // moment locks the same file.
    truncateSync(path);
    return takeLock(path, false);
  }
}

/**
 * Before anything is written: a start of the older program by mistake changes nothing.
 * @param table one that such a database has had from the first version on
 */
function refuseStrange(path: string, table: string, known: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new StoreError('dataDirUnusable', `${path} is no file`);
  const version = versionOf(path, table);
  if (version !== null && version > known)
    throw new StoreError('storeTooNew', `${path} has schema ${version}, this version knows ${known}`);
}

interface Opening<T> {
  readonly path: string;
  readonly nowMs: number;
  readonly migrations: readonly string[];
  /** Takes what was put aside, in words. */
  readonly quarantined: string[];
  /** Read it through first; of its schema that is always so. */
  readonly check: boolean;
  /**
   * Of its log at most the last transaction is missing after a power cut, so a hole with more behind it is damage. Without it such a hole
   * is what a power cut leaves, and SQLite's own end is the right one.
   */
  readonly everyCommitSynced: boolean;
  readonly open: () => T;
}

/** Opens a database, putting a damaged one aside first and copying over what still reads. */
function openSound<T extends { readonly db: Database }>(opening: Opening<T>): T {
  const { path, nowMs, migrations, quarantined, check, everyCommitSynced, open } = opening;
  // Before SQLite opens it, which would let go of what it cannot read.
  const wal = everyCommitSynced ? damagedWalOf(path) : null;
  let damaged = wal !== null || damageOf(path, migrations, check) !== null;
  if (!damaged) {
    try {
      return open();
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged = true;
    }
  }
  const bad = setAside(path, nowMs, wal);
  const fresh = open();
  const saved = salvage(bad, fresh.db);
  const missing = saved.incomplete.length === 0 ? '' : `, not all of ${saved.incomplete.join(', ')}`;
  const lost = wal === null ? '' : `, ${wal.lost} pages of its log did not read`;
  quarantined.push(`${bad} (${saved.rows} rows saved${missing}${lost})`);
  return fresh;
}

function recover(
  journal: Journal,
  ring: Ring,
  { builtMs, host }: Pick<WriterSettings, 'builtMs' | 'host'>,
  start: Pick<Recovery, 'boot' | 'previousBoot' | 'quarantined' | 'undated'>,
): Recovery {
  const shifts = journal.dating.shifts();
  const tail = ring.tail((block) => {
    const shiftMs = shifts.get(block.boot);
    // The others are dated on the disk, piece by piece, while the agent works.
    const dated = shiftMs === undefined ? null : datedOrNull(block, shiftMs, builtMs);
    return dated === null ? block : { ...block, ...dated };
  });
  const counters = journal.lastCounters();
  const boots = [...counters, ...(tail?.blocks ?? [])].map(({ boot }) => boot);
  const clockShifts = journal.dating.clockShifts(host, boots);
  return {
    ...start,
    clockShifts,
    lastSteps: journal.dating.lastSteps(boots),
    openOccurrences: journal.openOccurrences(),
    justClosed: journal.justClosed(),
    openActs: new ActEvents(journal.db).ofOpen(),
    openSpans: journal.openSpans(),
    lastRolls: new RollEvents(journal.db).last(),
    needleCases: lastCases(journal.db),
    pageActs: lastPageActs(journal.db),
    lastCounters: counters.map(({ machine, signal, value, atMs, boot, segment }) => {
      const shift = clockShifts.find((of) => of.boot === boot && of.segment === segment);
      return { machine, signal, value, atMs: atMs + (shift?.shiftMs ?? 0) };
    }),
    ringTail: tail?.blocks ?? [],
    openSummaries: tail === null ? [] : journal.summariesBetween(tail.fromMs, tail.toMs),
    openStateSummaries: tail === null ? [] : journal.stateSummariesBetween(tail.fromMs, tail.toMs),
  };
}

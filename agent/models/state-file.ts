/**
 * `models/state.json` in the data folder: the slots of all models.
 *
 * Invariants (test/unit/models/installed.test.ts):
 *  F1  The file holds a whole state at every moment: it is written beside, synced and renamed, and its folder is synced.
 *  F2  A file that cannot be understood is never taken for an empty one, and never overwritten.
 *  F3  One process at a time changes it; the lock goes with its process.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { z } from 'zod';
import { flushFolder } from '../backup/disk.ts';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { modelsFolder } from './place.ts';
import { slotOf, slotsSchema, type Slot, type Slots } from './slots.ts';

const stateFile = (dataDir: string) => join(modelsFolder(dataDir), 'state.json');
const lockFile = (dataDir: string) => join(modelsFolder(dataDir), 'state.lock');

const fileSchema = z.strictObject({ v: z.literal(1), slots: slotsSchema });

/** None where there is no file yet. @throws AgentError `modelsDamaged` */
export function readSlots(dataDir: string): Slots {
  const path = stateFile(dataDir);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))) return {};
    throw new AgentError('modelsDamaged', `${path} cannot be read`, { cause: error });
  }
  const known = fileSchema.safeParse(jsonOf(text));
  if (!known.success) throw new AgentError('modelsDamaged', `${path} is none of this version`);
  return known.data.slots;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Durable when it returns. The caller holds the lock. */
export function writeSlots(dataDir: string, slots: Slots): void {
  const path = stateFile(dataDir);
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    const bytes = Buffer.from(`${JSON.stringify({ v: 1, slots }, null, 2)}\n`, 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  flushFolder(modelsFolder(dataDir));
}

/**
 * Changes the slot of one model, durably, and returns it as it is then.
 * @param waitMs how long another process may hold the lock
 * @throws AgentError `modelsBusy`, `modelsDamaged`, `dataDirUnusable`, and what `change` throws
 */
export function changeSlot(dataDir: string, id: string, waitMs: number, change: (slot: Slot) => Slot): Slot {
  return withLock(dataDir, waitMs, () => {
    const slots = readSlots(dataDir);
    const before = slotOf(slots, id);
    const after = change(before);
    if (after !== before) writeSlots(dataDir, { ...slots, [id]: after });
    return after;
  });
}

/**
 * Does `work` while no other process changes the models.
 * @param waitMs how long another process may hold the lock
 * @throws AgentError `modelsBusy`, `dataDirUnusable`
 */
export function withLock<T>(dataDir: string, waitMs: number, work: () => T): T {
  const lock = takeLock(dataDir, waitMs);
  try {
    return work();
  } finally {
    lock.close();
  }
}

/** SQLite's lock is the system's: killed at any moment, it is free. */
function takeLock(dataDir: string, waitMs: number): BetterSqlite.Database {
  let lock: BetterSqlite.Database | null = null;
  try {
    makeFolder(modelsFolder(dataDir));
    lock = new BetterSqlite(lockFile(dataDir), { timeout: waitMs });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new AgentError('modelsBusy', `${modelsFolder(dataDir)} is being changed`, { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('dataDirUnusable', `${modelsFolder(dataDir)}: ${why}`, { cause: error });
  }
}

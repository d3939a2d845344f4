/** Data folders with something in every corner, and what of them a person would miss. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { Pace } from '../../../agent/backup/disk.ts';
import { makeBackup, type BackupMade, type BackupOptions } from '../../../agent/backup/make.ts';
import { batchLimits } from '../../../agent/store/checked.ts';
import { defaultAges } from '../../../agent/store/open.ts';
import { openDatabases } from '../../../agent/store/databases.ts';
import { openStore } from '../../../agent/store/open.ts';
import { event } from '../bridge/making.ts';
import { nowMs } from '../store/making.ts';

export const clock = { wallMs: () => nowMs };

/** Commits `count` events, the first numbered 1, and closes. Returns the boot. */
export async function storeEvents(dataDir: string, count: number): Promise<string> {
  const store = await openStore({ dataDir, clock });
  const records = Array.from({ length: count }, (_, i) => ({ lane: 'live' as const, record: event(i + 1) }));
  await store.commit(records, { urgent: true });
  await store.close();
  return store.recovery.boot;
}

export const otherFiles: Readonly<Record<string, string>> = {
  'keys/gateway.key': 'private',
  'keys/gateway.crt': 'certificate',
  'opcua/own/own.key': 'private, too',
  'opcua/trust/plant.der': 'trusted',
  'users.json': 'hashes of passwords',
  'discovered.json': '{}',
  'evidence/ab/abcdef.webp': 'a picture',
};

/** `mark` goes into every file, so that folders can be told apart. */
export function writeOthers(dataDir: string, mark: string): void {
  for (const [name, text] of Object.entries(otherFiles)) {
    mkdirSync(join(dataDir, name, '..'), { recursive: true });
    writeFileSync(join(dataDir, name), `${text} ${mark}`);
  }
  for (const name of ['sessions.json', 'page-address.json', 'users.json.lock', 'journal.db.bad-20260101T000000Z'])
    writeFileSync(join(dataDir, name), mark);
}

/** Opens the databases as the writer of an agent does, and closes them. Returns what was put aside as damaged. */
export function startOnce(dataDir: string): readonly string[] {
  const opened = openDatabases({
    dataDir,
    boot: randomBytes(8).toString('hex'),
    nowMs,
    groupCommitMs: 50,
    outbox: true,
    journalMaxBytes: null,
    reserveBytes: 4_096,
    maxHeldRecords: 100,
    budgetBytes: null,
    ages: defaultAges,
    keepAckedMs: 86_400_000,
    ringMaxBytes: 1_000_000,
    ringMaxAgeMs: 86_400_000,
    builtMs: 0,
    host: { boot: null, offsetMs: 0 },
    batchLimits,
  });
  opened.close();
  return opened.recovery.quarantined;
}

/** Identities of the events in a journal. */
export function eventsOf(path: string): string[] {
  const db = new BetterSqlite(path, { readonly: true, fileMustExist: true });
  try {
    return db.prepare("SELECT boot || '/' || n FROM event ORDER BY id").pluck().all().map(String);
  } finally {
    db.close();
  }
}

/** Names below a folder, as `a/b`. */
export function namesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

export const textOf = (...path: string[]) => readFileSync(join(...path), 'utf8');

export function backUp(dataDir: string, to: string, more: Partial<BackupOptions> = {}): Promise<BackupMade> {
  return makeBackup({
    dataDir,
    to,
    withKey: true,
    withRing: false,
    config: [],
    agentVersion: '0.1.0',
    nowMs,
    pace: new Pace(0),
    signal: new AbortController().signal,
    ...more,
  });
}

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { openStore, type Store, type StoreOptions } from '../../agent/store/open.ts';
import { alert, event, summary } from '../unit/bridge/making.ts';
import { missing } from '../support/peers.ts';
import { nowMs, temporaryDir } from '../unit/store/making.ts';

const clock = { wallMs: () => nowMs };
const reserveBytes = 2 * 1024 * 1024;
const minutesOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    lane: 'live' as const,
    record: summary(from + i, { minuteMs: nowMs + (from + i) * 60_000 }),
  }));

/** A real disk of so many MiB; null, with the test skipped, where this user may not mount one (in CI that is a failure). */
function smallDisk(t: TestContext, sizeMiB: number): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', dir], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    rmdirSync(dir);
    missing(t, `no tmpfs can be mounted: ${mounted.stderr.trim() || String(mounted.error)}`);
    return null;
  }
  t.after(() => {
    spawnSync('umount', ['-l', dir]);
    rmdirSync(dir);
  });
  return dir;
}

/** Somebody else fills the disk to the last byte. */
function fill(dir: string): string {
  const path = join(dir, 'somebody-elses.log');
  const file = openSync(path, 'a');
  try {
    for (const bytes of [65_536, 1]) {
      const piece = Buffer.alloc(bytes, 1);
      try {
        for (;;) writeSync(file, piece);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    }
  } finally {
    closeSync(file);
  }
  return path;
}

async function open(t: TestContext, dataDir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({ dataDir, clock, reserveBytes, ...more });
  t.after(() => store.close());
  return store;
}

/** Resolves once the store says so. */
async function until(store: Store, holds: (stats: Awaited<ReturnType<Store['stats']>>) => boolean): Promise<void> {
  while (!holds(await store.stats())) await delay(50);
}

test('S5: on a full disk alerts and events are stored at once, minutes wait and are stored when there is room', async (t) => {
  const dataDir = smallDisk(t, 24);
  if (dataDir === null) return;
  const store = await open(t, dataDir);
  const other = fill(dataDir);
  let stored = 0;
  const waiting = Array.from({ length: 60 }, (_, i) =>
    store.commit(minutesOf(1 + i * 50, 50), { urgent: true }).then(() => stored++),
  );
  await until(store, ({ full, heldRecords }) => full && heldRecords > 0);
  assert.ok(!existsSync(join(dataDir, 'reserve.bin')), 'the reserve is given up');
  const before = stored;
  for (let n = 10_001; n <= 10_100; n++) {
    const record = n % 2 === 0 ? alert(n, { occurrence: `o-${n}` }) : event(n);
    await store.commit([{ lane: 'alerts', record }], { urgent: true });
  }
  assert.equal((await store.alerts({ limit: 1_000 })).items.length, 50);
  assert.equal((await store.events({ limit: 1_000 })).items.length, 50);
  assert.equal(stored, before, 'no minute went into the reserve');
  rmSync(other);
  await Promise.all(waiting);
  await until(store, ({ full }) => !full);
  assert.equal(statSync(join(dataDir, 'reserve.bin')).size, reserveBytes);
  const { heldRecords, droppedRecords, rejected } = await store.stats();
  assert.deepEqual({ heldRecords, droppedRecords, rejected }, { heldRecords: 0, droppedRecords: 0, rejected: 0 });
  assert.equal((await store.outboxCounts()).records, 3_100);
});

test('an agent starts on a full disk, and what waits at its end is rejected and not forgotten', async (t) => {
  const dataDir = smallDisk(t, 24);
  if (dataDir === null) return;
  await (await open(t, dataDir)).close();
  fill(dataDir);
  const store = await open(t, dataDir);
  await store.commit([{ lane: 'alerts', record: alert(1) }], { urgent: true });
  const waiting = [1, 2, 3].map((i) => store.commit(minutesOf(i * 2_000, 1_900), { urgent: true }));
  const answers = Promise.allSettled(waiting);
  await until(store, ({ heldRecords }) => heldRecords > 0);
  await store.holdNothing();
  const rejected = (await answers).filter((answer) => answer.status === 'rejected');
  assert.ok(rejected.length > 0);
  for (const { reason } of rejected) assert.match(String(reason), /AGT-203/);
  await store.commit([{ lane: 'live', record: event(9_999) }], { urgent: true });
});

test('S5: at the limit of the journal minutes wait, bounded, the oldest are dropped, and alerts still go in', async (t) => {
  const store = await open(t, temporaryDir(t), { journalMaxBytes: 1_500_000, maxHeldRecords: 1_000 });
  const answers: ('stored' | 'dropped' | null)[] = [];
  let held = 0;
  for (let i = 0; held < 1_000 || answers.filter((one) => one === 'dropped').length < 3; i++) {
    answers.push(null);
    store.commit(minutesOf(1 + i * 50, 50), { urgent: true }).then(
      () => (answers[i] = 'stored'),
      () => (answers[i] = 'dropped'),
    );
    held = (await store.stats()).heldRecords;
    assert.ok(held <= 1_000);
  }
  for (let n = 100_001; n <= 100_020; n++) {
    await store.commit([{ lane: 'alerts', record: alert(n) }], { urgent: true });
  }
  // In the order they came: stored, then dropped, then still waiting.
  assert.deepEqual([...new Set(answers)], ['stored', 'dropped', null]);
  const { droppedRecords, full } = await store.stats();
  assert.deepEqual([droppedRecords, full], [answers.filter((one) => one === 'dropped').length * 50, true]);
  // Before its folder goes: what waits is tried once more, which looks at the disk.
  await store.close();
});

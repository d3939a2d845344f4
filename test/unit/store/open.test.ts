import assert from 'node:assert/strict';
import { closeSync, cpSync, existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { encodeRingBlock } from '../../../agent/ring/block.ts';
import { openStore, type Store, type StoreOptions } from '../../../agent/store/open.ts';
import { alert, event, summary } from '../bridge/making.ts';
import { nowMs, temporaryDir } from './making.ts';

const clock = { wallMs: () => nowMs };
async function open(t: TestContext, dataDir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({ dataDir, clock, ...more });
  t.after(() => store.close());
  return store;
}
const live = (n: number) => ({ lane: 'live' as const, record: event(n) });
const block = (value: number, sourceTimeMs = nowMs) =>
  encodeRingBlock('ls-1', [
    {
      machine: 'ls-1',
      signal: 'spindle.speed',
      sourceTimeMs,
      receivedTimeMs: sourceTimeMs,
      monotonicMs: 0,
      quality: 'good',
      value,
    },
  ]);

test('S2: each start stores its boot first, and the next one names it', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  assert.equal(first.recovery.previousBoot, null);
  await first.commit([live(1)], { urgent: true });
  await first.close();
  const second = await open(t, dataDir);
  assert.equal(second.recovery.previousBoot, first.recovery.boot);
  const db = new BetterSqlite(join(dataDir, 'journal.db'), { readonly: true });
  t.after(() => db.close());
  assert.deepEqual(db.prepare('SELECT boot FROM boot ORDER BY id').pluck().all(), [
    first.recovery.boot,
    second.recovery.boot,
  ]);
});

test('copies of one folder never give two batches one name, so no bridge takes one for the other', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  await first.commit([live(1), live(2), { lane: 'alerts', record: alert(3) }], { urgent: true });
  await first.close();
  const copy = join(temporaryDir(t), 'copy');
  cpSync(dataDir, copy, { recursive: true });
  const seal = { site: 'demo', gateway: 'demo-gw', clock: 'synced' as const, nowMs };
  const request = { limit: 1, exclude: [], seal, lingerMs: 0, backlogAfterMs: 60_000 };
  const names = new Map<string, string>();
  // The lanes in another order: what has one name in the one would be something else in the other.
  for (const [dir, lanes] of [
    [dataDir, ['live', 'alerts']],
    [copy, ['alerts', 'live']],
  ] as const) {
    const store = await open(t, dir);
    const batches = [];
    for (const lane of lanes) batches.push(...(await store.take({ ...request, lane })));
    batches.push(...(await store.sealSnapshot(seal)));
    assert.equal(batches.length, 3);
    for (const { boot, seq, sha256 } of batches) {
      assert.equal(boot, first.recovery.boot);
      const name = `${boot}/${seq}`;
      assert.equal(names.get(name) ?? sha256, sha256, name);
      names.set(name, sha256);
    }
  }
  assert.equal(names.size, 6);
});

test('S1: one bad commit in a group costs nobody else’s records', async (t) => {
  const store = await open(t, temporaryDir(t));
  const answers = await Promise.allSettled([
    store.commit([live(1)], { urgent: false }),
    store.commit([live(2), live(1)], { urgent: false }),
    store.commit([live(3)], { urgent: true }),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const { items } = await store.events({});
  assert.deepEqual(
    items.map(({ n }) => n).sort((a, b) => (a < b ? -1 : 1)),
    [1, 3],
  );
});

test('a start finds open occurrences, counters, the ring tail and the summaries that lie in it', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  const records = [alert(1), summary(2), summary(3, { minuteMs: nowMs - 600_000, readingBoot: first.recovery.boot })];
  await first.commit(
    records.map((record) => ({ lane: 'live' as const, record })),
    { urgent: true },
  );
  await first.appendRing(block(3_000));
  await first.close();
  const { recovery } = await open(t, dataDir);
  assert.deepEqual(recovery.openOccurrences, [alert(1)]);
  assert.equal(recovery.lastCounters.length, 1);
  assert.deepEqual(
    recovery.ringTail.map(({ boot, points }) => [boot, points]),
    [[first.recovery.boot, 1]],
  );
  assert.deepEqual(recovery.openSummaries, [summary(2)]);
});

test('queries answer from what was committed: alerts, events by page, a trend by exception', async (t) => {
  const store = await open(t, temporaryDir(t));
  await store.commit([{ lane: 'alerts', record: alert(1) }, ...[2, 3, 4].map(live)], { urgent: true });
  await store.appendRing(block(3_000, nowMs - 10_000));
  await store.appendRing(block(3_100, nowMs));
  assert.deepEqual((await store.alerts({ open: true })).items, [alert(1)]);
  assert.deepEqual((await store.alerts({ open: false })).items, []);
  assert.deepEqual(await store.occurrence('o-1'), [alert(1)]);
  const first = await store.events({ machine: 'ls-1', limit: 2 });
  const rest = await store.events({ machine: 'ls-1', limit: 2, before: first.next });
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ n }) => n),
    [4, 3, 2],
  );
  assert.equal(rest.next, null);
  const trend = await store.trend({ machine: 'ls-1', signal: 'spindle.speed', fromMs: nowMs - 5_000, toMs: nowMs });
  assert.deepEqual(
    trend.points.map(({ value }) => value),
    [3_000, 3_100],
    'with the value that held before the span',
  );
  assert.equal((await store.counts()).openOccurrences, 1);
});

test('without an uplink nothing is queued for one', async (t) => {
  const store = await open(t, temporaryDir(t), { outbox: false });
  await store.commit([live(1)], { urgent: true });
  assert.equal((await store.outboxCounts()).records, 0);
});

test('too much waiting: commits are refused and told, blocks are dropped and counted', async (t) => {
  const store = await open(t, temporaryDir(t), { maxQueuedRecords: 2, maxQueuedBlocks: 1 });
  const both = [store.commit([live(1)], { urgent: false }), store.commit([live(2)], { urgent: false })];
  await assert.rejects(store.commit([live(3)], { urgent: false }), /AGT-205/);
  await store.appendRing(block(1));
  await Promise.all(both);
  const { ringDropped, commitsRefused } = await store.stats();
  assert.deepEqual([ringDropped, commitsRefused], [1, 1]);
});

test('a second agent on one data folder is refused with the cure, and the first goes on', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await open(t, dataDir);
  await assert.rejects(openStore({ dataDir, clock }), { name: 'StoreError', key: 'dataDirInUse' });
  await store.commit([live(1)], { urgent: true });
});

test('a data folder that cannot be made is refused with its path', async (t) => {
  const file = join(temporaryDir(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(openStore({ dataDir: join(file, 'data'), clock }), {
    key: 'dataDirUnusable',
    message: /AGT-200 .*file/,
  });
});

test('a database of a newer version is left as it is', async (t) => {
  const dataDir = temporaryDir(t);
  await (await open(t, dataDir)).close();
  const path = join(dataDir, 'journal.db');
  const db = new BetterSqlite(path);
  db.exec(
    'WITH RECURSIVE v (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < 999) INSERT OR IGNORE INTO schema_version SELECT n, 0 FROM v',
  );
  db.close();
  await assert.rejects(openStore({ dataDir, clock }), { key: 'storeTooNew' });
  assert.ok(!readdirSync(dataDir).some((name) => name.includes('.bad-')));
});

test('a file that is no database is put aside, reported, and the agent starts', async (t) => {
  const dataDir = temporaryDir(t);
  for (const name of ['journal.db', 'ring.db']) writeFileSync(join(dataDir, name), 'not a database '.repeat(1_000));
  const store = await open(t, dataDir);
  assert.equal(store.recovery.quarantined.length, 2);
  const aside = readdirSync(dataDir).filter((name) => name.includes('.bad-'));
  assert.equal(aside.length, 2);
  await store.commit([live(1)], { urgent: true });
});

test('a journal with damaged pages gives back most of its rows, and their unsent records', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  const total = 2_000;
  await first.commit(
    Array.from({ length: total }, (_, i) => live(i + 1)),
    { urgent: true },
  );
  await first.close();
  const path = join(dataDir, 'journal.db');
  const file = openSync(path, 'r+');
  const middle = Math.floor(statSync(path).size / 2 / 4_096) * 4_096;
  writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, middle);
  closeSync(file);
  const store = await open(t, dataDir);
  assert.equal(store.recovery.quarantined.length, 1);
  assert.equal(store.recovery.previousBoot, first.recovery.boot);
  const { records } = await store.outboxCounts();
  assert.ok(records > total / 2 && records <= total, `${records} of ${total}`);
  // Numbers of batches that did not read back must not be used again for other bytes.
  const seal = { site: 'demo', gateway: 'demo-gw', clock: 'synced' as const, nowMs };
  const request = { lane: 'live' as const, limit: 1, exclude: [], seal, lingerMs: 0, backlogAfterMs: 60_000 };
  assert.ok(Number((await store.take(request))[0]?.seq) > 1_000_000);
});

test('close leaves no thread, and everything later is refused', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await open(t, dataDir);
  await store.counts();
  await store.close();
  await store.close();
  await assert.rejects(store.commit([live(1)], { urgent: true }), { key: 'storeClosed' });
  await assert.rejects(store.events({}), { key: 'storeClosed' });
  assert.ok(!process.getActiveResourcesInfo().some((name) => name === 'MessagePort' || name === 'Worker'));
  assert.ok(!existsSync(join(dataDir, 'journal.db-wal')) || statSync(join(dataDir, 'journal.db-wal')).size === 0);
});

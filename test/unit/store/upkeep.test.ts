import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store, type StoreOptions } from '../../../agent/store/open.ts';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import { alert, event, stateSummary, summary } from '../bridge/making.ts';
import { bootA, nowMs, seal, takeFrom, temporaryDir } from './making.ts';

const day = 86_400_000;
const hour = 3_600_000;
const mib = 1024 * 1024;

interface Rig {
  readonly store: Store;
  readonly dataDir: string;
  nowMs: number;
  rows(sql: string): unknown[];
}
async function rig(t: TestContext, more: Partial<StoreOptions> = {}): Promise<Rig> {
  const dataDir = more.dataDir ?? temporaryDir(t);
  const made = { nowMs };
  const store = await openStore({
    dataDir,
    boot: bootA,
    clock: { wallMs: () => made.nowMs },
    reserveBytes: 64 * 1024,
    ...more,
  });
  t.after(() => store.close());
  return Object.assign(made, {
    store,
    dataDir,
    rows: (sql: string) => {
      const db = new BetterSqlite(join(dataDir, 'journal.db'), { readonly: true });
      try {
        return db.prepare(sql).raw().all();
      } finally {
        db.close();
      }
    },
  });
}
const commit = (store: Store, records: readonly WireRecord[]) =>
  store.commit(
    records.map((record) => ({ lane: record.kind === 'alert' ? ('alerts' as const) : ('live' as const), record })),
    { urgent: true },
  );
const minutesOf = (fromN: number, fromMs: number, count: number) =>
  Array.from({ length: count }, (_, i) => [
    summary(fromN + 2 * i, { minuteMs: fromMs + i * 60_000, atMs: fromMs + i * 60_000 + 65_000 }),
    stateSummary(fromN + 2 * i + 1, { minuteMs: fromMs + i * 60_000, atMs: fromMs + i * 60_000 + 65_000 }),
  ]).flat();
const closed = (n: number, atMs: number, occurrence: string) =>
  alert(n, { atMs, occurrence, raisedMs: atMs, transition: 'closed', state: 'normal', clearedMs: atMs });

test('what the bridge has goes by its age: minutes become hours after 90 days, hours go after 2 years, history after 1', async (t) => {
  const r = await rig(t, { outbox: false });
  await commit(r.store, [
    ...minutesOf(1, nowMs, 600),
    event(2_001, { atMs: nowMs }),
    closed(2_002, nowMs, 'o-1'),
    alert(2_003, { occurrence: 'o-2' }),
  ]);
  const lists = async () => {
    const { items } = await r.store.summaries({ fromMs: nowMs, toMs: nowMs + day, limit: 1_000 });
    return items.filter(({ kind }) => kind === 'summary');
  };
  await r.store.upkeep();
  assert.equal((await lists()).length, 500, 'the first page');
  assert.deepEqual((await r.store.stats()).evicted, {});
  r.nowMs = nowMs + 91 * day;
  await commit(r.store, minutesOf(3_000, r.nowMs, 1));
  await r.store.upkeep();
  const hours = await lists();
  assert.equal(hours.length, 10);
  assert.equal(
    hours.reduce((sum, record) => sum + (record.kind === 'summary' ? record.samples : 0), 0),
    600 * 600,
  );
  r.nowMs = nowMs + 366 * day;
  await r.store.upkeep();
  assert.deepEqual(r.rows('SELECT count(*) FROM event'), [[0]]);
  assert.deepEqual(r.rows('SELECT occurrence FROM occurrence'), [['o-2']], 'an open alert stays');
  assert.equal((await lists()).length, 10);
  r.nowMs = nowMs + 732 * day;
  await r.store.upkeep();
  assert.deepEqual(await lists(), []);
  assert.deepEqual((await r.store.stats()).evicted, { 'acked-minutes': 1_200, 'acked-hours': 20, 'acked-history': 2 });
});

test('what the bridge does not have stays at any age, and nothing is too old while the clock cannot be trusted', async (t) => {
  let trusted = true;
  const r = await rig(t, { ageMs: () => (trusted ? nowMs + 800 * day : null) });
  const records = [...minutesOf(1, nowMs, 300), event(2_001, { atMs: nowMs })];
  await commit(r.store, records);
  await r.store.upkeep();
  assert.deepEqual((await r.store.stats()).evicted, {});
  const batches = await r.store.take(takeFrom('live', { seal: { ...seal, nowMs: nowMs + hour }, backlogAfterMs: day }));
  assert.equal(
    batches.reduce((sum, batch) => sum + batch.records, 0),
    records.length,
  );
  trusted = false;
  for (const { boot, seq, sha256 } of batches)
    await r.store.settle({ boot, seq, sha256, result: 'stored', code: null, atMs: nowMs });
  await r.store.upkeep();
  assert.deepEqual((await r.store.stats()).evicted, {});
  trusted = true;
  await r.store.upkeep();
  const { evicted } = await r.store.stats();
  assert.deepEqual(Object.keys(evicted).sort(), ['acked-history', 'acked-hours', 'acked-minutes']);
});

test('E1 to E3: what went is told once, by an event that marks its note in the transaction that stores it', async (t) => {
  const r = await rig(t, { outbox: false });
  await commit(r.store, [event(1, { atMs: nowMs }), event(2, { atMs: nowMs + 5 })]);
  r.nowMs = nowMs + 400 * day;
  await r.store.upkeep();
  assert.deepEqual(await r.store.gaps(), [], 'what goes by its age is told once a day');
  r.nowMs += day;
  const [note, ...more] = await r.store.gaps();
  assert.ok(note !== undefined && more.length === 0);
  const { step, why, fromMs, toMs, records } = note;
  assert.deepEqual(
    { step, why, fromMs, toMs, records },
    { step: 'acked-history', why: 'age', fromMs: nowMs, toMs: nowMs + 5, records: 2 },
  );
  await commit(r.store, [event(3, { atMs: nowMs })]);
  await r.store.upkeep();
  assert.deepEqual(await r.store.gaps(), [note], 'asked for again until it is told, and not added to');
  await commit(r.store, [event(4, { atMs: r.nowMs, event: 'data_evicted', data: { note: note.id, step } })]);
  assert.deepEqual(await r.store.gaps(), []);
  r.nowMs += day;
  assert.deepEqual(
    (await r.store.gaps()).map((later) => later.records),
    [1],
  );
});

test('E2: a note that was never told is told by the next start', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await rig(t, { dataDir, outbox: false });
  await commit(first.store, [event(1, { atMs: nowMs })]);
  first.nowMs = nowMs + 400 * day;
  await first.store.upkeep();
  first.nowMs += day;
  const notes = await first.store.gaps();
  assert.equal(notes.length, 1);
  await first.store.close();
  const next = await rig(t, { dataDir, outbox: false, boot: 'bbbbbbbbbbbbbbbb' });
  assert.deepEqual(await next.store.gaps(), notes);
});

test('K1: over the budget the ring goes first, then minutes are folded, and alerts that wait for the bridge go last and loudly', async (t) => {
  const budgetBytes = 16 * mib;
  const r = await rig(t, { budgetBytes, ringMaxBytes: 6 * mib, ringMaxAgeMs: 1_000 * day });
  const block = (i: number) => ({
    machine: 'ls-1',
    fromMs: nowMs + i,
    toMs: nowMs + i,
    points: 1,
    bytes: Buffer.alloc(64 * 1024, i),
  });
  for (let i = 0; i < 90; i++) await r.store.appendRing(block(i));
  const steps = async () => Object.keys((await r.store.stats()).evicted);
  let n = 0;
  /** Text that does not pack, so that a few records fill a small budget. */
  const noise = () => Array.from({ length: 500 }, () => Math.random().toString(36).slice(2, 12)).join('');
  const fill = async (until: () => Promise<boolean>, make: (n: number) => WireRecord) => {
    for (let turn = 0; turn < 400; turn++) {
      assert.ok((await r.store.stats()).storeBytes <= budgetBytes, 'within the budget');
      if (await until()) return;
      await commit(
        r.store,
        Array.from({ length: 20 }, () => make(++n)),
      );
      r.nowMs += 60_000;
      await r.store.sealBacklog({ seal: { ...seal, nowMs: r.nowMs + hour }, lingerMs: 0, backlogAfterMs: 60_000 });
      await r.store.upkeep();
    }
    assert.fail('it never came to that');
  };
  const noisyEvent = (i: number) => event(i, { atMs: r.nowMs, data: { text: noise() } });
  const { ringBytes } = await r.store.stats();
  assert.ok(ringBytes > 5 * mib);
  await commit(r.store, [alert(++n, { occurrence: 'open', atMs: nowMs }), ...minutesOf(10_000, nowMs, 300)]);
  await fill(async () => (await r.store.stats()).ringBytes < 2 * mib, noisyEvent);
  assert.deepEqual(await steps(), [], 'the ring alone has yielded');
  await fill(async () => (await steps()).includes('unacked-history'), noisyEvent);
  const seen = await steps();
  assert.ok(seen.includes('unacked-minutes'), 'minutes were folded before');
  const notes = await r.store.gaps();
  assert.ok(notes.some(({ step, why }) => step === 'unacked-history' && why === 'room'));
  const alerts = () => r.rows("SELECT count(*) FROM batch WHERE lane = 'alerts' AND state = 'pending'");
  assert.deepEqual(
    await r.store.alerts({ open: true }).then(({ items }) => items.map(({ occurrence }) => occurrence)),
    ['open'],
  );
  assert.deepEqual(r.rows("SELECT count(*) FROM outbox WHERE lane = 'alerts'"), [[1]]);
  assert.deepEqual(alerts(), [[0]]);
});

test('evidence the bridge has goes after 30 days, file and all; what it does not have stays, and goes before minutes for room', async (t) => {
  const r = await rig(t, { budgetBytes: 9 * mib });
  const commitFile = async (n: number, text: string, pieceBytes: number) => {
    const bytes = Buffer.alloc(pieceBytes, text);
    const sha256 = await r.store.keepFile(bytes);
    const data = { sha256, bytes: bytes.length, mediaType: 'image/webp', role: 'crop', occurrence: null };
    const record = event(n, { event: 'evidence', atMs: nowMs, data });
    await r.store.commit([{ lane: 'evidence', record }], { urgent: true });
    return { sha256, path: join(r.dataDir, 'evidence', sha256.slice(0, 2), sha256) };
  };
  const sent = await commitFile(1, 'a', 1_000);
  const waiting = await commitFile(2, 'b', 2_000);
  await r.store.settleFile({ sha256: sent.sha256, result: 'stored', code: null, atMs: nowMs });
  r.nowMs = nowMs + 29 * day;
  await r.store.upkeep();
  assert.deepEqual([existsSync(sent.path), existsSync(waiting.path)], [true, true]);
  r.nowMs = nowMs + 31 * day;
  await r.store.upkeep();
  assert.deepEqual([existsSync(sent.path), existsSync(waiting.path)], [false, true]);
  assert.deepEqual(r.rows('SELECT state FROM evidence_file ORDER BY id'), [['gone'], ['waiting']]);
  await commit(r.store, minutesOf(1_000, nowMs, 300));
  for (let i = 0; i < 5; i++) await commitFile(10 + i, String(i), mib);
  await r.store.upkeep();
  const { evicted, storeBytes } = await r.store.stats();
  assert.ok(storeBytes < 9 * mib);
  assert.equal(existsSync(waiting.path), false, 'the oldest first');
  assert.deepEqual(Object.keys(evicted).sort(), ['acked-evidence', 'unacked-evidence']);
});

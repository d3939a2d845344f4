/** What people did with alerts in the real journal: read back by occurrence, in its order, over starts. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import type { AlertRecord, EventRecord, WireRecord } from '../../../cloud-bridge/contract.ts';
import { actData, actEvent, type ActSaid } from '../../../agent/alerts/acts.ts';
import { openStore, type Store } from '../../../agent/store/open.ts';
import { temporaryDir } from './making.ts';

const startMs = Date.UTC(2026, 5, 1);
let n = 0;
const act = (occurrence: string, said: ActSaid, atMs = startMs): EventRecord => ({
  n: ++n,
  v: 1,
  kind: 'event',
  machine: 'ls-1',
  event: actEvent,
  phase: 'instant',
  fromMs: null,
  atMs,
  data: actData(occurrence, { ...said, by: 'omar', atMs }),
});
const alert = (occurrence: string, change: Partial<AlertRecord> = {}): AlertRecord => ({
  n: ++n,
  v: 1,
  kind: 'alert',
  machine: 'ls-1',
  atMs: startMs,
  occurrence,
  type: 'thread_break',
  rule: 'thread-break',
  signal: null,
  priority: 'high',
  transition: 'raised',
  state: 'active-unacked',
  onsetMs: startMs,
  raisedMs: startMs,
  clearedMs: null,
  cause: null,
  text: 'Thread broke',
  evidence: {},
  actor: null,
  ...change,
});
async function open(t: TestContext, dataDir: string): Promise<Store> {
  n = 0;
  const store = await openStore({ dataDir, clock: { wallMs: () => startMs + 1 } });
  t.after(() => store.close());
  return store;
}
const keep = (store: Store, ...records: WireRecord[]) =>
  store.commit(
    records.map((record) => ({ record, lane: 'live' as const })),
    { urgent: true },
  );
const assign = (to: string | null) => ({ kind: 'assign', to }) as const;

test('acts are read by their occurrence alone, and a start takes over those of open ones, each once', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  assert.deepEqual(first.recovery.openActs, []);
  await keep(first, alert('a'), alert('b'), act('a', assign('asha')), act('b', { kind: 'comment', text: 'b' }));
  await keep(first, alert('b', { transition: 'closed', state: 'normal' }), act('c', assign('nobody-there')));
  const standing = await first.alertActs(['a', 'b', 'none']);
  assert.deepEqual(Object.keys(standing), ['a', 'b']);
  assert.equal(standing['a']?.assigned?.to, 'asha');
  await first.close();

  const second = await open(t, dataDir);
  assert.deepEqual(
    second.recovery.openActs.map(({ data }) => data['occurrence']),
    ['a'],
  );
  // Of a clock that fell back meanwhile: their order is that of the records.
  await keep(
    second,
    act('a', assign(null), startMs - 5000),
    act('a', { kind: 'comment', text: 'later' }, startMs - 4000),
  );
  await second.close();
  const third = await open(t, dataDir);
  assert.equal(third.recovery.openActs.length, 3);
  assert.deepEqual((await third.alertActs(['a']))['a']?.assigned, null);
});

test('the history of an occurrence has its steps and acts in the order they were told, page by page, over starts', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await open(t, dataDir);
  await keep(first, alert('a'), act('a', assign('asha')), alert('b'), act('b', assign('asha')));
  await keep(first, alert('a', { transition: 'shelved', state: 'shelved' }));
  await first.close();
  const second = await open(t, dataDir);
  await keep(
    second,
    act('a', { kind: 'comment', text: 'x' }),
    alert('a', { transition: 'acked', state: 'active-acked' }),
  );
  const told: string[] = [];
  let after: string | null = null;
  do {
    const page = await second.occurrenceRecords({ occurrence: 'a', after, limit: 2 });
    assert.ok(page.items.length <= 2);
    told.push(
      ...page.items.map((one) =>
        one.kind === 'alert' ? one.transition : String(one.kind === 'event' && one.data['act']),
      ),
    );
    after = page.next;
  } while (after !== null);
  assert.deepEqual(told, ['raised', 'assign', 'shelved', 'comment', 'acked']);
  assert.deepEqual(await second.occurrenceRecords({ occurrence: 'none', after: null }), { items: [], next: null });
});

test('figures are counted from the journal: every activation of the span, and what stands', async (t) => {
  const store = await open(t, temporaryDir(t));
  const dayMs = 86_400_000;
  const again = { transition: 'reactivated', raisedMs: startMs + 5 } as const;
  await keep(store, alert('a'), alert('a', again), alert('a', { ...again, transition: 'acked' }));
  await keep(store, alert('old', { rule: 'oil-low', raisedMs: startMs - 2 * dayMs, onsetMs: startMs - 2 * dayMs }));
  const figures = await store.alertFigures({ fromMs: startMs - 1000, toMs: startMs + 1000 });
  assert.deepEqual(
    figures.worst.map(({ rule, text, raised }) => [rule, text, raised]),
    [['thread-break', 'Thread broke', 2]],
  );
  assert.deepEqual(
    figures.stale.map(({ occurrence }) => occurrence),
    ['old'],
  );
  assert.equal(figures.isComplete, true);
});

test('acts are found by an index, and a body that no longer reads is none of them', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await open(t, dataDir);
  await keep(store, alert('a'), act('a', assign('asha')));
  await store.close();
  const db = new BetterSqlite(join(dataDir, 'journal.db'));
  t.after(() => db.close());
  assert.doesNotThrow(() => db.exec(`UPDATE event SET body = 'rubbish' WHERE event = '${actEvent}'`));
  assert.deepEqual(db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  const of = `CASE WHEN json_valid(body) THEN json_extract(body, '$.data.occurrence') END`;
  const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT body FROM event WHERE event = 'alert_act' AND ${of} = 'a'`).all();
  assert.match(JSON.stringify(plan), /event_act/);
});

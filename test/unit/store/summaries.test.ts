import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { pageSources } from '../../../agent/page-sources.ts';
import { openStore, type Store } from '../../../agent/store/open.ts';
import type { StateSummaryRecord, SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { createFloor } from '../page/floor.ts';
import { bootA, bootB, nowMs, temporaryDir } from './making.ts';

type AnySummary = SummaryRecord | StateSummaryRecord;

const machines = ['ck-1', 'ls-1', 'ls-10', 'ls-2'];
const signals = ['motor.current', 'motor.temp', 'oil.level', 'piece.count', 'spindle.speed', 'stitch.total'];
const minute = (index: number) => nowMs + index * 60_000;

async function open(t: TestContext): Promise<Store> {
  const store = await openStore({ dataDir: temporaryDir(t), clock: { wallMs: () => nowMs }, outbox: false });
  t.after(() => store.close());
  return store;
}

let numbers = 0;
/** What a gateway stores of one minute: two partials of each key, one of them of the boot before. */
function recordsOf(minuteMs: number): AnySummary[] {
  return machines.flatMap((machine) =>
    [bootA, bootB].flatMap((readingBoot, segment) => {
      const key = { machine, minuteMs, readingBoot, segment };
      return [
        ...signals.map((signal) => summary(++numbers, { ...key, signal, counter: null })),
        stateSummary(++numbers, key),
      ];
    }),
  );
}
async function commit(store: Store, records: readonly AnySummary[]): Promise<void> {
  // In an order that is not the one they are asked for in.
  const entries = records.toReversed().map((record) => ({ lane: 'live' as const, record }));
  await store.commit(entries, { urgent: true });
}

const signalOf = (record: AnySummary) => (record.kind === 'summary' ? record.signal : '');
const name = (r: AnySummary) => [r.minuteMs, r.machine, signalOf(r), r.readingBoot, r.segment].join(' ');
/** Minute, machine, seconds by state before signals by name, boot, segment. */
function inOrder(records: readonly AnySummary[]): string[] {
  const words = (r: AnySummary) => [r.machine, signalOf(r), r.readingBoot, String(r.segment)];
  return records
    .toSorted((a, b) => {
      if (a.minuteMs !== b.minuteMs) return a.minuteMs - b.minuteMs;
      const [left, right] = [words(a), words(b)];
      const at = left.findIndex((word, index) => word !== right[index]);
      return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
    })
    .map(name);
}

/** The page's own way to the store; of the pipeline it asks nothing here. */
function sourcesOf(store: Store) {
  return pageSources({
    pipeline: {
      machinesView: () => [],
      alertsView: () => [],
      alertAction: () => ({ outcome: 'not-open', durable: Promise.resolve() }),
      acts: { told: () => assert.fail('not asked'), state: () => assert.fail('not asked') },
      runbook: () => null,
      incident: () => null,
      needles: createFloor().needles,
      fabric: { rollBegin: () => assert.fail('not asked') },
    },
    store,
    scores: new Map(),
    uplink: () => assert.fail('not asked'),
    health: () => ({}),
    writes: {} as never,
    cloth: null,
    sound: null,
    views: {} as never,
    runbooks: {} as never,
  });
}
type Asked = { machine?: string; signal?: string; fromMs?: number; toMs?: number; limit?: number };
async function readAll(store: Store, asked: Asked, between: () => Promise<void> = async () => undefined) {
  const all: AnySummary[] = [];
  const sizes: number[] = [];
  let cursor: string | null = null;
  do {
    const query = { machine: null, signal: null, fromMs: 0, toMs: minute(1e6), limit: 500, ...asked, cursor };
    const page: { items: readonly AnySummary[]; next: string | null } = await sourcesOf(store).summaries(query);
    all.push(...page.items);
    sizes.push(page.items.length);
    cursor = page.next;
    // What the API takes as a cursor.
    if (cursor !== null) assert.ok(operations.summaries.query.safeParse({ cursor }).success, cursor);
    await between();
  } while (cursor !== null);
  return { all, sizes };
}

test('more than 5,000 summaries come in pages, each once and in one order, while new minutes arrive', async (t) => {
  const store = await open(t);
  const stored = Array.from({ length: 100 }, (_, index) => recordsOf(minute(index))).flat();
  assert.ok(stored.length > 5_000);
  await commit(store, stored);
  let added = 100;
  const { all, sizes } = await readAll(store, { toMs: minute(100) }, () => commit(store, recordsOf(minute(added++))));
  assert.deepEqual(all.map(name), inOrder(stored));
  assert.ok(sizes.slice(0, -1).every((size) => size === 500));
  assert.ok(operations.summaries.response.safeParse({ items: all.slice(0, 20), next: null }).success);

  // Without an end in sight the new minutes are at the end, and a page that moves its start on leaves nothing out.
  const whole = [
    ...stored,
    ...Array.from({ length: added - 100 }, (_, index) => recordsOf(minute(100 + index))).flat(),
  ];
  const half = await sourcesOf(store).summaries({
    machine: null,
    signal: null,
    fromMs: minute(0),
    toMs: minute(1e6),
    limit: 500,
    cursor: null,
  });
  const later = await sourcesOf(store).summaries({
    machine: null,
    signal: null,
    fromMs: minute(50),
    toMs: minute(1e6),
    limit: 500,
    cursor: half.next,
  });
  assert.deepEqual([...half.items, ...later.items].map(name), inOrder(whole).slice(0, 1_000));
});

test('of one machine, one signal and one span there is exactly what was asked for', async (t) => {
  const store = await open(t);
  const stored = Array.from({ length: 30 }, (_, index) => recordsOf(minute(index))).flat();
  await commit(store, stored);
  const cases: [Asked, (record: AnySummary) => boolean][] = [
    [{ machine: 'ls-1', limit: 7 }, (r) => r.machine === 'ls-1'],
    [{ signal: 'oil.level', limit: 7 }, (r) => signalOf(r) === 'oil.level'],
    [{ machine: 'ls-2', signal: 'oil.level', limit: 1 }, (r) => r.machine === 'ls-2' && signalOf(r) === 'oil.level'],
    [{ fromMs: minute(3), toMs: minute(5), limit: 1 }, (r) => r.minuteMs >= minute(3) && r.minuteMs < minute(5)],
    [{ fromMs: minute(3) + 1, toMs: minute(5) + 1 }, (r) => r.minuteMs > minute(3) && r.minuteMs <= minute(5)],
    [{ machine: 'nobody' }, () => false],
  ];
  for (const [asked, wanted] of cases) {
    const { all } = await readAll(store, asked);
    assert.deepEqual(all.map(name), inOrder(stored.filter(wanted)), JSON.stringify(asked));
  }
});

test('a search that finds nothing for a week of minutes ends its page, and goes on with the next', async (t) => {
  const store = await open(t);
  const empty = Array.from({ length: 10_100 }, (_, index) => stateSummary(index + 1, { minuteMs: minute(index) }));
  await commit(store, [...empty, summary(10_101, { minuteMs: minute(10_099), counter: null, signal: 'oil.level' })]);
  const { all, sizes } = await readAll(store, { signal: 'oil.level' });
  assert.deepEqual(sizes, [0, 1]);
  assert.equal(all.length, 1);
});

test('a cursor that is none of ours starts from the beginning', async (t) => {
  const store = await open(t);
  await commit(store, recordsOf(minute(0)));
  const span = { fromMs: 0, toMs: minute(9), limit: 1 };
  const [first] = (await store.summaries(span)).items;
  for (const after of ['', '5', "'; --", '1~2', 'NaN~~~~0']) {
    assert.deepEqual((await store.summaries({ ...span, after })).items, [first], after);
  }
});

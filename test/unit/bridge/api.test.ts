import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { keyFinder } from '../../../cloud-bridge/api-keys.ts';
import { buildApi } from '../../../cloud-bridge/api/server.ts';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { document, holdToDocument } from './api-document.ts';
import {
  alert,
  atMs,
  body,
  bootA,
  bootB,
  bootC,
  event,
  machine,
  stateSummary,
  status,
  summary,
  temporaryDir,
} from './making.ts';

const key = 'the-key-of-this-test';
const headers = { authorization: `Bearer ${key}` };

function setUp(t: TestContext, records: readonly WireRecord[]) {
  const dir = dataDir(temporaryDir(t));
  const store = SqliteStore.open(dir, 1);
  const metrics = new BridgeMetrics();
  const link = { state: () => ({ connected: true, detail: 'test' }) };
  const name = { gateway: 'demo-gw', boot: bootA, seq: 1, sha256: '0'.repeat(64) };
  store.commit([{ name, body: body({ records: [...records] }), wireBytes: 1 }], 1);
  let monotonicMs = 0;
  const app = buildApi({
    store,
    metrics,
    link,
    nowMs: () => 5,
    // Hours pass between requests: wrong keys never use up what an address may try.
    monotonicMs: () => (monotonicMs += 3_600_000),
    findKey: keyFinder(dir, key),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  holdToDocument(t, app);
  t.after(async () => {
    await app.close();
    store.close();
  });
  return { app, store, metrics };
}

async function get(
  app: FastifyInstance,
  url: string,
): Promise<{ items: Record<string, unknown>[]; next: string | null }> {
  const response = await app.inject({ url, headers });
  assert.equal(response.statusCode, 200, response.body);
  return response.json();
}

/** Follows `next` to the end. */
async function all(app: FastifyInstance, path: string, limit: number): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await get(app, `${path}limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}

async function routesOf(app: FastifyInstance): Promise<readonly string[]> {
  await app.ready();
  const lines = app.printRoutes({ commonPrefix: false, includeHooks: false }).split('\n');
  // A route below another one is indented by four, and printed without what is above it.
  const above: string[] = [];
  const paths = lines.flatMap((line) => {
    const [, before, path] = /^(.*── )(\S+) \(\w+/.exec(line) ?? [];
    if (before === undefined || path === undefined) return [];
    const depth = before.length / 4 - 1;
    above.length = depth;
    above.push(path);
    return above.join('').replaceAll(/:(\w+)/g, '{$1}');
  });
  return [...new Set(paths)].filter((path) => !isPage(path)).sort();
}

/** The files of the fleet page, which are for everybody. */
const isPage = (path: string) => /^\/($|fleet\/)/.test(path);

test('the document has every route, and the server serves it', async (t) => {
  const { app } = setUp(t, [event(1)]);
  const asDocumented = (await routesOf(app)).map((url) => url.replace(/:(\w+)/g, '{$1}')).sort();
  assert.deepEqual(Object.keys(document.paths).sort(), asDocumented);
  const served = await app.inject({ url: '/api/openapi.json', headers });
  assert.deepEqual(served.json(), JSON.parse(JSON.stringify(document)));
  const parameters = JSON.stringify(document.paths['/api/alerts']?.['get']?.parameters);
  for (const name of ['limit', 'cursor', 'open', 'from', 'to'])
    assert.match(parameters, new RegExp(`"name":"${name}"`));
});

test('no route answers without the key, known or unknown, by any method', async (t) => {
  const { app } = setUp(t, [event(1)]);
  const routes = await routesOf(app);
  const open = [
    'alerts',
    'events',
    'fleet',
    'gateways',
    'health',
    'machines',
    'openapi.json',
    'states',
    'summaries',
  ].map((name) => `/api/${name}`);
  const command = ['/api/commands', '/api/gateways/{gateway}/commands'];
  assert.deepEqual(routes, [...open, ...command, '/api/evidence/{gateway}/{sha256}', '/metrics'].sort());
  for (const url of [...routes, '/fleet', '/api', '/api/none', '//metrics', '/api/health?x=1']) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS'] as const) {
      for (const authorization of ['Bearer ', `Bearer ${key}x`, key]) {
        const response = await app.inject({ url, method, headers: { authorization } });
        assert.equal(response.statusCode, 401, `${method} ${url} ${authorization}`);
        assert.ok(!response.body.includes('demo-gw'));
      }
    }
    assert.equal((await app.inject({ url })).statusCode, 401);
  }
  for (const url of open) assert.equal((await app.inject({ url, headers })).statusCode, 200, url);
});

test('machines, gateways and alerts are shown as they stand now', async (t) => {
  const { app, store } = setUp(t, [
    machine(1, { line: 'old' }),
    machine(5, { line: 'new' }),
    alert(2),
    alert(3, { transition: 'acked', state: 'active-acked', actor: 'm' }),
    alert(4, { occurrence: 'o-2', transition: 'closed', state: 'normal' }),
  ]);
  store.applyStatus('demo', status(), 9);
  const [gateway] = (await get(app, '/api/gateways')).items;
  assert.deepEqual(
    [gateway?.['gateway'], gateway?.['online'], gateway?.['batches'], gateway?.['forks']],
    ['demo-gw', true, 1, 0],
  );
  assert.deepEqual(
    (await get(app, '/api/machines')).items.map((item) => item['line']),
    ['new'],
  );
  const alerts = async (query: string) =>
    (await get(app, `/api/alerts${query}`)).items.map((item) => item['occurrence']);
  assert.deepEqual(await alerts(''), ['o-2', 'o-1']);
  assert.deepEqual(await alerts('?open=true'), ['o-1']);
  assert.deepEqual(await alerts('?state=active-acked&type=thread_break'), ['o-1']);
  assert.deepEqual(await alerts(`?from=${atMs + 4}`), ['o-2']);
  assert.deepEqual(await alerts('?machine=ov-1'), []);
});

test('pages of any size give each event once, newest first', async (t) => {
  const events = Array.from({ length: 23 }, (_, at) => event(at + 1, { atMs: atMs + Math.floor(at / 4) }));
  const { app } = setUp(t, events);
  const whole = (await get(app, '/api/events?limit=1000')).items;
  assert.equal(whole.length, 23);
  assert.deepEqual(
    [...whole].sort((a, b) => Number(b['atMs']) - Number(a['atMs']) || Number(b['n']) - Number(a['n'])),
    whole,
  );
  for (const limit of [1, 4, 22, 23, 24]) assert.deepEqual(await all(app, '/api/events?', limit), whole);
});

test('summaries add the partials of a minute and the minutes of an hour, and page alike', async (t) => {
  const { app } = setUp(t, [
    summary(1, { minuteMs: atMs, min: 1, max: 2, samples: 10 }),
    summary(2, { minuteMs: atMs, segment: 1, min: 0, max: 1, samples: 5 }),
    summary(3, { minuteMs: atMs + 60_000, samples: 7 }),
    summary(4, { minuteMs: atMs + 3_600_000, samples: 8, counter: null }),
    summary(5, { minuteMs: atMs, signal: 'spm', samples: 1, counter: null }),
    summary(6, { minuteMs: atMs, readingBoot: bootB, samples: 100 }),
    stateSummary(7, { seconds: { RUN: 30, IDLE: 30 }, causes: { 'material.thread_break': 5 } }),
    stateSummary(8, { minuteMs: atMs + 60_000, seconds: { RUN: 60 } }),
  ]);
  const figures = (items: readonly Record<string, unknown>[]) =>
    items.map((item) => [Number(item['bucketMs']) - atMs, item['signal'], item['samples']]);
  const minutes = await get(app, '/api/summaries');
  assert.deepEqual(figures(minutes.items), [
    [0, 'spm', 1],
    [0, 'stitches', 115],
    [60_000, 'stitches', 7],
    [3_600_000, 'stitches', 8],
  ]);
  assert.deepEqual(minutes.items[1]?.['counter'], { delta: 12, uncertainty: 0, wraps: 0, resets: 0 });
  assert.deepEqual([minutes.items[1]?.['min'], minutes.items[1]?.['max']], [0, 4]);
  const hours = await get(app, '/api/summaries?bucket=hour&signal=stitches');
  assert.deepEqual(figures(hours.items), [
    [0, 'stitches', 122],
    [3_600_000, 'stitches', 8],
  ]);
  assert.deepEqual(figures((await get(app, `/api/summaries?from=${atMs + 60_000}&to=${atMs + 120_000}`)).items), [
    [60_000, 'stitches', 7],
  ]);
  const states = await get(app, '/api/states?bucket=hour');
  assert.deepEqual(
    states.items.map((item) => [item['seconds'], item['causes']]),
    [[{ RUN: 90, IDLE: 30 }, { 'material.thread_break': 5 }]],
  );
});

test('what a clone saw as well is counted once in minutes, hours and pages of any size, as in the totals', async (t) => {
  const of = (boot: string, minute: number, late: number, signal: string) => {
    const [from, to] = [minute * 60 + late, minute * 60 + late + 60];
    const counter = { delta: 60, uncertainty: 0, from, to, fromMs: atMs + from * 1000, toMs: atMs + to * 1000 };
    return {
      minuteMs: atMs + minute * 60_000,
      readingBoot: boot,
      signal,
      counter: { ...counter, wraps: 0, resets: 0 },
    };
  };
  const both = (boot: string, minutes: number, late: number) =>
    ['stitches', 'trims'].flatMap((signal, which) =>
      Array.from({ length: minutes }, (_, at) => summary(which * minutes + at + 1, of(boot, at, late, signal))),
    );
  const { app, store } = setUp(t, [event(1)]);
  for (const [seq, boot, minutes, late] of [
    [1, bootB, 70, 0],
    [2, bootC, 90, 7],
  ] as const) {
    const name = { gateway: 'demo-gw', boot, seq, sha256: '1'.repeat(64) };
    const records = both(boot, minutes, late);
    store.commit([{ name, body: body({ boot, previousBoot: bootA, seq, sealedMs: seq, records }), wireBytes: 1 }], 1);
  }
  const expected = 90 * 60 + 7;
  const totals = store.db.prepare('SELECT delta, uncertainty, resets FROM counter_totals').all();
  assert.deepEqual(
    totals,
    [1, 2].map(() => ({ delta: expected, uncertainty: 0, resets: 0 })),
  );
  const deltas = (items: readonly Record<string, unknown>[]) =>
    items.map((item) => (item['counter'] as { delta: number }).delta);
  assert.deepEqual(deltas((await get(app, '/api/summaries?signal=trims&bucket=hour')).items), [3600, expected - 3600]);
  const minutes = (await get(app, '/api/summaries?signal=trims&limit=1000')).items;
  assert.deepEqual(
    deltas(minutes),
    Array.from({ length: 90 }, (_, at) => (at === 69 ? 60 + 7 : 60)),
  );
  for (const limit of [1, 7, 100]) assert.deepEqual(await all(app, '/api/summaries?signal=trims&', limit), minutes);
  const range = `from=${atMs + 69 * 60_000}&to=${atMs + 71 * 60_000}`;
  assert.deepEqual(deltas((await get(app, `/api/summaries?signal=trims&bucket=hour&${range}`)).items), [127]);
});

test('pages of summaries, of any size and range, give the same rows as one page', async (t) => {
  const records = Array.from({ length: 60 }, (_, at) =>
    summary(at + 1, {
      minuteMs: atMs + 60_000 * (at % 20) * 7,
      signal: `s-${at % 3}`,
      machine: `m-${at % 4}`,
      samples: at,
    }),
  );
  const { app } = setUp(t, records);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 13 }),
      fc.constantFrom('minute', 'hour'),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 200 }),
      async (limit, bucket, fromMinute, minutes) => {
        const [from, to] = [atMs + fromMinute * 60_000, atMs + (fromMinute + minutes) * 60_000];
        const path = `/api/summaries?bucket=${bucket}&from=${from}&to=${to}&`;
        const paged = await all(app, path, limit);
        assert.deepEqual(paged, (await get(app, `${path}limit=1000`)).items);
        const sum = (items: readonly { samples: number }[]) => items.reduce((total, { samples }) => total + samples, 0);
        const expected = records.filter(({ minuteMs }) => minuteMs >= from && minuteMs < to);
        assert.equal(sum(paged as { samples: number }[]), sum(expected));
      },
    ),
    { numRuns: 20 },
  );
});

test('a query that cannot be meant is told so', async (t) => {
  const { app } = setUp(t, [event(1)]);
  const cursor = Buffer.from('[1]').toString('base64url');
  for (const query of [
    'limit=0',
    'limit=1001',
    'nonsense=1',
    'open=maybe',
    'from=x',
    'gateway=A/B',
    `cursor=${cursor}`,
  ]) {
    const response = await app.inject({ url: `/api/alerts?${query}`, headers });
    assert.equal(response.statusCode, 400, query);
  }
  assert.equal((await app.inject({ url: '/api/machines?from=1', headers })).statusCode, 400);
  assert.equal((await app.inject({ url: '/api/states?signal=x', headers })).statusCode, 400);
  assert.equal((await app.inject({ url: '/api/none', headers })).statusCode, 404);
});

test('metrics are Prometheus text: each family once, each line a name, labels and a number', async (t) => {
  const { app, metrics } = setUp(t, [event(1)]);
  metrics.countAnswer('later', 'store-full');
  metrics.countAnswer('stored', null);
  const text = (await app.inject({ url: '/metrics', headers })).body;
  assert.match(text, /^selvedge_bridge_answers_total\{result="later",code="store-full"\} 1$/m);
  assert.match(text, /^selvedge_bridge_gateways 1$/m);
  const families = text.match(/^# TYPE \S+/gm) ?? [];
  assert.equal(new Set(families).size, families.length);
  for (const line of text.trim().split('\n')) {
    assert.match(
      line,
      /^(# (HELP|TYPE) selvedge_bridge_\w+ .+|selvedge_bridge_\w+(\{\w+="[\w-]*"(,\w+="[\w-]*")*\})? -?\d+(\.\d+)?)$/,
    );
  }
});

test('what a gateway had to remove or fold is shown as a gap with its span, and its hours add up', async (t) => {
  const data = {
    note: 1,
    step: 'unacked-minutes',
    why: 'room',
    toMs: atMs + 3_600_000,
    records: 60,
    bytes: 3_000,
    folded: true,
  };
  const { app } = setUp(t, [
    event(1, { machine: 'gateway', event: 'data_evicted', atMs: atMs + 9_000_000, fromMs: atMs, data }),
    event(2),
    // Sixty minutes, folded.
    summary(3, { minuteMs: atMs, samples: 3_600, good: 3_600, coveredS: 3_600, counter: null }),
    summary(4, { minuteMs: atMs + 3_600_000, samples: 60, counter: null }),
  ]);
  const [gap, ...more] = (await get(app, '/api/events?event=data_evicted')).items;
  assert.deepEqual([more, gap?.['gateway'], gap?.['fromMs'], gap?.['data']], [[], 'demo-gw', atMs, data]);
  const hours = (await get(app, '/api/summaries?bucket=hour')).items;
  assert.deepEqual(
    hours.map((hour) => [hour['bucketMs'], hour['samples'], hour['coveredS']]),
    [
      [atMs, 3_600, 3_600],
      [atMs + 3_600_000, 60, summary(4).coveredS],
    ],
  );
});

/** The fleet page's route and its files, and what the page says of a gateway. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { keyFinder, addKey } from '../../../cloud-bridge/api-keys.ts';
import type { ApiParts } from '../../../cloud-bridge/api/parts.ts';
import { buildApi } from '../../../cloud-bridge/api/server.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import {
  conditionOf,
  dataAgeMs,
  inOrder,
  lineOf,
  refusalWords,
  totalsOf,
  type Gateway,
} from '../../../cloud-bridge/fleet-page/fleet-words.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import type { Scalar } from '../../../cloud-bridge/store/bridge-store.ts';
import { openSqlite } from '../../contract/bridge-contents.ts';
import { initialise } from '../../../cloud-bridge/keys.ts';
import { holdToDocument } from './api-document.ts';
import { checked } from './histories.ts';
import { alert, atMs, event, status, temporaryDir } from './making.ts';

const key = 'the-key-of-this-test';
const headers = { authorization: `Bearer ${key}` };

function setUp(
  t: TestContext,
  more: { connected?: boolean; documented?: boolean; mayConnect?: (gateway: string) => boolean } = {},
) {
  const { connected = true, documented = true, mayConnect = () => true } = more;
  const dir = dataDir(temporaryDir(t));
  const store = openSqlite(t);
  const asked: { readonly sql: string; readonly values: Readonly<Record<string, Scalar>> }[] = [];
  const noting: ApiParts['store'] = {
    rows: <T>(sql: string, values: Readonly<Record<string, Scalar>> = {}) => {
      asked.push({ sql, values });
      return store.rows<T>(sql, values);
    },
    quarantine: null,
    readFile: () => null,
  };
  const app = buildApi({
    store: noting,
    metrics: new BridgeMetrics(),
    link: { state: () => ({ connected, detail: 'test' }) },
    mayConnect,
    nowMs: () => atMs + 60_000,
    monotonicMs: () => 0,
    findKey: keyFinder(dir, key),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  if (documented) holdToDocument(t, app);
  t.after(() => app.close());
  return { app, store, dir, asked };
}

test('the files of the page need no key, name nothing of a gateway, and let in no script but their own', async (t) => {
  // Not held to the document: the files are no part of the API.
  const { app, store } = setUp(t, { documented: false });
  store.commit([checked({ gateway: 'secret-gw', records: [event(1)] })], 1);
  for (const [url, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/fleet/style.css', 'text/css; charset=utf-8'],
    ['/fleet/icon.svg', 'image/svg+xml'],
    ['/fleet/main.js', 'text/javascript; charset=utf-8'],
    ['/fleet/client.js', 'text/javascript; charset=utf-8'],
    ['/fleet/fleet-words.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    const file = await app.inject({ url });
    assert.deepEqual([file.statusCode, file.headers['content-type']], [200, type], url);
    assert.ok(!file.body.includes('secret-gw'), url);
    assert.ok(!/from '[^']*\.ts'/.test(file.body), url);
    const policy = String(file.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    assert.ok(!policy.includes('unsafe'));
    assert.equal(file.headers['x-content-type-options'], 'nosniff');
  }
  const page = (await app.inject({ url: '/' })).body;
  assert.ok(!/(?:src|href)="(?!\/fleet\/|#)/.test(page), 'nothing comes from elsewhere');
  assert.ok(!/<script(?! type="module" src="\/fleet\/main\.js"><\/script>)|\son\w+=|style="/.test(page));
  for (const url of ['/fleet', '/fleet/', '/fleet/main.ts', '/fleet/../api-key', '/fleet/%2e%2e/api-key']) {
    assert.equal((await app.inject({ url })).statusCode, 401, url);
  }
});

test('what the page shows needs a key with the scope read', async (t) => {
  const { app, dir } = setUp(t);
  const refused = await app.inject({ url: '/api/fleet' });
  assert.equal(refused.statusCode, 401);
  initialise(dir);
  const metricsOnly = addKey(dir, { name: 'prometheus', scopes: ['metrics'], expiresMs: null }, 1);
  const other = await app.inject({ url: '/api/fleet', headers: { authorization: `Bearer ${metricsOnly}` } });
  assert.deepEqual([other.statusCode, other.json<{ error: { code: string } }>().error.code], [403, 'scope-missing']);
  assert.equal((await app.inject({ url: '/api/fleet', headers })).statusCode, 200);
  for (const query of ['limit=0', 'limit=201', 'gateway=NO', 'cursor=nonsense', 'more=1']) {
    assert.equal((await app.inject({ url: `/api/fleet?${query}`, headers })).statusCode, 400, query);
  }
});

test('a thousand gateways come page after page, each once, and the plan goes through no history', async (t) => {
  const { app, store, asked } = setUp(t);
  const names = Array.from({ length: 1000 }, (_, at) => `gw-${String(at).padStart(4, '0')}`);
  for (const gateway of names) store.commit([checked({ gateway, records: [alert(1, { occurrence: gateway })] })], 1);
  const found: string[] = [];
  const pageAt = async (cursor: string) => {
    const response = await app.inject({ url: `/api/fleet?limit=200${cursor}`, headers });
    return response.json<{ items: { gateway: string; alerts: { high: number } }[]; next: string | null }>();
  };
  let pages = 0;
  for (let cursor: string | null = ''; cursor !== null; pages += 1) {
    const page = await pageAt(cursor === '' ? '' : `&cursor=${cursor}`);
    assert.ok(page.items.every(({ alerts }) => alerts.high === 1));
    found.push(...page.items.map(({ gateway }) => gateway));
    cursor = page.next;
  }
  assert.deepEqual([found, pages], [names, 5]);
  assert.equal(asked.length, 10, 'two questions a page');
  for (const { sql, values } of asked.slice(0, 4)) {
    const plan = store.db
      .prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(values)
      .map(({ detail }) => detail);
    const scans = plan.filter((step) => step.startsWith('SCAN') && step !== 'SCAN p');
    assert.deepEqual(scans, [], plan.join('; '));
  }
});

test('the bridge says when nothing can reach it', async (t) => {
  const { app } = setUp(t, { connected: false });
  const { items, nowMs, brokerConnected, storeWritable, next } = (
    await app.inject({ url: '/api/fleet', headers })
  ).json<Record<string, unknown>>();
  assert.deepEqual([items, next, nowMs, brokerConnected, storeWritable], [[], null, atMs + 60_000, false, true]);
});

test('a gateway that was revoked or removed is told apart from one that is down; one that is up is not looked for', async (t) => {
  const lookedFor: string[] = [];
  const mayConnect = (gateway: string) => {
    lookedFor.push(gateway);
    return gateway !== 'gw-gone';
  };
  const { app, store } = setUp(t, { mayConnect });
  for (const gateway of ['gw-down', 'gw-gone', 'gw-up']) {
    store.applyStatus('demo', status({ gateway, online: gateway === 'gw-up' }), atMs);
  }
  const { items } = (await app.inject({ url: '/api/fleet', headers })).json<{ items: Gateway[] }>();
  assert.deepEqual(
    items.map(({ gateway, state, mayConnect }) => [gateway, state, mayConnect]),
    [
      ['gw-down', 'down', true],
      ['gw-gone', 'down', false],
      ['gw-up', 'up', true],
    ],
  );
  assert.deepEqual(lookedFor, ['gw-down', 'gw-gone']);
});

const now = atMs + 3_600_000;
const minute = 60_000;
function gateway(more: Partial<Gateway> = {}): Gateway {
  return {
    gateway: 'gw-1',
    site: 'hall-1',
    state: 'up',
    mayConnect: true,
    statusMs: now - 60 * minute,
    heardMs: now - 20_000,
    data: { receivedMs: now - 20_000, madeMs: now - 21_000, clock: 'synced' },
    agentVersion: '0.1.0',
    missing: 0,
    forks: 0,
    alerts: { urgent: 0, high: 0, medium: 0, low: 0, silenced: 0 },
    ...more,
  };
}

test('data that waited at the gateway are as old as they are, and only a clock that is kept is believed', () => {
  assert.equal(dataAgeMs(gateway(), now), 21_000);
  const waited = gateway({ data: { receivedMs: now - 5_000, madeMs: now - 120 * minute, clock: 'synced' } });
  assert.equal(dataAgeMs(waited, now), 120 * minute);
  assert.deepEqual(
    [lineOf(waited, now).data, lineOf(waited, now).dataNote],
    ['2 h 00 min old', 'it had waited at the gateway'],
  );
  const wrong = gateway({ data: { receivedMs: now - 5_000, madeMs: 0, clock: 'unsynced' } });
  assert.deepEqual([lineOf(wrong, now).data, lineOf(wrong, now).dataNote], ['5 s old', '']);
  assert.equal(lineOf(wrong, now).clock, 'Not kept by a time service');
  assert.equal(dataAgeMs(gateway({ data: null }), now), null);
  assert.equal(lineOf(gateway({ data: null }), now).data, 'none yet');
});

test('a gateway that is connected and sends nothing for five minutes is not up; one that has just connected is', () => {
  const quiet = { receivedMs: now - 6 * minute, madeMs: now - 6 * minute, clock: 'synced' } as const;
  assert.equal(conditionOf(gateway({ data: quiet }), now), 'silent');
  assert.equal(conditionOf(gateway({ data: quiet, statusMs: now - minute }), now), 'up');
  assert.equal(conditionOf(gateway({ data: null, statusMs: now - 6 * minute }), now), 'silent');
  assert.equal(conditionOf(gateway({ state: 'down' }), now), 'down');
  assert.equal(conditionOf(gateway({ state: 'unknown', statusMs: null }), now), 'unknown');
  // When the end of a connection came is not when it ended where the bridge itself was away: what was heard is sure.
  assert.equal(lineOf(gateway({ state: 'down', heardMs: now - 125 * minute }), now).since, 'last heard 2 h 05 min ago');
});

test('what needs somebody stands on top', () => {
  const alerts = { urgent: 0, high: 0, medium: 0, low: 0, silenced: 0 };
  const fleet = [
    gateway({ gateway: 'a-gone', state: 'down', mayConnect: false, alerts: { ...alerts, urgent: 7 } }),
    gateway({ gateway: 'b-fine' }),
    gateway({ gateway: 'a-fine' }),
    gateway({ gateway: 'z-clock', data: { receivedMs: now, madeMs: now, clock: 'stepped' } }),
    gateway({ gateway: 'z-missing', missing: 3 }),
    gateway({ gateway: 'z-low', alerts: { ...alerts, low: 9 } }),
    gateway({ gateway: 'z-urgent', alerts: { ...alerts, urgent: 1 } }),
    gateway({ gateway: 'z-never', state: 'unknown', statusMs: null }),
    gateway({ gateway: 'z-silent', data: { receivedMs: 0, madeMs: 0, clock: 'synced' } }),
    gateway({ gateway: 'z-down', state: 'down' }),
  ];
  assert.deepEqual(
    inOrder(fleet, now).map((one) => one.gateway),
    ['z-down', 'z-silent', 'z-never', 'z-urgent', 'z-low', 'z-missing', 'z-clock', 'a-fine', 'b-fine', 'a-gone'],
  );
  assert.deepEqual(
    totalsOf(fleet, now).map(([, count]) => count),
    [9, 6, 1, 1, 1, 1, 0, 9, 1],
    'nobody waits for what was revoked or removed',
  );
});

test('a state has a word and a sign of its own, not only a colour', () => {
  const lines = [
    gateway(),
    gateway({ state: 'down' }),
    gateway({ state: 'unknown', statusMs: null }),
    gateway({ data: null }),
  ].map((one) => lineOf(one, now));
  assert.deepEqual(
    lines.map(({ sign, state }) => `${sign} ${state}`),
    ['✓ Up', '✕ Down', '? Not known', '! Connected, sends nothing'],
  );
  const many = lineOf(gateway({ alerts: { urgent: 1, high: 0, medium: 2000, low: 0, silenced: 4 } }), now);
  assert.deepEqual(
    many.alerts.map(({ text }) => text),
    ['1 urgent', '2\u202f000 medium', '4 silenced'],
  );
});

test('a refusal is told in words', () => {
  assert.equal(refusalWords(401, 'key-wrong', null), 'This key is wrong, or was removed.');
  assert.equal(refusalWords(401, 'key-expired', null), 'This key has expired. Ask for a new one.');
  assert.equal(refusalWords(403, 'scope-missing', null), 'This key may not read: it needs the scope read.');
  assert.equal(
    refusalWords(429, 'too-many-keys', 90),
    'Too many wrong keys came from this address. Try again in 1 min.',
  );
  assert.equal(refusalWords(502, '', null), 'The bridge could not answer (502).');
});

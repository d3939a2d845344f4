/** What the API says over a store, whichever it is: the same as over SQLite. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { keyFinder } from '../../cloud-bridge/api-keys.ts';
import { buildApi } from '../../cloud-bridge/api/server.ts';
import { dataDir } from '../../cloud-bridge/files.ts';
import { BridgeMetrics } from '../../cloud-bridge/metrics.ts';
import type { BridgeStore } from '../../cloud-bridge/store/bridge-store.ts';
import { holdToDocument } from '../unit/bridge/api-document.ts';
import { checked } from '../unit/bridge/histories.ts';
import {
  alert,
  atMs,
  bootA,
  bootB,
  bootC,
  event,
  machine,
  stateSummary,
  status,
  summary,
  temporaryDir,
} from '../unit/bridge/making.ts';

import { committed, counting, openSqlite, type StoreKind } from './bridge-contents.ts';

/** Adds the tests of the API over this kind of store. */
export function bridgeApiContract({ name, open, runs }: Pick<StoreKind, 'name' | 'open' | 'runs'>): void {
  test(`${name}: the API gives every row once, on pages of any size, as it does over SQLite`, async (t) => {
    const store = await open(t);
    const sqlite = openSqlite(t);
    const batches = [
      counting(bootB, 1, 70, 0),
      counting(bootC, 2, 90, 7),
      checked({
        seq: 3,
        records: [
          machine(1),
          ...Array.from({ length: 9 }, (_, at) => event(at + 2, { atMs: atMs + Math.floor(at / 3) })),
          alert(20),
          alert(21, { transition: 'acked', state: 'active-acked' }),
          alert(22, { occurrence: 'o-2', transition: 'closed', state: 'normal' }),
          summary(23, { signal: 'spm', counter: null, minuteMs: atMs + 3_600_000 }),
          stateSummary(24, { seconds: { RUN: 30, IDLE: 30 }, causes: { 'material.thread_break': 5 } }),
          stateSummary(25, { minuteMs: atMs + 60_000, seconds: { RUN: 60 } }),
          stateSummary(26, { segment: 1, seconds: { RUN: 0.5 } }),
        ],
      }),
      checked({ gateway: 'z-gw', seq: 1, records: [machine(1, { machine: 'm-10' }), event(2)] }),
    ];
    const apis: FastifyInstance[] = [];
    for (const one of [store, sqlite]) {
      await committed(one, batches, 2);
      await one.applyStatus('demo', status({ boot: bootB, previousBoot: bootA }), 9);
      apis.push(apiOf(t, one));
    }
    const [app, reference] = apis;
    assert.ok(app !== undefined && reference !== undefined);
    for (const path of [
      'gateways',
      'machines',
      'alerts',
      'alerts?open=true',
      'alerts?open=false',
      `alerts?state=active-acked&type=thread_break&from=${atMs}`,
      'events',
      `events?from=${atMs + 1}&to=${atMs + 2}`,
      'events?gateway=z-gw&event=state_changed',
      'summaries',
      'summaries?bucket=hour',
      `summaries?signal=stitches&machine=ls-1&from=${atMs + 69 * 60_000}&to=${atMs + 71 * 60_000}&bucket=hour`,
      'states',
      'states?bucket=hour',
    ]) {
      const question = (limit: number, cursor: string) =>
        `/api/${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const expected = await pageOf(reference, question(1000, ''));
      for (const limit of [1000, 4]) {
        const items: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page = await pageOf(app, question(limit, cursor));
          items.push(...page.items);
          cursor = page.next;
        }
        assert.deepEqual(items, expected.items, path);
      }
    }
    const health = (await app.inject({ url: '/api/health', headers })).json<Record<string, unknown>>();
    assert.deepEqual(
      [health['ok'], health['gateways'], health['online'], health['batches'], health['forks']],
      [true, 2, 1, 4, 1],
    );
    assert.match((await app.inject({ url: '/metrics', headers })).body, /^selvedge_bridge_gateways_online 1$/m);
  });

  test(`${name}: alerts of one incident are found by it, and say so; others belong to none`, async (t) => {
    const store = await open(t);
    const records = [
      alert(1, { occurrence: 'o-1', evidence: { needle: 317, k: 2, incident: 'o-1' } }),
      alert(2, { occurrence: 'o-2', evidence: { incident: 'o-1', incidentNeedle: 316, incidentK: 1 } }),
      alert(3, { occurrence: 'o-3', evidence: { incident: 'o-3' } }),
      alert(4, { occurrence: 'o-4', evidence: {} }),
      alert(5, { occurrence: 'o-5', evidence: { incident: 7 } }),
    ];
    await store.commit([checked({ seq: 1, records })], 1);
    const app = apiOf(t, store);
    const told = async (query: string) =>
      new Map(
        (await pageOf(app, `/api/alerts${query}`)).items.map((item) => {
          const { occurrence, incident } = item as { occurrence: string; incident: string | null };
          return [occurrence, incident] as const;
        }),
      );
    assert.deepEqual(
      await told(''),
      new Map(Object.entries({ 'o-5': null, 'o-4': null, 'o-3': 'o-3', 'o-2': 'o-1', 'o-1': 'o-1' })),
    );
    assert.deepEqual([...(await told('?incident=o-1')).keys()].sort(), ['o-1', 'o-2']);
    assert.equal((await told('?incident=o-9')).size, 0);
  });

  test(`${name}: alerts that change while the pages are turned are each on one page`, async (t) => {
    const change = fc.record({ occurrence: fc.nat(11), raisedAgain: fc.boolean() });
    const turns = fc.array(fc.array(change, { maxLength: 3 }), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(turns, fc.integer({ min: 1, max: 5 }), async (changes, limit) => {
        const store = await open(t);
        const raised = Array.from({ length: 12 }, (_, at) =>
          alert(at + 1, { occurrence: `o-${at}`, raisedMs: atMs + Math.floor(at / 3) }),
        );
        await store.commit([checked({ seq: 1, records: raised })], 1);
        const app = apiOf(t, store);
        const seen: unknown[] = [];
        let n = 100;
        for (let cursor: string | null = ''; cursor !== null;) {
          const page = await pageOf(app, `/api/alerts?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`);
          seen.push(...page.items.map((item) => (item as { occurrence: string }).occurrence));
          cursor = page.next;
          const records = (changes.shift() ?? []).map(({ occurrence, raisedAgain }) => {
            n += 1;
            const again = { transition: 'reactivated', raisedMs: atMs + n } as const;
            const acked = { transition: 'acked', raisedMs: atMs + Math.floor(occurrence / 3) } as const;
            return alert(n, { occurrence: `o-${occurrence}`, ...(raisedAgain ? again : acked) });
          });
          if (records.length > 0) await store.commit([checked({ seq: n, records })], n);
        }
        await app.close();
        await store.close();
        const expected = raised.toSorted((a, b) => b.raisedMs - a.raisedMs || (a.occurrence < b.occurrence ? 1 : -1));
        assert.deepEqual(
          seen,
          expected.map(({ occurrence }) => occurrence),
        );
      }),
      { numRuns: runs },
    );
  });

  test(`${name}: an alert whose id is far too long does not keep anyone from the next page`, async (t) => {
    const store = await open(t);
    const long = ['\u0001', '断'].map((letter, at) => alert(at + 1, { occurrence: letter.repeat(20_000) }));
    await store.commit([checked({ records: [...long, alert(3)] })], 1);
    const app = apiOf(t, store);
    let items = 0;
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await pageOf(app, `/api/alerts?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      items += page.items.length;
      cursor = page.next;
    }
    assert.equal(items, 3);
  });

  test(`${name}: health and metrics are asked of tables that have a row for a gateway, and of no others`, async (t) => {
    const store = await open(t);
    await store.commit([checked({ records: [event(1), alert(2), summary(3)] })], 1);
    const asked: string[] = [];
    const app = apiOf(t, {
      quarantine: null,
      readFile: () => null,
      rows: (sql, values) => {
        asked.push(sql);
        return store.rows(sql, values);
      },
    });
    for (const url of ['/metrics', '/api/health']) assert.equal((await app.inject({ url, headers })).statusCode, 200);
    const tables = asked.flatMap((sql) => [...sql.matchAll(/\b(?:FROM|JOIN)\s+(\w+)/gi)].map(([, table]) => table));
    assert.deepEqual(new Set(tables), new Set(['gateway', 'status']));
  });
}

/** Of a request with the key of `apiOf`. */
export const headers = { authorization: 'Bearer k' };

/** The API on a store, its answers held to its document; the key is `k`. */
export function apiOf(t: TestContext, store: Pick<BridgeStore, 'rows' | 'quarantine' | 'readFile'>): FastifyInstance {
  const app = buildApi({
    store,
    metrics: new BridgeMetrics(),
    link: { state: () => ({ connected: true, detail: 'test' }) },
    nowMs: () => 5,
    monotonicMs: () => 5,
    findKey: keyFinder(dataDir(temporaryDir(t)), 'k'),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  holdToDocument(t, app);
  t.after(() => app.close());
  return app;
}

interface Page {
  readonly items: unknown[];
  readonly next: string | null;
}

async function pageOf(app: FastifyInstance, url: string): Promise<Page> {
  const response = await app.inject({ url, headers });
  assert.equal(response.statusCode, 200, `${url}: ${response.body}`);
  return response.json<Page>();
}

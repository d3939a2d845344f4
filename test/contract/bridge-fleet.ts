/** What every store of the bridge tells of its fleet at a glance: which alerts are open, and how each gateway is. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { buildApi } from '../../cloud-bridge/api/server.ts';
import { BridgeMetrics } from '../../cloud-bridge/metrics.ts';
import type { BridgeStore } from '../../cloud-bridge/store/bridge-store.ts';
import { holdToDocument } from '../unit/bridge/api-document.ts';
import { checked, deliveries } from '../unit/bridge/histories.ts';
import { alert, atMs, bootA, bootB, bootC, event, status } from '../unit/bridge/making.ts';
import type { StoreKind } from './bridge-contents.ts';

const open = (store: BridgeStore) =>
  store.rows('SELECT gateway, occurrence, priority, state FROM alert_open ORDER BY gateway, occurrence');

/** `/api/fleet` of the store, at `nowMs`. */
async function fleetOf(t: TestContext, store: BridgeStore, nowMs: number, query = ''): Promise<FleetPage> {
  const app = buildApi({
    store,
    metrics: new BridgeMetrics(),
    link: { state: () => ({ connected: true, detail: 'test' }) },
    nowMs: () => nowMs,
    monotonicMs: () => 0,
    findKey: () => ({ name: 'test', scopes: ['read'] }),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  holdToDocument(t, app);
  const response = await app.inject({ url: `/api/fleet?limit=200${query}`, headers: { authorization: 'Bearer k' } });
  await app.close();
  assert.equal(response.statusCode, 200, response.body);
  return response.json();
}
interface FleetPage {
  readonly items: readonly Record<string, unknown>[];
  readonly next: string | null;
  readonly nowMs: number;
}

export function bridgeFleetContract({ name, open: openStore, runs }: StoreKind): void {
  test(`${name}: open alerts are those whose newest step neither closes nor removes them, in whatever order the steps come`, async (t) => {
    const store = await openStore(t);
    const steps = [
      checked({ seq: 1, records: [alert(1), alert(2, { occurrence: 'o-2', priority: 'urgent' })] }),
      checked({ seq: 2, records: [alert(3, { transition: 'closed', state: 'normal' })] }),
      checked({ seq: 3, records: [alert(4, { occurrence: 'o-2', transition: 'acked', state: 'active-acked' })] }),
      checked({ gateway: 'gw-2', seq: 1, records: [alert(1), alert(2, { transition: 'removed', state: 'normal' })] }),
      checked({ gateway: 'gw-2', seq: 2, records: [alert(3, { occurrence: "o'; DROP TABLE alert_open; --" })] }),
    ];
    for (const batch of steps.toReversed()) await store.commit([batch], 1);
    assert.deepEqual(await open(store), [
      { gateway: 'demo-gw', occurrence: 'o-2', priority: 'high', state: 'active-acked' },
      {
        gateway: 'gw-2',
        occurrence: "o'; DROP TABLE alert_open; --",
        priority: 'high',
        state: 'active-unacked',
      },
    ]);
  });

  test(`${name}: a step of a later start counts, also where its start is placed in the chain only afterwards`, async (t) => {
    const store = await openStore(t);
    const of = (boot: string, previousBoot: string | null, seq: number, more: Parameters<typeof alert>[1]) =>
      checked({ boot, previousBoot, seq, records: [alert(1, more)] });
    // The newest start, whose clock is a day behind, comes first: nobody knows yet that it follows the others.
    await store.commit([of(bootC, bootB, 1, { atMs: atMs - 86_400_000, transition: 'closed', state: 'normal' })], 1);
    await store.commit([of(bootA, null, 1, {})], 2);
    assert.equal((await open(store)).length, 1);
    await store.commit([of(bootB, bootA, 1, { transition: 'acked', state: 'active-acked' })], 3);
    assert.deepEqual(await open(store), []);
  });

  test(`${name}: in every history the open alerts are the open ones of alert_current`, async (t) => {
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ batches, order, groupSize }) => {
        const store = await openStore(t);
        const arriving = order.flatMap((at) => batches[at] ?? []);
        for (let at = 0; at < arriving.length; at += groupSize) {
          await store.commit(arriving.slice(at, at + groupSize), at);
          const current = await store.rows(
            `SELECT gateway, occurrence, priority, state FROM alert_current
             WHERE transition NOT IN ('closed', 'removed') ORDER BY gateway, occurrence`,
          );
          assert.deepEqual(await open(store), current);
        }
        await store.close();
      }),
      { numRuns: runs },
    );
  });

  test(`${name}: the fleet is told by gateway: connected or not, newest data, what is not here, and open alerts`, async (t) => {
    const store = await openStore(t);
    const minute = 60_000;
    // Of gw-1: two starts; the second has sent records 1 to 2 and 6, and its third batch came before its second.
    await store.applyStatus('hall-1', status({ gateway: 'gw-1', boot: bootA }), atMs);
    await store.commit([checked({ gateway: 'gw-1', site: 'hall-1', seq: 7, records: [event(1)] })], atMs + 1);
    const second = { gateway: 'gw-1', site: 'hall-1', boot: bootB, previousBoot: bootA } as const;
    await store.commit(
      [
        checked({
          ...second,
          seq: 3,
          sealedMs: atMs + 5 * minute,
          records: [alert(6, { occurrence: 'o-3', state: 'shelved', transition: 'shelved', priority: 'urgent' })],
        }),
      ],
      atMs + 6 * minute,
    );
    await store.commit(
      [
        checked({
          ...second,
          seq: 1,
          sealedMs: atMs + 3 * minute,
          clock: 'unsynced',
          records: [alert(1), alert(2, { occurrence: 'o-2', priority: 'urgent' })],
        }),
      ],
      atMs + 7 * minute,
    );
    const born = { boot: bootB, previousBoot: bootA, atMs: 5, agentVersion: '1.2.3' };
    await store.applyStatus('hall-1', status({ gateway: 'gw-1', ...born }), atMs + 8 * minute);
    await store.applyStatus('hall-1', status({ gateway: 'gw-1', ...born, online: false }), atMs + 9 * minute);
    // gw-2 has said that it is there, and sent nothing; gw-3 has sent something and never said it.
    await store.applyStatus('hall-2', status({ gateway: 'gw-2', boot: bootC }), atMs + 2);
    await store.commit([checked({ gateway: 'gw-3', site: 'hall-2', seq: 1, clock: 'stepped' })], atMs + 3);

    const none = { urgent: 0, high: 0, medium: 0, low: 0, silenced: 0 };
    const fleet = await fleetOf(t, store, atMs + 10 * minute);
    assert.deepEqual(fleet.items, [
      {
        gateway: 'gw-1',
        site: 'hall-1',
        state: 'down',
        mayConnect: true,
        statusMs: atMs + 9 * minute,
        heardMs: atMs + 9 * minute,
        data: { receivedMs: atMs + 6 * minute, madeMs: atMs + 5 * minute, clock: 'synced' },
        agentVersion: '1.2.3',
        missing: 3,
        forks: 0,
        alerts: { ...none, urgent: 1, high: 1, silenced: 1 },
      },
      {
        gateway: 'gw-2',
        site: 'hall-2',
        state: 'up',
        mayConnect: true,
        statusMs: atMs + 2,
        heardMs: atMs + 2,
        data: null,
        agentVersion: '0.1.0',
        missing: 0,
        forks: 0,
        alerts: none,
      },
      {
        gateway: 'gw-3',
        site: 'hall-2',
        state: 'unknown',
        mayConnect: true,
        statusMs: null,
        heardMs: atMs + 3,
        data: { receivedMs: atMs + 3, madeMs: atMs, clock: 'stepped' },
        agentVersion: null,
        missing: 0,
        forks: 0,
        alerts: none,
      },
    ]);
    assert.deepEqual([fleet.next, fleet.nowMs], [null, atMs + 10 * minute]);
    const one = await fleetOf(t, store, 1, '&gateway=gw-2');
    assert.deepEqual(
      one.items.map(({ gateway }) => gateway),
      ['gw-2'],
    );
  });

  test(`${name}: the newest data of a gateway that has just started again are those of the start before`, async (t) => {
    const store = await openStore(t);
    await store.commit([checked({ boot: bootA, seq: 1 })], atMs + 1);
    await store.commit([checked({ boot: bootB, previousBoot: bootA, seq: 4, sealedMs: atMs + 2 })], atMs + 3);
    await store.applyStatus('demo', status({ boot: bootC, previousBoot: bootB }), atMs + 4);
    const [item] = (await fleetOf(t, store, atMs + 5)).items;
    assert.deepEqual(item?.['data'], { receivedMs: atMs + 3, madeMs: atMs + 2, clock: 'synced' });
    // Started twice without sending anything: all its starts are looked at.
    await store.applyStatus('demo', status({ boot: 'dddddddddddddddd', previousBoot: bootC }), atMs + 6);
    const [later] = (await fleetOf(t, store, atMs + 7)).items;
    assert.deepEqual(later?.['data'], { receivedMs: atMs + 3, madeMs: atMs + 2, clock: 'synced' });
  });
}

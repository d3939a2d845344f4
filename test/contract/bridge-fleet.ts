/** What every store of the bridge tells of its fleet at a glance: which alerts are open, and how each gateway is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BridgeStore } from '../../cloud-bridge/store/bridge-store.ts';
import { checked, deliveries } from '../unit/bridge/histories.ts';
import { alert, atMs, bootA, bootB, bootC } from '../unit/bridge/making.ts';
import type { StoreKind } from './bridge-store.ts';

const open = (store: BridgeStore) =>
  store.rows('SELECT gateway, occurrence, priority, state FROM alert_open ORDER BY gateway, occurrence');

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
}

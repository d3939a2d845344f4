/** The uplink of a gateway that does not know the time yet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { event } from '../unit/bridge/making.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, eventsAtBridge, runGateway, temporaryDir, until } from './sync-rig.ts';

test('U5: while it waits for the time nothing is sealed, sent or connected, and no outage begins; then all goes', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  let why: string | null = 'clock-not-set';
  const told: string[] = [];
  const { store, uplink, outages } = await runGateway(
    t,
    { dataDir: temporaryDir(t), port: bridge.mqtt, gateway, bridgeDir },
    {
      waitsFor: () => why,
      outageAfterMs: 1_500,
      log: (level, message, { code }) => told.push(`${level} ${message} ${String(code)}`),
    },
  );
  // More than is sealed without an uplink to save room.
  const count = 2_100;
  const records = Array.from({ length: count }, (_, i) => event(i + 1, { atMs: clock.wallMs() }));
  await store.commit(
    records.map((record) => ({ lane: 'live' as const, record })),
    { urgent: true },
  );
  uplink.hurry();
  await until('the housekeeping has seen them', () => uplink.view().outboxRecords === count);
  const waitedFromMs = performance.now();
  await until('it has turned twice more', () => performance.now() - waitedFromMs > 2_200);
  assert.deepEqual([uplink.view().connected, uplink.view().reason], [false, 'clock-not-set']);
  assert.deepEqual([uplink.counters().connections, uplink.counters().sent, outages], [0, 0, []]);
  assert.equal((await store.outboxCounts()).sealed, 0);
  assert.deepEqual(told, ['warn uplink waits AGT-306']);
  why = null;
  await drained(store);
  assert.equal(eventsAtBridge(bridgeDir).length, count);
  assert.deepEqual(outages, []);
  assert.equal(uplink.view().reason, null);
});

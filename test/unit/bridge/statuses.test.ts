import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusMessage } from '../../../cloud-bridge/contract.ts';
import type { BridgeError } from '../../../cloud-bridge/errors.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import { maxStatuses, Statuses } from '../../../cloud-bridge/statuses.ts';
import { status } from './making.ts';

/** A store that fails as often as `failures` says and then takes everything. */
function setUp(failures: readonly ('down' | null)[]) {
  const left = [...failures];
  const stored: StatusMessage[] = [];
  const waits: number[] = [];
  const reported: BridgeError[] = [];
  const metrics = new BridgeMetrics();
  const statuses = new Statuses({
    store: {
      applyStatus: async (_site, message) => {
        const failure = left.shift();
        if (failure !== undefined) throw new TypeError(failure ?? 'bad');
        stored.push(message);
        return { taken: true, forks: [] };
      },
      troubleOf: (error) => (error instanceof Error && error.message === 'down' ? 'down' : null),
    },
    metrics,
    nowMs: () => 1,
    onFork: () => undefined,
    report: (error) => reported.push(error),
    wait: async (ms) => void waits.push(ms),
  });
  return { statuses, stored, waits, reported, metrics };
}

/** Turns of the event loop until `done` holds. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

test('S1: a status waits until the store is back, with growing pauses, and the outage is said once', async () => {
  const { statuses, stored, waits, reported, metrics } = setUp(['down', 'down', 'down']);
  statuses.accept('demo', status());
  statuses.accept('demo', status({ connection: 2 }));
  await until(() => stored.length === 2);
  await statuses.stop();
  assert.deepEqual(
    stored.map(({ connection }) => connection),
    [1, 2],
  );
  assert.deepEqual(waits, [500, 1000, 2000]);
  assert.equal(reported.length, 1);
  assert.equal(metrics.dropped.status, 0);
});

test('a status the store cannot take does not hold up the next', async () => {
  const { statuses, stored, metrics } = setUp([null]);
  statuses.accept('demo', status());
  statuses.accept('demo', status({ connection: 2 }));
  await until(() => stored.length === 1);
  await statuses.stop();
  assert.equal(stored[0]?.connection, 2);
  assert.equal(metrics.dropped.status, 1);
});

test('S2: one status over the limit is dropped and counted', async () => {
  const { statuses, stored, metrics } = setUp([]);
  for (let count = 0; count <= maxStatuses; count += 1) statuses.accept('demo', status());
  assert.equal(metrics.dropped.status, 1);
  await statuses.stop();
  assert.equal(stored.length, maxStatuses);
});

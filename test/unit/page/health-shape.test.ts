import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { healthOf } from '../../../agent/web/health-shape.ts';

test('what the gateway does not tell is unknown and never a number, and what the page does not know is left alone', () => {
  const empty = healthOf({ somethingNew: { a: 1 } });
  assert.ok(empty !== null);
  assert.deepEqual(
    [empty.drivers, empty.eye, empty.storeBytes, empty.clock, empty.dropped],
    [[], null, null, null, null],
  );
  assert.deepEqual(Object.values(empty.storage), [null, null, null, null, null]);
});

test('a fact of the wrong kind is unknown, and does not take the others with it', () => {
  const driver = { machine: 'ls-1', connected: 'yes', requests: 12, pollLatenessP99Ms: null, more: true };
  const health = healthOf({ drivers: [driver], storeBytes: '12', journalBytes: 7, clock: 'synced', eye: { model: 3 } });
  assert.ok(health !== null);
  const [told] = health.drivers;
  assert.deepEqual([told?.machine, told?.connected, told?.requests, told?.failures], ['ls-1', null, 12, null]);
  assert.deepEqual([health.storeBytes, health.journalBytes, health.clock], [null, 7, 'synced']);
  assert.equal(health.eye?.model, null);
});

test('an answer that is no object is no health, and no answer throws', () => {
  for (const body of [null, 'text', 3, []]) assert.equal(healthOf(body), null);
  fc.assert(
    fc.property(fc.anything(), (body) => {
      healthOf(body);
      healthOf({ drivers: body, storage: body, eye: body, dropped: body });
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { supersedes, type KnownStatus } from '../../../cloud-bridge/store/status.ts';
import { bootA, bootB, bootC, status } from './making.ts';

/** The chain A → B; C is of another journal. */
const comesAfter = (later: string, earlier: string) => later === bootB && earlier === bootA;
const stored = (boot: string, connection: number, online: boolean): KnownStatus => ({ boot, connection, online });

test('T1: a will that arrives after the next birth is older and changes nothing', () => {
  assert.equal(supersedes(status({ connection: 1, online: false }), stored(bootA, 2, true), comesAfter), false);
  assert.equal(supersedes(status({ connection: 2, online: false }), stored(bootA, 2, true), comesAfter), true);
  assert.equal(supersedes(status({ connection: 2, online: true }), stored(bootA, 2, false), comesAfter), false);
  assert.equal(supersedes(status({ connection: 3, online: true }), stored(bootA, 2, false), comesAfter), true);
});

test('T2: a later boot of the chain wins even with a death, an earlier one never', () => {
  assert.equal(supersedes(status({ boot: bootB, online: false }), stored(bootA, 9, true), comesAfter), true);
  assert.equal(supersedes(status({ boot: bootA, connection: 9 }), stored(bootB, 1, false), comesAfter), false);
});

test('T3: of an unrelated boot a birth counts and a death does not', () => {
  assert.equal(supersedes(status({ boot: bootC, online: false }), stored(bootA, 1, true), comesAfter), false);
  assert.equal(supersedes(status({ boot: bootC, online: true }), stored(bootA, 1, true), comesAfter), true);
});

test('within a chain the same births and deaths end in the same status, in any order', () => {
  const message = fc.record({
    boot: fc.constantFrom(bootA, bootB),
    connection: fc.integer({ min: 1, max: 4 }),
    online: fc.boolean(),
  });
  const settle = (messages: readonly KnownStatus[]) =>
    messages.reduce<KnownStatus | null>((kept, next) => {
      const { boot, connection, online } = next;
      return supersedes(status(next), kept, comesAfter) ? { boot, connection, online } : kept;
    }, null);
  const sets = fc.array(message, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      sets.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => assert.deepEqual(settle(shuffled), settle(all)),
    ),
  );
});

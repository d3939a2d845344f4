import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextBroker, reconnectMs, returnMs, spreadRetryAfterS } from '../../../agent/sync/brokers.ts';

const backoff = { minMs: 500, maxMs: 30_000, factor: 1.3 };
const unit = fc.double({ min: 0, max: 0.999_999, noNaN: true });

test('B1: each broker is tried once before the wait grows, in order, and from the last on again with the first', () => {
  assert.deepEqual(
    [0, 1, 2].map((at) => nextBroker(at, 3)),
    [1, 2, 0],
  );
  assert.equal(nextBroker(0, 1), 0);
  const waits = [1, 2, 3, 4, 5, 6, 7].map((failures) => reconnectMs(backoff, failures, 3, () => 1));
  assert.deepEqual(waits, [500, 500, 500, 650, 650, 650, 845]);
});

test('B2: the first broker is tried again after ten to twelve minutes', () => {
  fc.assert(fc.property(unit, (random) => assert.ok(returnMs(random) >= 600_000 && returnMs(random) <= 720_000)));
});

test('B3: a wait of the bridge is never cut short and at most doubled', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 600, noNaN: true }), unit, (seconds, random) => {
      const wait = spreadRetryAfterS(seconds, random);
      assert.ok(wait >= seconds && wait <= 2 * seconds);
    }),
  );
});

test('B3 (simulated): of 1,000 gateways that lose the bridge at once, no tenth of a second sees more than half again its share', () => {
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1000, maxLength: 1000 }), fc.noShrink(fc.nat()), (_draws, seed) => {
      // A generator of its own (mulberry32): fast-check's doubles crowd at the ends.
      let state = seed;
      const random = () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
      };
      const slots = Array<number>(20).fill(0);
      for (let gateway = 0; gateway < 1000; gateway++) {
        const slot = Math.floor((spreadRetryAfterS(2, random()) - 2) * 10);
        slots[slot] = (slots[slot] ?? 0) + 1;
      }
      assert.ok(Math.max(...slots) <= 90, `${Math.max(...slots)} of 1,000 in one of 20 slots`);
    }),
    { numRuns: 20 },
  );
});

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

/** A generator of its own (mulberry32): fast-check's doubles crowd at the ends. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const anySeed = fc.noShrink(fc.nat());

/** How many of `timesMs` fall into each of `count` equal slots between two times. */
function slots(timesMs: readonly number[], fromMs: number, toMs: number, count: number): readonly number[] {
  const filled = Array<number>(count).fill(0);
  for (const atMs of timesMs) {
    assert.ok(atMs >= fromMs && atMs <= toMs, `${atMs}`);
    const slot = Math.min(count - 1, Math.floor(((atMs - fromMs) / (toMs - fromMs)) * count));
    filled[slot] = (filled[slot] ?? 0) + 1;
  }
  return filled;
}

test('B3: of 1,000 gateways that are told to wait 2 s at once, no tenth of a second of the next two sees more than 90', () => {
  fc.assert(
    fc.property(anySeed, (seed) => {
      const random = generator(seed);
      const waitsMs = Array.from({ length: 1_000 }, () => spreadRetryAfterS(2, random()) * 1_000);
      const most = Math.max(...slots(waitsMs, 2_000, 4_000, 20));
      assert.ok(most <= 90, `${most} of 1,000 in one of 20 slots`);
    }),
    { numRuns: 20 },
  );
});

test('B3: 1,000 gateways that lose the bridge at once come back spread, and the more so the longer it is away', () => {
  fc.assert(
    fc.property(anySeed, fc.integer({ min: 1, max: 3 }), (seed, brokers) => {
      const random = generator(seed);
      // Each tries again and again while the bridge is away; `tries` are the moments of all of them.
      const tries: number[][] = Array.from({ length: 40 }, () => []);
      for (let gateway = 0; gateway < 1_000; gateway++) {
        let atMs = 0;
        for (const [round, at] of tries.entries()) at.push((atMs += reconnectMs(backoff, round + 1, brokers, random)));
      }
      const [first = [], ...later] = tries;
      assert.ok(Math.max(...slots(first, 250, 500, 10)) <= 145, 'of the first try, a quarter of a second in ten slots');
      const spreadMs = (times: readonly number[]) => {
        const sorted = [...times].sort((a, b) => a - b);
        return (sorted[949] ?? 0) - (sorted[49] ?? 0);
      };
      let beforeMs = spreadMs(first);
      for (const times of later) {
        const now = spreadMs(times);
        assert.ok(now > beforeMs * 0.9, 'never closer together than the try before');
        beforeMs = now;
      }
      // Ten minutes away: a second sees at most a twelfth of them.
      const last = later.at(-1) ?? [];
      const bySecond = new Map<number, number>();
      for (const atMs of last)
        bySecond.set(Math.floor(atMs / 1_000), (bySecond.get(Math.floor(atMs / 1_000)) ?? 0) + 1);
      const busiest = Math.max(...bySecond.values());
      assert.ok(busiest <= (brokers === 1 ? 80 : 250), `${busiest} in one second`);
    }),
    { numRuns: 10 },
  );
});

test('B1, B2: whatever fails and heals, brokers are tried in order, each once a round, and the first again only after ten minutes', () => {
  const step = fc.record({ isUp: fc.boolean(), draw: unit });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { minLength: 1, maxLength: 60 }), (count, steps) => {
      let at = 0;
      let failures = 0;
      let round = new Set<number>();
      let lastWait = 0;
      for (const { isUp, draw } of steps) {
        assert.ok(at >= 0 && at < count);
        if (isUp) {
          failures = 0;
          round = new Set();
          lastWait = 0;
          if (at === 0) continue;
          const backMs = returnMs(draw);
          assert.ok(backMs >= 600_000 && backMs <= 720_000);
          at = 0;
          continue;
        }
        failures += 1;
        round.add(at);
        const wait = reconnectMs(backoff, failures, count, () => 1);
        assert.ok(wait === lastWait || (failures - 1) % count === 0, 'the wait grows between rounds alone');
        lastWait = wait;
        const next = nextBroker(at, count);
        assert.ok(round.size === count ? next === (at + 1) % count : !round.has(next), 'none twice in a round');
        if (round.size === count) round = new Set();
        at = next;
      }
    }),
  );
});

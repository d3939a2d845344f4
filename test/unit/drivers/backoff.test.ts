import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffDelayMs } from '../../../drivers/contract.ts';

const options = fc.record({
  minMs: fc.integer({ min: 1, max: 5_000 }),
  maxMs: fc.integer({ min: 5_000, max: 60_000 }),
  factor: fc.double({ min: 1.1, max: 3, noNaN: true }),
});
const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
  minLength: 200,
  maxLength: 200,
});

test('a delay lies between half of its step and its step, and never beyond the limit', () => {
  fc.assert(
    fc.property(options, fc.integer({ min: 0, max: 10_000 }), draws, (backoff, attempt, [draw = 0]) => {
      const delayMs = backoffDelayMs(backoff, attempt, () => draw);
      const stepMs = Math.min(backoff.maxMs, backoff.minMs * backoff.factor ** Math.min(attempt, 100));
      assert.ok(delayMs >= Math.floor(stepMs / 2) && delayMs <= Math.ceil(stepMs), `${delayMs} of ${stepMs}`);
    }),
  );
});

test('a peer that returns is tried again within the documented share of its absence', () => {
  fc.assert(
    fc.property(options, draws, fc.integer({ min: 0, max: 300_000 }), (backoff, random, awayMs) => {
      let triedMs = 0;
      let attempt = 0;
      while (triedMs <= awayMs && attempt < random.length) {
        triedMs += backoffDelayMs(backoff, attempt, () => random[attempt] ?? 0);
        attempt += 1;
      }
      const limitMs = Math.min(backoff.maxMs, backoff.minMs + 2 * (backoff.factor - 1) * awayMs);
      // Each delay is rounded to a millisecond.
      if (triedMs > awayMs) assert.ok(triedMs - awayMs <= limitMs + attempt + 1, `${triedMs - awayMs} > ${limitMs}`);
    }),
  );
});

test('without a factor the steps double', () => {
  const steps = [0, 1, 2, 3, 9].map((attempt) => backoffDelayMs({ minMs: 100, maxMs: 5_000 }, attempt, () => 1 - 1e-9));
  assert.deepEqual(steps, [100, 200, 400, 800, 5_000]);
});

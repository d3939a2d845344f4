import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { between, createRandom, noise, wholeBetween } from '../../../simulators/random.ts';

const take = (seed: number, label: string, n: number): number[] => {
  const random = createRandom(seed, label);
  return Array.from({ length: n }, () => random());
};

test('the same seed and label give the same sequence, any other seed or label another one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }),
      fc.string({ minLength: 1 }),
      (seed, label) => {
        assert.deepEqual(take(seed, label, 8), take(seed, label, 8));
        assert.notDeepEqual(take(seed, label, 8), take(seed + 1, label, 8));
        assert.notDeepEqual(take(seed, label, 8), take(seed, `${label}x`, 8));
      },
    ),
  );
});

test('the sequence of a seed is pinned, so that a run of last year can be repeated', () => {
  const words = take(1, 'machine ls-1', 3).map((n) => Math.round(n * 0x1_0000_0000));
  assert.deepEqual(words, [351_938_805, 2_183_745_566, 3_300_150_899]);
});

test('numbers fill their range evenly', () => {
  const counts = [0, 0, 0, 0, 0];
  const random = createRandom(7, 'even');
  for (let i = 0; i < 10_000; i += 1) {
    const value = wholeBetween(random, [3, 7]);
    counts[value - 3] = (counts[value - 3] ?? 0) + 1;
  }
  assert.equal(counts.length, 5);
  for (const count of counts) assert.ok(count > 1800 && count < 2200, String(counts));
});

test('noise has mean 0, deviation 1 and hard bounds', () => {
  const random = createRandom(3, 'noise');
  const values = Array.from({ length: 20_000 }, () => noise(random));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length);
  assert.ok(Math.abs(mean) < 0.03, String(mean));
  assert.ok(Math.abs(deviation - 1) < 0.03, String(deviation));
  assert.ok(values.every((value) => Math.abs(value) <= 3));
});

test('a span of one point yields that point', () => {
  assert.equal(between(createRandom(1, 'x'), [4.5, 4.5]), 4.5);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../../../models/statistics/split.ts';
import { thresholdOf } from '../../../models/vision/threshold.ts';

test('of exponential tails about the wanted share lies above, whatever their place and scale', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0.1, max: 9, noNaN: true }),
      fc.double({ min: -3, max: 9, noNaN: true }),
      (seed, scale, place) => {
        const random = seeded(seed);
        const draw = () => place - scale * Math.log(1 - random());
        let share = 0;
        for (let i = 0; i < 40; i += 1) {
          const threshold = thresholdOf(Array.from({ length: 150 }, draw), 0.01);
          share += Math.exp(-(threshold - place) / scale) / 40;
        }
        assert.ok(share > 0.004 && share < 0.025, `share ${share}`);
      },
    ),
    { numRuns: 30 },
  );
});

test('a threshold moves with the scores and grows when fewer may pass', () => {
  const scores = Array.from({ length: 120 }, (_, i) => Math.log(1 + i));
  assert.ok(
    Math.abs(
      thresholdOf(
        scores.map((s) => s + 2),
        0.01,
      ) -
        thresholdOf(scores, 0.01) -
        2,
    ) < 1e-9,
  );
  assert.ok(thresholdOf(scores, 0.001) > thresholdOf(scores, 0.01));
});

test('few scores still give a threshold, none gives none', () => {
  assert.ok(thresholdOf([1, 2, 3, 4], 0.01) > 1);
  assert.equal(thresholdOf([2], 0.01), 2);
  assert.equal(thresholdOf([], 0.01), Number.NEGATIVE_INFINITY);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  auroc,
  deviation,
  mean,
  PixelRanks,
  recallAtFalseShare,
  shareAbove,
} from '../../../models/statistics/metrics.ts';

/** Few different values, so that ties are the rule. */
const scores = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 60 });

/** The definition, pair by pair. */
function byPairs(faults: readonly number[], good: readonly number[]): number {
  let sum = 0;
  for (const fault of faults) for (const one of good) sum += fault > one ? 1 : fault === one ? 0.5 : 0;
  return sum / (faults.length * good.length);
}

test('the area under the ROC curve is the share of pairs in the right order, ties counted half', () => {
  fc.assert(
    fc.property(scores, scores, (faults, good) => {
      assert.ok(Math.abs(auroc(faults, good) - byPairs(faults, good)) < 1e-12);
    }),
  );
  assert.equal(auroc([3, 4], [1, 2]), 1);
  assert.equal(auroc([1, 2], [3, 4]), 0);
  assert.equal(auroc([1], [1]), 0.5);
  assert.ok(Number.isNaN(auroc([], [1])));
});

test('no monotone change of the scores changes the area', () => {
  fc.assert(
    fc.property(scores, scores, (faults, good) => {
      const bend = (value: number) => Math.exp(value / 3) - 7;
      assert.ok(Math.abs(auroc(faults, good) - auroc(faults.map(bend), good.map(bend))) < 1e-12);
    }),
  );
});

test('the ROC point keeps the share of false ones, and no lower threshold would', () => {
  fc.assert(
    fc.property(scores, scores, fc.double({ min: 0, max: 0.99, noNaN: true }), (faults, good, share) => {
      const { recall, threshold } = recallAtFalseShare(faults, good, share);
      assert.ok(shareAbove(good, threshold) <= share);
      assert.equal(recall, faults.filter((score) => score > threshold).length / faults.length);
      const lower = good.filter((score) => score < threshold);
      if (lower.length > 0) assert.ok(shareAbove(good, Math.max(...lower)) > share);
    }),
  );
});

test('one per cent of 88 good tiles is none: the point lies above the highest of them', () => {
  const good = Array.from({ length: 88 }, (_, i) => i / 88);
  assert.equal(recallAtFalseShare([0.5, 2], good, 0.01).threshold, 87 / 88);
  assert.equal(recallAtFalseShare([0.5, 2], good, 0.01).recall, 0.5);
});

test('the area over pixels in bins is the area by ranks, each pixel counted', () => {
  const pixel = fc.record({
    score: fc.integer({ min: 0, max: 40 }).map((value) => value / 8),
    faults: fc.integer({ min: 0, max: 3 }),
    good: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(pixel, { minLength: 1, maxLength: 40 }), (pixels) => {
      const ranks = new PixelRanks(8, 16);
      for (const { score, faults, good } of pixels) ranks.add(score, faults, good);
      const faults = pixels.flatMap(({ score, faults }) => Array.from({ length: faults }, () => score));
      const good = pixels.flatMap(({ score, good }) => Array.from({ length: good }, () => score));
      const expected = faults.length === 0 || good.length === 0 ? Number.NaN : byPairs(faults, good);
      const got = ranks.auroc();
      assert.ok(Number.isNaN(expected) ? Number.isNaN(got) : Math.abs(got - expected) < 1e-12);
    }),
  );
});

test('scores outside the bins count as the lowest and the highest', () => {
  const ranks = new PixelRanks(1, 4);
  ranks.add(99, 1, 0);
  ranks.add(-5, 0, 1);
  assert.equal(ranks.auroc(), 1);
});

test('mean and deviation', () => {
  assert.equal(mean([1, 2, 3]), 2);
  assert.equal(deviation([1, 2, 3]), 1);
  assert.equal(deviation([5]), 0);
});

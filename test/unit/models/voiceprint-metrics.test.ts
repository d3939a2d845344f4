import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { auroc } from '../../../models/statistics/metrics.ts';
import { partialAuroc } from '../../../models/voiceprint/metrics.ts';

/** Few different values, so that ties are the rule. */
const scores = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });
const bound = fc.constantFrom(0.05, 0.1, 0.25, 0.5, 1);

/** The definition: the curve by every threshold, its area left of the bound in steps so fine that they do not matter. */
function byIntegration(faults: readonly number[], good: readonly number[], mostFalse: number): number {
  const levels = [...new Set([...faults, ...good])].toSorted((a, b) => b - a);
  const share = (list: readonly number[], level: number) => list.filter((one) => one >= level).length / list.length;
  const points = [[0, 0] as const, ...levels.map((level) => [share(good, level), share(faults, level)] as const)];
  const steps = 20_000;
  let area = 0;
  for (let i = 0; i < steps; i += 1) {
    const x = ((i + 0.5) / steps) * mostFalse;
    const right = points.findIndex(([wrong]) => wrong > x);
    const [[x0, y0], [x1, y1]] = [points[right - 1] ?? ([0, 0] as const), points[right] ?? ([1, 1] as const)];
    area += ((y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)) * mostFalse) / steps;
  }
  const guessing = mostFalse ** 2 / 2;
  return (1 + (area - guessing) / (mostFalse - guessing)) / 2;
}

test('the partial area is that under the curve, ties as straight lines', () => {
  fc.assert(
    fc.property(scores, scores, bound, (faults, good, mostFalse) => {
      const [ours, theirs] = [partialAuroc(faults, good, mostFalse), byIntegration(faults, good, mostFalse)];
      assert.ok(Math.abs(ours - theirs) < 2e-3, `${ours}, not ${theirs}`);
    }),
    { numRuns: 60 },
  );
});

test('with the bound at 1 it is the whole area', () => {
  fc.assert(
    fc.property(scores, scores, (faults, good) => {
      assert.ok(Math.abs(partialAuroc(faults, good, 1) - auroc(faults, good)) < 1e-12);
    }),
  );
});

test('certainty is 1, guessing 0.5, and no side empty', () => {
  assert.equal(partialAuroc([5, 6], [1, 2, 3]), 1);
  assert.ok(Math.abs(partialAuroc([1, 1, 1], [1, 1]) - 0.5) < 1e-12);
  assert.ok(Math.abs(partialAuroc([0, 0], [1, 2]) - (1 - 0.005 / 0.095) / 2) < 1e-12);
  assert.ok(Number.isNaN(partialAuroc([], [1])) && Number.isNaN(partialAuroc([1], [])));
});

test('control: the whole area forgives what the partial one does not', () => {
  // One good clip of ten above every fault: a tenth false before anything is found.
  const good = [9, ...Array.from({ length: 9 }, () => 0)];
  assert.equal(auroc([5, 5], good), 0.9);
  assert.ok(partialAuroc([5, 5], good) < 0.5);
});

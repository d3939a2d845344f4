import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../../../models/statistics/split.ts';
import { distanceOf, gaussianOf, scatterOf, whiteningOf } from '../../../models/voiceprint/gaussian.ts';

const size = 6;
const shape = fc.record({
  seed: fc.nat(),
  rows: fc.integer({ min: 2, max: 20 }),
  share: fc.constantFrom(0.02, 0.1, 0.5),
});

function rowsOf(seed: number, count: number): Float64Array[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const common = 10 * random();
    return Float64Array.from({ length: size }, (_, i) => common + i * random() - 40);
  });
}

/** The shrunk covariance by its definition. */
function shrunk(rows: readonly Float64Array[], share: number): number[][] {
  const middle = Array.from(
    { length: size },
    (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length,
  );
  const plain = middle.map((mi, i) =>
    middle.map(
      (mj, j) => rows.reduce((sum, row) => sum + ((row[i] ?? 0) - mi) * ((row[j] ?? 0) - mj), 0) / rows.length,
    ),
  );
  const variance = plain.reduce((sum, row, i) => sum + (row[i] ?? 0), 0) / size;
  return plain.map((row, i) => row.map((value, j) => (1 - share) * value + (i === j ? share * variance : 0)));
}

test('G1: whitening · whiteningᵀ · shrunk covariance is the identity', () => {
  fc.assert(
    fc.property(shape, ({ seed, rows, share }) => {
      const list = rowsOf(seed, rows);
      const white = whiteningOf(gaussianOf(list, share));
      const covariance = shrunk(list, share);
      for (let i = 0; i < size; i += 1) {
        for (let j = 0; j < size; j += 1) {
          let sum = 0;
          for (let k = 0; k < size; k += 1) {
            for (let m = 0; m < size; m += 1) {
              sum += (white[i * size + m] ?? 0) * (white[k * size + m] ?? 0) * (covariance[k]?.[j] ?? 0);
            }
          }
          assert.ok(Math.abs(sum - (i === j ? 1 : 0)) < 1e-6, `${i}, ${j}: ${sum}`);
        }
      }
    }),
  );
});

test('G2: the distance by substitution is that by the whitening', () => {
  fc.assert(
    fc.property(
      shape,
      fc.array(fc.double({ min: -90, max: 20, noNaN: true }), { minLength: size, maxLength: size }),
      ({ seed, rows, share }, values) => {
        const gaussian = gaussianOf(rowsOf(seed, rows), share);
        const white = whiteningOf(gaussian);
        let sum = 0;
        for (let k = 0; k < size; k += 1) {
          let value = 0;
          for (let i = 0; i < size; i += 1)
            value += ((values[i] ?? 0) - (gaussian.middle[i] ?? 0)) * (white[i * size + k] ?? 0);
          sum += value * value;
        }
        const distance = distanceOf(gaussian, Float64Array.from(values));
        assert.ok(Math.abs(distance - sum / size) <= 1e-6 * Math.max(1, distance));
      },
    ),
  );
});

test('G3: clips that are all alike have a distance of nothing to themselves and a finite one to others', () => {
  const row = new Float64Array(size).fill(-50);
  const gaussian = gaussianOf([row, row, row]);
  assert.equal(distanceOf(gaussian, row), 0);
  const other = distanceOf(gaussian, new Float64Array(size).fill(-49));
  assert.ok(Number.isFinite(other) && other > 1);
});

test('a difference counts less the way the machine differs from itself', () => {
  const rows = Array.from({ length: 12 }, (_, i) => Float64Array.from([i - 5.5, 0, 0, 0, 0, 0]));
  const gaussian = gaussianOf(rows);
  assert.ok(
    distanceOf(gaussian, Float64Array.from([3, 0, 0, 0, 0, 0])) <
      distanceOf(gaussian, Float64Array.from([0, 3, 0, 0, 0, 0])) / 50,
  );
});

test('G4: what is lent widens the directions it went in, and moves no middle', () => {
  const rows = [0, 1, 2, 3].map((i) => Float64Array.of(i % 2, 5));
  const alone = gaussianOf(rows);
  const lent = gaussianOf(rows, undefined, [scatterOf([Float64Array.of(0, 90), Float64Array.of(0, 110)])]);
  assert.deepEqual(lent.middle, alone.middle);
  const off = Float64Array.of(0.5, 9);
  assert.ok(distanceOf(lent, off) < distanceOf(alone, off) / 10);
});

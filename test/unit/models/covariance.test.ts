import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockStatistics, columnBlocks, rowBlocks } from '../../../models/vision/covariance.ts';
import type { Flat } from '../../../models/vision/whitening.ts';
import { noise } from './strips.ts';

/** Correlated noise: every pixel carries half of the one before it and of the one above. */
function cloth(seed: number): Flat {
  const [width, height] = [512, 128];
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const left = x > 0 ? (values[y * width + x - 1] ?? 0) : 0;
      const above = y > 0 ? (values[(y - 1) * width + x] ?? 0) : 0;
      values[y * width + x] = 5 + 0.4 * (left - 5) + 0.4 * (above - 5) + noise(x, y, seed);
    }
  }
  return { width, height, values, cloth: { left: 0, top: 0, right: width, bottom: height } };
}

for (const [name, shape] of [
  ['rows', rowBlocks],
  ['columns', columnBlocks],
] as const) {
  test(`blocks of ${name}: over what was taught the squared distance is on average the number of pixels`, () => {
    const statistics = new BlockStatistics(shape);
    const taught = Array.from({ length: 8 }, (_, seed) => cloth(seed));
    for (const flat of taught) statistics.add(flat);
    const { weights, bias } = statistics.weights();
    const size = shape.width * shape.height;
    const distance = (flat: Flat, top: number, left: number) => {
      let total = 0;
      for (let i = 0; i < size; i += 1) {
        let sum = bias[i] ?? 0;
        for (let j = 0; j <= i; j += 1) {
          const at = (top + Math.floor(j / shape.width)) * flat.width + left + (j % shape.width);
          sum += (weights[i * size + j] ?? 0) * (flat.values[at] ?? 0);
        }
        total += sum * sum;
      }
      return total;
    };
    // The places of the grid that lie wholly inside, so that this test needs no mirror of its own.
    const places: [number, number][] = [];
    for (let y = 32; y + shape.height <= 96; y += shape.stepY) {
      for (let x = 64; x + shape.width <= 448; x += shape.stepX * 4) {
        places.push([
          y - (((shape.height - shape.stepY) / 2) % shape.stepY),
          x - (((shape.width - shape.stepX) / 2) % shape.stepX),
        ]);
      }
    }
    const squares = taught.flatMap((flat) => places.map(([y, x]) => distance(flat, y, x)));
    const mean = squares.reduce((sum, value) => sum + value, 0) / squares.length;
    assert.ok(Math.abs(mean / size - 1) < 0.15, `${mean} of ${size}`);
    // A stripe of one pixel is a small thing among 256, and far outside what the cloth does.
    const spoilt = cloth(3);
    const [top, left] = places[0] ?? [0, 0];
    const isRows = shape.width > shape.height;
    for (let i = 0; i < 64; i += 1) {
      const at = isRows ? (top + 1) * spoilt.width + left + i : (top + i) * spoilt.width + left + 1;
      spoilt.values[at] = (spoilt.values[at] ?? 0) + (i % 2 === 0 ? 1 : -1);
    }
    assert.ok(distance(spoilt, top, left) > Math.max(...squares), 'a disturbed thread is further than any good block');
  });
}

test('blocks are counted where the cloth is, and nowhere else', () => {
  const flat = cloth(1);
  const statistics = new BlockStatistics(rowBlocks);
  statistics.add({ ...flat, cloth: { left: 100, top: 0, right: 200, bottom: 128 } });
  // Steps of 16 columns from 112 to 192, of 4 rows from 0 to 124.
  assert.equal(statistics.blocks, 5 * 32);
});

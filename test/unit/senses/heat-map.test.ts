import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heatMapOf, peakOf } from '../../../agent/senses/eye/heat-map.ts';

const cell = 8;
/** A crop that begins within a cell, as crops do, over cells of these scores in thresholds. */
const cut = (cells: readonly (readonly number[])[], offset = 3) => {
  const width = (cells[0]?.length ?? 0) * cell - offset;
  const height = cells.length * cell - offset;
  const heat = Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + offset, Math.floor(i / width) + offset];
    return cells[Math.floor(y / cell)]?.[Math.floor(x / cell)] ?? 0;
  });
  return { picture: { width, height, pixels: new Uint8Array(width * height).fill(128) }, heat };
};
const at = (pixels: Uint8Array, i: number) =>
  [...pixels.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
const isBlue = ([red, , blue, alpha]: readonly number[]) => alpha !== 0 && (blue ?? 0) > (red ?? 0);

const grids = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })).chain(([across, down]) =>
  fc.array(
    fc.array(fc.constantFrom(0, 0.3, 0.59, 0.61, 0.99, 1, 1.01, 1.6, 3, 40), {
      minLength: across,
      maxLength: across,
    }),
    { minLength: down, maxLength: down },
  ),
);

test('H1, H2: what scored the threshold is hot and nothing else is, whatever scores highest; good cloth is untouched', () => {
  fc.assert(
    fc.property(grids, fc.integer({ min: 0, max: cell - 1 }), (cells, offset) => {
      const crop = cut(cells, offset);
      const map = heatMapOf(crop);
      if (map === null) return assert.ok(crop.heat.every((times) => times < 0.6));
      assert.deepEqual([map.width, map.height], [crop.picture.width, crop.picture.height]);
      assert.equal(map.pixels.length, 4 * crop.heat.length);
      for (const [i, times] of crop.heat.entries()) {
        const pixel = at(map.pixels, i);
        if (times < Math.fround(0.6)) assert.deepEqual(pixel, [0, 0, 0, 0]);
        else assert.equal(isBlue(pixel), times < 1, `${times}: ${pixel.join()}`);
      }
    }),
  );
});

test('what is beyond the threshold has an outline, dark outside and light inside, and the cloth is to be seen within it', () => {
  const crop = cut(
    [
      [0, 0, 0],
      [0, 1.2, 0],
      [0, 0, 0.7],
    ],
    0,
  );
  const map = heatMapOf(crop) ?? assert.fail('there is one');
  const row = Array.from({ length: cell + 2 }, (_, x) => at(map.pixels, (cell + 4) * map.width + cell - 1 + x));
  const [clear, dark, light] = [
    [0, 0, 0, 0],
    [0, 0, 0, 255],
    [255, 255, 255, 255],
  ];
  assert.deepEqual(row.slice(0, 3), [clear, dark, dark]);
  assert.deepEqual(row.slice(3, 5), [light, light]);
  assert.deepEqual(row.slice(-3), [dark, dark, clear]);
  // 8 px of a cell are all outline; three cells side by side have a middle.
  const wide = heatMapOf(cut([[1.2, 1.2, 1.2]], 0)) ?? assert.fail('there is one');
  const [red, green, blue, alpha] = at(wide.pixels, 4 * wide.width + 12);
  assert.ok(red > green && green > blue && alpha > 0 && alpha < 200, [red, green, blue, alpha].join());
});

test('the hotter, the less of the cloth is seen, up to three times the threshold', () => {
  const alpha = (times: number) => at(heatMapOf(cut([[times]], 0))?.pixels ?? new Uint8Array(4), 0)[3];
  assert.ok(alpha(1) < alpha(1.5) && alpha(1.5) < alpha(3));
  assert.equal(alpha(40), alpha(3));
});

test('H3: of a fault that no place shows by itself there is no map, and it is said how far the worst place came', () => {
  const faint = cut([
    [0.1, 0.5],
    [0.2, 0.1],
  ]);
  assert.equal(heatMapOf(faint), null);
  assert.equal(peakOf(faint), 0.5);
  assert.equal(peakOf(cut([[0.2, 2.5]])), 2.5);
});

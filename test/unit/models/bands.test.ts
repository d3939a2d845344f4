import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bandWindow,
  filtersByOffset,
  innerBand,
  innerSamples,
  rowLengths,
  rowMatrix,
  rowOffsets,
  slantMatrices,
  slants,
  WindowStatistics,
} from '../../../models/vision/bands.ts';
import { noise } from './strips.ts';

/** Noise of which every value carries most of the one before it. */
function series(length: number, seed: number): Float64Array {
  const values = new Float64Array(length);
  for (let i = 1; i < length; i += 1) values[i] = 0.9 * (values[i - 1] ?? 0) + noise(i, 7, seed);
  return values;
}

function taught(): { readonly statistics: WindowStatistics; readonly windows: Float64Array[] } {
  const statistics = new WindowStatistics(bandWindow);
  const windows: Float64Array[] = [];
  for (let seed = 0; seed < 6; seed += 1) {
    const values = series(1000, seed);
    for (let at = 100; at + bandWindow <= values.length; at += 1) windows.push(values.slice(at, at + bandWindow));
  }
  for (const window of windows) statistics.add(window);
  return { statistics, windows };
}

function answer(filters: Float32Array, window: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < innerSamples; i += 1) {
    let sum = 0;
    for (let j = 0; j < bandWindow; j += 1) sum += (filters[i * bandWindow + j] ?? 0) * (window[j] ?? 0);
    total += sum * sum;
  }
  return total / innerSamples;
}

test('B1: over what was taught the squared answers are 1 on average, wherever in the window is looked', () => {
  const { statistics, windows } = taught();
  assert.equal(statistics.windows, windows.length);
  const all = filtersByOffset(statistics);
  for (let offset = 0; offset < rowOffsets; offset += 1) {
    const filters = all.subarray(offset * innerSamples * bandWindow, (offset + 1) * innerSamples * bandWindow);
    const mean = windows.reduce((sum, window) => sum + answer(filters, window), 0) / windows.length;
    assert.ok(Math.abs(mean - 1) < 0.05, `offset ${offset}: ${mean}`);
  }
});

test('B2: a level that all samples share hardly answers, the same in the three in the middle does', () => {
  const { statistics } = taught();
  const filters = statistics.filters(innerBand);
  const level = 3;
  const shared = new Float64Array(bandWindow).fill(level);
  const band = new Float64Array(bandWindow);
  for (const at of innerBand) band[at] = level;
  assert.ok(answer(filters, shared) < 1, `${answer(filters, shared)}`);
  assert.ok(answer(filters, band) > 10 * answer(filters, shared), `${answer(filters, band)}`);
});

test('every row of an image has the filter for its own place, none looks beyond the image, and at its borders there is none', () => {
  const cells = 32;
  // Each filter says in its weights which length and offset it is of.
  const filters = Float32Array.from(
    { length: rowLengths * rowOffsets * innerSamples * bandWindow },
    (_, i) => 1 + Math.floor(i / (innerSamples * bandWindow)),
  );
  const matrix = rowMatrix(filters, cells);
  assert.equal(matrix.length, rowLengths * innerSamples * cells * cells);
  const seen = (length: number, row: number) => {
    const start = (length * innerSamples * cells + row * innerSamples) * cells;
    const line = [...matrix.subarray(start, start + cells)];
    return { from: line.findIndex((weight) => weight > 0), weights: line.filter((weight) => weight > 0) };
  };
  for (let length = 0; length < rowLengths; length += 1) {
    for (const row of [0, 1, 30, 31]) assert.deepEqual(seen(length, row).weights, []);
    for (const [row, from, offset] of [
      [2, 0, 1],
      [4, 0, 3],
      [16, 9, 6],
      [28, 17, 10],
      [29, 17, 11],
    ] as const) {
      const { from: found, weights } = seen(length, row);
      assert.equal(found, from, `row ${row}`);
      assert.deepEqual(
        weights,
        Array.from({ length: bandWindow }, () => 1 + length * rowOffsets + offset),
      );
    }
  }
});

test('parts of a long mean are moved along the slope, and at the borders the image is folded', () => {
  const cells = 32;
  const matrices = slantMatrices(0.025, cells);
  assert.equal(matrices.length, slants * cells * cells);
  const moved = (part: number, y: number) =>
    [...matrices.subarray((part * cells + y) * cells, (part * cells + y + 1) * cells)].flatMap((weight, from) =>
      weight === 0 ? [] : [[from, Math.round(1000 * weight) / 1000]],
    );
  // The last part lies 128 cells to the right, where the threads have fallen by 3.2 cells.
  assert.deepEqual(moved(slants - 1, 10), [
    [13, 0.8],
    [14, 0.2],
  ]);
  assert.deepEqual(moved(slants - 1, 30), [
    [28, 0.2],
    [29, 0.8],
  ]);
  // The part in the middle stays where it is.
  assert.deepEqual(moved(slants - 2, 10), [[10, 1]]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blobsOf, maxBlobs } from '../../../models/vision/blobs.ts';
import { tilesOf, type ScoreMap } from '../../../models/vision/tiles.ts';

const map = (width: number, height: number, values: readonly number[], cellPx = 8): ScoreMap => ({
  width,
  height,
  cellPx,
  values: Float32Array.from(values),
});

test('cells over the threshold that touch at a side or a corner are one blob, boxed in pixels', () => {
  const picture = ['..1......', '.2.......', '3.....5..', '.........', '........4'].join('');
  const values = picture.split('').map((c) => (c === '.' ? 0 : Number(c)));
  assert.deepEqual(blobsOf(map(9, 5, values), 0.5).blobs, [
    { box: { left: 48, top: 16, right: 56, bottom: 24 }, score: 5, cells: 1 },
    { box: { left: 64, top: 32, right: 72, bottom: 40 }, score: 4, cells: 1 },
    { box: { left: 0, top: 0, right: 24, bottom: 24 }, score: 3, cells: 3 },
  ]);
  assert.equal(blobsOf(map(9, 5, values), 3).blobs.length, 2);
  assert.equal(blobsOf(map(9, 5, values), 5).blobs.length, 0);
});

test('every cell over the threshold is in exactly one blob', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12 * 9, maxLength: 12 * 9 }), (values) => {
      const { blobs, leftOut } = blobsOf(map(12, 9, values), 1);
      assert.equal(leftOut, 0);
      assert.equal(
        blobs.reduce((sum, blob) => sum + blob.cells, 0),
        values.filter((value) => value > 1).length,
      );
      for (const { box, cells } of blobs) {
        assert.ok(((box.right - box.left) / 8) * ((box.bottom - box.top) / 8) >= cells);
      }
    }),
  );
});

test('of very many blobs the highest are kept, the others are counted', () => {
  const values = Array.from({ length: 40 * 40 }, (_, i) => (i % 2 === 0 && Math.floor(i / 40) % 2 === 0 ? 1 + i : 0));
  const { blobs, leftOut } = blobsOf(map(40, 40, values), 0.5);
  assert.equal(blobs.length, maxBlobs);
  assert.equal(leftOut, 400 - maxBlobs);
  assert.ok(blobs.every((blob, i) => i === 0 || blob.score <= (blobs[i - 1]?.score ?? 0)));
});

test('no number over no threshold: what is not a number is no fault', () => {
  assert.equal(blobsOf(map(2, 1, [Number.NaN, 2]), 1).blobs.length, 1);
});

test('a tile has the highest score in it, and the share of it that is cloth', () => {
  const values = Array.from({ length: 96 * 32 }, (_, i) => (i === 5 * 96 + 40 ? 7 : 0.25));
  const tiles = tilesOf(map(96, 32, values), { left: 64, top: 0, right: 700, bottom: 256 });
  assert.deepEqual(tiles, [
    { x: 0, y: 0, score: 0.25, clothShare: 0.75 },
    { x: 256, y: 0, score: 7, clothShare: 1 },
    { x: 512, y: 0, score: 0.25, clothShare: 188 / 256 },
  ]);
});

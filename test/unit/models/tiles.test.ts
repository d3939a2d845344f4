import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tilesOf } from '../../../models/vision/tiles.ts';

test('a tile has the highest score in it, and the share of it that is cloth', () => {
  const scores = Float32Array.from({ length: 96 * 32 }, (_, i) => (i === 5 * 96 + 40 ? 7 : 0.25));
  const tiles = tilesOf({ width: 96, height: 32, scores }, { left: 64, top: 0, right: 700, bottom: 256 });
  assert.deepEqual(tiles, [
    { x: 0, y: 0, score: 0.25, clothShare: 0.75 },
    { x: 256, y: 0, score: 7, clothShare: 1 },
    { x: 512, y: 0, score: 0.25, clothShare: 188 / 256 },
  ]);
});

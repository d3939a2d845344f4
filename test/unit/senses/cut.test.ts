import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOf, cutOfSighting } from '../../../agent/senses/eye/cut.ts';
import { defaultBlobOptions } from '../../../models/vision/blobs.ts';
import { looked } from '../../../models/vision/sight.ts';

const [width, height, scale] = [96, 64, 8];
const picture = { width, height, pixels: Uint8Array.from({ length: width * height }, (_, i) => 40 + (i % 160)) };
const map = {
  width: width / scale,
  height: height / scale,
  scores: new Float32Array((width / scale) * (height / scale)),
};
// The cell at column 5 and row 3 is twice as bad as it needs to be, the one beside it half as bad.
map.scores[3 * map.width + 5] = 4;
map.scores[3 * map.width + 6] = 1;
const box = { left: 40, top: 24, right: 56, bottom: 32 };

test('what is kept of a fault has the scores of its own place beside it', () => {
  const cut = cutOf(picture, box, { map, scale, threshold: 2 });
  const at = (x: number, y: number) => {
    const own = { x: x - (40 - cut.box.left), y: y - (24 - cut.box.top) };
    return [cut.picture.pixels, cut.heat].map((bytes) => bytes[own.y * cut.picture.width + own.x]);
  };
  for (const [x, y, heat] of [
    [40, 24, 2],
    [47, 31, 2],
    [48, 24, 0.5],
    [39, 24, 0],
    [40, 23, 0],
    [56, 31, 0],
  ] as const)
    assert.deepEqual(at(x, y), [picture.pixels[y * width + x], heat], `${x}, ${y}`);
});

test('each sighting of a picture has its own piece: blobs as they are, then odd wales over all of the cloth, wherever they came from', () => {
  const cloth = { left: 0, top: 1, right: map.width, bottom: map.height };
  const view = { mmPerPx: 0.8, walePitchMm: 0.8, coursePitchMm: 0.6, behind: 'darker', isKnit: true, cloth } as const;
  const options = { ...defaultBlobOptions, leastPixels: 1, high: 2, low: 0.9 };
  const seen = looked({ timeMs: 0, map, picture, scale, view }, options);
  const odd = [12, 76].map((xPx) => ({ xPx, sdPx: 1, score: 1, look: null }));
  const held = { picture, heat: { map, scale, threshold: 2 } };
  const whole = { ...seen, odd };
  assert.equal(seen.details.length, 1);
  assert.deepEqual(cutOfSighting(whole, 0, held)?.box, cutOf(picture, box, held.heat).box);
  for (const [at, xPx] of [
    [1, 12],
    [2, 76],
  ] as const) {
    const cut = cutOfSighting(whole, at, held);
    // One wale wide, from the top of the cloth to its end.
    assert.deepEqual(cut, cutOf(picture, { left: xPx - 4, top: 8, right: xPx + 4, bottom: height }, held.heat));
  }
  assert.equal(cutOfSighting(whole, 3, held), null);
});

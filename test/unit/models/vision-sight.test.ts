import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { TubeGeometry } from '../../../models/vision/position.ts';
import { seenOnTube, seenOnWeb, type FrameView } from '../../../models/vision/sight.ts';
import type { Turn } from '../../../models/vision/turns.ts';

const options = { high: 1, low: 0.5, leastPixels: 2, most: 50, mostRuns: 10_000 };
const width = 256;
const height = 128;
/** 1,000 needles round 1,000 mm: a wale is 1 mm, and 4 pixels of the picture. */
const geometry: TubeGeometry = {
  needles: 1_000,
  firstNeedle: 1,
  feeders: 60,
  circumferenceMm: 1_000,
  mmPerPx: 0.25,
  scaleError: 0.005,
  referenceColumnPx: 256,
  referenceRowPx: 128,
  direction: 1,
  columns: 1,
  newest: 'top',
  zeroNeedle: 1,
  zeroError: 0.5,
  advanceMm: 40,
  advanceError: 0,
};
const turnAt = (turns: number): Turn => ({ turns, randomSd: 1e-4, systematicSd: 1e-4, perS: 0.5, isAnchored: true });

/** A map at half resolution with boxes of high scores, over cloth of one grey with a little structure. */
function viewOf(boxes: readonly (readonly [left: number, top: number, right: number, bottom: number])[]): FrameView {
  const scores = new Float32Array(width * height);
  for (const [left, top, right, bottom] of boxes)
    for (let y = top; y < bottom; y += 1) scores.fill(3, y * width + left, y * width + right);
  const pixels = Uint8Array.from({ length: 4 * width * height }, (_, i) => 120 + ((i * 7) % 11));
  return {
    picture: { width: 2 * width, height: 2 * height, pixels },
    map: { width, height, scores },
    scale: 2,
    cloth: { left: 0, top: 0, right: width, bottom: height },
    behind: null,
    coursePitchMm: 0.6,
  };
}

test('G1: on a tube a blob lies at its needle and at its millimetre of the roll', () => {
  const at = fc.record({
    x: fc.integer({ min: 4, max: width - 8 }),
    y: fc.integer({ min: 4, max: height - 8 }),
    turns: fc.double({ min: 0, max: 50, noNaN: true }),
  });
  fc.assert(
    fc.property(at, ({ x, y, turns }) => {
      const { seen } = seenOnTube(viewOf([[x, y, x + 4, y + 4]]), geometry, turnAt(turns), options);
      assert.equal(seen.length, 1);
      const sighting = seen[0]?.sighting;
      assert.ok(sighting !== undefined);
      // By hand: 2 pixels of the picture for one of the map, 4 for a needle; the middle of the box is 2 right of x.
      const needle = 1 + 1_000 * (turns % 1) + (2 * (x + 2) - 256) / 4;
      const off = ((((sighting.place.at - needle) % 1_000) + 1_500) % 1_000) - 500;
      assert.ok(Math.abs(off) < 1e-6, `needle off by ${off}`);
      assert.ok(Math.abs(sighting.acrossTo - sighting.acrossFrom - 2) < 1e-9, 'two needles wide');
      const middleMm = 40 * turns - (2 * (y + 2) - 128) * 0.25;
      assert.ok(Math.abs((sighting.alongFromMm + sighting.alongToMm) / 2 - middleMm) < 1e-6);
      assert.ok(Math.abs(sighting.alongToMm - sighting.alongFromMm - 2) < 1e-6, 'two millimetres long');
    }),
  );
});

test('G1: a line along a wale is one, with its middle known better than its ends', () => {
  const { seen } = seenOnTube(viewOf([[100, 0, 102, height]]), geometry, turnAt(0), options);
  assert.deepEqual(
    seen.map(({ sighting }) => [sighting.class, sighting.shape]),
    [['needle_line', 'vertical']],
  );
  const expected = 1 + (2 * 101 - 256) / 4;
  assert.ok(
    Math.abs((seen[0]?.sighting.place.at ?? 0) - (expected + 1_000)) < 1e-6,
    'before the first needle lies the last',
  );
});

test('G1: on a web a blob lies at its millimetre across and along', () => {
  const { seen } = seenOnWeb(
    viewOf([[10, 20, 14, 30]]),
    { mmPerPx: 0.25, leftMm: 500, acrossErrorMm: 3 },
    7_000,
    options,
  );
  const sighting = seen[0]?.sighting;
  assert.deepEqual(
    [sighting?.place.at, sighting?.acrossFrom, sighting?.acrossTo, sighting?.alongFromMm, sighting?.alongToMm],
    [506, 505, 507, 7_010, 7_015],
  );
});

test('G2: what is outside the cloth is not seen, and what reaches over its edge ends there', () => {
  const view = {
    ...viewOf([
      [0, 0, 20, 10],
      [30, 40, 60, 50],
    ]),
    cloth: { left: 40, top: 0, right: 200, bottom: height },
  };
  const { seen, notNumbers } = seenOnWeb(view, { mmPerPx: 0.5, leftMm: 0, acrossErrorMm: 0 }, 0, options);
  assert.deepEqual(
    seen.map(({ sighting }) => [sighting.acrossFrom, sighting.acrossTo]),
    [[40, 60]],
  );
  assert.equal(notNumbers, 0);
});

test('G3: without a turn nothing has a place, and it is counted', () => {
  const view = viewOf([
    [10, 10, 20, 20],
    [50, 50, 60, 60],
  ]);
  assert.deepEqual(seenOnTube(view, geometry, null, options), {
    seen: [],
    dropped: { small: 0, beyond: 0, pixels: 0 },
    notNumbers: 0,
    placeless: 2,
  });
  assert.equal(seenOnWeb(view, { mmPerPx: 1, leftMm: 0, acrossErrorMm: 0 }, null, options).placeless, 2);
});

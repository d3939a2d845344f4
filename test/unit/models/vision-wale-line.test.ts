import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnOfLine } from '../../../models/vision/wale-line.ts';

const height = 64;
const width = 240;

/** Loops as a cosine of the wale, some noise, and one wale that is darker; by hand. */
function pictureOf(pitchPx: number, phase: number, middle: number | null, depth: number, seed: number) {
  let state = seed;
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 6;
  };
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const odd = middle !== null && Math.abs(x + 0.5 - middle) < pitchPx / 2 ? depth : 0;
      pixels[y * width + x] = Math.round(
        130 + 25 * Math.cos((2 * Math.PI * (x + 0.5 - phase)) / pitchPx) - odd + noise(),
      );
    }
  return { width, height, pixels };
}

test('the column of an odd wale is found to a quarter of a wale, wherever the box of the map lies over it', () => {
  const drawn = fc.record({
    pitchPx: fc.double({ min: 4, max: 12, noNaN: true }),
    phase: fc.double({ min: 0, max: 12, noNaN: true }),
    wale: fc.double({ min: 100, max: 140, noNaN: true }),
    shift: fc.integer({ min: -4, max: 4 }),
    isLighter: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(drawn, ({ pitchPx, phase, wale, shift, isLighter, seed }) => {
      // The odd wale lies where a wale lies.
      const middle = phase + pitchPx * Math.round((wale - phase) / pitchPx);
      const picture = pictureOf(pitchPx, phase, middle, isLighter ? -20 : 20, seed);
      const left = Math.floor(middle / 8) * 8 - 8 + shift;
      const found = columnOfLine(picture, { left, top: 0, right: left + 24, bottom: height }, pitchPx);
      assert.ok(found !== null);
      assert.ok(Math.abs(found - middle) <= pitchPx / 4, `${found}, and it is ${middle} with wales of ${pitchPx} px`);
    }),
  );
});

test('at the edge of the picture, where nothing is beside the line, no column is told', () => {
  const picture = pictureOf(8, 0, 4, 20, 1);
  assert.equal(columnOfLine(picture, { left: 0, top: 0, right: 8, bottom: height }, 8), null);
});

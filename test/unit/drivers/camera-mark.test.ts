import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findMark, type MarkStrip } from '../../../drivers/camera/mark.ts';
import { Random } from './modbus-random.ts';

const [width, height] = [200, 60];
const strip: MarkStrip = { top: 0, height: 0.2, tone: 'light' };

interface Painted {
  readonly at: number;
  readonly wide: number;
  readonly level: number;
}

/** A ring of grey 45 above cloth, with what is painted on it; each pixel gets as much as the paint covers of it. */
function picture(painted: readonly Painted[], { noise = 3, seed = 1, ring = 45 } = {}) {
  const random = new Random(seed);
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let value = y < 12 ? ring : 130 + 40 * Math.sin(x);
      for (const { at, wide, level } of painted) {
        const share = Math.max(0, Math.min(x + 1, at + wide / 2) - Math.max(x, at - wide / 2));
        if (y < 12) value += (level - ring) * share;
      }
      pixels[y * width + x] = Math.round(value + random.below(2 * noise + 1) - noise);
    }
  }
  return { width, height, pixels, masked: null };
}

test('the middle of a mark is found to a part of a pixel, light or dark', () => {
  fc.assert(
    fc.property(fc.double({ min: 6, max: 194, noNaN: true }), fc.nat(100_000), (at, seed) => {
      const found = findMark(picture([{ at, wide: 6, level: 170 }], { seed: seed + 1 }), strip);
      assert.ok(found !== null && Math.abs(found - at) < 0.5, `${found} for ${at}`);
      const dark = findMark(picture([{ at, wide: 6, level: 60 }], { seed: seed + 1, ring: 200 }), {
        ...strip,
        tone: 'dark',
      });
      assert.ok(dark !== null && Math.abs(dark - at) < 0.5, `${dark} for ${at}`);
    }),
  );
});

test('what is not certain is no mark', () => {
  const mark = { at: 90, wide: 6, level: 170 };
  const none: readonly [string, readonly Painted[], MarkStrip?][] = [
    ['nothing', []],
    ['two', [mark, { ...mark, at: 150 }]],
    ['at the left border', [{ ...mark, at: 1 }]],
    ['at the right border', [{ ...mark, at: 199 }]],
    ['as wide as a reflection', [{ ...mark, wide: 40 }]],
    ['hardly lighter than the ring', [{ ...mark, level: 60 }]],
    ['of the other tone', [mark], { ...strip, tone: 'dark' }],
    // The weave of the cloth stands out everywhere.
    ['a strip of cloth', [], { top: 0.5, height: 0.3, tone: 'light' }],
  ];
  for (const [what, painted, where = strip] of none) assert.equal(findMark(picture(painted), where), null, what);
});

test('noise alone is never a mark', () => {
  for (let seed = 1; seed <= 300; seed += 1)
    assert.equal(findMark(picture([], { seed, noise: 20 }), strip), null, String(seed));
});

test('a strip that the privacy mask covers has no mark', () => {
  const covered = picture([{ at: 90, wide: 6, level: 170 }]);
  assert.equal(findMark({ ...covered, masked: new Uint8Array(width * height).fill(1) }, strip), null);
});

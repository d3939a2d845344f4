import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findCloth, marginPx, mirrorBeside, mirrored } from '../../../models/vision/cloth.ts';
import type { Grey } from '../../../models/vision/grey.ts';
import { drawStrip, noise } from './strips.ts';

/** How far the edge may be off: a block of eight pixels on the safe side, none on the other. */
const within = (found: number, edge: number) => found >= edge && found <= edge + marginPx + 16;

const edges = fc.integer({ min: 60, max: 900 });
const seeds = fc.nat(10_000);

test('an image that is all cloth is cloth up to its borders', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const strip = drawStrip({ width: 2048, height: 256, seed });
      assert.deepEqual(findCloth(strip), { left: 0, top: 0, right: 2048, bottom: 256 });
    }),
    { numRuns: 20 },
  );
});

for (const [what, beside] of [
  ['a white lamp', () => 255],
  ['a black roller', () => 6],
  ['a bright table with scratches along the web', (x: number, y: number) => 175 + 25 * noise(Math.floor(x / 90), y, 7)],
] as const) {
  test(`the edges beside ${what} are found, on both sides, with a margin`, () => {
    fc.assert(
      fc.property(edges, edges, seeds, (leftEdge, rightEdge, seed) => {
        const strip = drawStrip({ width: 4096, height: 256, seed });
        cover(strip, 0, leftEdge, beside);
        cover(strip, 4096 - rightEdge, 4096, beside);
        const { left, right } = findCloth(strip);
        assert.ok(within(left, leftEdge), `left ${left} of ${leftEdge}`);
        assert.ok(within(4096 - right, rightEdge), `right ${right} of ${4096 - rightEdge}`);
      }),
      { numRuns: 15 },
    );
  });
}

test('a selvedge of half the structure is still cloth', () => {
  const strip = drawStrip({ width: 4096, height: 256, seed: 3 });
  cover(strip, 0, 600, () => 255);
  for (let y = 0; y < 256; y += 1) {
    for (let x = 600; x < 680; x += 1) {
      const at = y * 4096 + x;
      strip.pixels[at] = 100 + ((strip.pixels[at] ?? 0) - 100) * 0.55;
    }
  }
  assert.ok(within(findCloth(strip).left, 600));
});

test('a stain, however dark or wide, with cloth on both sides stays inside', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 800, max: 2200 }),
      fc.integer({ min: 8, max: 500 }),
      fc.constantFrom(0, 10, 255),
      (x, width, grey) => {
        const strip = drawStrip({ width: 4096, height: 256, seed: x });
        cover(strip, 0, 500, () => 255);
        cover(strip, x, x + width, () => grey);
        const { left, right } = findCloth(strip);
        assert.ok(within(left, 500), `left ${left}`);
        assert.equal(right, 4096);
      },
    ),
    { numRuns: 15 },
  );
});

test('light that rises by half along the strip is no edge', () => {
  const strip = drawStrip({ width: 4096, height: 256, seed: 5 });
  strip.pixels.forEach((value, at) => {
    strip.pixels[at] = value * (0.8 + (0.5 * (at % 4096)) / 4096);
  });
  assert.deepEqual(findCloth(strip), { left: 0, top: 0, right: 4096, bottom: 256 });
});

test('a dark band along the whole strip is a fault, not an edge', () => {
  const strip = drawStrip({ width: 4096, height: 256, seed: 6 });
  for (let at = 0; at < 90 * 4096; at += 1) strip.pixels[at] = (strip.pixels[at] ?? 0) * 0.6;
  assert.equal(findCloth(strip).top, 0);
});

test('where there is no cloth, that is said', () => {
  const blank = { width: 1024, height: 256, pixels: new Uint8Array(1024 * 256).fill(255) };
  const speck = drawStrip({ width: 1024, height: 256, seed: 1 });
  cover(speck, 0, 420, () => 255);
  cover(speck, 560, 1024, () => 255);
  assert.throws(() => findCloth(speck), /MDL-200/);
  assert.throws(() => findCloth(blank), /MDL-200 .*no structure/);
});

test('outside the cloth stands its mirror image, and the cloth is left as it was', () => {
  const strip = drawStrip({ width: 1024, height: 64, seed: 2 });
  const cloth = { left: 300, top: 8, right: 900, bottom: 60 };
  const filled = mirrorBeside(strip, cloth);
  for (let y = 0; y < 64; y += 1) {
    for (let x = 0; x < 1024; x += 1) {
      const from = mirrored(y, 8, 60) * 1024 + mirrored(x, 300, 900);
      assert.equal(filled.pixels[y * 1024 + x], strip.pixels[from]);
    }
  }
  assert.equal(mirrorBeside(strip, { left: 0, top: 0, right: 1024, bottom: 64 }), strip);
});

test('folding a line at its ends: the ends are met twice, and nothing leaves it', () => {
  assert.deepEqual(
    [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((at) => mirrored(at, 0, 3)),
    [2, 1, 0, 0, 1, 2, 2, 1, 0, 0],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: -5000, max: 5000 }),
      fc.nat(300),
      fc.integer({ min: 1, max: 300 }),
      (at, from, length) => {
        const folded = mirrored(at, from, from + length);
        assert.ok(folded >= from && folded < from + length);
      },
    ),
  );
});

function cover(strip: Grey, from: number, to: number, grey: (x: number, y: number) => number): void {
  for (let y = 0; y < strip.height; y += 1) {
    for (let x = from; x < to; x += 1) strip.pixels[y * strip.width + x] = grey(x, y);
  }
}

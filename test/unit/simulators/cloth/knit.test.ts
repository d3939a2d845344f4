import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { tubeOf } from '../../../../simulators/cloth/geometry.ts';
import { createKnit, drawKnit, type KnitFault } from '../../../../simulators/cloth/knit.ts';
import type { View } from '../../../../simulators/cloth/view.ts';

const knit = createKnit({
  seed: 3,
  tube: tubeOf({ diameterInch: 30, gauge: 28, feeders: 24, coursesPerCm: 18 }),
  direction: 1,
  pxPerMm: 9,
  tone: 0.7,
  yarn: 0.36,
  unevenness: 1,
  lensMm: 0.05,
  motionMm: 0.08,
});
const needles = 2639;
/** 25.4 mm / 28 · 0.85 and 10 mm / 18. */
const waleMm = (25.4 / 28) * 0.85;
const courseMm = 10 / 18;
const width = 160;
const height = 120;
const viewAt = (xMm: number, yMm: number): View => ({
  widthPx: width,
  heightPx: height,
  pxPerMm: 9,
  xMm,
  yMm,
  turnRad: 0,
});

function draw(view: View, faults: readonly KnitFault[] = []): Float32Array {
  const sheet = new Float32Array(width * height);
  drawKnit(knit, view, faults, sheet);
  return sheet;
}
/** Share of the pixels of two sheets that differ, where the second shows what is `dx`, `dy` pixels further in the first. */
function unlike(a: Float32Array, b: Float32Array, dx: number, dy: number): number {
  let [differ, n] = [0, 0];
  // A pixel of the border has no neighbour to blur with.
  for (let y = 1; y < height - dy - 1; y += 1) {
    for (let x = 1; x < width - dx - 1; x += 1) {
      n += 1;
      const away = Math.abs((a[(y + dy) * width + x + dx] ?? 0) - (b[y * width + x] ?? 0));
      if (away > 1e-4) differ += 1;
    }
  }
  return differ / n;
}

test('J1 a loop has the same looks in whatever view it is seen', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 20, max: 2000, noNaN: true }),
      fc.double({ min: -90_000, max: 0, noNaN: true }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 80 }),
      (xMm, yMm, dx, dy) => {
        const a = draw(viewAt(xMm, yMm));
        assert.deepEqual(draw(viewAt(xMm, yMm)), a);
        // Where a sample lies on the border of two, rounding may take the other one.
        const share = unlike(a, draw(viewAt(xMm + dx / 9, yMm + dy / 9)), dx, dy);
        assert.ok(share < 0.01, `${share} of the pixels differ`);
      },
    ),
    { numRuns: 20 },
  );
});

test('J1 one turn further round the tube the same loops are seen, where the helix closes on itself', () => {
  const a = draw(viewAt(30 * waleMm, -5000 * courseMm));
  const b = draw(viewAt((30 + needles) * waleMm, -5000 * courseMm));
  assert.ok(unlike(a, b, 0, 0) < 0.01);
});

test('J2 a worn needle changes its wale and those beside it, and no other loop', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 2600 }), fc.constantFrom('needle_line', 'sinker_line'), (needle, kind) => {
      const view = viewAt((needle + 0.5) * waleMm, -4000 * courseMm);
      const good = draw(view);
      const bad = draw(view, [{ kind, needle, fromHeight: -Infinity, toHeight: Infinity, strength: 1 }]);
      let inside = 0;
      for (const [i, value] of bad.entries()) {
        const wales = ((i % width) + 0.5 - width / 2) / 9 / waleMm;
        const away = Math.abs(value - (good[i] ?? 0));
        // One and a half wales to each side for a needle, and the blur of a pixel; a sinker lies between two wales.
        const reach = 1.5 + 0.35;
        if (Math.abs(wales) > reach) assert.ok(away < 1e-6, `${away} at ${wales} wales from the needle`);
        else inside = Math.max(inside, away);
      }
      assert.ok(inside > 0.05);
    }),
    { numRuns: 15 },
  );
});

test('J2 a feeder with other yarn shows in every course it makes, and in no other', () => {
  const good = draw(viewAt(400, -3000));
  const bad = draw(viewAt(400, -3000), [{ kind: 'barre', feeder: 7, tone: -0.2, level: 0 }]);
  const changed = Array.from({ length: height }, (_, y) => {
    let sum = 0;
    for (let x = 0; x < width; x += 1) sum += (good[y * width + x] ?? 0) - (bad[y * width + x] ?? 0);
    return sum / width > 0.01;
  });
  // 24 feeders are 24 courses of 5 px: the height of the view. Courses climb by 0.2 of one across the view.
  const rows = changed.filter(Boolean).length;
  assert.ok(rows >= 4 && rows <= 9, `${rows} rows of ${height} changed`);
});

test('a ladder runs down from the stitch that was dropped', () => {
  const needle = 500;
  // The middle of the view is at height 4000; 10 courses of 5 px down from there.
  const fault: KnitFault = { kind: 'ladder', needle, height: 4000, courses: 10 };
  const view = viewAt((needle + 0.5) * waleMm, -4000 * courseMm);
  const [good, bad] = [draw(view), draw(view, [fault])];
  const rows = Array.from({ length: height }, (_, y) => y).filter(
    (y) => Math.abs((good[y * width + width / 2] ?? 0) - (bad[y * width + width / 2] ?? 0)) > 0.02,
  );
  assert.ok((rows[0] ?? 0) >= height / 2 - 8 && (rows.at(-1) ?? 0) <= height / 2 + 50 + 8 && rows.length > 30);
});

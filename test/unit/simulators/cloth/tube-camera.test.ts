import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { tubeOf } from '../../../../simulators/cloth/geometry.ts';
import { createTubeEye, imageSize, type Shot, type TubeScene } from '../../../../simulators/cloth/tube-camera.ts';

const scene: TubeScene = {
  seed: 8,
  tube: tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 }),
  camera: { widthPx: 256, heightPx: 96, pxPerMm: 9, needleZero: 700, direction: 1 },
  marginPx: 16,
  markNeedle: 712,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.02,
};
const size = imageSize(scene);
const shot: Shot = { revolutions: 1200, timeS: 4, number: 9, faults: [], trouble: null };
/** 25.4 mm / 28 · 0.85 at 9 px/mm. */
const walePx = 6.9396;

function take(more: Partial<Shot>, of: TubeScene = scene): Uint8Array {
  const pixels = new Uint8Array(size.widthPx * size.heightPx);
  createTubeEye(of).take({ ...shot, ...more }, pixels);
  return pixels;
}
/** Mean of each column over rows. */
const columns = (pixels: Uint8Array, fromY: number, toY: number): number[] =>
  Array.from({ length: size.widthPx }, (_, x) => {
    let sum = 0;
    for (let y = fromY; y < toY; y += 1) sum += pixels[y * size.widthPx + x] ?? 0;
    return sum / (toY - fromY);
  });
/** Middle of what stands out from `floor`, weighed by how far. */
function centre(values: readonly number[], floor: number): number {
  let [sum, at] = [0, 0];
  for (const [x, value] of values.entries()) {
    const out = Math.max(0, value - floor);
    sum += out;
    at += out * (x + 0.5);
  }
  return at / sum;
}

test('T1 the same scene and shot give the same bytes; the noise is another one in every exposure', () => {
  assert.deepEqual(take({}), take({}));
  assert.notDeepEqual(take({}), take({ number: 10 }));
  // The eye keeps nothing of a shot for the next one.
  const eye = createTubeEye(scene);
  const pixels = new Uint8Array(size.widthPx * size.heightPx);
  eye.take({ ...shot, revolutions: 3, trouble: 'overexposed', number: 3 }, pixels);
  eye.take(shot, pixels);
  assert.deepEqual(pixels, take({}));
});

test('T2 the mark stands 12 wales right of the middle when the middle shows needle 700, and a wale less for each needle that passes', () => {
  for (const needlesOn of [0, 3, 10, 20]) {
    const at = centre(columns(take({ revolutions: 1200 + needlesOn / 2639 }), 3, 13), 100);
    const expected = 128 + (12 - needlesOn) * walePx;
    assert.ok(Math.abs(at - expected) < 1, `${at}, not ${expected}, after ${needlesOn} needles`);
  }
});

test('T2 a needle line is darkest in the middle of its wale, whichever way the cylinder turns', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -14, max: 14 }),
      fc.constantFrom<1 | -1>(1, -1),
      fc.integer({ min: 0, max: 2638 }),
      fc.integer({ min: 0, max: 1000 }),
      (off, direction, needleZero, turns) => {
        const of: TubeScene = { ...scene, camera: { ...scene.camera, direction, needleZero } };
        const needle = (needleZero + off + 2639) % 2639;
        const line = { kind: 'needle_line', needle, fromHeight: -Infinity, toHeight: Infinity, strength: 1 } as const;
        const good = columns(take({ revolutions: turns }, of), 16, 112);
        const bad = columns(take({ revolutions: turns, faults: [line] }, of), 16, 112);
        const at = centre(
          good.map((value, x) => value - (bad[x] ?? 0)),
          3,
        );
        assert.ok(Math.abs(at - (128 + off * walePx)) < 1.2, `${at}, not ${128 + off * walePx}`);
      },
    ),
    { numRuns: 20 },
  );
});

test('a line that began shows above the height it began at and not below', () => {
  // The middle row of the cloth is at height 96 · 1200; a course is 10 mm / 18 at 9 px/mm = 5 px.
  const line = { kind: 'needle_line', needle: 700, fromHeight: 96 * 1200, toHeight: Infinity, strength: 1 } as const;
  const good = take({});
  const bad = take({ faults: [line] });
  const rows = (fromY: number, toY: number): number =>
    Math.max(...columns(good, fromY, toY).map((value, x) => value - (columns(bad, fromY, toY)[x] ?? 0)));
  assert.ok(rows(16, 16 + 48 - 6) > 8, 'above');
  assert.ok(rows(16 + 48 + 6, 112) < 1, 'below');
});

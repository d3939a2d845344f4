import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  advanceMm,
  canonicalLoop,
  columnOf,
  courseAt,
  coursePitchMm,
  heightAt,
  heightOfLoop,
  needleAt,
  needleInMiddle,
  nextPass,
  passedMm,
  rowOf,
  tubeOf,
  walePitchMm,
  type Tube,
  type TubeCamera,
} from '../../../../simulators/cloth/geometry.ts';

// The trade's own examples, worked out by hand: needles, fabric a revolution, fabric and cylinder speed.
test('gauge arithmetic gives the figures of the trade', () => {
  const e28 = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
  assert.equal(e28.needles, 2639);
  assert.ok(Math.abs(advanceMm(e28) - 53.3) < 0.05);
  assert.ok(Math.abs(passedMm(e28, 35) / 1000 - 1.87) < 0.005, 'm/min at 35 1/min');
  assert.ok(Math.abs(e28.walesPerCm - 13) < 0.1, 'wales/cm of the tube');
  const e24 = tubeOf({ diameterInch: 34, gauge: 24, feeders: 102, coursesPerCm: 16 });
  assert.equal(e24.needles, 2564);
  assert.ok(Math.abs(advanceMm(e24) - 63.8) < 0.06);
  // Without narrowing the tube is as wide as the ring of needles: 1.396 m/s at 35 1/min.
  const ring = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 }, 1);
  assert.ok(Math.abs((ring.needles * walePitchMm(ring) * 35) / 60_000 - 1.396) < 0.001);
});

const tubes = fc.record({
  diameterInch: fc.integer({ min: 8, max: 38 }),
  gauge: fc.integer({ min: 12, max: 40 }),
  feeders: fc.integer({ min: 1, max: 120 }),
  coursesPerCm: fc.integer({ min: 6, max: 30 }),
});
const scenes = fc
  .record({
    machine: tubes,
    widthPx: fc.integer({ min: 64, max: 2048 }),
    heightPx: fc.integer({ min: 16, max: 1024 }),
    pxPerMm: fc.double({ min: 2, max: 25, noNaN: true }),
    zero: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    direction: fc.constantFrom(1, -1),
    revolutions: fc.double({ min: 0, max: 1e6, noNaN: true }),
  })
  .map(({ machine, zero, revolutions, direction, ...image }) => {
    const tube = tubeOf(machine);
    const camera: TubeCamera = {
      ...image,
      direction: direction === 1 ? 1 : -1,
      needleZero: Math.floor(zero * tube.needles),
    };
    return { tube, camera, revolutions };
  });

/** Distance between two needles the shorter way round. */
const apart = (tube: Tube, a: number, b: number): number => {
  const d = Math.abs(a - b) % tube.needles;
  return Math.min(d, tube.needles - d);
};

test('G1 a needle is found again at the column it is shown at, and a height at its row', () => {
  fc.assert(
    fc.property(
      scenes,
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      ({ tube, camera, revolutions }, shareX, shareY) => {
        // Where the image is wider than the tube a needle may be shown twice: that is no camera.
        fc.pre(camera.widthPx / camera.pxPerMm < tube.needles * walePitchMm(tube));
        const x = shareX * camera.widthPx;
        const needle = needleAt(tube, camera, revolutions, x);
        const back = columnOf(tube, camera, revolutions, needle);
        assert.ok(back !== null && Math.abs(back - x) < 1e-3, `${x} → ${needle} → ${back}`);
        const y = shareY * camera.heightPx;
        const row = rowOf(tube, camera, revolutions, heightAt(tube, camera, revolutions, y));
        assert.ok(row !== null && Math.abs(row - y) < 1e-3, `${y} → ${row}`);
      },
    ),
  );
});

test('G2 every needle passes the middle once a revolution, in the order of the direction', () => {
  fc.assert(
    fc.property(scenes, fc.nat(), ({ tube, camera, revolutions }, draw) => {
      const needle = draw % tube.needles;
      const pass = nextPass(tube, camera, needle, revolutions);
      assert.ok(pass >= revolutions - 1e-9 && pass <= revolutions + 1, 'within the revolution');
      assert.ok(apart(tube, needleInMiddle(tube, camera, pass), needle) < 1e-4 * tube.needles);
      // The next one by number comes a needle's share of a turn later, or earlier where they run backwards.
      const next = nextPass(tube, camera, (needle + 1) % tube.needles, pass + 1 / tube.needles / 2);
      const expected = camera.direction === 1 ? 1 / tube.needles : 1 - 1 / tube.needles;
      assert.ok(Math.abs(next - pass - expected) < 1e-6, `${next - pass} of a turn`);
    }),
  );
});

test('G3 one revolution later a loop stands at the same angle, one advance further down', () => {
  fc.assert(
    fc.property(scenes, ({ tube, camera, revolutions }) => {
      const middle = camera.widthPx / 2;
      const now = needleAt(tube, camera, revolutions, middle);
      assert.ok(apart(tube, needleAt(tube, camera, revolutions + 1, middle), now) < 1e-4);
      const height = heightAt(tube, camera, revolutions, camera.heightPx / 2);
      const later = heightAt(tube, camera, revolutions + 1, camera.heightPx / 2);
      const downMm = (later - height) * coursePitchMm(tube);
      assert.ok(Math.abs(downMm - advanceMm(tube)) < 1e-3);
    }),
  );
});

test('G4 the tube closes on itself: the wale after the last needle is needle 0, a feeder round further', () => {
  fc.assert(
    fc.property(scenes, fc.integer({ min: -9000, max: 9000 }), fc.nat(100_000), ({ tube, camera }, wale, course) => {
      const { direction } = camera;
      const loop = canonicalLoop(tube, direction, wale, course);
      assert.ok(loop.needle >= 0 && loop.needle < tube.needles && (wale - loop.needle) % tube.needles === 0);
      const height = heightOfLoop(tube, direction, wale, course);
      assert.ok(Math.abs(heightOfLoop(tube, direction, loop.needle, loop.course) - height) < 1e-6);
      assert.equal(courseAt(tube, direction, wale, height + 0.5), course);
    }),
  );
});

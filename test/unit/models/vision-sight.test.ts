/**
 * From maps of scores to the roll map, over a turning tube. Where a fault is seen is reckoned from time and the machine's data here;
 * that both rooms mean the same by a needle in a column is held against the simulator's own geometry.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultBlobOptions } from '../../../models/vision/blobs.ts';
import type { ClothView } from '../../../models/vision/classify.ts';
import { defaultFourPointOptions } from '../../../models/vision/four-point.ts';
import { needleAt, rollAt, type TubeGeometry, tubeGeometrySchema } from '../../../models/vision/position.ts';
import { rollDefectSchema, rollMapOf } from '../../../models/vision/roll-map.ts';
import { rollDefectOf, sighted, tubePlacing, webPlacing } from '../../../models/vision/sight.ts';
import { defaultTrackerOptions, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, endRoll, type SeenFrame, trackAll } from '../../../models/vision/tracker.ts';
import { noMarks, type Turn, turnFromIndex, withPulse } from '../../../models/vision/turns.ts';
import * as simulated from '../../../simulators/cloth/geometry.ts';

const size = 256;
const mmPerPx = 0.28;
const geometry: TubeGeometry = tubeGeometrySchema.parse({
  needles: 2639,
  firstNeedle: 0,
  feeders: 96,
  circumferenceMm: 2030,
  mmPerPx,
  referenceColumnPx: size / 2,
  referenceRowPx: size / 2,
  direction: 1,
  columns: 1,
  zeroNeedle: 300,
  zeroError: 0.2,
  advanceMm: 53.333,
});
const revolutionMs = 1714;
const timing = {
  frameJitterMs: 0.2,
  pulseJitterMs: 0.1,
  offsetMs: 0,
  driftPpm: 0,
  sinceZeroMs: 0,
  speedSpread: 0.0005,
  speedCycle: 0,
};
const exact = (turns: number): Turn => ({ turns, randomSd: 0, systematicSd: 0, perS: 0.58, isAnchored: true });

test('needle and height of a pixel are what the simulated tube says, for both directions of turning', () => {
  const tube = simulated.tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, -1 as const),
      fc.double({ min: 0, max: 5000, noNaN: true }),
      fc.double({ min: 0, max: size, noNaN: true }),
      fc.double({ min: 0, max: size, noNaN: true }),
      fc.double({ min: 0, max: 2638, noNaN: true }),
      (direction, turns, xPx, yPx, needleZero) => {
        const camera = { widthPx: size, heightPx: size, pxPerMm: 1 / mmPerPx, needleZero, direction };
        const g: TubeGeometry = {
          ...geometry,
          needles: tube.needles,
          circumferenceMm: tube.needles * simulated.walePitchMm(tube),
          direction,
          zeroNeedle: needleZero,
          advanceMm: simulated.advanceMm(tube),
        };
        const off = Math.abs(needleAt(g, exact(turns), xPx, 0).at - simulated.needleAt(tube, camera, turns, xPx));
        assert.ok(Math.min(off, tube.needles - off) < 1e-6);
        const courses = simulated.heightAt(tube, camera, turns, yPx);
        const mm = courses * simulated.coursePitchMm(tube);
        assert.ok(Math.abs(rollAt(g, exact(turns), yPx, 0).mm - mm) < 1e-6);
      },
    ),
  );
});

const view: ClothView = {
  mmPerPx: mmPerPx * 2,
  walePitchMm: 2030 / 2639,
  coursePitchMm: 10 / 18,
  isKnit: true,
  behind: 'darker',
  cloth: { left: 0, top: 0, right: size / 2, bottom: size / 2 },
};

/** A frame as camera and model would hand it over: loops, a hole of 8 mm, and a line of scores along a wale. */
function drawn(turns: number, lineNeedle: number, hole: { readonly needle: number; readonly mm: number }) {
  const pixels = new Uint8Array(size * size);
  const scores = new Float32Array((size / 2) ** 2).fill(0.2);
  const middle = 300 + 2639 * (turns % 1);
  const columnOf = (needle: number) =>
    size / 2 + ((((((needle - middle) % 2639) + 2639 * 1.5) % 2639) - 2639 / 2) * (2030 / 2639)) / mmPerPx;
  const lineX = columnOf(lineNeedle);
  const holeX = columnOf(hole.needle);
  const holeY = size / 2 + (turns * 53.333 - hole.mm) / mmPerPx;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const isHole = Math.hypot(x + 0.5 - holeX, y + 0.5 - holeY) < 4 / mmPerPx;
      const loops = 120 + 25 * Math.cos((2 * Math.PI * x) / 2.75) + 20 * Math.cos((2 * Math.PI * y) / 2);
      pixels[y * size + x] = isHole ? 12 : Math.round(loops);
      const isLine = Math.abs(x + 0.5 - lineX) < 2.2;
      if (isHole || isLine) scores[(y >> 1) * (size / 2) + (x >> 1)] = isHole ? 3 : 1.6;
    }
  }
  return { picture: { width: size, height: size, pixels }, map: { width: size / 2, height: size / 2, scores } };
}

test('a needle line and a hole on a turning tube: two findings, the needle within ± k, the metre within 5 mm', () => {
  const lineNeedle = 1207;
  const hole = { needle: 1900.4, mm: 190 };
  const marks = Array.from({ length: 8 }, (_, i) => i * revolutionMs).reduce(
    (all, timeMs) => withPulse(all, timeMs, 500),
    noMarks,
  );
  const frames: SeenFrame[] = [];
  for (let turns = 2.011; turns < 6.5; turns += 0.021) {
    // Only the frames that have the line or the hole in view matter; good cloth is tested below.
    const angle = turns % 1;
    if (Math.abs(angle - 0.3437) > 0.03 && Math.abs(angle - 0.6064) > 0.03 && Math.abs(angle - 0.15) > 0.02) continue;
    const turn = turnFromIndex(marks, turns * revolutionMs, timing);
    assert.ok(turn);
    const { picture, map } = drawn(turns, lineNeedle, hole);
    const sight = { timeMs: turns * revolutionMs, map, picture, scale: 2, view, placing: tubePlacing(geometry, turn) };
    const seen = sighted(sight, { ...defaultBlobOptions, high: 1, low: 0.8 });
    assert.equal(seen.notNumbers, 0);
    frames.push(seen.frame);
  }
  const options: TrackerOptions = { ...defaultTrackerOptions, period: 2639, stepMm: 53.333 };
  const { state, events } = trackAll(emptyTracker, frames, options);
  const closed = [...events, ...endRoll(state, options).events].filter(
    (e) => e.kind === 'closed' && e.mergedInto === null,
  );
  const defects = closed.map(({ finding }) => rollDefectOf(finding, 1, geometry, []));
  assert.deepEqual(defects.map((d) => d.class).sort(), ['hole', 'needle_line']);
  const line = defects.find((d) => d.class === 'needle_line');
  assert.ok(line !== undefined && line.needle !== null && line.k !== null);
  assert.ok(Math.abs(line.needle - lineNeedle) <= line.k && line.k <= 2, `${line.needle} ± ${line.k}`);
  assert.ok(line.revolutions >= 4);
  const found = defects.find((d) => d.class === 'hole');
  assert.ok(found !== undefined && found.needle !== null && found.k !== null);
  assert.ok(Math.abs(found.needle - hole.needle) <= found.k + 0.5);
  assert.ok(Math.abs((found.fromMm + found.toMm) / 2 - hole.mm) < 5);
  assert.ok(Math.abs(found.toMm - found.fromMm - 8) < 2);
  assert.ok(found.alongErrorMm > 0 && found.alongErrorMm < 5);
  for (const defect of defects) assert.ok(rollDefectSchema.safeParse(defect).success);
  const roll = { id: 'r', machine: 'm', fabric: 'f', lengthMm: 1000, widthMm: 2030 };
  const map = rollMapOf(
    { roll, model: 'm@1', isSimulated: true, defects, gaps: [], dropped: 0 },
    defaultFourPointOptions,
  );
  // The line has four points in this metre, and no metre has more.
  assert.equal(map.score.total, 4);
});

test('a frame of good cloth has no sightings, and says which stretch of the roll was looked at', () => {
  const map = { width: 128, height: 128, scores: new Float32Array(128 * 128).fill(0.5) };
  const picture = { width: size, height: size, pixels: new Uint8Array(size * size) };
  const sight = { timeMs: 5, map, picture, scale: 2, view, placing: tubePlacing(geometry, exact(10)) };
  const { frame } = sighted(sight, { ...defaultBlobOptions, high: 1, low: 0.8 });
  assert.deepEqual(frame.sightings, []);
  assert.ok(Math.abs(frame.alongFromMm - (533.33 - 128 * mmPerPx)) < 1e-9);
  assert.ok(Math.abs(frame.alongToMm - (533.33 + 128 * mmPerPx)) < 1e-9);
});

test('a map with a score that is no number says so, whatever else is in it', () => {
  const scores = new Float32Array(128 * 128);
  scores[7] = Number.NaN;
  const picture = { width: size, height: size, pixels: new Uint8Array(size * size) };
  const sight = {
    timeMs: 5,
    map: { width: 128, height: 128, scores },
    picture,
    scale: 2,
    view,
    placing: tubePlacing(geometry, exact(1)),
  };
  assert.equal(sighted(sight, { ...defaultBlobOptions, high: 1, low: 0.8 }).notNumbers, 1);
});

test('on a flat web places are in millimetres, and no needle is named', () => {
  const { picture, map } = drawn(0, 5000, { needle: 300, mm: 0 });
  const placing = webPlacing(0.25, 100, { mm: 5000, sdMm: 1 }, 1, 64);
  const { frame } = sighted(
    { timeMs: 0, map, picture, scale: 2, view, placing },
    { ...defaultBlobOptions, high: 2, low: 1.8 },
  );
  const [hole] = frame.sightings;
  assert.ok(hole);
  // The hole is in the middle of the image: 128 px of 0.25 mm from the left edge, and from the first row.
  assert.ok(Math.abs(hole.place.at - 132) < 0.5);
  assert.ok(Math.abs((hole.alongFromMm + hole.alongToMm) / 2 - 5032) < 0.5);
  const options: TrackerOptions = { ...defaultTrackerOptions, period: null, stepMm: 64 };
  const { events } = endRoll(trackAll(emptyTracker, [frame], options).state, options);
  const finding = events[0]?.finding;
  assert.ok(finding);
  const defect = rollDefectOf(finding, 2, null, []);
  assert.deepEqual([defect.needle, defect.needleUnknown], [null, 'no-needle']);
  assert.ok(Math.abs(defect.acrossFromMm - (132 - 4 / 0.28 / 4)) < 1);
});

/**
 * The simulated tube camera, from its pixels to a named needle. In place of a model stands the plainest score there is: how much a
 * column differs from those around. The truth is the scene's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnMeans, NeedleComb } from '../../../models/vision/baseline.ts';
import { defaultBlobOptions } from '../../../models/vision/blobs.ts';
import type { ClothView } from '../../../models/vision/classify.ts';
import { findMark, noWatch, withMark } from '../../../models/vision/index-mark.ts';
import { type TubeGeometry, tubeGeometrySchema } from '../../../models/vision/position.ts';
import { rollDefectOf, sighted, tubePlacing } from '../../../models/vision/sight.ts';
import { defaultTrackerOptions, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, endRoll, openFindings, trackAll } from '../../../models/vision/tracker.ts';
import { turnFromEncoder, unwrapped } from '../../../models/vision/counted-turns.ts';
import { type Turn, turnFromIndex } from '../../../models/vision/turns.ts';
import { advanceMm, tubeOf, walePitchMm } from '../../../simulators/cloth/geometry.ts';
import { createTubeEye, imageSize, type KnitFault } from '../../../simulators/cloth/tube-camera.ts';
import { createRandom, noise } from '../../../simulators/random.ts';

const tube = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
const needleZero = 700;
const marginPx = 16;
/** The view is lower than an advance: this cloth has a line that runs through it. */
const camera = { widthPx: 512, heightPx: 96, pxPerMm: 9, needleZero, direction: 1 as const };
const scene = { seed: 5, tube, camera, marginPx, markNeedle: needleZero, tone: 0.6, unevenness: 1, shakeMm: 0.02 };
const { widthPx, heightPx } = imageSize(scene);
const revolutionS = 60 / 35;

const geometry: TubeGeometry = tubeGeometrySchema.parse({
  needles: tube.needles,
  firstNeedle: 0,
  feeders: 96,
  circumferenceMm: tube.needles * walePitchMm(tube),
  mmPerPx: 1 / 9,
  referenceColumnPx: 256,
  referenceRowPx: marginPx + 48,
  direction: 1,
  columns: 1,
  zeroNeedle: needleZero,
  zeroError: 0.3,
  advanceMm: advanceMm(tube),
});
const view: ClothView = {
  mmPerPx: 1 / 9,
  walePitchMm: walePitchMm(tube),
  coursePitchMm: 10 / 18,
  isKnit: true,
  behind: 'darker',
  cloth: { left: 0, top: marginPx + 2, right: widthPx, bottom: heightPx },
};

interface Taken {
  readonly timeMs: number;
  readonly revolutions: number;
  readonly count: number;
  readonly pixels: Uint8Array;
}

/** Six revolutions at 20 frames a second, time stamps off by 0.2 ms. */
function take(faults: readonly KnitFault[]): readonly Taken[] {
  const eye = createTubeEye(scene);
  const random = createRandom(9, 'stamps');
  return Array.from({ length: Math.ceil(20 * revolutionS * 6) }, (_, number) => {
    const revolutions = 100.3 + number / 20 / revolutionS;
    const pixels = new Uint8Array(widthPx * heightPx);
    eye.take({ revolutions, timeS: number / 20, number, faults, trouble: null }, pixels);
    const timeMs = number * 50 + 0.2 * noise(random);
    return { timeMs, revolutions, count: Math.floor(revolutions * 4096) % 65_536, pixels };
  });
}

/** Column by column: the mean over a wale less that over ten to each side, by the spread of all columns, a sixth of it. */
function plainScores(pixels: Uint8Array): Float32Array {
  const means = columnMeans({ width: widthPx, height: heightPx, pixels }, marginPx + 2, heightPx);
  const pitchPx = walePitchMm(tube) * 9;
  const mean = (from: number, to: number) => {
    const part = means.subarray(Math.max(Math.round(from), 0), Math.min(Math.round(to), widthPx));
    return part.reduce((a, b) => a + b, 0) / part.length;
  };
  const off = Array.from(means, (_, x) =>
    Math.abs(mean(x - pitchPx / 2, x + pitchPx / 2) - mean(x - 10.5 * pitchPx, x + 10.5 * pitchPx)),
  );
  const spread = 1.4826 * (off.toSorted((a, b) => a - b)[widthPx / 2] ?? 1);
  const scores = new Float32Array(widthPx * heightPx);
  for (let y = marginPx + 2; y < heightPx; y += 1) {
    for (let x = 70; x < widthPx - 70; x += 1) scores[y * widthPx + x] = (off[x] ?? 0) / spread / 6;
  }
  return scores;
}

function indexTurns(frames: readonly Taken[]): readonly (Turn | null)[] {
  let watch = noWatch;
  for (const { timeMs, pixels } of frames) {
    const xPx = findMark({ width: widthPx, height: heightPx, pixels }, 0, marginPx - 3);
    if (xPx !== null) watch = withMark(watch, timeMs, xPx, geometry, 1000);
  }
  const timing = {
    frameJitterMs: 0.2,
    pulseJitterMs: 0.25,
    offsetMs: 0,
    driftPpm: 0,
    sinceZeroMs: 0,
    speedSpread: 0.0005,
    speedCycle: 0,
  };
  return frames.map(({ timeMs }) => turnFromIndex(watch.index, timeMs, timing));
}

function encoderTurns(frames: readonly Taken[]): readonly (Turn | null)[] {
  let total: number | null = null;
  const scale = { countsPerTurn: 4096, wrapsAt: 65_536, latchJitterMs: 0.05, errorCounts: 0.5 };
  return frames.map(({ count }) => {
    total = unwrapped(total, count, 65_536);
    return turnFromEncoder(total, 1 / revolutionS, scale);
  });
}

const needle = 1207;
const lined = take([{ kind: 'needle_line', needle, fromHeight: -1e9, toHeight: 1e9, strength: 1.5 }]);
const options: TrackerOptions = { ...defaultTrackerOptions, period: tube.needles, stepMm: advanceMm(tube) };

for (const [kind, turnsOf] of [
  ['index mark', indexTurns],
  ['encoder', encoderTurns],
] as const) {
  test(`${kind}: the needle of a line on the simulated tube is named within ± k, k at most 2`, () => {
    const turns = turnsOf(lined);
    const frames = lined.flatMap(({ timeMs, pixels }, i) => {
      const turn = turns[i] ?? null;
      if (turn === null) return [];
      const picture = { width: widthPx, height: heightPx, pixels };
      const map = { width: widthPx, height: heightPx, scores: plainScores(pixels) };
      const sight = { timeMs, map, picture, scale: 1, view, placing: tubePlacing(geometry, turn) };
      return [sighted(sight, { ...defaultBlobOptions, high: 1, low: 0.7 }).frame];
    });
    const { state } = trackAll(emptyTracker, frames, options);
    const lines = openFindings(state, options).filter((finding) => finding.class === 'needle_line');
    assert.equal(lines.length, 1);
    const [line] = lines;
    assert.ok(line && line.revolutions >= 3);
    const defect = rollDefectOf(line, 1, geometry, []);
    assert.ok(defect.needle !== null && defect.k !== null);
    assert.ok(Math.abs(defect.needle - needle) <= defect.k && defect.k <= 2, `${defect.needle} ± ${defect.k}`);
  });
}

test('the baseline finds the same needle, and none in good cloth', () => {
  const linesOf = (frames: readonly Taken[]) => {
    const comb = new NeedleComb(tube.needles, 3);
    const perPx = geometry.mmPerPx / walePitchMm(tube);
    encoderTurns(frames).forEach((turn, i) => {
      const frame = frames[i];
      if (turn === null || frame === undefined) return;
      const means = columnMeans({ width: widthPx, height: heightPx, pixels: frame.pixels }, marginPx + 2, heightPx);
      const whole = Math.floor(turn.turns);
      comb.add(means, whole, needleZero + (turn.turns - whole) * tube.needles - 256 * perPx, perPx);
    });
    return comb.lines(6);
  };
  assert.deepEqual(
    linesOf(lined).map((line) => line.needle),
    [needle],
  );
  assert.deepEqual(linesOf(take([])), []);
});

test('good cloth of six revolutions has no finding', () => {
  const frames = take([]);
  const turns = encoderTurns(frames);
  const seen = frames.flatMap(({ timeMs, pixels }, i) => {
    const turn = turns[i] ?? null;
    if (turn === null) return [];
    const map = { width: widthPx, height: heightPx, scores: plainScores(pixels) };
    const sight = {
      timeMs,
      map,
      picture: { width: widthPx, height: heightPx, pixels },
      scale: 1,
      view,
      placing: tubePlacing(geometry, turn),
    };
    return [sighted(sight, { ...defaultBlobOptions, high: 1, low: 0.7 }).frame];
  });
  const { state, events } = trackAll(emptyTracker, seen, options);
  assert.deepEqual(
    [...events, ...endRoll(state, options).events]
      .filter(({ kind }) => kind === 'found')
      .map(({ finding }) => finding.class),
    [],
  );
});

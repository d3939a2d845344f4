/** The turn of the machine from what a simulated camera gives, held against the angle the simulator drew the picture at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Angle } from '../../../agent/senses/eye/angle.ts';
import { findMark } from '../../../models/vision/index-mark.ts';
import type { Position } from '../../../agent/senses/eye/settings.ts';
import { tubeGeometrySchema, type TubeGeometry } from '../../../models/vision/position.ts';
import type { Turn } from '../../../models/vision/turns.ts';
import { needleAt, tubeOf, type TubeCamera } from '../../../simulators/cloth/geometry.ts';
import { createTubeEye, imageSize, type TubeScene } from '../../../simulators/cloth/tube-camera.ts';

const tube = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
const marginPx = 16;
const revolutionMs = 1_714;

function sceneOf(direction: 1 | -1): TubeScene {
  const camera: TubeCamera = { widthPx: 256, heightPx: 64, pxPerMm: 4, needleZero: 100, direction };
  return { seed: 7, tube, camera, marginPx, markNeedle: 1_500, tone: 0.7, unevenness: 1, shakeMm: 0.02 };
}

/** As somebody who measured it would configure it: a wale is 10 / walesPerCm mm, all of them make the circumference. */
const geometryOf = (direction: 1 | -1): TubeGeometry =>
  tubeGeometrySchema.parse({
    needles: tube.needles,
    firstNeedle: 0,
    feeders: 96,
    circumferenceMm: (tube.needles * 10) / tube.walesPerCm,
    mmPerPx: 0.25,
    referenceColumnPx: 128,
    referenceRowPx: 32,
    direction,
    columns: 1,
    zeroNeedle: null,
    zeroError: 0,
    advanceMm: 53.3,
  });

/** Frames at 20 a second over some revolutions, with the mark as the camera sees it. */
function* frames(direction: 1 | -1, revolutions: number) {
  const scene = sceneOf(direction);
  const eye = createTubeEye(scene);
  const { widthPx: width, heightPx: height } = imageSize(scene);
  const pixels = new Uint8Array(width * height);
  for (let number = 0; number * 50 < revolutions * revolutionMs; number += 1) {
    const timeMs = number * 50;
    const turns = 0.21 + timeMs / revolutionMs;
    eye.take({ revolutions: turns, timeS: timeMs / 1000, number, faults: [], trouble: null }, pixels);
    yield { timeMs, turns, picture: { width, height, pixels } };
  }
}

/** A difference of angles, in turns, nearest to 0. */
const apart = (a: number, b: number) => a - b - Math.round(a - b);

test('N2: by the mark on the ring the angle between frames is the machine’s, whichever way it turns', () => {
  for (const direction of [1, -1] as const) {
    const position: Position = {
      kind: 'index',
      ringRowsPx: marginPx,
      fastestMs: 800,
      frameJitterMs: 0.2,
      speedSpread: 0.0005,
      speedCycle: 0,
    };
    const angle = new Angle(position, geometryOf(direction));
    const offsets: { readonly off: number; readonly turn: Turn }[] = [];
    let seen = 0;
    for (const { timeMs, turns, picture } of frames(direction, 6)) {
      if (findMark(picture, 0, marginPx) !== null) seen += 1;
      const turn = angle.turnOf({ timeMs, count: null, picture });
      if (turn !== null && turns > 3) offsets.push({ off: apart(turn.turns, turns), turn });
    }
    assert.ok(seen >= 5, `the mark is seen in ${seen} frames`);
    assert.ok(offsets.length > 30);
    // Which needle has the mark nobody knows: the angle is off by the same all the time.
    const [first] = offsets;
    for (const { off, turn } of offsets) {
      const sd = Math.hypot(turn.randomSd, turn.systematicSd);
      assert.ok(Math.abs(apart(off, first?.off ?? 0)) < 5 * Math.max(sd, 0.0002), `off by ${off}, ± ${sd}`);
      assert.ok(sd < 0.002, 'it is known to some needles');
    }
    // And that is the angle at which the needle with the mark is in the middle.
    const scene = sceneOf(direction);
    const middle = needleAt(tube, scene.camera, -(first?.off ?? 0), 128);
    const off = ((((middle - 1_500) % tube.needles) + 1.5 * tube.needles) % tube.needles) - tube.needles / 2;
    assert.ok(Math.abs(off) < 8, `needle ${middle} where 1500 has the mark`);
  }
});

test('N2: by an encoder every frame has its angle, through the wrap of the count', () => {
  const position: Position = {
    kind: 'encoder',
    countsPerTurn: 4096,
    wrapsAt: 65_536,
    latchJitterMs: 0.05,
    errorCounts: 0,
  };
  const angle = new Angle(position, geometryOf(1));
  let first: number | null = null;
  for (let i = 0; i < 4_000; i += 1) {
    const turns = i / 34.3;
    const count = Math.floor(60_000 + turns * 4096) % 65_536;
    const turn = angle.turnOf({ timeMs: i * 50, count, picture: { width: 1, height: 1, pixels: new Uint8Array(1) } });
    assert.ok(turn !== null);
    first ??= turn.turns;
    assert.ok(Math.abs(turn.turns - first - turns) < 2 / 4096);
  }
  assert.equal(
    angle.turnOf({ timeMs: 1e9, count: null, picture: { width: 1, height: 1, pixels: new Uint8Array(1) } }),
    null,
  );
});

test('N2: by telemetry the angle is known between two polls, to as much as they are apart', () => {
  const position: Position = { kind: 'telemetry', jitterMs: 5, offsetMs: 10, speedError: 0.01, oldestMs: 2_000 };
  const angle = new Angle(position, geometryOf(1));
  const picture = { width: 1, height: 1, pixels: new Uint8Array(1) };
  assert.equal(angle.turnOf({ timeMs: 0, count: null, picture }), null);
  for (let timeMs = 0; timeMs <= 60_000; timeMs += 100) {
    angle.telemetry({ timeMs, rpm: 35, revolutions: Math.floor(timeMs / revolutionMs) });
    // One that comes late changes nothing.
    angle.telemetry({ timeMs: timeMs - 50, rpm: 0, revolutions: 0 });
    if (timeMs < 4_000) continue;
    const turn = angle.turnOf({ timeMs, count: null, picture });
    assert.ok(turn !== null && turn.isAnchored);
    const off = Math.abs(turn.turns - timeMs / revolutionMs);
    assert.ok(off < 3 * Math.hypot(turn.randomSd, turn.systematicSd), `off by ${off} turns`);
    assert.ok(turn.systematicSd * tube.needles > 20, 'no needle is known by it');
  }
});

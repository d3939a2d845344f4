import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addToScene,
  displacement,
  noScene,
  referenceOf,
  type CameraReference,
  type Scene,
} from '../../../drivers/camera/scene.ts';
import { Random } from './modbus-random.ts';

interface Look {
  readonly shift?: number;
  readonly pitchPx?: number | null;
  readonly lean?: number | null;
  readonly gain?: number;
  /** A dark post on the left, and what is behind the tube on the right. */
  readonly hasEdges?: boolean;
}

/** What is measured of one picture of cloth that runs by, 200 columns by 120 rows; by hand, not by the code under test. */
function measured(random: Random, look: Look = {}) {
  const { shift = 0, pitchPx = 6.94, lean = 0.004, gain = 1, hasEdges = true } = look;
  const phase = random.below(628) / 100;
  const running = (at: number) => 120 + 12 * Math.sin(0.9 * at + phase) + random.below(5) - 2;
  const columns = Array.from({ length: 200 }, (_, x) =>
    hasEdges && (x - shift < 30 || x - shift > 170) ? 25 * gain : running(x) * gain,
  );
  const rows = Array.from({ length: 120 }, (_, y) => running(y) * gain);
  const jitter = 1 + (random.below(9) - 4) / 1_000;
  return { sharpness: 0.2, columns, rows, pitchPx: pitchPx === null ? null : pitchPx * jitter, lean };
}

function sceneOf(random: Random, look: Look, frames = 60): Scene {
  let scene = noScene;
  for (let n = 0; n < frames; n += 1) scene = addToScene(scene, measured(random, look), 0.1);
  return scene;
}

function taughtWith(random: Random, look: Look = {}): CameraReference {
  const reference = referenceOf(Array.from({ length: 40 }, () => measured(random, look)));
  assert.ok(reference !== null);
  return reference;
}

test('what stands still is kept: two edges, and nothing of the cloth that runs by', () => {
  const { columns, rows, pitchPx, lean } = taughtWith(new Random(1));
  const places = columns.flatMap((step, x) => (step === 0 ? [] : [x]));
  assert.ok(places.length > 4 && places.every((x) => Math.abs(x - 30) <= 6 || Math.abs(x - 171) <= 6), places.join());
  assert.ok(
    rows.every((step) => step === 0),
    'in the rows there is none',
  );
  assert.ok(Math.abs((pitchPx ?? 0) - 6.94) < 0.01);
  assert.equal(lean?.toFixed(3), '0.004');
});

test('a shift is told as it is, to either side, whatever the light does', () => {
  const random = new Random(2);
  const reference = taughtWith(random);
  for (const shift of [-20, -7, -3, 0, 3, 7, 20]) {
    for (const gain of [0.6, 1, 1.4]) {
      const found = displacement(reference, sceneOf(random, { shift, gain }));
      assert.ok(Math.abs((found?.share ?? 9) - Math.abs(shift) / 200) < 0.004, `${found?.share} for ${shift} / 200`);
    }
  }
  assert.equal(displacement(reference, sceneOf(random, { hasEdges: false }))?.what, 'another-scene');
});

test('E1: where only cloth is in view a shift is not told; another distance and a turn are', () => {
  const random = new Random(3);
  const reference = taughtWith(random, { hasEdges: false });
  assert.ok(reference.columns.every((step) => step === 0));
  const none = displacement(reference, sceneOf(random, { hasEdges: false, shift: 15 }));
  assert.ok(none !== null && none.share < 0.003);
  // A picture a tenth larger has its rim a twentieth of its width further out, of which half counts; turned by tan 0.06 it has it 0.03 up.
  const nearer = displacement(reference, sceneOf(random, { hasEdges: false, pitchPx: 6.94 * 1.1 }));
  assert.equal(nearer?.what, 'another-distance');
  assert.ok(Math.abs(nearer.share - 0.025) < 0.002);
  const turned = displacement(reference, sceneOf(random, { hasEdges: false, lean: -0.056 }));
  assert.equal(turned?.what, 'turned');
  assert.ok(Math.abs(turned.share - 0.03) < 0.003);
});

test('E1: of cloth without a pitch, beside nothing, nothing is said at all', () => {
  const random = new Random(4);
  const look = { hasEdges: false, pitchPx: null, lean: null };
  assert.equal(displacement(taughtWith(random, look), sceneOf(random, look)), null);
  assert.equal(displacement(taughtWith(random), noScene), null);
  assert.equal(displacement(taughtWith(random), sceneOf(random, { shift: 20 }, 5)), null, 'too few pictures');
});

test('too few pictures, and pictures of several sizes, are no reference', () => {
  const random = new Random(5);
  assert.equal(referenceOf(Array.from({ length: 11 }, () => measured(random))), null);
  const mixed = Array.from({ length: 20 }, (_, n) => {
    const one = measured(random);
    return n === 7 ? { ...one, columns: one.columns.slice(1) } : one;
  });
  assert.equal(referenceOf(mixed), null);
});

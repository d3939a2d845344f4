import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likeness, WaleCrowd } from '../../../models/vision/odd-wales.ts';
import { cloth, middleOf, pictureOf, pitchPx } from './drawn-wales.ts';

/** A crowd that has seen so many pictures of even cloth. */
function crowdOf(pictures: number): WaleCrowd {
  const crowd = new WaleCrowd(pitchPx);
  for (let seed = 1; seed <= pictures; seed += 1) crowd.look(pictureOf({ seed, phase: (seed * 1.7) % pitchPx }), cloth);
  return crowd;
}

test('O1: a wale that is a tenth darker is found wherever it stands, and in even cloth none is', () => {
  const crowd = crowdOf(30);
  for (const wale of [6, 20, 39, 55, 72]) {
    const xPx = middleOf(1, wale);
    const odd = crowd.look(pictureOf({ seed: 100 + wale, phase: 1, odd: { xPx, depth: 0.1 } }), cloth);
    assert.equal(odd.length, 1, `wale ${wale}: ${odd.map((one) => one.xPx).join()}`);
    assert.ok(Math.abs((odd[0]?.xPx ?? 0) - xPx) < 1.2 * pitchPx, `${odd[0]?.xPx}, and it is ${xPx}`);
    assert.ok((odd[0]?.oddness ?? 0) >= 1);
  }
  for (let seed = 200; seed < 240; seed += 1) {
    const found = crowd.look(pictureOf({ seed, phase: (seed * 0.9) % pitchPx }), cloth);
    assert.deepEqual(
      found.filter(({ oddness }) => oddness >= 1),
      [],
    );
  }
});

test('O2: light from one side and yarn of another shade make no wale odd, and hide none', () => {
  const crowd = crowdOf(30);
  const xPx = middleOf(2, 40);
  for (const other of [{ slope: 0.3 }, { slope: -0.3 }, { level: 85 }, { level: 150 }]) {
    const even = crowd.look(pictureOf({ seed: 300, phase: 2, ...other }), cloth);
    assert.deepEqual(
      even.filter(({ oddness }) => oddness >= 1),
      [],
    );
    const odd = crowd.look(pictureOf({ seed: 300, phase: 2, odd: { xPx, depth: 0.15 }, ...other }), cloth);
    assert.equal(odd.length, 1);
  }
});

test('O3: before the crowd is known nothing is odd, however plain', () => {
  const crowd = new WaleCrowd(pitchPx);
  const odd = { xPx: middleOf(0, 40), depth: 0.5 };
  assert.deepEqual(crowd.look(pictureOf({ seed: 1, phase: 0, odd }), cloth), []);
  assert.equal(crowd.oddnessAt(odd.xPx), null);
  assert.equal(likeness(crowd.lookAt(odd.xPx), crowd.lookAt(odd.xPx)), 0);
});

test('O4: a thread over a quarter of the height makes no wale odd by itself', () => {
  const crowd = crowdOf(30);
  const xPx = middleOf(3, 30);
  const odd = crowd.look(pictureOf({ seed: 400, phase: 3, odd: { xPx, depth: 0.3, fromY: 64, toY: 128 } }), cloth);
  assert.deepEqual(
    odd.filter(({ oddness }) => oddness >= 1),
    [],
  );
});

test('the same wale is off the same way in another picture, and not as another is', () => {
  const crowd = crowdOf(30);
  const looks = [
    { seed: 500, depth: 0.15 },
    { seed: 501, depth: 0.15 },
    { seed: 502, depth: -0.15 },
  ].map(({ seed, depth }) => {
    const xPx = middleOf(1, 44);
    crowd.look(pictureOf({ seed, phase: 1, odd: { xPx, depth } }), cloth);
    return crowd.lookAt(xPx);
  });
  const [one, again, other] = looks;
  assert.ok(one && again && other);
  assert.ok(likeness(one, again) > 0.8);
  assert.ok(likeness(one, other) < 0);
});

test('O5: the same wale is off the same way wherever it lies between the pixels', () => {
  const crowd = crowdOf(60);
  const looks = [0, 0.25, 0.5, 0.75].map((off) => {
    const phase = 1 + off;
    const xPx = middleOf(phase, 44);
    crowd.look(pictureOf({ seed: 600, phase, odd: { xPx, depth: 0.12 } }), cloth);
    return crowd.lookAt(xPx);
  });
  for (const one of looks) {
    for (const other of looks) assert.ok(likeness(one, other) > 0.6, likeness(one, other).toFixed(2));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likeness, WaleCrowd } from '../../../models/vision/odd-wales.ts';

const width = 420;
const height = 256;
const pitchPx = 5.3;
const cloth = { left: 0, top: 0, right: width, bottom: height };

/** By hand: loops as a cosine of the wale and of the course, wales that are a little darker or lighter each for good, yarn and noise. */
function pictureOf(options: {
  readonly seed: number;
  readonly phase: number;
  /** Place of the odd wale, px, and how much darker it is; narrower by as much. */
  readonly odd?: { readonly xPx: number; readonly depth: number; readonly fromY?: number; readonly toY?: number };
  readonly slope?: number;
  readonly level?: number;
}) {
  const { seed, phase, odd, slope = 0, level = 120 } = options;
  let state = seed * 7919 + 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const tones = Array.from({ length: 120 }, () => 1 + 0.03 * random());
  const yarns = Array.from({ length: height }, () => 1 + 0.1 * random());
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const wale = (x + 0.5 - phase) / pitchPx;
      const tone = tones[Math.round(wale) + 10] ?? 1;
      const isOdd =
        odd !== undefined &&
        Math.abs(x + 0.5 - odd.xPx) < pitchPx / 2 &&
        y >= (odd.fromY ?? 0) &&
        y < (odd.toY ?? height);
      const light = level * (1 + slope * (x / width - 0.5)) * tone * (yarns[y] ?? 1) * (isOdd ? 1 - odd.depth : 1);
      pixels[y * width + x] = Math.round(light * (1 + 0.25 * Math.cos(2 * Math.PI * wale)) + 5 * random());
    }
  }
  return { width, height, pixels };
}

/** A crowd that has seen so many pictures of even cloth. */
function crowdOf(pictures: number): WaleCrowd {
  const crowd = new WaleCrowd(pitchPx);
  for (let seed = 1; seed <= pictures; seed += 1) crowd.look(pictureOf({ seed, phase: (seed * 1.7) % pitchPx }), cloth);
  return crowd;
}
const middleOf = (phase: number, wale: number) => phase + wale * pitchPx;

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

/** Frames of a small tube are drawn here: 300 needles, 5.3 px a wale, a view of 400 px; with noise drawn anew in every frame. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnMeans, NeedleComb } from '../../../models/vision/baseline.ts';

const needles = 300;
const pitchPx = 5.3;
const width = 400;
const height = 40;

function noiseOf(seed: number) {
  let state = seed >>> 0;
  return (size: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 4294967296 - 0.5) * 2 * size;
  };
}

/** @param lineAt needle that knits a darker wale in a revolution; null: none. @param depth grey values */
function combOf(
  lineAt: (revolution: number) => number | null,
  depth: number,
  revolutions = 3,
  falling = false,
): NeedleComb {
  const comb = new NeedleComb(needles, 3);
  const noise = noiseOf(7);
  const sign = falling ? -1 : 1;
  for (let revolution = 0; revolution < revolutions; revolution += 1) {
    const line = lineAt(revolution);
    for (let frame = 0; frame < 12; frame += 1) {
      const left = frame * 25.37;
      const pixels = new Uint8Array(width * height);
      for (let x = 0; x < width; x += 1) {
        const needle = left + (sign * (x + 0.5)) / pitchPx;
        const off =
          line === null ? needles : Math.abs(((((needle - line) % needles) + needles * 1.5) % needles) - needles / 2);
        // Light falls off to the right, and every wale is a bright ridge.
        const level = 130 - x * 0.05 + 25 * Math.cos(2 * Math.PI * needle) - (off < 0.5 ? depth : 0);
        for (let y = 0; y < height; y += 1) pixels[y * width + x] = Math.round(level + noise(25));
      }
      comb.add(columnMeans({ width, height, pixels }, 0, height), revolution, left, sign / pitchPx);
    }
  }
  return comb;
}

test('a wale that is darker by less than the noise of a pixel is found at its needle', () => {
  for (const needle of [0, 1, 57, 150, 299]) {
    const [first, ...others] = combOf(() => needle, 12).lines(6);
    assert.equal(first?.needle, needle);
    assert.ok((first?.z ?? 0) < -6);
    assert.equal(first?.revolutions, 3);
    assert.deepEqual(others, []);
  }
});

test('where needle numbers fall to the right the needle is the same', () => {
  assert.equal(combOf(() => 57, 12, 3, true).lines(6)[0]?.needle, 57);
});

test('good cloth has no line: neither the loops nor the fall of the light is one', () => {
  assert.deepEqual(combOf(() => null, 0).lines(6), []);
});

test('what moves on with every revolution is weaker than what stays', () => {
  const moving = combOf((revolution) => 100 + 5 * revolution, 12).lines(3)[0]?.z ?? 0;
  const staying = combOf(() => 100, 12).lines(3)[0]?.z ?? 0;
  assert.ok(Math.abs(moving) < 0.6 * Math.abs(staying), `${moving} ${staying}`);
});

test('one revolution is no evidence, and old revolutions are forgotten', () => {
  assert.deepEqual(combOf(() => 57, 40, 1).lines(6), []);
  assert.deepEqual(combOf((revolution) => (revolution < 3 ? 57 : null), 40, 6).lines(6), []);
});

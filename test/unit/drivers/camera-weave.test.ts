import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weaveOf } from '../../../drivers/camera/weave.ts';
import { Random } from './modbus-random.ts';

const [width, height] = [512, 256];

/** Knitted cloth alone: wales of this pitch that lean, at another place in each picture. */
function wales(pitchPx: number, lean: number, random: Random): Uint8Array {
  const pixels = new Uint8Array(width * height);
  const phase = random.below(1_000) / 100;
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const turn = (2 * Math.PI * (x - lean * y + phase)) / pitchPx;
    pixels[at] = 120 + 40 * Math.cos(turn) + 15 * Math.cos(2 * turn) + random.below(30) - 15 + x / 20;
  }
  return pixels;
}

test('the pitch is told to a part of a pixel, and the lean to a part of a degree', () => {
  const random = new Random(3);
  for (const pitchPx of [4, 6.94, 7.84, 11.3, 25]) {
    for (const lean of [-0.12, -0.02, 0, 0.005, 0.07]) {
      const found = weaveOf({ width, height, pixels: wales(pitchPx, lean, random), masked: null });
      assert.ok(Math.abs((found.pitchPx ?? 0) / pitchPx - 1) < 0.03, `${found.pitchPx} for ${pitchPx}`);
      // 0.2 degrees.
      assert.ok(Math.abs((found.lean ?? 9) - lean) < 0.0035, `${found.lean} for ${lean} at ${pitchPx}`);
    }
  }
});

test('noise has neither, nor a picture that is too narrow; what the mask covers is left out', () => {
  const random = new Random(5);
  const noise = Uint8Array.from({ length: width * height }, () => random.below(256));
  assert.deepEqual(weaveOf({ width, height, pixels: noise, masked: null }), { pitchPx: null, lean: null });
  const narrow = { width: 64, height: 64, pixels: wales(7, 0, random).subarray(0, 64 * 64), masked: null };
  assert.deepEqual(weaveOf(narrow), { pitchPx: null, lean: null });
  const pixels = wales(6.94, 0.03, random);
  const masked = new Uint8Array(width * height);
  for (let y = 80; y < 140; y += 1) {
    masked.fill(1, y * width + 100, y * width + 300);
    pixels.fill(128, y * width + 100, y * width + 300);
  }
  const found = weaveOf({ width, height, pixels, masked });
  assert.ok(Math.abs((found.pitchPx ?? 0) - 6.94) < 0.2, `${found.pitchPx}`);
  assert.ok(Math.abs((found.lean ?? 9) - 0.03) < 0.0035, `${found.lean}`);
});

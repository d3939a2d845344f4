import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spectraOf } from '../../../models/statistics/short-time.ts';

const looked = { topHz: 4_200, frameS: 0.085, hopS: 0.032 };
const sine = (hz: number, rateHz: number) =>
  Float32Array.from({ length: Math.round(0.512 * rateHz) }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rateHz));
const most = (frame: Float32Array) => Math.max(...frame);

for (const rateHz of [16_000, 22_050, 44_100, 48_000, 96_000]) {
  test(`a sine is loudest in its own bin, and what lies above the top in none, at ${rateHz} Hz`, () => {
    for (const hz of [120, 997, 3_900]) {
      const { binHz, frames } = spectraOf(sine(hz, rateHz), rateHz, looked);
      assert.ok(frames.length >= 10 && binHz < 16, `${frames.length} frames of ${binHz} Hz`);
      for (const frame of frames) {
        const top = frame.indexOf(most(frame));
        assert.ok(Math.abs(top * binHz - hz) <= binHz, `${hz} Hz is heard at ${top * binHz}`);
      }
    }
    const [inside] = spectraOf(sine(1_000, rateHz), rateHz, looked).frames;
    for (const hz of [7_300, 9_100, 15_000, 21_000].filter((one) => one < rateHz / 2)) {
      const [outside] = spectraOf(sine(hz, rateHz), rateHz, looked).frames;
      assert.ok(most(inside ?? new Float32Array()) - most(outside ?? new Float32Array()) > 30, `${hz} Hz folds back`);
    }
  });
}

test('what is shorter than a frame has none', () => {
  assert.deepEqual(spectraOf(new Float32Array(100), 48_000, looked).frames, []);
  assert.deepEqual(spectraOf(new Float32Array(0), 48_000, looked).frames, []);
});

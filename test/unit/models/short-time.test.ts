import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inDecibels } from '../../../models/statistics/decibels.ts';
import { fourier } from '../../../models/statistics/fourier.ts';
import { seeded } from '../../../models/statistics/split.ts';
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

test('powers of every size come out in decibels to 0.0001 dB', () => {
  const random = seeded(3);
  const exact = Float32Array.from({ length: 10_000 }, () => 10 ** (60 * random() - 30));
  const powers = Float32Array.from([...exact, 1, 1e-12, 2 ** -126]);
  inDecibels(powers);
  for (const [k, power] of [...exact, 1, Math.fround(1e-12), 2 ** -126].entries()) {
    const off = (powers[k] ?? NaN) - 10 * Math.log10(power);
    assert.ok(Math.abs(off) < 1e-4, `${power}: ${off} dB off`);
  }
});

test('the transform of every length is the sum it stands for', () => {
  const random = seeded(5);
  for (const size of [2, 4, 8, 16, 32, 128, 256]) {
    const [re, im] = [0, 1].map(() => Float64Array.from({ length: size }, () => random() - 0.5));
    assert.ok(re !== undefined && im !== undefined);
    const [gotRe, gotIm] = [re.slice(), im.slice()];
    fourier(size)(gotRe, gotIm);
    for (let k = 0; k < size; k += 1) {
      let [real, imaginary] = [0, 0];
      for (let i = 0; i < size; i += 1) {
        const [cos, sin] = [Math.cos((2 * Math.PI * k * i) / size), Math.sin((2 * Math.PI * k * i) / size)];
        real += (re[i] ?? 0) * cos + (im[i] ?? 0) * sin;
        imaginary += (im[i] ?? 0) * cos - (re[i] ?? 0) * sin;
      }
      assert.ok(Math.hypot((gotRe[k] ?? NaN) - real, (gotIm[k] ?? NaN) - imaginary) < 1e-9, `${k} of ${size}`);
    }
  }
});

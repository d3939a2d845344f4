import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keptShare, resample } from '../../../models/voiceprint/resample.ts';

const rates = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000];
const sine = (rateHz: number, hz: number, seconds: number, phase: number) =>
  Float32Array.from({ length: Math.round(rateHz * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / rateHz + phase),
  );
const decibel = (samples: Float32Array) =>
  10 * Math.log10(samples.reduce((sum, one) => sum + one * one, 0) / samples.length + 1e-15);
/** Without the ends, where the sound begins and stops. */
const inner = (samples: Float32Array) => samples.subarray(samples.length / 4, (3 * samples.length) / 4);

test('W1: a sine both rates carry comes out as the same sine', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...rates),
      fc.constantFrom(...rates),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 6, noNaN: true }),
      (from, to, share, phase) => {
        const hz = (share * keptShare * Math.min(from, to)) / 2;
        const { samples, rateHz } = resample({ rateHz: from, samples: sine(from, hz, 0.1, phase) }, to);
        assert.equal(rateHz, to);
        const wanted = sine(to, hz, 0.1, phase);
        const error = inner(Float32Array.from(samples, (value, i) => value - (wanted[i] ?? 0)));
        // 0.1 dB of a sine are 1.2 % of it.
        assert.ok(
          decibel(error) < decibel(inner(wanted)) + 20 * Math.log10(0.012),
          `${hz} Hz, ${from} → ${to}: ${decibel(error)} dB`,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('W2: what the new rate cannot carry is 60 dB down', () => {
  for (const [from, to] of [
    [96_000, 48_000],
    [192_000, 48_000],
    [48_000, 16_000],
    [48_000, 44_100],
  ] as const) {
    for (const share of [1.04, 1.1, 1.5, 1.9]) {
      const hz = (share * to) / 2;
      if (hz > 0.98 * (from / 2)) continue;
      const { samples } = resample({ rateHz: from, samples: sine(from, hz, 0.2, 0.3) }, to);
      assert.ok(decibel(inner(samples)) < decibel(sine(from, hz, 0.2, 0.3)) - 60, `${hz} Hz, ${from} → ${to}`);
    }
  }
});

test('W2: upwards no image appears: nothing is above the old Nyquist rate', () => {
  // A sine at 7 kHz sampled at 16 kHz would have its image at 9 kHz, which two samples later is a beat.
  const { samples } = resample({ rateHz: 16_000, samples: sine(16_000, 7_000, 0.2, 0) }, 48_000);
  const wanted = sine(48_000, 7_000, 0.2, 0);
  const error = inner(Float32Array.from(samples, (value, i) => value - (wanted[i] ?? 0)));
  assert.ok(decibel(error) < -60, `${decibel(error)} dB`);
});

test('W3: the length follows the rates, and a constant stays the same constant', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...rates),
      fc.integer({ min: 4_000, max: 192_000 }),
      fc.integer({ min: 1, max: 900 }),
      (to, from, length) => {
        const made = resample({ rateHz: from, samples: new Float32Array(length).fill(0.5) }, to).samples;
        assert.equal(made.length, from === to ? length : Math.ceil((length * to) / from));
        assert.ok(made.every(Number.isFinite));
      },
    ),
    { numRuns: 15 },
  );
  const constant = resample({ rateHz: 44_100, samples: new Float32Array(4_410).fill(0.5) }, 48_000).samples;
  assert.ok(inner(constant).every((value) => Math.abs(value - 0.5) < 1e-6));
});

test('a sound that has the rate already is left as it is', () => {
  const sound = { rateHz: 48_000, samples: new Float32Array([1, 2, 3]) };
  assert.equal(resample(sound, 48_000), sound);
});

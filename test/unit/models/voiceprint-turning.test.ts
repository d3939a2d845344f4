import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spectrum } from '../../../models/statistics/fourier.ts';
import { modelRateHz } from '../../../models/voiceprint/front-end.ts';
import { placesAPiece, placesOf } from '../../../models/voiceprint/orders.ts';
import { turningOf, turnsARevolution, type Turner, type Turning } from '../../../models/voiceprint/turning.ts';
import { seeded } from '../../../models/statistics/split.ts';

const samples = 24 * 1024;
const sewing: Turner = { kind: 'sewing' };
const knitting: Turner = { kind: 'knitting', needles: 2_000, feeders: 90 };

/** Turns of the shaft at a sample: `hz` that sways by `share` over the piece. */
const shaft = (hz: number, share: number) => (sample: number) => {
  const s = sample / modelRateHz;
  return 0.37 + hz * s + ((hz * share) / (2 * Math.PI * 1.1)) * Math.sin(2 * Math.PI * 1.1 * s);
};

/** Knocks at four angles of a turn, a motor at order 27, and noise as loud as both. */
function sewn(turnsAt: (sample: number) => number, seed: number): Float32Array {
  const random = seeded(seed);
  const knocks = [0.05, 0.31, 0.52, 0.81];
  return Float32Array.from({ length: samples }, (_, i) => {
    const turns = turnsAt(i);
    const knock = knocks.reduce((sum, at) => sum + Math.exp(-((turns - at + 1) % 1) / 0.04), 0);
    const ring = knock * Math.sin(2 * Math.PI * 3_100 * (i / modelRateHz));
    return 0.1 * ring + 0.03 * Math.sin(2 * Math.PI * 27 * turns) + 0.12 * (random() - 0.5);
  });
}

const knitted = (turnsAt: (sample: number) => number, seed: number): Float32Array => {
  const random = seeded(seed);
  return Float32Array.from(
    { length: samples },
    (_, i) => 0.02 * Math.sin(2 * Math.PI * knitting.needles * turnsAt(i)) + 0.1 * (random() - 0.5),
  );
};

/** Root mean square of how far the angle is off within eight turns, mean over the piece. */
function offBy({ turns, stepSamples }: Turning, truth: (sample: number) => number): number {
  const apart = Array.from(turns, (value, i) => value - truth(i * stepSamples));
  const windows: number[] = [];
  const width = turns.findIndex((value) => value - (turns[0] ?? 0) >= 8);
  for (let from = 0; from + width < apart.length; from += Math.ceil(width / 2)) {
    const part = apart.slice(from, from + width);
    const middle = part.reduce((sum, one) => sum + one, 0) / part.length;
    windows.push(Math.sqrt(part.reduce((sum, one) => sum + (one - middle) ** 2, 0) / part.length));
  }
  return windows.reduce((sum, one) => sum + one, 0) / windows.length;
}

test('a sewing shaft that sways is followed to a fiftieth of a turn, from polls that are off by two per cent', () => {
  for (const [hz, share, polled] of [
    [41, 0.01, 1.02],
    [66, -0.01, 0.98],
    [83, 0.01, 1],
  ] as const) {
    const truth = shaft(hz, share);
    const turning = turningOf(sewn(truth, 5), hz * 60 * polled, sewing);
    assert.equal(turning.source, 'signal');
    assert.ok(offBy(turning, truth) < 0.02, `${hz} turns a second: off by ${offBy(turning, truth)} turns`);
    const bySpeedAlone: Turning = {
      ...turning,
      turns: turning.turns.map((_, i) => (i * 256 * hz * polled) / modelRateHz),
    };
    if (polled !== 1) assert.ok(offBy(bySpeedAlone, truth) > 0.03, 'the poll alone would have done');
  }
});

test('a cylinder is followed to a hundredth of a feeder’s pitch', () => {
  const truth = shaft(0.55, 0.005);
  const turning = turningOf(knitted(truth, 3), 0.55 * 60 * 1.01, knitting);
  const pitches = (sample: number) => truth(sample) * turnsARevolution(knitting);
  assert.ok(offBy(turning, pitches) < 0.01, `off by ${offBy(turning, pitches)} pitches`);
});

test('angles only grow and cover the piece, whatever is heard', () => {
  const random = seeded(9);
  const noise = Float32Array.from({ length: samples }, () => random() - 0.5);
  for (const pcm of [noise, new Float32Array(samples), noise.subarray(0, 12_288)]) {
    const { turns, stepSamples, confidence } = turningOf(pcm, 4_000, sewing);
    assert.ok((turns.length - 1) * stepSamples >= pcm.length);
    for (let i = 1; i < turns.length; i += 1) assert.ok((turns[i] ?? 0) > (turns[i - 1] ?? 0));
    assert.ok(confidence >= 0 && confidence <= 1);
  }
});

test('what is found in a machine’s sound is more certain than what is found in noise', () => {
  const random = seeded(4);
  const noise = Float32Array.from({ length: samples }, () => random() - 0.5);
  const certain = turningOf(sewn(shaft(66, 0.01), 1), 3_960, sewing).confidence;
  assert.ok(certain > turningOf(noise, 3_960, sewing).confidence + 0.05);
});

test('with a pulse turns are whole where it rises, with one too many and one missing', () => {
  const truth = shaft(66, 0.02);
  const marks: number[] = [];
  for (let i = -2_000; i < samples + 2_000; i += 1) if (Math.floor(truth(i)) > Math.floor(truth(i - 1))) marks.push(i);
  const whole = truth(marks[0] ?? 0);
  for (const heard of [
    marks,
    marks.filter((_, i) => i !== 7),
    [...marks, (marks[9] ?? 0) + 120].toSorted((a, b) => a - b),
  ]) {
    const { turns, stepSamples, source } = turningOf(new Float32Array(samples), 3_960, sewing, heard);
    assert.equal(source, 'pulse');
    for (const [i, value] of turns.entries()) {
      const expected = truth(i * stepSamples) - Math.floor(whole);
      assert.ok(Math.abs(value - expected) < 0.01, `at ${i}: ${value}, not ${expected}`);
    }
  }
});

test('pulses that do not reach over the piece are not believed', () => {
  assert.equal(turningOf(new Float32Array(samples), 3_960, sewing, [12_000, 12_727]).source, 'signal');
  assert.equal(turningOf(new Float32Array(samples), 3_960, sewing, []).source, 'signal');
});

test('places are the samples at which the shaft stands at each angle', () => {
  const truth = shaft(66, 0.02);
  const marks: number[] = [];
  for (let i = -2_000; i < samples + 2_000; i += 1) if (Math.floor(truth(i)) > Math.floor(truth(i - 1))) marks.push(i);
  const places = placesOf(turningOf(new Float32Array(samples), 3_960, sewing, marks));
  assert.equal(places?.length, placesAPiece);
  for (const [i, place] of (places ?? []).entries()) {
    const angle = truth(place) - i / 96;
    assert.ok(Math.abs(angle - Math.round(angle)) < 0.01);
  }
});

test('a shaft that does not turn eight times in a piece has no places', () => {
  assert.equal(placesOf(turningOf(new Float32Array(samples), 900, sewing)), null);
  assert.notEqual(placesOf(turningOf(new Float32Array(samples), 1_100, sewing)), null);
});

test('a sine has its power in its own bin, and two stretches are not mixed', () => {
  const sine = (bin: number) => Float64Array.from({ length: 256 }, (_, i) => Math.sin((2 * Math.PI * bin * i) / 256));
  const [one, other] = new Spectrum(256).powersOf(sine(7), sine(31));
  for (const [powers, bin] of [
    [one, 7],
    [other, 31],
  ] as const) {
    for (const [k, power] of powers.entries()) assert.ok(Math.abs(power - (k === bin ? 128 ** 2 : 0)) < 1e-6);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PulseDetector } from '../../../drivers/microphone/pulse.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { clickEnvelope } from '../../../models/voiceprint/click-envelope.ts';
import { needlesOf, type CylinderGeometry } from '../../../models/voiceprint/needle-comb.ts';
import type { SoundGenerator } from '../../../simulators/dataset/sound.ts';
import { generatorA } from '../../../simulators/sound/generator.ts';
import { generatorB } from '../../../simulators/sound-b/generator.ts';
import { needleTrial } from '../../../simulators/sound-trials/needle-trials.ts';

const apart = (a: number, b: number, needles: number) => {
  const difference = Math.abs(a - b) % needles;
  return Math.min(difference, needles - difference);
};

const framesATurn = 8000;
const turns = 8;

/** Frames in which a needle clicks at every cam, loudest by the microphone, over noise; the cylinder turns unevenly. */
function drawn(
  { needles, feeders, direction, markNeedle, microphoneTurns }: CylinderGeometry,
  needle: number,
  level: number,
) {
  const random = seeded(5);
  const frames = Float32Array.from({ length: framesATurn * (turns + 1) }, () => 0.5 + random());
  // Needle n passes the mark at this share of a turn.
  const passes = (direction * (needle - markNeedle)) / needles;
  const startFrame = 1234;
  for (let turn = 0; turn < turns; turn += 1) {
    for (let cam = 0; cam < feeders; cam += 1) {
      const angle = passes + cam / feeders;
      const within = angle - Math.floor(angle);
      const even = within + (2 / needles / Math.PI) * Math.sin(2 * Math.PI * within);
      const near = 0.6 / Math.sqrt(1 + 1.6 ** 2 - 3.2 * Math.cos(2 * Math.PI * (cam / feeders - microphoneTurns)));
      const frame = Math.round(startFrame + framesATurn * (turn + even));
      for (const [at, share] of [1, 0.8, 0.4].entries())
        frames[frame + at] = (frames[frame + at] ?? 0) + level * near * near * share;
    }
  }
  const pulses = Array.from({ length: turns + 1 }, (_, turn) => startFrame + framesATurn * turn);
  return { frames, pulses };
}

test('N1: a needle that clicks is among three candidates a pitch apart, in either direction of turning', () => {
  for (const direction of [1, -1] as const) {
    const geometry = { needles: 2400, feeders: 96, direction, markNeedle: 700, microphoneTurns: 0.3 };
    for (const needle of [0, 701, 1913]) {
      const { frames, pulses } = drawn(geometry, needle, 40);
      const found = needlesOf(frames, pulses, geometry, seeded(1));
      assert.ok(found !== null && found.needles.length <= 3 && found.k <= 2);
      assert.ok(apart(found.needles[0] ?? NaN, needle, 2400) <= 1, `${found.needles.join()} for ${needle}`);
      for (const [one, other] of [
        [0, 1],
        [0, 2],
      ] as const) {
        const pitches = apart(found.needles[one] ?? NaN, found.needles[other] ?? NaN, 2400) / 25;
        assert.ok(Math.abs(pitches - Math.round(pitches)) < 0.05 && pitches > 0.5);
      }
    }
  }
});

test('N2: without clicks, or with too few pulses, there is no needle', () => {
  const geometry = { needles: 2400, feeders: 96, direction: 1, markNeedle: 0, microphoneTurns: 0 } as const;
  const silent = drawn(geometry, 5, 0);
  assert.equal(needlesOf(silent.frames, silent.pulses, geometry, seeded(1)), null);
  const loud = drawn(geometry, 5, 40);
  assert.notEqual(needlesOf(loud.frames, loud.pulses, geometry, seeded(1)), null);
  assert.equal(needlesOf(loud.frames, loud.pulses.slice(0, 4), geometry, seeded(1)), null);
  assert.equal(needlesOf(new Float32Array(1000), [0, 100, 200, 300, 400, 500], geometry, seeded(1)), null);
});

/** A simulated machine among others, twice as loud as they are. */
function heard(generator: SoundGenerator, seed: number, severity: number) {
  const hall = { seed, neighbours: 'knitting', machines: 3, voices: 1, bangsPerMinute: 2 } as const;
  const machine = generator({ kind: 'knitting', seed, rateHz: 48_000, hall });
  const { cylinder } = machine;
  assert.ok(cylinder !== null);
  const needle = (seed * 7919) % cylinder.needles;
  const clip = machine.record({
    seed,
    segments: [{ kind: 'run', durationS: 20, speed: machine.nominalPerMinute }],
    load: 0.5,
    temperatureC: 30,
    faults: [{ kind: 'badNeedle', severity, needle }],
    snrDb: 6,
    pulse: { jitterS: 20e-6 },
  });
  const { frames, frameSamples } = clickEnvelope(clip.samples, clip.rateHz);
  const pulses = new PulseDetector({ rateHz: 48_000 })
    .push(clip.pulse ?? new Float32Array())
    .map((at) => (at - 24) / frameSamples);
  const found = needlesOf(frames, pulses, { ...cylinder, markNeedle: cylinder.indexNeedle }, seeded(seed));
  return { found, needle, cylinder };
}

test('N1: of simulated machines of both generators, in their halls', { timeout: 240_000 }, () => {
  for (const [generator, seed] of [
    [generatorA, 1003],
    [generatorB, 2005],
  ] as const) {
    const { found, needle, cylinder } = heard(generator, seed, 0.6);
    assert.ok(found !== null);
    assert.ok(
      found.needles.some((one) => apart(one, needle, cylinder.needles) <= found.k),
      `${found.needles.join()} for ${needle}`,
    );
  }
});

test('N1: of a faint needle that the best single way did not find', { timeout: 120_000 }, () => {
  const trial = needleTrial({ generator: 'a', seed: 31, snrDb: 6, rateHz: 48_000, position: 'pulse' }, 8);
  const { cylinder } = trial.machine;
  assert.ok(cylinder !== null && trial.severity < 0.35);
  const { clip } = trial.faulty();
  const { frames, frameSamples } = clickEnvelope(clip.samples, clip.rateHz);
  const pulses = new PulseDetector({ rateHz: 48_000 })
    .push(clip.pulse ?? new Float32Array())
    .map((at) => (at - 24) / frameSamples);
  const found = needlesOf(frames, pulses, { ...cylinder, markNeedle: cylinder.indexNeedle }, seeded(1));
  assert.ok(found !== null);
  assert.ok(
    found.needles.some((one) => apart(one, trial.needle, cylinder.needles) <= found.k),
    `${found.needles.join()} for ${trial.needle}`,
  );
});

test('N2: of a simulated machine that runs well', { timeout: 120_000 }, () => {
  assert.equal(heard(generatorA, 1002, 0).found, null);
});

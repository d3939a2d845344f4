/** A clip as a whole: its bytes, its truth, what goes with it, how loud it is beside the hall. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Segment } from '../../../../simulators/dataset/sound.ts';
import { record, type Conditions } from '../../../../simulators/sound/clip.ts';
import { createHall, hallPart } from '../../../../simulators/sound/hall.ts';
import { createKnittingSound, createSewingSound, type SoundMachine } from '../../../../simulators/sound/machine.ts';
import { turnsAt } from '../../../../simulators/sound/motion.ts';
import { createRandom } from '../../../../simulators/random.ts';

const rateHz = 32_000;
const speedOf = (machine: SoundMachine): number => machine.voice.drive.nominalPerMinute;
const run = (machine: SoundMachine, durationS: number, more: Partial<Conditions> = {}): Conditions => ({
  seed: 7,
  segments: [{ kind: 'run', durationS, speed: speedOf(machine) }],
  load: 0.5,
  temperatureC: 25,
  faults: [],
  ...more,
});
const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);
const sewing = createSewingSound(1, rateHz);
const knitting = createKnittingSound(1, rateHz);
const hall = createHall(3, rateHz, { neighbours: 'sewing', machines: 2, voices: 2, bangsPerMinute: 20 });

test('the same machine and conditions give the same bytes, another clip or another machine gives others', () => {
  for (const create of [createSewingSound, createKnittingSound]) {
    const clip = (machineSeed: number, seed: number) => {
      const machine = create(machineSeed, rateHz);
      const among = { hall, snrDb: 3 };
      return record(machine, run(machine, 1, { seed, among, pulse: { jitterS: 1e-5 } }));
    };
    const first = clip(5, 7);
    assert.deepEqual(clip(5, 7), first);
    assert.notDeepEqual(clip(5, 8).samples, first.samples);
    assert.notDeepEqual(clip(6, 7).samples, first.samples);
  }
});

test('drawn machines are finite, loud enough to be heard and never beyond full scale, in the hall too', () => {
  for (let seed = 0; seed < 8; seed += 1) {
    for (const machine of [createSewingSound(seed, rateHz), createKnittingSound(seed, rateHz)]) {
      const { samples } = record(machine, run(machine, 2, { load: 1, among: { hall, snrDb: 0 } }));
      assert.ok(
        samples.every((value) => Math.abs(value) < 1),
        `${machine.kind} ${seed}`,
      );
      assert.ok(rms(samples) > 0.005, `${machine.kind} ${seed}: ${rms(samples)}`);
    }
  }
});

test('a timetable of start, run, stop and trim is what the shaft does, and a standing machine is silent', () => {
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 1 },
    { kind: 'run', durationS: 2, speed: 3000 },
    { kind: 'trim', durationS: 1 },
    { kind: 'stop', durationS: 1 },
  ];
  const { samples, shaft } = record(sewing, run(sewing, 1, { segments }));
  assert.deepEqual([shaft.starts.length, shaft.trims.length, shaft.stops.length], [1, 1, 1]);
  assert.equal(shaft.starts[0], rateHz);
  assert.equal(turnsAt(shaft, 0.9), turnsAt(shaft, 0));
  const turned = turnsAt(shaft, 2.9) - turnsAt(shaft, 1.9);
  assert.ok(Math.abs(turned - 50) < 3, `${turned} turns in a second of 3000 a minute`);
  const silence = rms(samples.subarray(0, 0.9 * rateHz));
  const trim = shaft.trims[0] ?? 0;
  assert.ok(silence < 0.001);
  assert.ok(rms(samples.subarray(1.5 * rateHz, 2.5 * rateHz)) > 20 * silence);
  assert.ok(rms(samples.subarray(trim, trim + 0.05 * rateHz)) > 3 * rms(samples.subarray(trim - 0.1 * rateHz, trim)));
});

test('the hall is as much below the machine as the signal-to-noise ratio says', () => {
  const quietHall = { ...hall, bangsPerMinute: 0 };
  const alone = record(sewing, run(sewing, 8)).samples;
  const ratioDb = (snrDb: number): number => {
    const { samples } = record(sewing, run(sewing, 8, { among: { hall: quietHall, snrDb } }));
    return 20 * Math.log10(rms(alone) / rms(samples.map((value, i) => value - (alone[i] ?? 0))));
  };
  for (const snrDb of [-6, 0, 6]) assert.ok(Math.abs(ratioDb(snrDb) - snrDb) < 0.1, `${ratioDb(snrDb)} for ${snrDb}`);
});

test('a hall goes on where its bed ends, without a step', () => {
  const part = hallPart(createRandom(1, 'part'), { ...hall, bangsPerMinute: 0 }, 2 * hall.bed.length);
  const step = Math.abs((hall.bed[0] ?? 0) - (hall.bed[hall.bed.length - 1] ?? 0));
  assert.ok(step < 1.5);
  assert.ok(Math.abs(rms(part) - 1) < 0.01);
});

test('a pulse rises at every whole turn of the shaft, as far off as its jitter', () => {
  for (const machine of [sewing, knitting]) {
    const jitterS = 100e-6;
    const { pulse, shaft } = record(machine, run(machine, 12, { pulse: { jitterS } }));
    const rises = [...(pulse ?? [])].flatMap((value, i) =>
      i > 0 && value > 0.4 && (pulse?.[i - 1] ?? 0) < 0.4 ? [i] : [],
    );
    const last = shaft.turns[shaft.turns.length - 1] ?? 0;
    assert.ok(Math.abs(rises.length - Math.floor(last - (shaft.turns[0] ?? 0))) <= 1);
    const offS = rises.map((i) => {
      const turns = shaft.turns[i] ?? 0;
      const hz = ((shaft.drive[i] ?? 0) * speedOf(machine)) / 60;
      return (turns - Math.round(turns)) / hz;
    });
    assert.ok(offS.every((off) => Math.abs(off) < 3.5 * jitterS));
    const spread = Math.sqrt(offS.reduce((sum, off) => sum + off * off, 0) / offS.length);
    assert.ok(spread > 0.4 * jitterS, `${spread}`);
  }
});

test('telemetry is late by its latency and its clock is off by its skew', () => {
  const polling = { intervalS: 0.1, latencyS: [0.15, 0.15], skewPpm: 50 } as const;
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 1 },
    { kind: 'run', durationS: 9, speed: 3000 },
  ];
  const { telemetry, shaft, truth } = record(sewing, run(sewing, 1, { segments, polling }));
  assert.ok(Math.abs(telemetry.length - 100) <= 1);
  for (const { atS, count, speed } of telemetry) {
    const trueS = Math.max(0, atS / (1 + 50e-6) - 0.15);
    assert.equal(count, Math.floor(turnsAt(shaft, trueS)) - Math.floor(turnsAt(shaft, 0)));
    if (trueS < 1) assert.equal(speed, 0);
  }
  assert.equal(telemetry.at(-1)?.speed, 3000);
  assert.equal(truth.skewPpm, 50);
});

test('chance draws latencies to 200 ms and skews to 50 millionths when nothing is said', () => {
  const skews = Array.from({ length: 12 }, (_, seed) => record(sewing, run(sewing, 0.3, { seed })).truth.skewPpm);
  assert.ok(skews.every((skew) => Math.abs(skew) <= 50));
  assert.ok(Math.max(...skews) - Math.min(...skews) > 20);
});

test('a converter clips at full scale and leaves 65,536 levels; without one neither is done', () => {
  const loud = { gain: 40, clip: true, sixteenBit: true };
  const { samples } = record(sewing, run(sewing, 1, { converter: loud }));
  assert.ok(samples.some((value) => value === -1) && samples.every((value) => value >= -1 && value < 1));
  assert.ok(samples.every((value) => Number.isInteger(value * 32_768)));
  const { samples: free } = record(sewing, run(sewing, 1, { converter: { gain: 40, clip: false, sixteenBit: false } }));
  assert.ok(free.some((value) => Math.abs(value) > 1));
});

test('what no machine makes is refused by name', () => {
  const refused = (machine: SoundMachine, more: Partial<Conditions>) =>
    assert.throws(() => record(machine, run(machine, 1, more)), /^SimulatorError: SIM-108/);
  refused(sewing, { segments: [] });
  refused(sewing, { segments: [{ kind: 'run', durationS: 0, speed: 3000 }] });
  refused(sewing, { faults: [{ kind: 'badNeedle', severity: 1, needle: 3 }] });
  refused(knitting, { faults: [{ kind: 'badNeedle', severity: 1, needle: 1_000_000 }] });
  refused(knitting, { faults: [{ kind: 'badFeeder', severity: 1, feeder: -1 }] });
  refused(knitting, { faults: [{ kind: 'dryHook', severity: 1 }] });
  refused(sewing, { faults: [{ kind: 'dryHook', severity: 1.1 }] });
  const direct = Array.from({ length: 20 }, (_, seed) => createSewingSound(seed, rateHz)).find(
    ({ voice }) => voice.traits.beltOrder === null,
  );
  assert.ok(direct);
  refused(direct, { faults: [{ kind: 'slippingBelt', severity: 1 }] });
});

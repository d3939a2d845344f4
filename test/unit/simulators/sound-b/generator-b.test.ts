/** Generator b as a whole: its bytes, its truth, what goes with the sound, how loud the hall is, and that it is not generator a. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked, HeardMachine, Segment, Site } from '../../../../simulators/dataset/sound.ts';
import { generatorB } from '../../../../simulators/sound-b/generator.ts';
import { generatorA } from '../../../../simulators/sound/generator.ts';
import { power, rateHz } from '../sound/fault-figures.ts';
import { between, kurtosisOf } from '../sound/measure.ts';
import { machineOf, machinesOf } from './figures-b.ts';

const kinds = ['sewing', 'knitting'] as const;
const hallOf = (kind: Site['kind']) =>
  ({ seed: 3, neighbours: kind, machines: 2, voices: 2, bangsPerMinute: 20 }) as const;
const run = (machine: HeardMachine, durationS: number, more: Partial<Asked> = {}): Asked => ({
  seed: 7,
  segments: [{ kind: 'run', durationS, speed: machine.nominalPerMinute }],
  load: 0.5,
  temperatureC: 25,
  faults: [],
  snrDb: null,
  ...more,
});
const rms = (samples: Float32Array): number => Math.sqrt(power(samples));
const turnsBetween = (turns: Float64Array, fromS: number, toS: number): number =>
  (turns[Math.round(toS * rateHz)] ?? 0) - (turns[Math.round(fromS * rateHz)] ?? 0);

test('generator b shares no code with a: it imports itself, the words of a clip and the errors alone, and a imports nothing of b', () => {
  const rooms = join(import.meta.dirname, '../../../../simulators');
  const imports = (folder: string): string[] =>
    readdirSync(join(rooms, folder)).flatMap((file) =>
      [
        ...readFileSync(join(rooms, folder, file), 'utf8').matchAll(
          /^(?:import|export) (type )?[^;]*? from '([^']+)';/gm,
        ),
      ]
        .filter(([, , from = '']) => !from.startsWith('./'))
        .map(([, type, from]) => `${type === undefined ? '' : 'type '}${from}`),
    );
  const ofB = imports('sound-b');
  assert.ok(ofB.length > 0);
  for (const from of ofB) assert.match(from, /^(?:type \.\.\/dataset\/sound\.ts|\.\.\/errors\.ts)$/);
  for (const from of imports('sound')) assert.doesNotMatch(from, /sound-b/);
});

test('the same machine and conditions give the same bytes, another clip or another machine gives others', () => {
  for (const kind of kinds) {
    const clip = (machineSeed: number, seed: number) => {
      const machine = generatorB({ kind, seed: machineSeed, rateHz, hall: hallOf(kind) });
      return machine.record(run(machine, 1, { seed, snrDb: 3, pulse: { jitterS: 1e-5 } }));
    };
    const first = clip(5, 7);
    assert.deepEqual(clip(5, 7), first);
    assert.equal(first.truth.generator, 'b');
    assert.notDeepEqual(clip(5, 8).samples, first.samples);
    assert.notDeepEqual(clip(6, 7).samples, first.samples);
  }
});

test('seeds beyond 32 bits make machines of their own', () => {
  const [near, far] = [machineOf('sewing', 5), machineOf('sewing', 5 + 2 ** 32)];
  assert.notEqual(near.nominalPerMinute, far.nominalPerMinute);
});

test('drawn machines are finite, loud enough to be heard and not beyond full scale, in the hall too', () => {
  for (const kind of kinds) {
    const hall = hallOf(kind);
    for (let seed = 0; seed < 8; seed += 1) {
      const machine = generatorB({ kind, seed, rateHz, hall });
      const { samples, telemetry } = machine.record(run(machine, 2, { load: 1, snrDb: 0 }));
      assert.ok(
        samples.every((value) => Math.abs(value) < 1),
        `${kind} ${seed}`,
      );
      assert.ok(rms(samples) > 0.005, `${kind} ${seed}: ${rms(samples)}`);
      assert.ok(telemetry.every((reading) => Object.values(reading).every(Number.isFinite)));
    }
  }
});

test('a timetable of start, run, stop and trim is what the shaft does; a standing machine is quiet but for its motor', () => {
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 1 },
    { kind: 'run', durationS: 2, speed: 3000 },
    { kind: 'trim', durationS: 1 },
    { kind: 'stop', durationS: 1 },
  ];
  for (const machine of machinesOf('sewing', 3)) {
    const { samples, shaft } = machine.record(run(machine, 1, { segments }));
    assert.deepEqual([shaft.starts.length, shaft.trims.length, shaft.stops.length], [1, 1, 1]);
    assert.ok(Math.abs((shaft.starts[0] ?? 0) - rateHz) < 32);
    assert.equal(turnsBetween(shaft.turns, 0, 0.9), 0);
    const turned = turnsBetween(shaft.turns, 1.95, 2.95);
    assert.ok(Math.abs(turned - 50) < 3, `${turned} turns in a second of 3000 a minute`);
    const silence = rms(samples.subarray(0, 0.9 * rateHz));
    const trim = shaft.trims[0] ?? 0;
    assert.ok(rms(samples.subarray(1.5 * rateHz, 2.5 * rateHz)) > 8 * silence);
    assert.ok(rms(samples.subarray(trim, trim + 0.05 * rateHz)) > 2 * rms(samples.subarray(trim - 0.1 * rateHz, trim)));
  }
});

test('the hall is as much below the machine as the signal-to-noise ratio says', () => {
  for (const kind of kinds) {
    const hall = { ...hallOf(kind), bangsPerMinute: 0 };
    const machine = generatorB({ kind, seed: 2, rateHz, hall });
    const alone = machine.record(run(machine, 6)).samples;
    for (const snrDb of [-6, 0, 6]) {
      const { samples } = machine.record(run(machine, 6, { snrDb }));
      const others = samples.map((value, i) => value - (alone[i] ?? 0));
      const ratioDb = 20 * Math.log10(rms(alone) / rms(others));
      assert.ok(Math.abs(ratioDb - snrDb) < 0.1, `${kind}: ${ratioDb} for ${snrDb}`);
    }
  }
});

test('what is heard of the hall comes and goes: its level in seconds differs from clip to clip', () => {
  const machine = generatorB({ kind: 'sewing', seed: 2, rateHz, hall: hallOf('sewing') });
  const stopped: readonly Segment[] = [{ kind: 'run', durationS: 20, speed: machine.nominalPerMinute }];
  const alone = machine.record(run(machine, 20, { segments: stopped })).samples;
  const { samples } = machine.record(run(machine, 20, { segments: stopped, snrDb: 0 }));
  const others = samples.map((value, i) => value - (alone[i] ?? 0));
  const levelsDb = Array.from(
    { length: 20 },
    (_, s) => 20 * Math.log10(rms(others.subarray(s * rateHz, (s + 1) * rateHz))),
  );
  assert.ok(Math.max(...levelsDb) - Math.min(...levelsDb) > 3, levelsDb.map((db) => db.toFixed(1)).join(' '));
});

test('a pulse rises at every whole turn of the shaft, as far off as its jitter', () => {
  for (const kind of kinds) {
    const machine = machineOf(kind, 1);
    const jitterS = 100e-6;
    const { pulse, shaft } = machine.record(run(machine, 12, { pulse: { jitterS } }));
    const rises = [...(pulse ?? [])].flatMap((value, i) =>
      i > 0 && value > 0.4 && (pulse?.[i - 1] ?? 0) < 0.4 ? [i] : [],
    );
    assert.ok(Math.abs(rises.length - Math.floor(turnsBetween(shaft.turns, 0, 11.9999))) <= 1);
    const offS = rises.map((i) => {
      const turns = shaft.turns[i] ?? 0;
      return ((turns - Math.round(turns)) * 60) / machine.nominalPerMinute;
    });
    assert.ok(offS.every((off) => Math.abs(off) < 3.5 * jitterS));
    const spread = Math.sqrt(offS.reduce((sum, off) => sum + off * off, 0) / offS.length);
    assert.ok(spread > 0.4 * jitterS, `${spread}`);
  }
});

test('telemetry is late by its latency and its clock is off by its skew; unsaid, up to 200 ms and 50 millionths', () => {
  const machine = machineOf('sewing', 1);
  const polling = { intervalS: 0.1, latencyS: [0.15, 0.15], skewPpm: 50 } as const;
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 1 },
    { kind: 'run', durationS: 5, speed: 3000 },
  ];
  const { telemetry, shaft } = machine.record(run(machine, 1, { segments, polling }));
  assert.ok(Math.abs(telemetry.length - 60) <= 1);
  for (const { atS, count, speed } of telemetry) {
    const trueS = Math.max(0, atS / (1 + 50e-6) - 0.15);
    assert.ok(Math.abs(count - Math.floor(turnsBetween(shaft.turns, 0, trueS) + ((shaft.turns[0] ?? 0) % 1))) <= 1);
    if (trueS < 1) assert.equal(speed, 0);
  }
  assert.equal(telemetry.at(-1)?.speed, 3000);
  const skews = Array.from({ length: 12 }, (_, seed) => machine.record(run(machine, 0.2, { seed })).truth.skewPpm);
  assert.ok(skews.every((skew) => Math.abs(skew) <= 50) && Math.max(...skews) - Math.min(...skews) > 20);
});

test('a converter clips at full scale and leaves 65,536 levels', () => {
  const machine = machineOf('sewing', 1);
  const loud = { gain: 60, clip: true, sixteenBit: true };
  const { samples } = machine.record(run(machine, 1, { converter: loud }));
  assert.ok(samples.some((value) => value === -1) && samples.every((value) => value >= -1 && value < 1));
  assert.ok(samples.every((value) => Number.isInteger(value * 32_768)));
});

test('what no machine makes is refused by name', () => {
  const refused = (machine: HeardMachine, more: Partial<Asked>) =>
    assert.throws(() => machine.record(run(machine, 1, more)), /^SimulatorError: SIM-108/);
  const [sewing, knitting] = [machineOf('sewing', 1), machineOf('knitting', 1)];
  refused(sewing, { segments: [] });
  refused(sewing, { segments: [{ kind: 'run', durationS: 0, speed: 3000 }] });
  refused(sewing, { snrDb: 0 });
  refused(sewing, { faults: [{ kind: 'badNeedle', severity: 1, needle: 3 }] });
  refused(knitting, { faults: [{ kind: 'badNeedle', severity: 1, needle: 1_000_000 }] });
  refused(knitting, { faults: [{ kind: 'badFeeder', severity: 1, feeder: -1 }] });
  refused(knitting, { faults: [{ kind: 'dryHook', severity: 1 }] });
  refused(sewing, { faults: [{ kind: 'dryHook', severity: 1.1 }] });
  const [direct] = machinesOf('sewing', 1, ({ belt }) => !belt);
  assert.ok(direct);
  refused(direct, { faults: [{ kind: 'slippingBelt', severity: 1 }] });
});

test('the speeds of industrial machines are drawn: 2,000 to 5,500 stitches a minute, some with belts', () => {
  const machines = machinesOf('sewing', 30);
  const speeds = machines.map(({ nominalPerMinute }) => nominalPerMinute);
  assert.ok(Math.min(...speeds) >= 2000 && Math.max(...speeds) <= 5500);
  assert.ok(Math.max(...speeds) - Math.min(...speeds) > 2500);
  const belts = machines.filter(({ belt }) => belt).length;
  assert.ok(belts > 5 && belts < 25);
});

test('a and b differ as sounds: taken together, figures of healthy machines lie further apart than those of either do', () => {
  const generators = { a: generatorA, b: generatorB } as const;
  const figures = (name: 'a' | 'b', kind: Site['kind']): number[][] =>
    Array.from({ length: 8 }, (_, i) => {
      const machine = generators[name]({ kind, seed: 40 + i, rateHz, hall: null });
      const { samples } = machine.record(run(machine, 2));
      const whole = power(samples);
      const levels = [125, 500, 2000, 8000].map((hz) =>
        Math.log(power(between(samples, rateHz, hz / 1.41, Math.min(15_000, hz * 1.41))) / whole),
      );
      return [Math.log(kurtosisOf(between(samples, rateHz, 3000, 9000))), Math.log(whole), ...levels];
    });
  const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0) / values.length;
  for (const kind of kinds) {
    const [a, b] = [figures('a', kind), figures('b', kind)];
    const apart = (a[0] ?? []).map((_, k) => {
      const [ofA, ofB] = [a.map((f) => f[k] ?? 0), b.map((f) => f[k] ?? 0)];
      const spread = (values: readonly number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
      return (mean(ofA) - mean(ofB)) / Math.max(spread(ofA), spread(ofB));
    });
    const distance = Math.hypot(...apart);
    // Eight machines against eight others of one generator: about 0.5 of their spread in each of six, 1.2 in all.
    assert.ok(distance > 1.8, `${kind}: ${distance}: ${apart.map((d) => d.toFixed(1)).join(' ')}`);
  }
});

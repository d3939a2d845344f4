/** The fault graph against a computation that shares nothing with it, and on simulated machines it was not trained on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { faultClasses } from '../../models/voiceprint/fault-classes.ts';
import { classesOf, heardSize, observe, sampleOf, type FaultSample } from '../../models/voiceprint/fault-ear.ts';
import { enrolFaults } from '../../models/voiceprint/fault-print.ts';
import { suspect } from '../../models/voiceprint/faults.ts';
import { piecesASample } from '../../models/voiceprint/pool.ts';
import type { Turner } from '../../models/voiceprint/turning.ts';
import type { Clip, SoundFault } from '../../simulators/dataset/sound.ts';
import { record } from '../../simulators/sound/clip.ts';
import { createHall } from '../../simulators/sound/hall.ts';
import { createKnittingSound, createSewingSound, type SoundMachine } from '../../simulators/sound/machine.ts';
import { repository } from '../check/files.ts';

const folder = join(repository, 'models/packages/machine-fault');
let graph: ModelSession;
before(async () => {
  graph = await openSession(join(folder, 'model.onnx'));
});
after(() => graph.close());

const golden = (name: string): Float32Array => {
  const bytes = readFileSync(join(folder, 'golden', `${name}.bin`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const rateHz = 48_000;
const taps = 64;
const window = (i: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (taps + 1));
const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Amplitude of a band around a sample, by the definition. */
function amplitudeAt(pcm: Float32Array, first: number, fromHz: number, toHz: number): number {
  let [even, odd] = [0, 0];
  const half = (toHz - fromHz) / 2 / rateHz;
  const middle = (toHz + fromHz) / 2 / rateHz;
  for (let i = 0; i < taps; i += 1) {
    const n = i - (taps - 1) / 2;
    const low = 2 * (2 * half * sinc(2 * half * n)) * window(i) * (pcm[first + i] ?? 0);
    even += low * Math.cos(2 * Math.PI * middle * n);
    odd += low * Math.sin(2 * Math.PI * middle * n);
  }
  return Math.sqrt(even ** 2 + odd ** 2 + 1e-12);
}

/** Power at an order of eight turns, Hann-windowed. */
function powerAt(values: readonly number[], order: number): number {
  let [re, im] = [0, 0];
  for (const [i, value] of values.entries()) {
    const weight = (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / values.length)) * (2 / values.length);
    re += weight * value * Math.cos((2 * Math.PI * order * i) / 96);
    im += weight * value * Math.sin((2 * Math.PI * order * i) / 96);
  }
  return re ** 2 + im ** 2;
}

test('the graph hears the orders that the definition of an order spectrum gives', () => {
  const [pcm, at, heard] = [golden('pcm'), golden('at'), golden('heard')];
  const [fromHz, toHz, band] = [2200, 3500, 3];
  const known = new Map<number, number>();
  const amplitude = (frame: number) => {
    const found = known.get(frame) ?? amplitudeAt(pcm, frame * 8, fromHz, toHz);
    known.set(frame, found);
    return found;
  };
  const blocks = Array.from({ length: 8 }, (_, block) =>
    Array.from(at.subarray(block * 768, (block + 1) * 768), (sample) => {
      const place = Math.max(0, (sample - (taps - 1) / 2) / 8);
      const frame = Math.floor(place);
      return amplitude(frame) + (amplitude(frame + 1) - amplitude(frame)) * (place - frame);
    }),
  );
  const mean = (of: (values: readonly number[]) => number) => blocks.reduce((sum, one) => sum + of(one), 0) / 8;
  // Lines of orders 1, 2, 3, 4, of 5 and 6 together; then 1/4 beside orders 1 to 4.
  const lines = [[1], [2], [3], [4], [5, 6]].map((orders) =>
    mean((values) => orders.reduce((sum, order) => sum + powerAt(values, order), 0) / orders.length),
  );
  for (const [i, expected] of lines.entries()) {
    const got = heard[16 + band * 10 + i] ?? 0;
    assert.ok(Math.abs(got / expected - 1) < 0.01, `line ${i}: ${got}, not ${expected}`);
  }
  const beside = mean(
    (values) =>
      [1, 2, 3, 4].reduce((sum, k) => sum + (powerAt(values, k - 0.25) + powerAt(values, k + 0.25)) / 2, 0) / 4,
  );
  const got = heard[16 + 80 + band * 12 + 3] ?? 0;
  assert.ok(Math.abs(got / beside - 1) < 0.01, `beside: ${got}, not ${beside}`);
});

interface Heard {
  readonly machine: SoundMachine;
  readonly turner: Turner;
  readonly clip: (seed: number, fault: SoundFault | null, pulse?: boolean) => Clip;
}

/** Seeds no training has: build.sh takes some below a thousand. */
function placed(kind: Turner['kind'], seed: number): Heard {
  const machine = kind === 'sewing' ? createSewingSound(seed) : createKnittingSound(seed);
  const hall = createHall(seed, rateHz, { neighbours: kind, machines: 3, voices: 1, bangsPerMinute: 2 });
  const speed = 0.85 * machine.voice.drive.nominalPerMinute;
  const clip: Heard['clip'] = (clipSeed, fault, pulse = false) =>
    record(machine, {
      seed: clipSeed,
      segments: [{ kind: 'run', durationS: 4.15, speed }],
      load: 0.3 + 0.1 * (clipSeed % 5),
      temperatureC: 30,
      faults: fault === null ? [] : [fault],
      among: { hall, snrDb: 0 },
      ...(pulse ? { pulse: { jitterS: 20e-6 } } : {}),
    });
  const turner: Turner =
    machine.kind === 'sewing'
      ? { kind: 'sewing' }
      : { kind: 'knitting', needles: machine.voice.traits.needles, feeders: machine.voice.traits.feeders };
  return { machine, turner, clip };
}

const pieceSamples = 24 * 1024;

async function sampleOfClip({ samples, telemetry, pulse }: Clip, turner: Turner, skip = 0): Promise<FaultSample> {
  const speed = telemetry.reduce((sum, reading) => sum + reading.speed, 0) / telemetry.length;
  const rises = pulse === null ? null : [...pulse.keys()].filter((i) => pulse[i] !== 0 && (pulse[i - 1] ?? 1) === 0);
  const pieces = Array.from({ length: piecesASample }, (_, i) => {
    const from = skip + i * pieceSamples;
    return { pcm: samples.slice(from, from + pieceSamples), speed, marks: rises?.map((at) => at - from) ?? null };
  });
  return sampleOf((await observe(pieces, turner, graph)).flatMap((one) => one ?? []));
}

async function printOf(heard: Heard, pulse = false) {
  const samples: FaultSample[] = [];
  for (let seed = 1; seed <= 16; seed += 1) {
    samples.push(await sampleOfClip(heard.clip(seed, null, pulse), heard.turner));
  }
  return enrolFaults(samples, heard.turner, graph);
}

test('what is heard of a machine does not depend on where in the turn it begins', async () => {
  const heard = placed('sewing', 5_001);
  const clip = heard.clip(1, null);
  const one = await sampleOfClip(clip, heard.turner);
  const other = await sampleOfClip(clip, heard.turner, 480);
  const apart = Array.from({ length: heardSize }, (_, i) =>
    Math.abs(10 * Math.log10((one.heard[i] ?? 0) / (other.heard[i] ?? 1))),
  ).toSorted((a, b) => a - b);
  // Two thirds of a turn later: what is left is that it is another stretch of the same sound.
  assert.ok((apart[heardSize >> 1] ?? 9) < 0.3, `median ${apart[heardSize >> 1]} dB`);
});

test('strong faults of a machine that was not trained on are named, and its normal sound is not', async () => {
  const heard = placed('sewing', 5_002);
  const print = await printOf(heard);
  for (let seed = 101; seed <= 104; seed += 1) {
    const { faults } = await suspect(
      await sampleOfClip(heard.clip(seed, null), heard.turner),
      print,
      heard.turner,
      graph,
    );
    const suspected = faults.reduce((sum, { probability }) => sum + probability, 0);
    assert.ok(suspected < 0.9, `normal sound is ${faults[0]?.fault} by ${suspected}`);
  }
  for (const kind of ['bentNeedle', 'dryHook', 'looseBearing', 'feedDogStrike'] as const) {
    const sample = await sampleOfClip(heard.clip(201, { kind, severity: 0.8 }), heard.turner);
    const { faults, distance } = await suspect(sample, print, heard.turner, graph);
    assert.equal(faults[0]?.fault, kind);
    assert.ok(distance > 3, `${kind}: ${distance}`);
  }
});

test('knitting faults of a machine that was not trained on are named', async () => {
  const heard = placed('knitting', 5_003);
  const print = await printOf(heard);
  const faults: SoundFault[] = [
    { kind: 'badNeedle', severity: 0.8, needle: 100 },
    { kind: 'badFeeder', severity: 0.9, feeder: 3 },
    { kind: 'lackOfOil', severity: 0.8 },
  ];
  for (const fault of faults) {
    const sample = await sampleOfClip(heard.clip(201, fault), heard.turner);
    const named = (await suspect(sample, print, heard.turner, graph)).faults;
    assert.equal(named[0]?.fault, fault.kind);
  }
});

test('with a pulse the angle at which a bent needle strikes is found', async () => {
  const heard = placed('sewing', 5_004);
  const { machine } = heard;
  assert.equal(machine.kind, 'sewing');
  if (machine.kind !== 'sewing') return;
  const print = await printOf(heard, true);
  const sample = await sampleOfClip(heard.clip(201, { kind: 'bentNeedle', severity: 0.8 }, true), heard.turner);
  const { angle } = await suspect(sample, print, heard.turner, graph);
  assert.ok(angle !== null);
  // It strikes 0.02 to 0.1 of a turn after the needle went in, and rings.
  const after = ((angle.turns - machine.voice.penetration.phase + 1.5) % 1) - 0.5;
  assert.ok(after > -angle.k && after < 0.16 + angle.k, `${after} of a turn after the needle went in`);
  assert.ok(angle.k < 0.1);
  const normal = await sampleOfClip(heard.clip(202, null, true), heard.turner);
  assert.equal((await suspect(normal, print, heard.turner, graph)).angle, null);
  const without = await sampleOfClip(heard.clip(203, { kind: 'bentNeedle', severity: 0.8 }), heard.turner);
  assert.equal((await suspect(without, print, heard.turner, graph)).angle, null);
});

test('the classes the graph has are those that are documented, and probabilities add to one', async () => {
  const row = new Float32Array(heardSize).fill(1e-6);
  const against = { middle: new Float32Array(heardSize), variance: new Float32Array(heardSize).fill(1), count: 20 };
  for (const turner of [{ kind: 'sewing' }, { kind: 'knitting', needles: 1_800, feeders: 84 }] as const) {
    const [found] = await classesOf({ samples: [row], against: [against] }, turner, graph);
    assert.equal(found?.length, faultClasses[turner.kind].length);
    assert.ok(Math.abs((found?.reduce((sum, one) => sum + one, 0) ?? 0) - 1) < 1e-5);
  }
});

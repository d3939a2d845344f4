import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelError } from '../../../models/errors.ts';
import type { Graph } from '../../../models/graph.ts';
import { readStats, writeStats } from '../../../models/stats-file.ts';
import { angleOf } from '../../../models/voiceprint/fault-angle.ts';
import {
  decibelsOf,
  heardSize,
  profileSize,
  sampleOf,
  type FaultSample,
} from '../../../models/voiceprint/fault-ear.ts';
import {
  enrolFaults,
  enrolFaultsWithLeft,
  faultPrintOf,
  faultStatsOf,
  oddsOf,
} from '../../../models/voiceprint/fault-print.ts';
import { suspect, together } from '../../../models/voiceprint/faults.ts';
import { angles } from '../../../models/voiceprint/orders.ts';
import { seeded } from '../../../models/statistics/split.ts';

const sewing = { kind: 'sewing' } as const;

/** Says of every sample how far its first number lies from the middle it is held against. */
const ruler: Graph = {
  run: (feeds) => {
    const [sample, middle] = [feeds['sample'], feeds['middle']];
    const count = sample?.dims[0] ?? 0;
    const data = new Float32Array(9 * count);
    for (let i = 0; i < count; i += 1) {
      const apart = Math.abs(10 * Math.log10(sample?.data[i * heardSize] ?? 1) - (middle?.data[i * heardSize] ?? 0));
      data[9 * i] = Math.exp(-apart);
      data[9 * i + 1] = 1 - Math.exp(-apart);
    }
    return Promise.resolve({ sewing: { dims: [count, 9], data } });
  },
};

function normal(random: () => number, hasPulse = true): FaultSample {
  return {
    heard: Float32Array.from({ length: heardSize }, () => 1e-5 * (1 + 0.2 * random())),
    profile: hasPulse ? Float32Array.from({ length: profileSize }, () => 0.01 * (1 + 0.05 * random())) : null,
  };
}

const twenty = (seed: number, hasPulse = true) => {
  const random = seeded(seed);
  return Array.from({ length: 20 }, () => normal(random, hasPulse));
};

test('how odd normal samples look comes from samples that were left out', async () => {
  // One of them is far off: held against a mean it was part of it would lie nearer.
  const samples = twenty(1);
  const odd = { heard: new Float32Array(heardSize).fill(1), profile: null };
  const with19 = samples.slice(0, 19);
  const print = await enrolFaults([...with19, odd], sewing, ruler);
  const others = decibelsOf(with19[0]?.heard ?? odd.heard);
  assert.equal(print.count, 20);
  assert.ok(print.odds.spread > 2);
  assert.ok(Math.abs((print.middle[0] ?? 0) - ((others[0] ?? 0) * 19) / 20) < 0.5);
  assert.equal(print.profile, null);
});

test('too few samples are refused', async () => {
  await assert.rejects(enrolFaults(twenty(1).slice(0, 4), sewing, ruler), ModelError);
});

test('what was written as statistics is read back, and what is damaged is refused', async () => {
  const model = 'machine-fault@1.0.0';
  for (const hasPulse of [true, false]) {
    const learned = await enrolFaults(twenty(2, hasPulse), sewing, ruler);
    const print = { ...learned, rounds: hasPulse ? { threshold: 2.5, spread: 0.75 } : null };
    const stats = readStats(writeStats(faultStatsOf(print, model)), model);
    assert.deepEqual(faultPrintOf(stats), print);
    const { numbers, tensors } = stats;
    const { middle, ...lacking } = tensors;
    assert.ok(middle !== undefined);
    const short = { dims: [3], data: new Float32Array(3) };
    for (const spoilt of [
      { numbers: {}, tensors },
      { numbers, tensors: lacking },
      { numbers, tensors: { ...tensors, variance: short } },
      { numbers, tensors: { ...tensors, angleMiddle: short } },
      { numbers, tensors: { ...tensors, signUsual: short } },
    ]) {
      assert.throws(() => faultPrintOf({ model, ...spoilt }), ModelError);
    }
  }
});

test('a print from before signs were kept is read, and then none are told', async () => {
  const model = 'machine-fault@1.0.0';
  const { numbers, tensors } = faultStatsOf(await enrolFaults(twenty(2), sewing, ruler), model);
  const old = Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith('sign')));
  const print = faultPrintOf({ model, numbers, tensors: old });
  assert.equal(print.signs, null);
  assert.equal((await suspect(normal(seeded(8)), print, sewing, ruler)).signs, null);
});

test('what was added at an angle is found there within its uncertainty, across the mark too', async () => {
  const print = await enrolFaults(twenty(3), sewing, ruler);
  const random = seeded(4);
  for (const at of [0.004, 0.31, 0.75, 0.985]) {
    const sample = normal(random);
    const profile = sample.profile ?? new Float32Array(0);
    for (let band = 4; band < 7; band += 1) {
      for (let i = 0; i < 5; i += 1) {
        const angle = (Math.round(at * angles) + i - 2 + angles) % angles;
        profile[band * angles + angle] = (profile[band * angles + angle] ?? 0) * 2;
      }
    }
    const found = angleOf(sample, print);
    assert.ok(found !== null);
    const off = Math.abs(((found.turns - at + 1.5) % 1) - 0.5);
    assert.ok(off <= found.k, `${found.turns} ± ${found.k}, not ${at}`);
    assert.ok(found.k < 0.08);
  }
});

test('where nothing was added, or there is no pulse, no angle is told', async () => {
  const print = await enrolFaults(twenty(5), sewing, ruler);
  const random = seeded(6);
  for (let i = 0; i < 20; i += 1) assert.equal(angleOf(normal(random), print), null);
  assert.equal(angleOf(normal(random, false), print), null);
});

test('a sample is the mean of its pieces; one piece without a pulse takes it from the sample', () => {
  const [one, other] = twenty(7);
  assert.ok(one !== undefined && other !== undefined);
  const sample = sampleOf([one, other]);
  assert.ok(Math.abs((sample.heard[5] ?? 0) - ((one.heard[5] ?? 0) + (other.heard[5] ?? 0)) / 2) < 1e-9);
  assert.notEqual(sample.profile, null);
  assert.equal(sampleOf([one, { ...other, profile: null }]).profile, null);
});

test('odds are finite whatever the graph says', () => {
  for (const healthy of [0, 1, Number.NaN]) assert.ok(Number.isFinite(oddsOf(Float32Array.of(healthy, 1 - healthy))));
});

test('several samples say together what most of them say', () => {
  const says = (bluntNeedle: number, dryHook: number) => ({
    faults: [
      { fault: 'bluntNeedle', probability: bluntNeedle },
      { fault: 'dryHook', probability: dryHook },
    ] as const,
    angle: null,
    distance: 10 * bluntNeedle,
    signs: { slip: dryHook, looseness: 2 * dryHook },
  });
  const all = together([says(0.6, 0.3), says(0.7, 0.2), says(0.2, 0.7)]);
  assert.ok(all !== null);
  assert.equal(all.faults[0]?.fault, 'bluntNeedle');
  assert.ok(all.faults.reduce((sum, { probability }) => sum + probability, 0) <= 1);
  assert.ok(Math.abs(all.distance - (10 * (0.6 + 0.7 + 0.2)) / 3) < 1e-9);
  assert.ok(Math.abs((all.signs?.slip ?? 0) - 0.4) < 1e-9);
  assert.ok(Math.abs((all.signs?.looseness ?? 0) - 0.8) < 1e-9);
  assert.equal(together([{ ...says(0.6, 0.3), signs: null }])?.signs, null);
  assert.equal(together([]), null);
});

test('what each sample has, held against what was learned without it, comes in their order', async () => {
  const samples = twenty(1);
  const odd = { heard: new Float32Array(heardSize).fill(1), profile: null };
  const { left, print } = await enrolFaultsWithLeft([...samples.slice(0, 7), odd, ...samples.slice(7)], sewing, ruler);
  assert.equal(left.length, 21);
  const orders = left.map((one) => one.orders ?? Number.NaN);
  assert.equal(orders.indexOf(Math.max(...orders)), 7);
  assert.ok(Math.abs(orders.reduce((sum, one) => sum + one, 0)) < 0.01, 'in spreads from their mean');
  const looseness = left.map(({ signs }) => signs?.looseness ?? Number.NaN);
  assert.equal(looseness.indexOf(Math.max(...looseness)), 7);
  assert.equal(print.rounds, null);
});

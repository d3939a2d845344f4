/** Trials that score an ear: what is in them, that they are the same each time, and that they do not hang on their order. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { faultCodes } from '../../../../simulators/dataset/sound.ts';
import { faultPlan, faultTrial, kindsOf, type FaultPlan } from '../../../../simulators/sound-trials/fault-trials.ts';
import { needleTrial } from '../../../../simulators/sound-trials/needle-trials.ts';
import type { TrialClip } from '../../../../simulators/sound-trials/setting.ts';

const few = { rateHz: 16_000, clipS: 2, enrolClips: 3, healthyClips: 2, faultyClips: 1, seed: 5, snrDb: 0 } as const;
const planOf = (generator: 'a' | 'b', more: Partial<FaultPlan> = {}): FaultPlan => ({
  ...faultPlan,
  ...few,
  generator,
  ...more,
});
const codesOf = (clips: Iterable<TrialClip>): string[] =>
  [...clips].map(({ fault }) => (fault === null ? '-' : faultCodes[fault.kind]));

for (const generator of ['a', 'b'] as const) {
  test(`${generator}: every fault is heard, of machines that can have it, with severities from .3 to 1 in the truth`, () => {
    const trials = [0, 1].map((number) => faultTrial(planOf(generator), number));
    const codes = trials.flatMap(({ faulty }) => codesOf(faulty()));
    assert.deepEqual(codes, ['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'K1', 'K2', 'K3']);
    for (const { faulty, machine } of trials) {
      for (const { clip, fault } of faulty()) {
        assert.ok(fault.severity >= 0.3 && fault.severity <= 1);
        assert.deepEqual(clip.truth.faults, [fault]);
        assert.equal(clip.truth.generator, generator);
        assert.equal(clip.truth.machineSeed, machine.seed);
        assert.equal(clip.truth.snrDb, 0);
        assert.equal(clip.shaft.trims.length, fault.kind === 'trimmer' ? 1 : 0);
        assert.ok(clip.samples.every(Number.isFinite));
      }
    }
  });

  test(`${generator}: normal sound is drawn over cloth, warmth and ±6 % of speed, and no clip twice`, () => {
    const { machine, enrol, healthy, healthyTrims } = faultTrial(planOf(generator, { enrolClips: 12, clipS: 0.5 }), 0);
    const clips = [...enrol(), ...healthy(), ...healthyTrims()];
    assert.equal(clips.length, 12 + 2 + 2);
    assert.ok(clips.every(({ fault, clip }) => fault === null && clip.truth.faults.length === 0));
    assert.equal(new Set(clips.map(({ clip }) => clip.truth.clipSeed)).size, clips.length);
    const span = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
    const shares = clips.map(({ speed }) => speed / machine.nominalPerMinute);
    assert.ok(shares.every((share) => share >= 0.94 && share <= 1.06) && span(shares) > 0.06);
    assert.ok(span(clips.map(({ load }) => load)) > 0.3 && span(clips.map(({ temperatureC }) => temperatureC)) > 6);
    assert.equal(clips.filter(({ clip }) => clip.shaft.trims.length === 1).length, 2);
  });
}

test('the same plan gives the same clips, whatever is taken before; other seeds and numbers give other machines', () => {
  const [one] = faultTrial(planOf('b'), 1).healthy();
  const again = faultTrial(planOf('b'), 1);
  assert.deepEqual(codesOf(again.faulty()), ['K1', 'K2', 'K3']);
  const [same] = again.healthy();
  assert.deepEqual(same, one);
  const seeds = [planOf('b'), planOf('b', { seed: 6 })].flatMap((plan) =>
    [1, 3].map((number) => faultTrial(plan, number).machine.seed),
  );
  assert.equal(new Set(seeds).size, 4);
});

test('nothing is rendered before it is taken: a trial of a million clips begins at once', () => {
  const { enrol } = faultTrial(planOf('b', { enrolClips: 1_000_000, clipS: 0.2 }), 1);
  const first = enrol()[Symbol.iterator]().next();
  assert.equal(first.done, false);
});

test('F5 is heard of belted machines alone', () => {
  for (const generator of ['a', 'b'] as const) {
    for (const number of [0, 2, 4, 6]) {
      const { machine } = faultTrial(planOf(generator), number);
      assert.equal(kindsOf(machine).includes('slippingBelt'), machine.belt);
      if (number % 4 === 0) assert.ok(machine.belt);
    }
  }
});

test('a needle trial tells the geometry, hears 20 to 30 s, and is the same with the pulse as without, but for the pulse', () => {
  for (const generator of ['a', 'b'] as const) {
    const plan = { generator, seed: 3, snrDb: 6, rateHz: 16_000 } as const;
    const [pulse, telemetry] = (['pulse', 'telemetry'] as const).map((position) =>
      needleTrial({ ...plan, position }, 2),
    );
    assert.ok(pulse !== undefined && telemetry !== undefined);
    const [withPulse, without] = [pulse.faulty(), telemetry.faulty()];
    assert.deepEqual(without.clip.samples, withPulse.clip.samples);
    assert.equal(without.clip.pulse, null);
    const lengthS = withPulse.clip.samples.length / plan.rateHz;
    assert.ok(lengthS >= 20 && lengthS <= 30);
    const { cylinder } = pulse.machine;
    assert.ok(cylinder !== null && pulse.needle >= 0 && pulse.needle < cylinder.needles && cylinder.feeders > 60);
    assert.deepEqual(withPulse.clip.truth.faults, [
      { kind: 'badNeedle', severity: pulse.severity, needle: pulse.needle },
    ]);
    const { needles, direction, indexNeedle, microphoneTurns } = cylinder;
    assert.deepEqual(withPulse.clip.truth.position, { needles, direction, indexNeedle, microphoneTurns });
    assert.deepEqual(pulse.healthy(0).clip.truth.faults, []);
    assert.notEqual(pulse.healthy(0).clip.truth.clipSeed, pulse.healthy(1).clip.truth.clipSeed);
  }
});

test('the needles and severities of needle trials are drawn over all there are', () => {
  const plan = { generator: 'b', seed: 3, snrDb: 6, rateHz: 8000, position: 'pulse' } as const;
  const trials = Array.from({ length: 10 }, (_, number) => needleTrial(plan, number));
  const places = trials.map(({ needle, machine }) => needle / (machine.cylinder?.needles ?? 1));
  assert.ok(Math.max(...places) - Math.min(...places) > 0.5);
  assert.ok(trials.every(({ severity }) => severity >= 0.3 && severity <= 1));
  assert.equal(new Set(trials.map(({ machine }) => machine.seed)).size, trials.length);
});

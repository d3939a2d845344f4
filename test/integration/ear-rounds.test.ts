/**
 * A simulated machine of generator b, which nothing was learned from or tuned on, heard by the ear in its own process at the pace of real sound. Its
 * turn comes every second in place of every minute.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HeardMachine } from '../../simulators/dataset/sound.ts';
import { generatorB } from '../../simulators/sound-b/generator.ts';
import { seeded } from '../../models/statistics/split.ts';
import { earRig, machine, rateHz } from './ear-rig.ts';
import { until } from './sync-rig.ts';

const everyMs = 1_000;
const samplesWanted = 12;
const severity = 0.6;
/** What is around it is so much quieter, dB. */
const snrDb = 6;

/** The first with a belt from there on. */
function withBelt(seed: number): HeardMachine {
  const one = generatorB({ kind: 'sewing', seed, rateHz, hall: null });
  return one.belt ? one : withBelt(seed + 1);
}

/** Sound of five seconds each, of other cloths and temperatures, among noise that falls with frequency. */
function recorded(one: HeardMachine, count: number, slips: boolean): Float32Array[] {
  const random = seeded(slips ? 2 : 1);
  return Array.from({ length: count }, (_, i) => {
    const { samples } = one.record({
      seed: (slips ? 1_000 : 0) + i,
      segments: [{ kind: 'run', durationS: 5, speed: one.nominalPerMinute }],
      load: 0.3 + (0.5 * i) / count,
      temperatureC: 28 + (3 * i) / count,
      faults: slips ? [{ kind: 'slippingBelt', severity }] : [],
      snrDb: null,
    });
    let low = 0;
    const noise = samples.map(() => (low += 0.15 * (random() - 0.5 - low)));
    const gain = (rmsOf(samples) / rmsOf(noise)) * 10 ** (-snrDb / 20);
    return samples.map((value, at) => value + gain * (noise[at] ?? 0));
  });
}

const rmsOf = (samples: Float32Array) => Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

function playing(well: readonly Float32Array[], ill: readonly Float32Array[]) {
  let [clips, clip, at] = [well, 0, 0];
  return (count: number, fault: boolean | number): Float32Array => {
    const wanted = fault === false ? well : ill;
    if (wanted !== clips) [clips, clip, at] = [wanted, 0, 0];
    return Float32Array.from({ length: count }, () => {
      const sample = clips[clip]?.[at] ?? 0;
      at += 1;
      if (at >= (clips[clip]?.length ?? 0)) [clip, at] = [(clip + 1) % clips.length, 0];
      return sample;
    });
  };
}

const one = withBelt(5_100);
const perMinute = one.nominalPerMinute;
const voice = playing(recorded(one, 14, false), recorded(one, 6, true));

describe('rounds of the ear', { concurrency: 2 }, () => {
  test('tell of a belt that slips by six tenths, which no level has', { timeout: 400_000 }, async (t) => {
    const rig = await earRig(t, { voice, turner: { kind: 'sewing' }, everyMs });
    const { desk, staff, taught, sounds, said } = rig;
    const hears = () => desk.view().microphones[0];
    rig.run({ speed: perMinute });
    desk.start(new AbortController().signal);
    await t.test('the machine is enrolled for them', async () => {
      await until('both models are open', () => desk.view().faultModel !== null, 60_000);
      staff.teach(machine, samplesWanted, 'omar');
      await until('it is enrolled', () => taught.length > 0, 150_000);
    });
    await t.test('as long as it is well nothing is told', async () => {
      await until('rounds were judged', () => (hears()?.rounds.judged ?? 0) >= 5, 100_000);
      assert.deepEqual([hears()?.rounds.state, staff.view(machine)?.rounds, sounds.length], ['on', 'on', 0]);
    });
    await t.test('the belt slips, and is told by rounds', async () => {
      rig.run({ speed: perMinute, fault: true });
      await until('it is told', () => sounds.length > 0, 120_000);
      const [odd] = sounds;
      assert.equal(odd?.path, 'rounds');
      assert.equal(odd.suspected[0]?.fault, 'slippingBelt', JSON.stringify(odd.suspected));
    });
    await t.test('a false alarm, say staff: the threshold of rounds moves, that of the levels does not', async () => {
      await staff.label('0', { said: 'false-alarm', cause: 'a stiff chair' }, 'omar');
      assert.deepEqual(said, ['false-alarm']);
      await until('the ear has the move', () => (hears()?.movedRounds ?? 0) > 0, 30_000);
      assert.equal(hears()?.moved, 0);
    });
  });

  test(
    'are off for a machine that was enrolled without what they need, and that is said once',
    { timeout: 120_000 },
    async (t) => {
      const rig = await earRig(t, { turner: { kind: 'sewing' }, everyMs });
      await rig.teach();
      rig.desk.start(new AbortController().signal);
      const state = () => rig.desk.view().microphones[0]?.rounds.state;
      await until('the ear says so', () => state() === 'teach-anew', 90_000);
      await until('it judges all the same', () => (rig.desk.view().microphones[0]?.judged ?? 0) > 1, 60_000);
      assert.equal(rig.logged.filter((line) => line.includes('not heard in rounds')).length, 1);
      assert.equal(rig.staff.view(machine)?.rounds, 'teach-anew');
      assert.equal(rig.desk.view().microphones[0]?.rounds.judged, 0);
    },
  );
});

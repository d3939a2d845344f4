/** A simulated sewing machine of generator a, heard by the ear in its own process at the pace of real sound: enrolled, and then with a bent needle. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSewingSound } from '../../simulators/sound/machine.ts';
import { record } from '../../simulators/sound/clip.ts';
import { earRig, machine, speed } from './ear-rig.ts';
import { until } from './sync-rig.ts';

/** No training has it: build.sh takes some below a thousand. */
const seed = 1_102;
const clips = 12;

/** Clips of seven seconds in turn, of each half a second is cut off where two meet. */
function sewing(): (count: number, fault: boolean | number) => Float32Array {
  const voice = createSewingSound(seed);
  const recorded = (isBent: boolean) => {
    const parts = Array.from({ length: clips }, (_, i) =>
      record(voice, {
        seed: isBent ? 100 + i : i,
        segments: [{ kind: 'run', durationS: 7, speed }],
        load: 0.3 + 0.05 * i,
        temperatureC: 28 + i / 4,
        faults: isBent ? [{ kind: 'bentNeedle', severity: 1 }] : [],
      }),
    );
    return parts.map(({ samples }) => samples);
  };
  const heard = [recorded(false), recorded(true)] as const;
  let [at, clip] = [0, 0];
  return (count, fault) => {
    const samples = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      const from = heard[fault === false ? 0 : 1][clip] ?? new Float32Array(1);
      samples[i] = from[at] ?? 0;
      at += 1;
      if (at < from.length) continue;
      [at, clip] = [0, (clip + 1) % clips];
    }
    return samples;
  };
}

test(
  'a sewing machine that is enrolled and then has a bent needle is told with that as the likeliest fault',
  { timeout: 300_000 },
  async (t) => {
    const { desk, dataDir, staff, run, taught, sounds } = await earRig(t, {
      voice: sewing(),
      turner: { kind: 'sewing' },
    });
    desk.start(new AbortController().signal);
    await until('both models are open', () => desk.view().faultModel !== null, 30_000);
    staff.teach(machine, 16, 'omar');
    await until('it is enrolled', () => taught.length > 0, 150_000);
    assert.ok(existsSync(join(dataDir, 'voiceprints', machine, '1', 'faults-1.bin')));
    const judged = () => desk.view().microphones[0]?.judged ?? 0;
    await until('it is judged', () => judged() >= 1, 40_000);
    assert.equal(sounds.length, 0);
    run({ fault: true });
    await until('it is told', () => sounds.length > 0, 80_000);
    const [odd] = sounds;
    const [likeliest] = odd?.suspected ?? [];
    assert.equal(likeliest?.fault, 'bentNeedle', JSON.stringify(odd?.suspected));
    assert.ok((odd?.suspected.length ?? 0) <= 3 && odd?.suspected.every(({ probability }) => probability >= 0.1));
  },
);

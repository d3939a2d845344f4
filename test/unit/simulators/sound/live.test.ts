/** Sound that is made while a shaft turns, held against a clip of the same machine, its own pulse and its own bent needle. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { record } from '../../../../simulators/sound/clip.ts';
import {
  bentNeedleDegrees,
  createLive,
  type LivePart,
  type LiveSite,
  type LiveSound,
} from '../../../../simulators/sound/live.ts';
import { createSewingSound } from '../../../../simulators/sound/machine.ts';
import { measure } from './measure.ts';

const rateHz = 32_000;
const perMinute = 3_300;
const tickS = 0.05;
const site: LiveSite = {
  voice: 4,
  rateHz,
  neighbours: 0,
  snrDb: 12,
  usualPerMinute: perMinute,
  load: 0.5,
  firstNumber: 1,
};
const partS = 4 * tickS;

/** Parts of a shaft that turns evenly, or stands. */
function parts(
  count: number,
  more: { readonly faults?: LivePart['faults']; readonly perMinute?: number } = {},
): LivePart[] {
  const speed = more.perMinute ?? perMinute;
  return Array.from({ length: count }, (_, part) => ({
    moments: Array.from({ length: 5 }, (_, m) => ({
      turns: 0.3 + (speed / 60) * (part * partS + m * tickS),
      perMinute: speed,
      trims: 0,
      temperatureC: 25,
    })),
    stepS: tickS,
    faults: more.faults ?? [],
  }));
}

function heard(given: readonly LivePart[], more: Partial<LiveSite> = {}): LiveSound {
  const live = createLive({ ...site, ...more });
  const all = given.map(live);
  const join = (which: 'samples' | 'pulse') => Float32Array.from(all.flatMap((one) => [...one[which]]));
  return { samples: join('samples'), pulse: join('pulse') };
}

const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);

test('the same parts of the same machine give the same samples, another run of it gives others', () => {
  const first = heard(parts(3), { neighbours: 1 });
  assert.deepEqual(heard(parts(3), { neighbours: 1 }), first);
  assert.notDeepEqual(heard(parts(3), { neighbours: 1, firstNumber: 9 }).samples, first.samples);
  assert.equal(first.samples.length, Math.round(3 * partS * rateHz));
});

test('however a run is cut into parts, it sounds the same', () => {
  const given = parts(20);
  const [first] = given;
  assert.ok(first !== undefined);
  const moments = given.flatMap((part, i) => (i === 0 ? part.moments : part.moments.slice(1)));
  const [cut, whole] = [heard(given), heard([{ ...first, moments }])];
  assert.deepEqual(cut.pulse, whole.pulse);
  const [of, wanted] = [measure(cut.samples, rateHz), measure(whole.samples, rateHz)];
  for (const [i, db] of wanted.octavesDb.entries()) {
    assert.ok(Math.abs((of.octavesDb[i] ?? 0) - db) < 0.3, `octave ${i}: ${of.octavesDb[i]} for ${db}`);
  }
});

test('a shaft that turns evenly sounds as a clip of it does, octave by octave', () => {
  const machine = createSewingSound(site.voice, rateHz);
  const run = { kind: 'run', durationS: 4, speed: perMinute } as const;
  const clip = record(machine, { seed: 1, segments: [run], load: 0.5, temperatureC: 25, faults: [] });
  const live = heard(parts(20));
  const [of, wanted] = [measure(live.samples, rateHz), measure(clip.samples, rateHz)];
  for (const [i, db] of wanted.octavesDb.entries()) {
    // Lines of a shaft that does not wander lie in one place of the room's comb.
    assert.ok(Math.abs((of.octavesDb[i] ?? 0) - db) < 2, `octave ${i}: ${of.octavesDb[i]} for ${db}`);
  }
  assert.ok(Math.abs(20 * Math.log10(rms(live.samples) / rms(clip.samples))) < 0.5);
  assert.ok(Math.abs(of.depthHigh - wanted.depthHigh) < 0.05, `${of.depthHigh} for ${wanted.depthHigh}`);
});

test('the neighbours are as much quieter than the running machine as was asked for', () => {
  const among = heard(parts(20, { perMinute: 0 }), { neighbours: 2, snrDb: 10 });
  const alone = heard(parts(20));
  const apartDb = 20 * Math.log10(rms(alone.samples) / rms(among.samples));
  // The bed lasts twelve seconds, of which these are four.
  assert.ok(Math.abs(apartDb - 10) < 3, `${apartDb} dB`);
});

test('the pulse comes once a turn with its middle at the whole turn, and a shaft that stands has none', () => {
  const { pulse } = heard(parts(10));
  const middles: number[] = [];
  for (let i = 1, from = 0; i < pulse.length; i += 1) {
    if ((pulse[i] ?? 0) > 0 && pulse[i - 1] === 0) from = i;
    if (pulse[i] === 0 && (pulse[i - 1] ?? 0) > 0) middles.push((from + i - 1) / 2);
  }
  const turnsAt = (sample: number): number => 0.3 + ((perMinute / 60) * (sample + 1)) / rateHz;
  assert.equal(middles.length, Math.floor(turnsAt(pulse.length)));
  for (const at of middles.slice(1, -1)) {
    // A machine turns unevenly by up to 3 %, so a whole turn of it is off by half a hundredth.
    const off = turnsAt(at) - Math.round(turnsAt(at));
    assert.ok(Math.abs(off) < 0.01, `${off} turns`);
  }
  assert.ok(heard(parts(2, { perMinute: 0 })).pulse.every((value) => value === 0));
});

test('a machine that stands is as quiet as its microphone, and a seam rings on in the part behind it', () => {
  const still = heard(parts(2, { perMinute: 0 }));
  assert.ok(rms(still.samples) < 3e-4);
  const live = createLive(site);
  const [sews] = parts(1);
  const end = sews?.moments.at(-1);
  assert.ok(sews !== undefined && end !== undefined);
  live(sews);
  const standing = { ...end, perMinute: 0 };
  const behind = live({ ...sews, moments: [standing, standing, standing, standing, standing] });
  const first = behind.samples.slice(0, 0.02 * rateHz);
  assert.ok(rms(first) > 4 * rms(behind.samples.slice(-0.02 * rateHz)), 'it broke off');
});

test('a bent needle strikes where the truth says, and before it began nothing of it is heard', () => {
  const bent = [{ kind: 'bentNeedle', severity: 1 }] as const;
  const [well, ill] = [heard(parts(20)), heard([...parts(10), ...parts(20, { faults: bent }).slice(10)])];
  const half = well.samples.length / 2;
  assert.deepEqual(ill.samples.slice(0, half), well.samples.slice(0, half));
  // What it adds, by the angle of the shaft: the loudest place of a turn.
  const added = new Float64Array(36);
  for (let i = half; i < ill.samples.length; i += 1) {
    const turn = 0.3 + ((perMinute / 60) * (i + 1)) / rateHz;
    const bin = Math.floor((turn - Math.floor(turn)) * added.length);
    added[bin] = (added[bin] ?? 0) + ((ill.samples[i] ?? 0) - (well.samples[i] ?? 0)) ** 2;
  }
  const loudest = (360 * (added.indexOf(Math.max(...added)) + 0.5)) / added.length;
  const late = ((loudest - bentNeedleDegrees(site) + 540) % 360) - 180;
  // A click lasts one to three milliseconds, a tenth of this turn.
  assert.ok(late > -10 && late < 36, `${late} degrees behind`);
});

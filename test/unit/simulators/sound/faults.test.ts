/**
 * Every fault moves the figure domain.md §7 says it is about, the more the worse it is, and nothing when it is not there. Angles are held
 * against the truth of the shaft.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { record, type Clip } from '../../../../simulators/sound/clip.ts';
import type { KnittingFault, SewingFault, SoundFault } from '../../../../simulators/sound/faults.ts';
import {
  createKnittingSound,
  createSewingSound,
  sound,
  type SoundMachine,
} from '../../../../simulators/sound/machine.ts';
import type { Segment } from '../../../../simulators/sound/motion.ts';
import { between, envelope, kurtosisOf, lineAt, mean } from './measure.ts';

const rateHz = 32_000;
const belted = (seed: number): boolean => createSewingSound(seed, rateHz).voice.traits.beltOrder !== null;
const sewingSeeds = Array.from({ length: 30 }, (_, seed) => seed)
  .filter(belted)
  .slice(0, 3);
const severities = [0, 0.3, 0.6, 1];

const clipOf = (machine: SoundMachine, faults: readonly SoundFault[], segments?: readonly Segment[]): Clip =>
  record(machine, {
    seed: 11,
    segments: segments ?? [{ kind: 'run', durationS: 4, speed: machine.voice.drive.nominalPerMinute }],
    load: 0.5,
    temperatureC: 30,
    faults,
  });

/** As it is at the machine, where no room is between. */
function atMachine(machine: SoundMachine, faults: readonly SoundFault[]): Pick<Clip, 'samples' | 'shaft'> {
  const speed = machine.voice.drive.nominalPerMinute;
  const durationS = machine.kind === 'sewing' ? 4 : 180 / speed;
  const segments = [{ kind: 'run', durationS, speed } as const];
  const { samples, motion } = sound(machine, { seed: 11, segments, load: 0.5, temperatureC: 30, faults });
  return { samples, shaft: motion };
}
const power = (samples: Float32Array): number => samples.reduce((sum, v) => sum + v * v, 0) / samples.length;
const rises = (name: string, values: readonly number[]): void => {
  for (const [i, value] of values.entries()) {
    assert.ok(
      i === 0 || value > (values[i - 1] ?? Infinity),
      `${name}: ${values.map((v) => v.toPrecision(3)).join(' ')}`,
    );
  }
};
const bandOf = (fromHz: number, toHz: number) => (clip: Clip) => power(between(clip.samples, rateHz, fromHz, toHz));
/** Of the sound itself: power of a line at an order of the shaft. */
const orderOf = (order: number) => (clip: Clip) => lineAt(clip.samples, (i) => order * (clip.shaft.turns[i] ?? 0));
/** Of the envelope of a band: how much of it goes with an order, and at which angle (turns) it is loudest. */
function swing(
  clip: Pick<Clip, 'samples' | 'shaft'>,
  fromHz: number,
  toHz: number,
  order: number,
  power = 1,
): { depth: number; turns: number } {
  const heard = between(clip.samples, rateHz, fromHz, toHz);
  const levels = envelope(heard, rateHz, 0.0005).map((level) => level ** power);
  let [re, im, sum] = [0, 0, 0];
  for (const [k, level] of levels.entries()) {
    const angle = 2 * Math.PI * order * (clip.shaft.turns[Math.round((k + 0.5) * 0.0005 * rateHz)] ?? 0);
    re += level * Math.cos(angle);
    im += level * Math.sin(angle);
    sum += level;
  }
  const turns = Math.atan2(im, re) / (2 * Math.PI);
  return { depth: Math.hypot(re, im) / sum, turns: turns - Math.floor(turns) };
}
/** How much the envelope of a band goes with the angle: standard deviation by mean of the mean course of a turn, in 32 parts. */
function comb(clip: Clip, fromHz: number, toHz: number): number {
  const [sums, counts] = [new Float64Array(32), new Float64Array(32)];
  for (const [k, level] of envelope(between(clip.samples, rateHz, fromHz, toHz), rateHz, 0.0005).entries()) {
    const turns = clip.shaft.turns[Math.round((k + 0.5) * 0.0005 * rateHz)] ?? 0;
    const part = Math.floor((turns - Math.floor(turns)) * 32);
    sums[part] = (sums[part] ?? 0) + level;
    counts[part] = (counts[part] ?? 0) + 1;
  }
  const course = [...sums].map((sum, i) => sum / (counts[i] ?? 1));
  const middle = mean(course);
  return Math.sqrt(mean(course.map((level) => (level - middle) ** 2))) / middle;
}
/** Distance on the circle of one turn. */
const apart = (a: number, b: number): number => Math.abs(a - b - Math.round(a - b));

function sewingRises(name: string, fault: (severity: number) => SewingFault, figure: (clip: Clip) => number): void {
  for (const seed of sewingSeeds) {
    const machine = createSewingSound(seed, rateHz);
    rises(
      `${name} of machine ${seed}`,
      severities.map((severity) => figure(clipOf(machine, [fault(severity)]))),
    );
  }
}

test('severity 0 of every fault changes no bit', () => {
  const sewing = createSewingSound(sewingSeeds[0] ?? 0, rateHz);
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 0.3 },
    { kind: 'run', durationS: 1, speed: 3000 },
    { kind: 'trim', durationS: 0.5 },
  ];
  const severity = 0;
  const faults: readonly SewingFault[] = [
    { kind: 'bluntNeedle', severity },
    { kind: 'bentNeedle', severity },
    { kind: 'dryHook', severity },
    { kind: 'looseBearing', severity },
    { kind: 'slippingBelt', severity },
    { kind: 'feedDogStrike', severity },
    { kind: 'threadBreak', severity, atS: 0.7 },
    { kind: 'trimmer', severity, manner: 'loud' },
    { kind: 'trimmer', severity, manner: 'missing' },
    { kind: 'looseCover', severity },
  ];
  const healthy = clipOf(sewing, [], segments);
  for (const fault of faults) {
    const clip = clipOf(sewing, [fault], segments);
    assert.deepEqual([clip.samples, clip.telemetry], [healthy.samples, healthy.telemetry], fault.kind);
    assert.notDeepEqual(clipOf(sewing, [{ ...fault, severity: 1 }], segments).samples, healthy.samples, fault.kind);
  }
  const knitting = createKnittingSound(1, rateHz);
  const knitted = clipOf(knitting, []);
  const knittingFaults: readonly KnittingFault[] = [
    { kind: 'badNeedle', severity, needle: 100 },
    { kind: 'badFeeder', severity, feeder: 5 },
    { kind: 'lackOfOil', severity },
  ];
  for (const fault of knittingFaults) {
    const clip = clipOf(knitting, [fault]);
    assert.deepEqual([clip.samples, clip.telemetry], [knitted.samples, knitted.telemetry], fault.kind);
  }
});

test('F1, a blunt needle: more of 5–12 kHz', () => {
  sewingRises('5–12 kHz', (severity) => ({ kind: 'bluntNeedle', severity }), bandOf(5000, 12_000));
});

test('F2, a bent needle: kurtosis and the comb of order 1 in the envelope rise', () => {
  const bent = (severity: number): SewingFault => ({ kind: 'bentNeedle', severity });
  sewingRises('kurtosis', bent, ({ samples }) => kurtosisOf(between(samples, rateHz, 4000, 9000)));
  sewingRises('comb', bent, (clip) => comb(clip, 4000, 9000));
});

test('F2 strikes once a turn, at one angle of the shaft, soon after the needle went in', () => {
  const machine = createSewingSound(2, rateHz);
  const bent = atMachine(machine, [{ kind: 'bentNeedle', severity: 1 }]);
  const healthy = atMachine(machine, []);
  const clicks = bent.samples.map((value, i) => value - (healthy.samples[i] ?? 0));
  const highest = clicks.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const angles: number[] = [];
  let quietUntil = 0;
  for (const [i, value] of clicks.entries()) {
    if (i < quietUntil || Math.abs(value) < 0.15 * highest) continue;
    angles.push((healthy.shaft.turns[i] ?? 0) % 1);
    quietUntil = i + 0.6 * ((60 * rateHz) / machine.voice.drive.nominalPerMinute);
  }
  const turned = (healthy.shaft.turns.at(-1) ?? 0) - (healthy.shaft.turns[0] ?? 0);
  assert.ok(Math.abs(angles.length - turned) < 2, `${angles.length} clicks in ${turned} turns`);
  const [first = 0] = angles;
  assert.ok(angles.every((angle) => apart(angle, first) < 0.05));
  const after = mean(angles) - machine.voice.penetration.phase;
  assert.ok(after > 0 && after < 0.15, `${after} turns after`);
});

test('F3, a dry hook: the line at twice the shaft and the envelope of 3–8 kHz at order 2 rise', () => {
  const dry = (severity: number): SewingFault => ({ kind: 'dryHook', severity });
  sewingRises('line 2', dry, orderOf(2));
  sewingRises('3–8 kHz', dry, bandOf(3000, 8000));
  // A healthy hook swells, too, at another angle: a little of the fault may even it out.
  for (const seed of sewingSeeds) {
    const machine = createSewingSound(seed, rateHz);
    const depth = (severity: number) => swing(clipOf(machine, [dry(severity)]), 3000, 8000, 2).depth;
    assert.ok(depth(1) > 1.5 * depth(0), `${depth(1)} and ${depth(0)} of machine ${seed}`);
  }
});

test('F4, a loose bearing: orders 3 to 10 and the half order rise', () => {
  const loose = (severity: number): SewingFault => ({ kind: 'looseBearing', severity });
  sewingRises('half order', loose, orderOf(0.5));
  sewingRises('orders 3–10', loose, (clip) => mean([3, 4, 5, 6, 7, 8, 9, 10].map((order) => orderOf(order)(clip))));
});

test('F5, a slipping belt: a line at the order of the belt, and the shaft sways with it', () => {
  for (const seed of sewingSeeds) {
    const machine = createSewingSound(seed, rateHz);
    const order = machine.voice.traits.beltOrder ?? 0;
    const clips = severities.map((severity) => clipOf(machine, [{ kind: 'slippingBelt', severity }]));
    const speedsOf = ({ shaft }: Clip): Float64Array => {
      const speeds = shaft.turns.map((turns, i) => turns - (shaft.turns[i - 1] ?? turns));
      const middle = (shaft.turns.at(-1) ?? 0) - (shaft.turns[0] ?? 0);
      return speeds.map((speed) => speed - middle / speeds.length);
    };
    rises(
      'sway',
      clips.map((clip) => lineAt(speedsOf(clip), (i) => order * (clip.shaft.turns[i] ?? 0))),
    );
    rises(
      'line',
      clips.map(({ samples, shaft }) => lineAt(samples, (i) => 3 * order * (shaft.turns[i] ?? 0))),
    );
  }
});

test('F5 chirps while the shaft gains speed', () => {
  const machine = createSewingSound(sewingSeeds[0] ?? 0, rateHz);
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 0.2 },
    { kind: 'run', durationS: 1, speed: machine.voice.drive.nominalPerMinute },
  ];
  const start = (severity: number): number => {
    const { samples } = clipOf(machine, [{ kind: 'slippingBelt', severity }], segments);
    return power(between(samples.slice(0.2 * rateHz, 0.4 * rateHz), rateHz, 500, 3000));
  };
  rises('500–3000 Hz of the start', severities.map(start));
});

test('F6, the feed dog strikes the plate: the comb of order 1 in 0.7–4 kHz rises', () => {
  sewingRises(
    'comb',
    (severity) => ({ kind: 'feedDogStrike', severity }),
    (clip) => comb(clip, 700, 4000),
  );
});

test('F7, the thread breaks: a snap, then less than before', () => {
  const at = 2 * rateHz;
  const broken = (severity: number): SewingFault => ({ kind: 'threadBreak', severity, atS: 2 });
  sewingRises('drop of 1–4 kHz', broken, ({ samples }) => {
    const heard = between(samples, rateHz, 1000, 4000);
    return power(heard.subarray(0, at)) / power(heard.subarray(at + 0.1 * rateHz));
  });
  sewingRises('snap', broken, ({ samples }) =>
    power(between(samples, rateHz, 3000, 9000).subarray(at, at + 0.004 * rateHz)),
  );
});

test('F8, the trimmer: the blow is louder and longer, or fails, and sewing sounds as ever', () => {
  const segments: readonly Segment[] = [
    { kind: 'run', durationS: 1, speed: 3000 },
    { kind: 'trim', durationS: 1 },
  ];
  for (const seed of sewingSeeds) {
    const machine = createSewingSound(seed, rateHz);
    const blow = (severity: number, manner: 'loud' | 'missing'): number => {
      const { samples, shaft } = clipOf(machine, [{ kind: 'trimmer', severity, manner }], segments);
      const from = shaft.trims[0] ?? 0;
      return power(samples.subarray(from, from + 0.1 * rateHz));
    };
    rises(
      'loud',
      severities.map((severity) => blow(severity, 'loud')),
    );
    rises(
      'missing',
      [...severities].reverse().map((severity) => blow(severity, 'missing')),
    );
    const sewn = (faults: readonly SewingFault[]) => clipOf(machine, faults, segments).samples.slice(0, rateHz);
    assert.deepEqual(sewn([{ kind: 'trimmer', severity: 1, manner: 'loud' }]), sewn([]));
  }
});

test('F9, a loose cover: turns differ more from each other', () => {
  sewingRises(
    'spread of the turns',
    (severity) => ({ kind: 'looseCover', severity }),
    ({ samples, shaft }) => {
      const heard = between(samples, rateHz, 500, 4000);
      const turns: number[] = [];
      for (const [i, value] of heard.entries()) {
        const turn = Math.floor(shaft.turns[i] ?? 0);
        turns[turn] = (turns[turn] ?? 0) + value * value;
      }
      const whole = turns.slice(1, -1);
      const middle = mean(whole);
      return mean(whole.map((energy) => (energy - middle) ** 2));
    },
  );
});

/** Knitted for two turns and a bit, or longer. */
const knit = (machine: SoundMachine, faults: readonly KnittingFault[], turns = 3): Clip => {
  const speed = machine.voice.drive.nominalPerMinute;
  return clipOf(machine, faults, [{ kind: 'run', durationS: (60 * turns) / speed, speed }]);
};

test('a bad needle: the envelope once a revolution rises, and its angle is that of the needle before the microphone', () => {
  for (const seed of [1, 2, 3]) {
    const machine = createKnittingSound(seed, rateHz);
    const { needles, direction, indexNeedle, microphoneTurns } = machine.voice.traits;
    const depths = severities.map(
      (severity) => swing(knit(machine, [{ kind: 'badNeedle', severity, needle: 7 }]), 3000, 9000, 1, 4).depth,
    );
    // A healthy cylinder swells once a turn, too, at an angle of its own.
    rises(`depth of machine ${seed}`, depths.slice(1));
    assert.ok((depths.at(-1) ?? 0) > 3 * (depths[0] ?? 1), depths.join(' '));
    for (const needle of [0, 7, Math.floor(needles / 3), needles - 1]) {
      const { turns } = swing(knit(machine, [{ kind: 'badNeedle', severity: 1, needle }]), 3000, 9000, 1, 4);
      const atMark = (direction * (needle - indexNeedle)) / needles;
      assert.ok(apart(turns, atMark + microphoneTurns) < 0.06, `${turns}, needle ${needle} of machine ${seed}`);
    }
  }
});

test('a bad needle strikes once at every cam', () => {
  const machine = createKnittingSound(4, rateHz);
  const { feeders } = machine.voice.traits;
  const bad = atMachine(machine, [{ kind: 'badNeedle', severity: 1, needle: 50 }]);
  const healthy = atMachine(machine, []);
  const clicks = bad.samples.map((value, i) => value - (healthy.samples[i] ?? 0));
  const threshold = 0.03 * clicks.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let struck = 0;
  let quietUntil = 0;
  for (const [i, value] of clicks.entries()) {
    if (i < quietUntil || Math.abs(value) < threshold) continue;
    struck += 1;
    quietUntil = i + 0.01 * rateHz;
  }
  const { turns } = bad.shaft;
  const due = feeders * ((turns.at(-1) ?? 0) - (turns[0] ?? 0));
  assert.ok(Math.abs(struck - due) < 0.03 * due, `${struck} of ${due}`);
});

test('a bad feeder: the line of the needle pass grows, and no revolution with it', () => {
  for (const seed of [1, 2, 3]) {
    const machine = createKnittingSound(seed, rateHz);
    const clips = severities.map((severity) => knit(machine, [{ kind: 'badFeeder', severity, feeder: 3 }]));
    rises('needle pass', clips.map(orderOf(machine.voice.traits.needles)));
    const depths = [0, 1].map(
      (severity) => swing(atMachine(machine, [{ kind: 'badFeeder', severity, feeder: 3 }]), 2000, 7000, 1).depth,
    );
    assert.ok((depths[1] ?? 1) <= (depths[0] ?? 0) + 0.01, depths.join(' '));
  }
});

test('lack of oil: 4–12 kHz, the temperature and the load rise together', () => {
  const machine = createKnittingSound(2, rateHz);
  const clips = severities.map((severity) => knit(machine, [{ kind: 'lackOfOil', severity }], 1));
  rises('4–12 kHz', clips.map(bandOf(4000, 12_000)));
  rises(
    'temperature',
    clips.map(({ telemetry }) => telemetry.at(-1)?.temperatureC ?? NaN),
  );
  rises(
    'load',
    clips.map(({ telemetry }) => telemetry.at(-1)?.loadShare ?? NaN),
  );
});

/**
 * Every fault moves the figure domain.md §7 says it is about, the more the worse it is, and nothing when it is not there. Angles are held
 * against the truth of the shaft.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Clip, Segment, SewingFault } from '../../../../simulators/dataset/sound.ts';
import { createSewingSound } from '../../../../simulators/sound/machine.ts';
import {
  apart,
  atMachine,
  bandOf,
  clipOf,
  comb,
  orderOf,
  power,
  rateHz,
  rises,
  severities,
  swing,
} from './fault-figures.ts';
import { between, kurtosisOf, lineAt, mean } from './measure.ts';

const belted = (seed: number): boolean => createSewingSound(seed, rateHz).voice.traits.beltOrder !== null;
const sewingSeeds = Array.from({ length: 30 }, (_, seed) => seed)
  .filter(belted)
  .slice(0, 3);

function sewingRises(name: string, fault: (severity: number) => SewingFault, figure: (clip: Clip) => number): void {
  for (const seed of sewingSeeds) {
    const machine = createSewingSound(seed, rateHz);
    rises(
      `${name} of machine ${seed}`,
      severities.map((severity) => figure(clipOf(machine, [fault(severity)]))),
    );
  }
}

test('severity 0 of every fault of sewing changes no bit', () => {
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

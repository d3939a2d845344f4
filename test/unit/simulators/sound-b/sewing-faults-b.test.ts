/**
 * Every fault of generator b moves the figure domain.md §7.1 says it is about, the more the worse it is, and nothing when it is not there.
 * Angles are held against the truth of the shaft.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Clip, Segment, SewingFault } from '../../../../simulators/dataset/sound.ts';
import { apart, bandOf, comb, orderOf, power, rateHz, rises, severities, swing } from '../sound/fault-figures.ts';
import { between, kurtosisOf, lineAt, mean } from '../sound/measure.ts';
import { addedBy, clipOf, machinesOf } from './figures-b.ts';

const machines = machinesOf('sewing', 3, ({ belt }) => belt);
const [first = machinesOf('sewing', 1)[0]] = machines;
assert.ok(first);

function sewingRises(name: string, fault: (severity: number) => SewingFault, figure: (clip: Clip) => number): void {
  for (const machine of machines) {
    rises(
      `${name} of machine ${machine.seed}`,
      severities.map((severity) => figure(clipOf(machine, [fault(severity)]))),
    );
  }
}

test('severity 0 of every fault of sewing changes no bit', () => {
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
    { kind: 'threadBreak', severity, atS: 0.8 },
    { kind: 'trimmer', severity, manner: 'loud' },
    { kind: 'trimmer', severity, manner: 'missing' },
    { kind: 'looseCover', severity },
  ];
  const healthy = clipOf(first, [], segments);
  for (const fault of faults) {
    const clip = clipOf(first, [fault], segments);
    assert.deepEqual(
      [clip.samples, clip.telemetry, clip.shaft],
      [healthy.samples, healthy.telemetry, healthy.shaft],
      fault.kind,
    );
    const worst = clipOf(first, [{ ...fault, severity: 1 }], segments);
    assert.notDeepEqual(worst.samples, healthy.samples, fault.kind);
    assert.ok(worst.samples.every(Number.isFinite), fault.kind);
  }
});

test('F1, a blunt needle: more of 5–12 kHz', () => {
  sewingRises('5–12 kHz', (severity) => ({ kind: 'bluntNeedle', severity }), bandOf(5000, 12_000));
});

test('F2, a bent needle: kurtosis and the comb of order 1 in the envelope rise', () => {
  const bent = (severity: number): SewingFault => ({ kind: 'bentNeedle', severity });
  for (const machine of machines) {
    const figures = [0, 1].map((severity) => {
      const clip = clipOf(machine, [bent(severity)]);
      return [kurtosisOf(between(clip.samples, rateHz, 4000, 9000)), comb(clip, 4000, 9000)] as const;
    });
    for (const k of [0, 1] as const) {
      assert.ok(
        (figures[1]?.[k] ?? 0) > 1.1 * (figures[0]?.[k] ?? Infinity),
        `${machine.seed}: ${figures.join(' ; ')}`,
      );
    }
  }
  sewingRises('4–9 kHz', bent, bandOf(4000, 9000));
});

test('F2 strikes about once a turn, at one angle of the shaft', () => {
  for (const machine of machines) {
    const { samples, shaft } = addedBy(machine, { kind: 'bentNeedle', severity: 1 });
    const highest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const angles: number[] = [];
    let quietUntil = 0;
    for (const [i, value] of samples.entries()) {
      if (i < quietUntil || Math.abs(value) < 0.2 * highest) continue;
      angles.push((shaft.turns[i] ?? 0) % 1);
      quietUntil = i + 0.6 * ((60 * rateHz) / machine.nominalPerMinute);
    }
    const turned = (shaft.turns.at(-1) ?? 0) - (shaft.turns[0] ?? 0);
    assert.ok(
      angles.length > 0.85 * turned && angles.length < 1.05 * turned,
      `${angles.length} clicks in ${turned} turns`,
    );
    const [one = 0] = angles;
    const near = angles.filter((angle) => apart(angle, one) < 0.05).length;
    assert.ok(near > 0.9 * angles.length, `${near} of ${angles.length} at one angle`);
  }
});

test('F3, a dry hook: the line at twice the shaft and 3–8 kHz rise, and what it adds swells twice a turn', () => {
  const dry = (severity: number): SewingFault => ({ kind: 'dryHook', severity });
  sewingRises('line 2', dry, orderOf(2));
  sewingRises('3–8 kHz', dry, bandOf(3000, 8000));
  for (const machine of machines) {
    const added = addedBy(machine, dry(0.5));
    const [once, twice] = [swing(added, 3000, 8000, 1).depth, swing(added, 3000, 8000, 2).depth];
    assert.ok(twice > 0.1 && twice > 2 * once, `order 2: ${twice}, order 1: ${once}`);
  }
});

test('F4, a loose bearing: orders 3 to 10 and the half order rise', () => {
  const loose = (severity: number): SewingFault => ({ kind: 'looseBearing', severity });
  sewingRises('half order', loose, orderOf(0.5));
  // Healthy blows have lines there, too, at phases of their own: a little of the fault may take from them.
  for (const machine of machines) {
    const orders = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const added = severities.slice(1).map((severity) => addedBy(machine, loose(severity)));
    for (const order of orders) rises(`order ${order} of machine ${machine.seed}`, added.map(orderOf(order)));
  }
});

test('F5, a slipping belt: the shaft sways with the belt, which chirps while the shaft gains speed', () => {
  const segments: readonly Segment[] = [
    { kind: 'stop', durationS: 0.2 },
    { kind: 'run', durationS: 1, speed: first.nominalPerMinute },
  ];
  for (const machine of machines) {
    const unevenness = severities.map((severity) => {
      const { shaft } = clipOf(machine, [{ kind: 'slippingBelt', severity }]);
      const middle = ((shaft.turns.at(-1) ?? 0) - (shaft.turns[0] ?? 0)) / shaft.turns.length;
      return mean([...shaft.turns].map((turns, i) => (turns - (shaft.turns[i - 1] ?? turns - middle) - middle) ** 2));
    });
    rises(`unevenness of machine ${machine.seed}`, unevenness);
    const chirp = (severity: number): number => {
      const { samples } = clipOf(machine, [{ kind: 'slippingBelt', severity }], segments);
      return power(between(samples.slice(0.2 * rateHz, 0.5 * rateHz), rateHz, 400, 4000));
    };
    assert.ok(chirp(1) > 1.05 * chirp(0), `machine ${machine.seed}: ${chirp(1) / chirp(0)}`);
  }
});

test('F6, the feed dog strikes the plate: 0.7–4 kHz rises, and what it adds is more of a comb than the machine is', () => {
  sewingRises('0.7–4 kHz', (severity) => ({ kind: 'feedDogStrike', severity }), bandOf(700, 4000));
  for (const machine of machines) {
    const added = addedBy(machine, { kind: 'feedDogStrike', severity: 0.6 });
    const [fault, healthy] = [comb(added, 700, 4000), comb(clipOf(machine, []), 700, 4000)];
    assert.ok(fault > 1.3 * healthy, `${fault} and ${healthy}`);
  }
});

test('F7, the thread breaks: a snap, then the noise of the thread is gone', () => {
  const at = 2 * rateHz;
  const broken = (severity: number): SewingFault => ({ kind: 'threadBreak', severity, atS: 2 });
  sewingRises('snap', broken, ({ samples }) =>
    power(between(samples, rateHz, 3000, 9000).subarray(at, at + 0.004 * rateHz)),
  );
  sewingRises('drop of 1–4 kHz', broken, ({ samples }) => {
    const heard = between(samples, rateHz, 1000, 4000);
    return power(heard.subarray(0, at)) / power(heard.subarray(at + 0.2 * rateHz));
  });
});

test('F8, the trimmer: the blow is louder and longer, or fails, and sewing sounds as ever', () => {
  const segments: readonly Segment[] = [
    { kind: 'run', durationS: 1, speed: 3000 },
    { kind: 'trim', durationS: 1 },
  ];
  for (const machine of machines) {
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

test('the needle enters where the shaft dips: within a turn the speed is lowest once', () => {
  // The line of order 1 in the speed of the shaft, which cogging of whole poles cannot make.
  for (const machine of machines) {
    const { shaft } = clipOf(machine, []);
    const middle = ((shaft.turns.at(-1) ?? 0) - (shaft.turns[0] ?? 0)) / shaft.turns.length;
    const speeds = [...shaft.turns].map((turns, i) => turns - (shaft.turns[i - 1] ?? turns - middle) - middle);
    const line = lineAt(speeds, (i) => shaft.turns[i] ?? 0);
    const beside = lineAt(speeds, (i) => 1.37 * (shaft.turns[i] ?? 0));
    assert.ok(line > 5 * beside, `${line} and ${beside}`);
  }
});

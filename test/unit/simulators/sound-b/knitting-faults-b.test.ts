/**
 * Every fault of generator b moves the figure domain.md §7.2 says it is about, the more the worse it is, and nothing when it is not there.
 * Angles are held against the truth of the shaft.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Clip, HeardMachine, KnittingFault } from '../../../../simulators/dataset/sound.ts';
import { apart, bandOf, orderOf, rateHz, rises, severities, swing } from '../sound/fault-figures.ts';
import { addedBy, clipOf, machineOf, machinesOf } from './figures-b.ts';

const segmentsOf = (machine: HeardMachine, turns: number) =>
  [{ kind: 'run', durationS: (60 * turns) / machine.nominalPerMinute, speed: machine.nominalPerMinute }] as const;
const knit = (machine: HeardMachine, faults: readonly KnittingFault[], turns = 3): Clip =>
  clipOf(machine, faults, segmentsOf(machine, turns));
const machines = machinesOf('knitting', 3);

test('severity 0 of every fault of knitting changes no bit', () => {
  const machine = machineOf('knitting', 1);
  const healthy = clipOf(machine, []);
  const severity = 0;
  const faults: readonly KnittingFault[] = [
    { kind: 'badNeedle', severity, needle: 100 },
    { kind: 'badFeeder', severity, feeder: 5 },
    { kind: 'lackOfOil', severity },
  ];
  for (const fault of faults) {
    const clip = clipOf(machine, [fault]);
    assert.deepEqual([clip.samples, clip.telemetry], [healthy.samples, healthy.telemetry], fault.kind);
    const worst = clipOf(machine, [{ ...fault, severity: 1 }]);
    assert.ok(worst.samples.every(Number.isFinite), fault.kind);
    assert.notDeepEqual(worst.samples, healthy.samples, fault.kind);
  }
});

test('a bad needle: the envelope once a revolution rises, and its angle is that of the needle before the microphone', () => {
  for (const machine of machines) {
    const { needles, direction, indexNeedle, microphoneTurns } = machine.cylinder ?? assert.fail();
    const depthOf = (severity: number) =>
      swing(knit(machine, [{ kind: 'badNeedle', severity, needle: 7 }]), 3000, 9000, 1, 4).depth;
    rises(`depth of machine ${machine.seed}`, severities.slice(1).map(depthOf));
    for (const needle of [0, 7, Math.floor(needles / 3), needles - 1]) {
      const { turns } = swing(
        addedBy(machine, { kind: 'badNeedle', severity: 1, needle }, segmentsOf(machine, 3)),
        3000,
        9000,
        1,
        2,
      );
      const atMark = (direction * (needle - indexNeedle)) / needles;
      assert.ok(apart(turns, atMark + microphoneTurns) < 0.06, `${turns}, needle ${needle} of machine ${machine.seed}`);
    }
  }
});

test('a bad needle strikes once at every cam, as it passes it', () => {
  for (const machine of machines) {
    const { needles, direction, indexNeedle, feeders } = machine.cylinder ?? assert.fail();
    const { samples, shaft } = addedBy(machine, { kind: 'badNeedle', severity: 1, needle: 50 }, segmentsOf(machine, 2));
    // Of the time between two cams, most of the energy lies in the third after the needle passed one; the room smears it.
    const parts = new Float64Array(20);
    const mark = (direction * (50 - indexNeedle)) / needles;
    for (const [i, value] of samples.entries()) {
      const place = feeders * ((shaft.turns[i] ?? 0) - mark);
      const part = Math.floor((place - Math.floor(place)) * 20);
      parts[part] = (parts[part] ?? 0) + value * value;
    }
    const whole = parts.reduce((sum, value) => sum + value, 0);
    const early = parts.slice(0, 6).reduce((sum, value) => sum + value, 0) + (parts[19] ?? 0);
    assert.ok(early > 0.5 * whole, `machine ${machine.seed}: ${early / whole}`);
  }
});

test('a bad feeder: the line of the needle pass grows, and what it adds has no revolution in it', () => {
  for (const machine of machines) {
    const { needles } = machine.cylinder ?? assert.fail();
    const clips = severities.map((severity) => knit(machine, [{ kind: 'badFeeder', severity, feeder: 3 }]));
    rises('needle pass', clips.map(orderOf(needles)));
    const added = addedBy(machine, { kind: 'badFeeder', severity: 1, feeder: 3 }, segmentsOf(machine, 3));
    const depth = swing(added, 3000, 7000, 1).depth;
    assert.ok(depth < 0.06, `${depth} of machine ${machine.seed}`);
  }
});

test('lack of oil: 4–12 kHz, the temperature and the load rise together', () => {
  for (const machine of machines) {
    const clips = severities.map((severity) => knit(machine, [{ kind: 'lackOfOil', severity }], 1));
    rises('4–12 kHz', clips.map(bandOf(4000, 12_000)));
    for (const figure of ['temperatureC', 'loadShare'] as const) {
      rises(
        figure,
        clips.map(({ telemetry }) => telemetry.at(-1)?.[figure] ?? NaN),
      );
    }
  }
});

test('what the nameplate says is what the sound has: a line at the needle pass', () => {
  for (const machine of machines) {
    const { needles } = machine.cylinder ?? assert.fail();
    const clip = knit(machine, [], 4);
    assert.equal(clip.rateHz, rateHz);
    const [line, beside] = [orderOf(needles)(clip), orderOf(needles * 1.013)(clip)];
    assert.ok(line > 10 * beside, `machine ${machine.seed}: ${line} and ${beside}`);
  }
});

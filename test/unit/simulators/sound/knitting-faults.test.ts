/**
 * Every fault moves the figure domain.md §7 says it is about, the more the worse it is, and nothing when it is not there. Angles are held
 * against the truth of the shaft.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Clip, KnittingFault } from '../../../../simulators/dataset/sound.ts';
import { createKnittingSound, type SoundMachine } from '../../../../simulators/sound/machine.ts';
import { apart, atMachine, bandOf, clipOf, orderOf, rateHz, rises, severities, swing } from './fault-figures.ts';

/** Knitted for two turns and a bit, or longer. */
const knit = (machine: SoundMachine, faults: readonly KnittingFault[], turns = 3): Clip => {
  const speed = machine.voice.drive.nominalPerMinute;
  return clipOf(machine, faults, [{ kind: 'run', durationS: (60 * turns) / speed, speed }]);
};

test('severity 0 of every fault of knitting changes no bit', () => {
  const severity = 0;
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalProblems, intervalsOf } from '../../../drivers/poll-classes.ts';
import { parseProfile } from '../../../drivers/profiles/load.ts';

const profile = parseProfile(
  `
profile: two-classes
version: 1
title: A machine with a slow class, and one that is nowhere set
kind: lockstitch
protocol: modbus
verified: false
source: [made up for this test]
polls: { slow: { intervalMs: 5000 } }
modbus: { wordOrder: ABCD, addressBase: 0 }
signals:
  status.running: { kind: flag, from: { table: input, address: 0, bit: 1 } }
  oil.level: { kind: gauge, unit: P1, poll: slow, from: { table: input, address: 2 } }
states:
  - { when: { signal: status.running, is: true }, state: RUN }
  - state: IDLE
`,
  'two-classes',
);

test('a class has the interval of the configuration, else that of the profile, else one second', () => {
  assert.deepEqual(Object.fromEntries(intervalsOf(profile)), { normal: 1_000, slow: 5_000 });
  assert.deepEqual(Object.fromEntries(intervalsOf(profile, { slow: 60 })), { normal: 1_000, slow: 60 });
  assert.deepEqual(Object.fromEntries(intervalsOf(profile, { normal: 50 })), { normal: 50, slow: 5_000 });
});

test('an interval is wrong below 20 ms, where it is no number, and for a class no signal is in', () => {
  assert.deepEqual(intervalProblems(profile), []);
  assert.deepEqual(intervalProblems(profile, { normal: 20, slow: 60_000 }), []);
  assert.deepEqual(intervalProblems(profile, { normal: 19.9 }), ['polls.normal is below 20 ms']);
  assert.deepEqual(intervalProblems(profile, { slow: Number.NaN }), ['polls.slow is below 20 ms']);
  assert.deepEqual(intervalProblems(profile, { idle: 0 }), [
    'two-classes has no poll class idle',
    'polls.idle is below 20 ms',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { machineStates } from '../../../cloud-bridge/contract.ts';
import { StateTimeline } from '../../../agent/states/timeline.ts';
import { Rig, standing } from '../pipeline/rig.ts';

const change = fc.record({
  tMs: fc.integer({ min: 0, max: 240_000 }),
  state: fc.constantFrom(...machineStates),
  cause: fc.constantFrom(null, 'material.thread_break', 'drive.overload'),
});

test('the seconds of every minute add up to its time since the machine was configured, in whatever order changes come', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 0, max: 59_999 }), (changes, startMs) => {
      const timeline = new StateTimeline({ tMs: startMs, state: 'UNKNOWN', cause: null });
      for (const one of changes) timeline.set(one.tMs, one.state, one.cause);
      for (let fromMs = 0; fromMs < 240_000; fromMs += 60_000) {
        const { seconds } = timeline.fold(fromMs, fromMs + 60_000);
        const sum = Object.values(seconds).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - (60_000 - Math.max(0, startMs - fromMs)) / 1000) < 1e-9, `${sum} s`);
      }
    }),
    { numRuns: 500, seed: 2 },
  );
});

test('forgetting what is old alters no second of a minute that is kept', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 0, max: 4 }), (changes, minutes) => {
      const timeline = new StateTimeline({ tMs: 0, state: 'UNKNOWN', cause: null });
      for (const one of [...changes].sort((a, b) => a.tMs - b.tMs)) timeline.set(one.tMs, one.state, one.cause);
      const before = timeline.fold(minutes * 60_000, 300_000);
      timeline.forgetBefore(minutes * 60_000);
      assert.deepEqual(timeline.fold(minutes * 60_000, 300_000), before);
    }),
    { numRuns: 500, seed: 4 },
  );
});

test('a gap that is noticed late is written where it began', () => {
  const timeline = new StateTimeline({ tMs: 0, state: 'RUN', cause: null });
  timeline.set(20_000, 'IDLE', null);
  timeline.set(10_000, 'OFFLINE', null);
  assert.deepEqual(timeline.fold(0, 60_000).seconds, { RUN: 10, OFFLINE: 50 });
});

test('a change of state is one event with from, to and cause, at the time of the reading', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  rig.move(250);
  rig.read('ls-1', { ...standing, 'error.code': 21 });
  rig.move(250);
  rig.read('ls-1', { ...standing, 'error.code': 21 });
  assert.deepEqual(
    rig.events('state_changed').map((e) => e.data),
    [
      { from: 'UNKNOWN', to: 'IDLE', cause: null },
      { from: 'IDLE', to: 'FAULT', cause: 'drive.overload' },
    ],
  );
  assert.equal(rig.events('state_changed')[1]?.atMs, rig.wallMs - 250);
});

test('a code no table lists is told once each time it appears', () => {
  const rig = new Rig();
  for (const code of [0, 77, 77, 77, 0, 77]) {
    rig.read('ls-1', { ...standing, 'error.code': code });
    rig.move(250);
  }
  assert.deepEqual(
    rig.events('unknown_code').map((e) => e.data),
    [
      { signal: 'error.code', code: '77' },
      { signal: 'error.code', code: '77' },
    ],
  );
});

test('a gap shorter than the offline delay is UNKNOWN, a longer one OFFLINE from its beginning', () => {
  const rig = new Rig({ overrides: { offline: { afterS: 10 } } });
  const silence = (ms: number) => {
    const fromMs = rig.wallMs;
    rig.pass(1000);
    rig.gap('ls-1', 'opened', fromMs);
    rig.pass(ms - 1000);
    rig.gap('ls-1', 'closed', fromMs);
    rig.read('ls-1', standing);
  };
  rig.read('ls-1', standing);
  silence(5000);
  rig.pass(5000);
  silence(20_000);
  rig.pass(40_000);
  assert.deepEqual(rig.stateSummaries()[0]?.seconds, { UNKNOWN: 5, IDLE: 35, OFFLINE: 20 });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../agent/errors.ts';
import { activate, emptySlot, noteEveryMs, ranHealthy, trialMs, type Slot } from '../../../agent/models/slots.ts';
import { maxStepMs, Trial } from '../../../agent/models/trial.ts';

function rig() {
  let monotonicMs = 1_000;
  const begun = activate(
    ranHealthy(activate(emptySlot, 'add', '1.0.0', moment(0)), trialMs, moment(0)),
    'add',
    '2.0.0',
    moment(0),
  );
  const disk = { slot: begun, writes: 0, busy: false };
  const models = {
    change: (_id: string, change: (slot: Slot) => Slot) => {
      if (disk.busy) throw new AgentError('modelsBusy', 'held');
      disk.slot = change(disk.slot);
      disk.writes += 1;
      return disk.slot;
    },
  };
  const ports = { models, now: () => moment(monotonicMs), monotonicMs: () => monotonicMs };
  const trial = new Trial('add', '2.0.0', ports);
  /** Beats every five seconds for so long. */
  const run = (ms: number, of = trial) => {
    for (const endMs = monotonicMs + ms; monotonicMs < endMs; monotonicMs += 5_000) of.beat();
    of.beat();
  };
  return { disk, trial, run, ports, pass: (ms: number) => (monotonicMs += ms) };
}
const moment = (monotonicMs: number) => ({ boot: 'b', monotonicMs });

test('T2: a day of beats confirms the model, with a note every five minutes', () => {
  const { disk, run } = rig();
  run(trialMs - noteEveryMs);
  assert.notEqual(disk.slot.trial, null);
  run(2 * noteEveryMs);
  assert.deepEqual([disk.slot.active, disk.slot.trial], ['2.0.0', null]);
  assert.ok(disk.writes <= trialMs / noteEveryMs + 2, String(disk.writes));
});

test('T1: a process that was stopped for hours was not healthy for hours', () => {
  const { disk, run, pass } = rig();
  run(noteEveryMs);
  const notedMs = disk.slot.trial?.healthyMs ?? 0;
  assert.equal(notedMs, noteEveryMs);
  pass(10 * 3_600_000);
  run(noteEveryMs);
  assert.ok((disk.slot.trial?.healthyMs ?? 0) <= notedMs + noteEveryMs + maxStepMs);
});

test('another process of the model goes on where the notes end; what was not noted is run again', () => {
  const { disk, run, ports } = rig();
  run(noteEveryMs + 60_000);
  run(noteEveryMs, new Trial('add', '2.0.0', ports));
  assert.equal(disk.slot.trial?.healthyMs, 2 * noteEveryMs);
});

test('while the model does not run nothing counts', () => {
  const { disk, trial, run, pass } = rig();
  run(noteEveryMs - 5_000);
  trial.missed();
  pass(maxStepMs);
  trial.beat();
  assert.equal(disk.slot.trial?.healthyMs, 0);
  run(5_000);
  assert.equal(disk.slot.trial?.healthyMs, noteEveryMs);
});

test('T3: what cannot be noted now is noted later, once', () => {
  const { disk, run } = rig();
  disk.busy = true;
  run(noteEveryMs);
  assert.equal(disk.slot.trial?.healthyMs, 0);
  disk.busy = false;
  run(5_000);
  assert.equal(disk.slot.trial?.healthyMs, noteEveryMs);
});

test('a model that is not in use any more is left alone', () => {
  const { disk, run } = rig();
  disk.slot = { ...disk.slot, active: '1.0.0', before: null, trial: null };
  run(noteEveryMs);
  assert.deepEqual([disk.slot.active, disk.slot.trial], ['1.0.0', null]);
});

test('an error nobody foresaw is not swallowed', () => {
  const { run, disk } = rig();
  Object.defineProperty(disk, 'busy', {
    get: () => {
      throw new TypeError('the disk is gone');
    },
  });
  assert.throws(() => run(noteEveryMs), /the disk is gone/);
});

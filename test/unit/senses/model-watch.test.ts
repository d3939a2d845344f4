import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ModelTakenBack } from '../../../agent/pipeline-ports.ts';
import type { FoundAccelerator } from '../../../agent/models/accelerators.ts';
import { CrashNotes } from '../../../agent/models/crash-notes.ts';
import { activate, crashed, emptySlot, ranHealthy, rollBack, trialMs, type Slot } from '../../../agent/models/slots.ts';
import { isModels, ModelWatch } from '../../../agent/senses/model-watch.ts';
import { readPackage } from '../../../models/package/folder.ts';
import { parseManifest } from '../../../models/package/manifest.ts';
import { keyPair, makePackage, temporaryDir } from '../models/making.ts';

const moment = { boot: 'b', monotonicMs: 0 };
const id = 'fabric-anomaly';
const first = ranHealthy(activate(emptySlot, id, '9.0.0', moment), trialMs, moment);
const { privateKey } = keyPair();

function rig(t: TestContext, begin: Slot) {
  const dir = temporaryDir(t);
  const state: { slot: Slot; isDamaged: boolean; isBusy: boolean; found: FoundAccelerator | null } = {
    slot: begin,
    isDamaged: false,
    isBusy: false,
    found: { chosen: 'cpu', reason: 'there is nothing else here' },
  };
  const taken: ModelTakenBack[] = [];
  const logged: string[] = [];
  let changes = 0;
  const { promise: tried, resolve: setTried } = Promise.withResolvers<FoundAccelerator | null>();
  const watch = new ModelWatch({
    id,
    of: 'the eye',
    installed: {
      slot: () => {
        if (state.isDamaged) throw new TypeError('damaged');
        return state.slot;
      },
      verified: (_id, version) => {
        const folder = join(dir, version);
        makePackage(folder, { key: privateKey, id, version });
        return { folder, manifest: parseManifest(readPackage(folder).manifest) };
      },
    },
    notes: new CrashNotes(id, ({ version, crashes }) => {
      if (state.isBusy) return Promise.reject(new TypeError('busy'));
      for (let n = 0; n < crashes; n += 1) state.slot = crashed(state.slot, version);
      return Promise.resolve(state.slot);
    }),
    accelerators: { known: () => state.found, find: () => tried },
    takenBack: (told) => taken.push(told),
    changed: () => (changes += 1),
    log: (_level, message) => logged.push(message),
    tryAfterMs: 0,
  });
  return { watch, state, taken, logged, changes: () => changes, setTried };
}

test('M1: what counts against a model on trial', () => {
  for (const how of ['SIGSEGV', 'SIGABRT', 'SIGKILL', 'SIGILL', 'exit 1', 'exit 134', 'spawn ENOMEM'])
    assert.equal(isModels(how), true, how);
  // By hand from docs/MODELS.md: settings, what was taught, and a person who ends it.
  for (const how of ['exit 0', 'exit 2', 'exit 3', 'SIGTERM', 'SIGINT', 'SIGHUP'])
    assert.equal(isModels(how), false, how);
});

test('M1, M2: after three crashes the version before is run, and it is told once', async (t) => {
  const { watch, state, taken, changes, logged } = rig(t, activate(first, id, '9.1.0', moment));
  const key = watch.key();
  assert.equal(watch.choose().onTrial, true);
  for (const how of ['exit 3', 'SIGSEGV', 'SIGTERM', 'SIGSEGV']) await watch.ended(how);
  assert.deepEqual([state.slot.trial?.crashes, taken, changes()], [2, [], 0]);
  assert.equal(watch.key(), key, 'nothing else is run yet');
  await watch.ended('SIGABRT');
  assert.deepEqual(taken, [{ model: `${id}@9.1.0`, inUse: `${id}@9.0.0`, crashes: 3, how: 'SIGABRT' }]);
  assert.equal(changes(), 1);
  assert.notEqual(watch.key(), key);
  const now = watch.choose();
  assert.deepEqual([now.model.manifest.version, now.onTrial], ['9.0.0', false]);
  for (let n = 0; n < 5; n += 1) await watch.ended('SIGSEGV');
  await watch.makeUp();
  assert.equal(taken.length, 1);
  assert.ok(logged.includes('a model was taken back'));
});

test('a first version that is taken back leaves the one that came with the agent', async (t) => {
  const { watch, taken } = rig(t, activate(emptySlot, id, '9.1.0', moment));
  watch.choose();
  for (let n = 0; n < 3; n += 1) await watch.ended('SIGSEGV');
  assert.match(taken[0]?.inUse ?? '', /^fabric-anomaly@\d/);
  assert.notEqual(taken[0]?.inUse, `${id}@9.1.0`);
});

test('crashes that could not be noted are made up for', async (t) => {
  const { watch, state, taken } = rig(t, activate(first, id, '9.1.0', moment));
  watch.choose();
  state.isBusy = true;
  for (let n = 0; n < 3; n += 1) await watch.ended('SIGSEGV');
  assert.equal(taken.length, 0);
  state.isBusy = false;
  await watch.makeUp();
  assert.equal(taken.length, 1);
});

test('a version that is activated, put into the shadow or rolled back to changes what is to be run', (t) => {
  const { watch, state } = rig(t, first);
  const keys = [watch.key()];
  state.slot = activate(state.slot, id, '9.1.0', moment);
  keys.push(watch.key());
  assert.equal(watch.choose().model.model, `${id}@9.1.0`);
  state.slot = { ...state.slot, shadow: '9.2.0' };
  keys.push(watch.key());
  assert.equal(watch.choose().shadow?.model, `${id}@9.2.0`);
  state.slot = rollBack(state.slot, id);
  keys.push(watch.key());
  assert.equal(new Set(keys).size, 4);
});

test('a trial that is through is said, and nothing else is run', (t) => {
  const { watch, state, logged } = rig(t, activate(first, id, '9.1.0', moment));
  const key = watch.key();
  watch.choose();
  state.slot = ranHealthy(state.slot, trialMs, moment);
  assert.equal(watch.key(), key);
  assert.equal(watch.chosen()?.onTrial, false);
  assert.ok(logged.includes('the model on trial is confirmed'));
});

test('M4: while nobody can read which model is in use, the one that runs goes on', (t) => {
  const { watch, state } = rig(t, first);
  state.isDamaged = true;
  const unread = watch.key();
  assert.equal(watch.key(), unread);
  assert.throws(() => watch.choose());
  state.isDamaged = false;
  const key = watch.key();
  assert.notEqual(key, unread);
  state.isDamaged = true;
  assert.equal(watch.key(), key);
});

test('M3: it begins on the processor, and goes to what was found to be better', async (t) => {
  const { watch, state, setTried, changes } = rig(t, first);
  state.found = null;
  const key = watch.key();
  assert.deepEqual([watch.choose().accelerator, watch.choose().why], ['cpu', 'no other was tried yet']);
  setTried({ chosen: 'webgpu', reason: '2 ms a run, the cpu 9 ms' });
  while (changes() === 0) await new Promise((resolve) => setImmediate(resolve));
  state.found = { chosen: 'webgpu', reason: '2 ms a run, the cpu 9 ms' };
  assert.notEqual(watch.key(), key);
  assert.equal(watch.choose().accelerator, 'webgpu');
  await watch.stop();
});

test('M3: after two ends on an accelerator the model runs on the processor', async (t) => {
  const { watch, state, changes } = rig(t, first);
  state.found = { chosen: 'webgpu', reason: 'fast' };
  watch.choose();
  await watch.ended('SIGSEGV');
  assert.deepEqual([changes(), watch.choose().accelerator], [0, 'webgpu']);
  await watch.ended('SIGSEGV');
  assert.equal(changes(), 1);
  const { accelerator, why } = watch.choose();
  assert.deepEqual([accelerator, why], ['cpu', 'its process ended again and again on another accelerator']);
});

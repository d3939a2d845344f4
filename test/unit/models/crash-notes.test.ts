import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashNotes, noteInThread } from '../../../agent/models/crash-notes.ts';
import { activate, crashed, emptySlot, ranHealthy, slotOf, trialMs, type Slot } from '../../../agent/models/slots.ts';
import { changeSlot, readSlots } from '../../../agent/models/state-file.ts';
import { temporaryDir } from './making.ts';

const moment = { boot: 'b', monotonicMs: 0 };
const confirmed = ranHealthy(activate(emptySlot, 'add', '1.0.0', moment), trialMs, moment);
const begun = activate(confirmed, 'add', '2.0.0', moment);

test('N1: a crash that cannot be noted is noted with the next one, none twice', async () => {
  let slot: Slot = begun;
  let isBusy = true;
  const told: number[] = [];
  const notes = new CrashNotes('add', ({ version, crashes }) => {
    if (isBusy) return Promise.reject(new TypeError('busy'));
    told.push(crashes);
    for (let n = 0; n < crashes; n += 1) slot = crashed(slot, version);
    return Promise.resolve(slot);
  });
  assert.equal(await notes.crashed('2.0.0'), null);
  isBusy = false;
  assert.equal((await notes.crashed('2.0.0'))?.trial?.crashes, 2);
  assert.equal(await notes.again('2.0.0'), null, 'nothing is left');
  assert.deepEqual(told, [2]);
});

test('N2: crashes that come while one is noted are noted after it', async () => {
  const told: number[] = [];
  let running = 0;
  const notes = new CrashNotes('add', async ({ crashes }) => {
    running += 1;
    assert.equal(running, 1);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    told.push(crashes);
    return begun;
  });
  await Promise.all([notes.crashed('2.0.0'), notes.crashed('2.0.0'), notes.crashed('2.0.0')]);
  assert.equal(
    told.reduce((sum, one) => sum + one, 0),
    3,
  );
});

test('from a thread of its own, on the disk: three crashes take the version back, and it is remembered', async (t) => {
  const dataDir = join(temporaryDir(t), 'data');
  mkdirSync(dataDir);
  changeSlot(dataDir, 'add', 0, () => begun);
  const note = () => noteInThread({ dataDir, id: 'add', version: '2.0.0', crashes: 1 });
  assert.equal((await note()).active, '2.0.0');
  assert.equal((await note()).trial?.crashes, 2);
  const slot = await note();
  assert.deepEqual([slot.active, slot.trial, slot.failed], ['1.0.0', null, ['2.0.0']]);
  assert.deepEqual(slotOf(readSlots(dataDir), 'add'), slot);
  // Of a version that is not on trial nothing is noted.
  assert.deepEqual(await note(), slot);
});

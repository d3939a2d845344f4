import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  activate,
  crashed,
  emptySlot,
  maxCrashes,
  neededVersions,
  noteEveryMs,
  putInShadow,
  ranHealthy,
  rollBack,
  trialEndsMs,
  trialMs,
  type HostMoment,
  type Slot,
} from '../../../agent/models/slots.ts';
import { AgentError } from '../../../agent/errors.ts';
import { compareVersions } from '../../../models/package/version.ts';

const at = (monotonicMs: number, boot: string | null = 'boot-1'): HostMoment => ({ boot, monotonicMs });
const start = (version: string, slot = emptySlot) => activate(slot, 'add', version, at(0));
const confirmed = (version: string, slot = emptySlot) => ranHealthy(start(version, slot), trialMs, at(trialMs));
const hourMs = 3_600_000;

test('S1: 24 hours of healthy running confirm a trial', () => {
  assert.equal(trialMs, 24 * hourMs);
  let slot = start('2.0.0', confirmed('1.0.0'));
  for (let hour = 1; hour < 24; hour += 1) slot = ranHealthy(slot, hourMs, at(hour * hourMs));
  assert.equal(slot.trial?.healthyMs, 23 * hourMs);
  slot = ranHealthy(slot, hourMs - 1, at(24 * hourMs - 1));
  assert.notEqual(slot.trial, null);
  slot = ranHealthy(slot, 1, at(24 * hourMs));
  assert.deepEqual([slot.active, slot.before, slot.trial], ['2.0.0', '1.0.0', null]);
});

test('S1: the third crash takes it back, and it is remembered', () => {
  let slot = start('2.0.0', confirmed('1.0.0'));
  slot = crashed(crashed(slot, '2.0.0'), '2.0.0');
  assert.deepEqual([slot.active, slot.trial?.crashes], ['2.0.0', 2]);
  slot = ranHealthy(slot, 23 * hourMs, at(1));
  slot = crashed(slot, '2.0.0');
  assert.deepEqual([slot.active, slot.before, slot.trial, slot.failed], ['1.0.0', null, null, ['2.0.0']]);
  // Those of the process that ends late are not those of the version before.
  for (let n = 0; n < maxCrashes; n += 1) slot = crashed(slot, '2.0.0');
  assert.equal(slot.active, '1.0.0');
  for (let n = 0; n < maxCrashes; n += 1) slot = crashed(slot, '1.0.0');
  assert.equal(slot.active, '1.0.0', 'not on trial: the crash loop is an alert, and the model stays');
});

test('S1: the first model of all has nothing to go back to', () => {
  let slot = start('1.0.0');
  for (let n = 0; n < maxCrashes; n += 1) slot = crashed(slot, '1.0.0');
  assert.deepEqual([slot.active, slot.failed], [null, ['1.0.0']]);
});

test('a trial that follows a trial goes back to what was confirmed', () => {
  const slot = start('3.0.0', start('2.0.0', confirmed('1.0.0')));
  assert.equal(rollBack(slot, 'add').active, '1.0.0');
  assert.equal(
    rollBack(start('2.0.0', start('1.0.0')), 'add').active,
    '1.0.0',
    'where nothing was confirmed, to what there was',
  );
});

test('S2: nothing older is activated or put into the shadow; rollback goes back once', () => {
  const slot = confirmed('2.0.0', confirmed('1.0.0'));
  const isOlder = (error: unknown) => error instanceof AgentError && error.entry.code === 'AGT-801';
  for (const version of ['1.0.0', '1.9.9', '2.0.0-rc.1']) {
    assert.throws(() => start(version, slot), isOlder);
    assert.throws(() => putInShadow(slot, 'add', version), isOlder);
  }
  const back = rollBack(slot, 'add');
  assert.deepEqual([back.active, back.before, back.trial], ['1.0.0', null, null]);
  assert.throws(() => rollBack(back, 'add'), /AGT-805/);
  assert.throws(() => rollBack(emptySlot, 'add'), /AGT-805/);
  // A repaired version between the two is newer than what is in use now.
  assert.equal(start('1.5.0', back).active, '1.5.0');
});

test('what is in use already is not begun anew', () => {
  const trial = ranHealthy(start('1.0.0'), hourMs, at(hourMs));
  assert.equal(start('1.0.0', trial), trial);
  const done = confirmed('1.0.0');
  assert.equal(start('1.0.0', done), done);
});

test('the shadow is nobody in use, and ends when it is', () => {
  const slot = putInShadow(confirmed('1.0.0'), 'add', '2.0.0');
  assert.equal(slot.shadow, '2.0.0');
  assert.equal(start('2.0.0', slot).shadow, null);
  assert.equal(putInShadow(slot, 'add', null).shadow, null);
  assert.throws(() => putInShadow(slot, 'add', '1.0.0'), /AGT-103/);
});

test('S3: the end of a trial is told as if it went on, and moves on while nobody runs it', () => {
  const wallMs = Date.UTC(2026, 0, 5);
  const slot = start('1.0.0');
  assert.equal(trialEndsMs(slot, at(0), wallMs), wallMs + trialMs);
  assert.equal(
    trialEndsMs(slot, at(60_000), wallMs + 60_000),
    wallMs + trialMs,
    'a minute later it is the same moment',
  );
  const silentMs = 2 * noteEveryMs + 1;
  assert.equal(trialEndsMs(slot, at(silentMs), wallMs + silentMs), wallMs + silentMs + trialMs, 'nothing was noted');
  // Another start of the computer: its monotonic clock says nothing about the one before.
  assert.equal(trialEndsMs(slot, at(60_000, 'boot-2'), wallMs), wallMs + trialMs);
  assert.equal(trialEndsMs(slot, at(60_000, null), wallMs), wallMs + trialMs);
  const ran = ranHealthy(slot, 20 * hourMs, at(20 * hourMs));
  assert.equal(trialEndsMs(ran, at(1, 'boot-2'), wallMs), wallMs + 4 * hourMs);
  assert.equal(trialEndsMs(confirmed('1.0.0'), at(0), wallMs), null);
});

// ——— any order of what people and processes do ———

const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0', '3.0.0');
type Deed =
  | { readonly do: 'activate' | 'shadow' | 'crash'; readonly version: string }
  | { readonly do: 'back' }
  | { readonly do: 'run'; readonly ms: number };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ do: fc.constantFrom('activate' as const, 'shadow' as const, 'crash' as const), version }),
  fc.record({ do: fc.constant('back' as const) }),
  fc.record({ do: fc.constant('run' as const), ms: fc.integer({ min: 0, max: 30 * hourMs }) }),
);

function act(slot: Slot, one: Deed): Slot {
  try {
    switch (one.do) {
      case 'activate':
        return start(one.version, slot);
      case 'shadow':
        return putInShadow(slot, 'add', one.version);
      case 'crash':
        return crashed(slot, one.version);
      case 'back':
        return rollBack(slot, 'add');
      case 'run':
        return ranHealthy(slot, one.ms, at(0));
    }
  } catch (error) {
    assert.ok(error instanceof AgentError);
    return slot;
  }
}

test('S1, S2, S4: whatever is done in whatever order', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 40 }), (deeds) => {
      let slot = emptySlot;
      const named = new Set<string>();
      for (const one of deeds) {
        const before = slot;
        slot = act(slot, one);
        if ('version' in one) named.add(one.version);
        for (const needed of neededVersions(slot)) assert.ok(named.has(needed));
        assert.ok(slot.active === null || slot.active !== slot.before);
        assert.ok(slot.shadow === null || slot.shadow !== slot.active || one.do === 'back' || one.do === 'crash');
        const fell =
          before.active !== null && (slot.active === null || compareVersions(slot.active, before.active) < 0);
        // Down it goes by a person's rollback, or by the third crash of a trial, and to the version before alone.
        if (fell) {
          assert.ok(one.do === 'back' || (one.do === 'crash' && before.trial?.crashes === maxCrashes - 1));
          assert.equal(slot.active, before.before);
        }
        if (before.trial !== null && slot.trial === null) {
          const ended = one.do === 'run' ? slot.active === before.active : slot.active === before.before;
          assert.ok(ended, one.do);
        }
      }
    }),
    { numRuns: 500 },
  );
});

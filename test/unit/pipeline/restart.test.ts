import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { parseProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { reference, Rig, setupOf } from './rig.ts';

/** The reference machine with a clock of its own hours, and a profile that says so. */
function profileWith(restart: Profile['restart']): Profile {
  const signals = {
    ...reference.signals,
    'controller.uptime': { kind: 'gauge', unit: 'SEC', from: { table: 'input', address: 30, type: 'uint32' } },
    'controller.warmstart': { kind: 'flag', from: { table: 'input', address: 32, bit: 0 } },
  };
  return parseProfile(JSON.stringify({ ...reference, signals, ...(restart && { restart }) }), 'restart');
}

/** Stitches of the minute in which a machine was reset at 100 and sewed 150 before it was read again. */
async function stitches(profile: Profile): Promise<SummaryRecord['counter']> {
  const rig = new Rig({ machines: [setupOf('ls-1', profile)] });
  rig.read('ls-1', { 'stitch.total': 100, 'controller.uptime': 5000, 'controller.warmstart': false });
  rig.pass(20_000);
  rig.read('ls-1', { 'stitch.total': 150, 'controller.uptime': 12, 'controller.warmstart': true });
  rig.pass(1000);
  rig.read('ls-1', { 'stitch.total': 160, 'controller.uptime': 13, 'controller.warmstart': true });
  await rig.pipeline.drain();
  const last = rig.records.findLast((r) => r.kind === 'summary' && r.signal === 'stitch.total');
  return last?.kind === 'summary' ? last.counter : null;
}

test('a reset that its value hides is counted as one when the machine tells that it was restarted', async () => {
  for (const restart of [{ uptime: 'controller.uptime' }, { flag: 'controller.warmstart' }]) {
    const counter = await stitches(profileWith(restart));
    assert.deepEqual([counter?.delta, counter?.resets], [160, 1]);
    // Up to 1.2 × 150 a second × 20 s and a count may have been sewn, the 150 that show among them; or the counter was kept.
    assert.equal(counter?.uncertainty, 1.2 * 150 * 20 + 1 - 150);
  }
});

test('the control: without its word the same readings are a rise of sixty', async () => {
  const counter = await stitches(profileWith(undefined));
  assert.deepEqual([counter?.delta, counter?.uncertainty, counter?.resets], [60, 0, 0]);
});

test('a profile names an uptime in seconds, or a flag, and not both', () => {
  for (const [restart, words] of [
    [{ uptime: 'spindle.speed' }, /names a gauge in RPM/],
    [{ flag: 'controller.uptime' }, /names a gauge, not a flag/],
    [{ flag: 'no.such' }, /no signal no\.such/],
    [{}, /both or neither/],
    [{ uptime: 'controller.uptime', flag: 'controller.warmstart' }, /both or neither/],
  ] as const) {
    assert.throws(() => profileWith(restart), words);
  }
});

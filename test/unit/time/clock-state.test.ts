import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClockState, systemClockSynced } from '../../../agent/time/clock-state.ts';

test('the clock is believed only when the system says so, and not after it jumped', async (t) => {
  for (const [answer, steps, expected] of [
    [true, 0, 'synced'],
    [false, 0, 'unsynced'],
    [null, 0, 'unsynced'],
    [true, 1, 'stepped'],
  ] as const) {
    const asked = Promise.resolve(answer);
    const clock = createClockState({ steps: () => steps, systemSynced: () => asked });
    assert.equal(clock.state(), steps > 0 ? 'stepped' : 'unsynced', 'before the system has answered nobody knows');
    clock.start();
    t.after(() => clock.stop());
    await asked;
    await Promise.resolve();
    assert.equal(clock.state(), expected);
  }
});

test('asking the system never rejects', async () => {
  assert.ok([true, false, null].includes(await systemClockSynced()));
});

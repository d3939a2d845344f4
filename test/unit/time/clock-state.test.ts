import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClockState, systemClockSynced } from '../../../agent/time/clock-state.ts';

const steady = { monotonicMs: () => 5_000, isDated: true, holdsOver: false };

test('the clock is believed only when the system says so, and not after it jumped', async (t) => {
  for (const [answer, steps, expected] of [
    [true, 0, 'synced'],
    [false, 0, 'unsynced'],
    [null, 0, 'unsynced'],
    [true, 1, 'stepped'],
  ] as const) {
    const asked = Promise.resolve(answer);
    const clock = createClockState({ steps: () => steps, systemSynced: () => asked, clock: steady });
    assert.equal(clock.state(), steps > 0 ? 'stepped' : 'unsynced', 'before the system has answered nobody knows');
    clock.start();
    t.after(() => clock.stop());
    await asked;
    await Promise.resolve();
    assert.equal(clock.state(), expected);
  }
});

test('before the build date it is unsynced whatever the system says, and stepped while the monotonic clock stands in', async (t) => {
  for (const [clock, expected] of [
    [{ ...steady, isDated: false }, 'unsynced'],
    [{ ...steady, holdsOver: true }, 'stepped'],
  ] as const) {
    const asked = Promise.resolve(true);
    const state = createClockState({ steps: () => 0, systemSynced: () => asked, clock });
    state.start();
    t.after(() => state.stop());
    await asked;
    await Promise.resolve();
    assert.equal(state.state(), expected);
  }
});

test('a step is forgiven when a time service has vouched for the clock ten minutes later, not before', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let monotonicMs = 5_000;
  let steps = 0;
  const answered = async () => {
    for (let i = 0; i < 4; i++) await Promise.resolve();
  };
  const clock = { monotonicMs: () => monotonicMs, isDated: true, holdsOver: false };
  const state = createClockState({ steps: () => steps, systemSynced: () => Promise.resolve(true), clock });
  state.start();
  t.after(() => state.stop());
  await answered();
  assert.equal(state.state(), 'synced');
  steps = 1;
  assert.equal(state.state(), 'stepped');
  for (const [minutes, expected] of [
    [5, 'stepped'],
    [10, 'synced'],
  ] as const) {
    monotonicMs = 5_000 + minutes * 60_000;
    t.mock.timers.tick(300_000);
    await answered();
    assert.equal(state.state(), expected, `${minutes} min after the step`);
  }
});

test('asking the system never rejects', async () => {
  assert.ok([true, false, null].includes(await systemClockSynced()));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAgeClock } from '../../../agent/time/age-clock.ts';
import { GatewayClock } from '../../../agent/time/gateway-clock.ts';
import { hostBoot, hostMonotonicMs } from '../../../agent/time/host.ts';

const builtMs = Date.UTC(2026, 0, 1);
const today = Date.UTC(2026, 5, 1, 8);

function clocks(wallMs: number) {
  const system = { wall: wallMs, monotonic: 5_000 };
  const gateway = new GatewayClock({ wallMs: () => system.wall, monotonicMs: () => system.monotonic }, builtMs);
  const pass = (ms: number) => {
    system.wall += ms;
    system.monotonic += ms;
  };
  return { system, gateway, pass };
}

test('K1: undated it runs by the monotonic clock alone, so that one span dates everything', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100_000), fc.integer({ min: -1e9, max: 1e9 }))), (moves) => {
      const { system, gateway, pass } = clocks(3_600_000);
      const offsetMs = gateway.wallMs() - system.monotonic;
      for (const [ms, stepMs] of moves) {
        pass(ms);
        // The system's clock is set to and fro, within 1970.
        system.wall = Math.max(0, Math.min(builtMs - 1, system.wall + stepMs));
        assert.ok(Math.abs(gateway.wallMs() - system.monotonic - offsetMs) <= 0.5);
        assert.equal(gateway.isDated, false);
      }
      system.wall = today;
      assert.equal(gateway.isDated, true);
      assert.equal(gateway.wallMs(), today);
    }),
  );
});

test('K2: a clock that falls behind the build date is not followed, and is again when it can be true', () => {
  const { system, gateway, pass } = clocks(today);
  pass(1_000);
  assert.equal(gateway.wallMs(), today + 1_000);
  system.wall = 0;
  pass(60_000);
  assert.equal(gateway.wallMs(), today + 61_000);
  assert.deepEqual([gateway.isDated, gateway.holdsOver], [true, true]);
  system.wall = today + 61_500;
  assert.equal(gateway.wallMs(), today + 61_500);
  assert.equal(gateway.holdsOver, false);
});

test('K3: steps between believable times are followed', () => {
  const { system, gateway } = clocks(today);
  for (const stepMs of [86_400_000, -86_400_000, 5_000, -5_000]) {
    system.wall += stepMs;
    assert.equal(gateway.wallMs(), system.wall);
  }
});

test('nothing is old for a while after a start and after a step, longer where nobody vouches for the clock', () => {
  for (const [state, steadyMs] of [
    ['synced', 600_000],
    ['unsynced', 3_600_000],
  ] as const) {
    const { system, gateway, pass } = clocks(today);
    let steps = 0;
    const age = createAgeClock({ clock: gateway, steps: () => steps, state: () => state });
    assert.equal(age(), null, 'just started');
    pass(steadyMs - 1);
    assert.equal(age(), null);
    pass(1);
    assert.equal(age(), system.wall);
    system.wall += 10 * 365 * 86_400_000;
    steps++;
    assert.equal(age(), null, 'ten years ahead by mistake: nothing is deleted');
    pass(60_000);
    assert.equal(age(), null);
    system.wall -= 10 * 365 * 86_400_000;
    steps++;
    pass(60_000);
    assert.equal(age(), null);
    pass(steadyMs);
    assert.equal(age(), system.wall);
  }
  const undated = clocks(3_600_000);
  const age = createAgeClock({ clock: undated.gateway, steps: () => 0, state: () => 'unsynced' });
  undated.pass(86_400_000);
  assert.equal(age(), null, 'in 1970 nothing is old');
});

test('the computer says which of its starts this is, and has one monotonic clock for all processes', () => {
  assert.equal(hostBoot(), hostBoot());
  const before = hostMonotonicMs();
  assert.ok(hostMonotonicMs() >= before);
  assert.ok(Math.abs(Number(process.hrtime.bigint()) / 1e6 - before) < 1_000);
});

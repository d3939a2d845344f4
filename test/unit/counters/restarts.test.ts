import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartWatch, type RestartSign } from '../../../agent/counters/restarts.ts';
import { Random, seed } from '../drivers/modbus-random.ts';

const uptime = (resolutionS = 1, wrapsAtS: number | null = null): RestartSign => ({
  kind: 'uptime',
  resolutionS,
  wrapsAtS,
});

test('W3 the first reading tells of nothing', () => {
  assert.equal(new RestartWatch(uptime()).read(1000, 3), null);
  assert.equal(new RestartWatch({ kind: 'flag' }).read(1000, 1), null);
});

test('W1 an uptime that goes on, wraps, drifts a little or was not read for an hour is no restart', () => {
  const watch = new RestartWatch(uptime(1, 65_536));
  for (const [tS, value] of [
    [0, 65_000],
    [1, 65_001],
    [500, 65_500],
    [540, 4],
    [4140, 3590],
  ] as const) {
    assert.equal(watch.read(tS * 1000, value), null, `${tS}`);
  }
});

test('W2 an uptime that is too short tells when the controller was started, between the two readings', () => {
  const watch = new RestartWatch(uptime());
  watch.read(100_000, 5_000);
  // Started 3 to 4 seconds before, so 16 to 17 s after the reading before.
  assert.deepEqual(watch.read(120_000, 3), { afterMs: 115_970, untilMs: 117_030 });
  assert.equal(watch.read(121_000, 4), null);
  // It has passed where it stood before it was restarted: a fall would not show it.
  const late = new RestartWatch(uptime());
  late.read(0, 10);
  const span = late.read(600_000, 500);
  assert.ok(span !== null && span.afterMs < 100_000 && span.untilMs > 100_000);
});

test('a flag tells of a restart when it rises, and not while it stands', () => {
  const watch = new RestartWatch({ kind: 'flag' });
  const told = [0, 1, 1, 0, 1].map((value, i) => watch.read(i * 1000, value));
  assert.deepEqual(told, [null, { afterMs: 0, untilMs: 1000 }, null, null, { afterMs: 3000, untilMs: 4000 }]);
});

test('W1 a step of the wall clock is no restart, and a restart after it is told', () => {
  for (const stepMs of [86_400_000, -86_400_000]) {
    const watch = new RestartWatch(uptime());
    watch.read(0, 500);
    watch.shift(stepMs);
    assert.equal(watch.read(stepMs + 1_000, 501), null);
    assert.notEqual(watch.read(stepMs + 30_000, 3), null);
  }
});

test('W1, W2: over random histories every restart of more than the slack is told once, with a span that holds it', () => {
  const random = new Random(seed);
  for (let n = 0; n < 20_000; n += 1) {
    const resolutionS = random.of(0.1, 1, 10);
    const watch = new RestartWatch(uptime(resolutionS));
    let startedMs = -random.below(1_000_000_000);
    let tMs = 0;
    for (let i = 0; i < 10; i += 1) {
      const fromMs = tMs;
      tMs += 100 + random.below(random.chance(0.2) ? 3_600_000 : 5_000);
      const upBeforeMs = fromMs - startedMs;
      const isRestart = i > 0 && random.chance(0.2);
      if (isRestart) startedMs = fromMs + 1 + random.below(tMs - fromMs - 1);
      const upS = Math.floor((tMs - startedMs) / 1000 / resolutionS) * resolutionS;
      const span = watch.read(tMs, upS);
      // A controller that had been up for a moment only may be missed: nothing tells it from one that goes on.
      if (isRestart && span === null)
        assert.ok(startedMs - fromMs + upBeforeMs <= (2 + 2 * resolutionS) * 1000 + 0.01 * (tMs - fromMs) + 1);
      if (!isRestart) assert.equal(span, null, `seed ${seed}`);
      else if (span !== null) {
        assert.ok(
          span.afterMs <= startedMs && startedMs <= span.untilMs && span.untilMs <= tMs && span.untilMs > fromMs,
        );
      }
    }
  }
});

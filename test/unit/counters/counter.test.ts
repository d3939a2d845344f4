import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addReset,
  advanceCounter,
  judgeStep,
  type CounterBase,
  type CounterSpec,
} from '../../../agent/counters/counter.ts';

const spec: CounterSpec = { wrapsAt: 10_000, maxRatePerS: 10, resolution: 1, intervalMs: 250 };
const at = (tMs: number, value: number) => ({ tMs, value });

function total(points: readonly { tMs: number; value: number }[], used = spec) {
  let base: CounterBase | null = null;
  const sum = { delta: 0, uncertainty: 0, wraps: 0, resets: 0, implausible: 0 };
  for (const point of points) {
    const next = advanceCounter(used, base, point, []);
    base = next.base;
    if (next.step === null) continue;
    sum.delta += next.step.delta;
    sum.uncertainty += next.step.uncertainty;
    if (next.step.kind === 'wrap') sum.wraps++;
    if (next.step.kind === 'reset') sum.resets++;
    if (next.step.kind === 'implausible') sum.implausible++;
  }
  return sum;
}

test('a fall is a wrap when the unwrapped step fits the rate', () => {
  assert.deepEqual(total([at(0, 9_998), at(1000, 3)]), {
    delta: 5,
    uncertainty: 0,
    wraps: 1,
    resets: 0,
    implausible: 0,
  });
});

test('a fall that no rate explains is a reset: the step is the new value, uncertain by what the rate allowed and a count', () => {
  assert.deepEqual(total([at(0, 5000), at(2000, 4)]), {
    delta: 4,
    // 1.2 × 10 a second × 2 s, less the 4, and the count that may have been nearly whole.
    uncertainty: 21,
    wraps: 0,
    resets: 1,
    implausible: 0,
  });
});

test('the unwrapped step may exceed the rate by a fifth and by what polling adds, and not by more', () => {
  const most = 1.2 * 10 * (1 + 0.25) + 1; // 16
  assert.equal(judgeStep(spec, at(0, 9_990), at(1000, most - 10), false)?.kind, 'wrap');
  assert.equal(judgeStep(spec, at(0, 9_990), at(1000, most - 9), false)?.kind, 'reset');
});

test('a gap longer than half a wrap period gives bounds that hold every number of wraps', () => {
  const step = judgeStep(spec, at(0, 100), at(1_000_000, 200), false);
  assert.equal(step?.kind, 'uncertain');
  for (const truth of [100, 10_100]) {
    assert.ok(Math.abs(truth - (step?.delta ?? 0)) <= (step?.uncertainty ?? 0), `${truth} is within the bounds`);
  }
});

test('one misread value changes no total', () => {
  for (const glitch of [9_000, 700]) {
    assert.deepEqual(total([at(0, 1000), at(250, 1002), at(500, glitch), at(750, 1005)]), {
      delta: 5,
      uncertainty: 0,
      wraps: 0,
      resets: 0,
      implausible: 0,
    });
  }
});

test('a counter that was set to another value goes on from there, flagged, with the jump as uncertainty', () => {
  const sum = total([at(0, 1000), at(250, 8000), at(500, 8002), at(750, 8003)]);
  assert.equal(sum.implausible, 1);
  assert.equal(sum.delta, 3);
  assert.equal(sum.uncertainty, 1.2 * 10 * 0.5 + 1);
});

test('a reset seen in one counter also counts for a counter that stood at zero, and for one that seems to wrap', () => {
  const resets = addReset([], { afterMs: 0, untilMs: 1000 });
  const zero = advanceCounter(spec, { ...at(0, 0), suspect: null }, at(1000, 0), resets).step;
  assert.deepEqual([zero?.kind, zero?.delta, zero?.uncertainty], ['reset', 0, 13]);
  const wrapped = advanceCounter(spec, { ...at(0, 9_999), suspect: null }, at(1000, 2), resets).step;
  assert.deepEqual([wrapped?.kind, wrapped?.delta], ['reset', 2]);
  const kept = advanceCounter(spec, { ...at(0, 5_000), suspect: null }, at(1000, 5_004), resets).step;
  assert.deepEqual([kept?.kind, kept?.delta], ['rise', 4], 'a counter the controller keeps is not touched');
});

test('evidence of one reset narrows its span and never makes two', () => {
  const once = addReset(addReset([], { afterMs: 1000, untilMs: 1500 }), { afterMs: 600, untilMs: 1100 });
  assert.deepEqual(once, [{ afterMs: 1000, untilMs: 1100 }]);
  assert.equal(addReset(once, { afterMs: 5000, untilMs: 5500 }).length, 2);
});

/** A machine that counts at any rate up to its highest, is read at uneven times, loses contact, and is reset at times. */
const history = fc.record({
  wrapsAt: fc.constantFrom(100, 10_000, 65_536, 4_294_967_296),
  maxRatePerS: fc.constantFrom(0.2, 5, 100),
  start: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  steps: fc.array(
    fc.record({
      elapsedMs: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 20, max: 2000 }) },
        fc.integer({ min: 2000, max: 3_600_000 }),
      ),
      load: fc.double({ min: 0, max: 1, noNaN: true }),
      resetAtShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 12 }),
    }),
    { minLength: 1, maxLength: 40 },
  ),
});

test('over random histories the sum is the truth when certain, and within its bounds when not', () => {
  let certain = 0;
  let uncertain = 0;
  fc.assert(
    fc.property(history, ({ wrapsAt, maxRatePerS, start, steps }) => {
      const used: CounterSpec = { wrapsAt, maxRatePerS, resolution: 1, intervalMs: 0 };
      let shown = Math.floor(start * wrapsAt);
      let exact = 0; // since the last reset or the start, before flooring
      let origin = shown;
      let tMs = 0;
      let truth = 0;
      const points = [at(0, shown)];
      for (const step of steps) {
        tMs += step.elapsedMs;
        const growth = (step.load * maxRatePerS * step.elapsedMs) / 1000;
        const before = Math.floor(exact);
        // A reset is detectable by value when the counter stood above anything it can reach afterwards, and is not
        // where a wrap would look the same.
        const most = (1.2 * maxRatePerS * step.elapsedMs) / 1000 + 1;
        const last = (origin + before) % wrapsAt;
        const visible = last > most && wrapsAt - last > most && step.elapsedMs < (wrapsAt / maxRatePerS) * 400;
        if (step.resetAtShare !== null && step.resetAtShare !== undefined && visible) {
          const lost = growth * step.resetAtShare;
          // Whole counts that were made before the reset, as the machine's own book has them.
          truth += Math.floor(lost);
          exact = growth - lost;
          origin = 0;
          truth += Math.floor(exact);
        } else {
          exact += growth;
          truth += Math.floor(exact) - before;
        }
        shown = (origin + Math.floor(exact)) % wrapsAt;
        points.push(at(tMs, shown));
      }
      const sum = total(points, used);
      if (sum.uncertainty === 0) {
        certain++;
        assert.equal(sum.delta, truth);
      } else {
        uncertain++;
        assert.ok(Math.abs(truth - sum.delta) <= sum.uncertainty, `${truth} not in ${sum.delta} ± ${sum.uncertainty}`);
      }
    }),
    { numRuns: 10_000, seed: 11 },
  );
  assert.ok(certain > 500 && uncertain > 500, `both kinds were met (${certain}, ${uncertain})`);
});

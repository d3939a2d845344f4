import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Timeline } from '../../../agent/store/view-sums.ts';
import { barsOf, sharesOf } from '../../../agent/web/timeline.ts';

const stepMs = 60_000;
const timelineOf = (steps: readonly Omit<Timeline['steps'][number], 'atMs'>[]): Timeline => ({
  stepMs,
  toMs: steps.length * stepMs,
  steps: steps.map((step, index) => ({ atMs: index * stepMs, ...step })),
});

test('the bars of a timeline fill it whole, each with the share of its state', () => {
  const part = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part, part), { minLength: 1, maxLength: 30 }), (parts) => {
      const timeline = timelineOf(
        parts.map(([run, fault, unknown]) => ({ seconds: { RUN: run, FAULT: fault }, unknownS: unknown + 1 })),
      );
      const bars = barsOf(timeline, 0);
      const area = bars.reduce((sum, { width, height }) => sum + width * height, 0);
      assert.ok(Math.abs(area - 1) < 1e-6, String(area));
      assert.ok(
        bars.every(
          ({ x, y, width, height }) => x >= 0 && y >= -1e-9 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9,
        ),
      );
      const shares = sharesOf(timeline);
      assert.ok(Math.abs(shares.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
    }),
  );
});

test('neighbours of one state alone are one bar, and a span that begins within a step is cut', () => {
  const run = { seconds: { RUN: 60 }, unknownS: 0 };
  const timeline = timelineOf([run, run, { seconds: {}, unknownS: 60 }, run]);
  assert.deepEqual(
    barsOf(timeline, 0).map(({ state, x, width }) => [state, x, width]),
    [
      ['RUN', 0, 0.5],
      ['UNKNOWN', 0.5, 0.25],
      ['RUN', 0.75, 0.25],
    ],
  );
  assert.deepEqual(
    barsOf(timeline, 2.5 * stepMs).map(({ state, x }) => [state, x]),
    [
      ['UNKNOWN', 0],
      ['RUN', 1 / 3],
    ],
  );
  assert.deepEqual(sharesOf(timeline), [
    { state: 'RUN', seconds: 180, share: 0.75 },
    { state: 'UNKNOWN', seconds: 60, share: 0.25 },
  ]);
});

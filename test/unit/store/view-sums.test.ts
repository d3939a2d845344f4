import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TrendPoint } from '../../../agent/store/history.ts';
import {
  bandOfMinutes,
  bandOfReadings,
  stepOf,
  stopsOf,
  sumsOf,
  timelineOf,
  todayOf,
} from '../../../agent/store/view-sums.ts';
import { fromMs, minute, signalRow, stateRow } from './view-rows.ts';

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-6, `${a} and ${b}`);

test('V1: a band keeps the highest and the lowest of every minute, in steps of any width', () => {
  const value = fc.integer({ min: -1000, max: 1000 });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 600 }), value, value), {
        selector: ([at]) => at,
        minLength: 1,
      }),
      fc.integer({ min: 10, max: 300 }),
      (minutes, points) => {
        const rows = minutes.map(([at, a, b]) => signalRow(at, Math.min(a, b), Math.max(a, b)));
        const toMs = minute(601);
        const band = bandOfMinutes(rows, fromMs, toMs, stepOf(toMs - fromMs, points, true));
        const known = (values: readonly (number | null)[]) => values.filter((one) => one !== null);
        assert.equal(Math.max(...known(band.high)), Math.max(...rows.map((row) => row.max ?? 0)));
        assert.equal(Math.min(...known(band.low)), Math.min(...rows.map((row) => row.min ?? 0)));
        assert.ok(band.t.length <= points + 1);
        for (const [index, mean] of band.mean.entries()) {
          const [low = null, high = null] = [band.low[index], band.high[index]];
          if (mean === null || low === null || high === null) assert.deepEqual([low, mean, high], [null, null, null]);
          else assert.ok(low <= mean && mean <= high);
        }
      },
    ),
  );
});

test('V1: minutes that nobody kept, and minutes without a good value, break the line', () => {
  const bad = signalRow(2, 0, 0, { good: 0, coveredS: 0, integral: 0, sum: 0, min: null, max: null });
  const band = bandOfMinutes([signalRow(0, 1, 3), bad, signalRow(5, 4, 4)], fromMs, minute(6), 60_000);
  assert.deepEqual(band.mean, [2, null, 4, null]);
  assert.deepEqual(band.t, [minute(0), minute(1), minute(5), minute(6)]);
});

test('a reading stands until the next one, and no longer than readings are kept apart', () => {
  const at = (s: number, value: TrendPoint['value'], quality: TrendPoint['quality'] = 'good'): TrendPoint => ({
    atMs: fromMs + s * 1000,
    value,
    quality,
  });
  const points = [at(-20, 5), at(12, 9), at(20, null, 'bad'), at(30, 7), at(200, 8)];
  const band = bandOfReadings(points, fromMs, fromMs + 210_000, 10_000);
  const shown = band.t.map((t, index) => [(t - fromMs) / 1000, band.low[index], band.high[index]]);
  assert.deepEqual(shown.slice(0, 4), [
    [0, 5, 5],
    [10, 5, 9],
    [20, null, null],
    [30, 7, 7],
  ]);
  assert.deepEqual(shown.slice(-3), [
    [100, null, null],
    [200, 8, 8],
    [210, 8, 8],
  ]);
});

test('V2: what no minute tells is unknown, and the steps add up to the span', () => {
  const seconds = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 99 }), seconds), { selector: ([at]) => at }),
      fc.integer({ min: 1, max: 50 }),
      (minutes, steps) => {
        const rows = minutes.map(([at, run]) => stateRow(at, { RUN: run, UNKNOWN: 60 - run }));
        const toMs = minute(100);
        const line = timelineOf(rows, fromMs, toMs, stepOf(toMs - fromMs, steps, true));
        const known = line.steps.reduce((sum, step) => sum + (step.seconds.RUN ?? 0), 0);
        const unknown = line.steps.reduce((sum, step) => sum + step.unknownS, 0);
        near(
          known,
          minutes.reduce((sum, [, run]) => sum + run, 0),
        );
        near(known + unknown, (line.toMs - fromMs) / 1000);
        assert.ok(line.steps.every((step) => !('UNKNOWN' in step.seconds)));
      },
    ),
  );
});

test('the newest minute that is not closed yet is not unknown', () => {
  const rows = [0, 1, 2].map((index) => stateRow(index, { RUN: 60 }));
  assert.equal(timelineOf(rows, fromMs, minute(4), 60_000).toMs, minute(3));
  assert.equal(timelineOf(rows, fromMs, minute(30), 60_000).steps.at(-1)?.unknownS, 60);
});

test('V3: stops, running, idle and unknown add up to the span, whatever causes a minute tells', () => {
  const part = fc.integer({ min: 0, max: 20 });
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part, part, part, part), { maxLength: 30 }), (minutes) => {
      const rows = minutes.map(([run, idle, fault, a, b], index) =>
        stateRow(index, { RUN: run, IDLE: idle, FAULT: fault }, { 'drive.stall': a, 'operator.pedal': b }),
      );
      const toMs = minute(40);
      const { stops, runS, idleS, unknownS } = stopsOf(rows, [], fromMs, toMs);
      const stopped = stops.reduce((sum, { seconds }) => sum + seconds, 0);
      near(stopped + runS + idleS + unknownS, 2400);
      assert.ok([...stops.map(({ seconds }) => seconds), runS, idleS, unknownS].every((s) => s >= 0));
    }),
  );
});

test('stops are told by cause, the longest first, and one without a cause is said to be so', () => {
  const rows = [
    stateRow(0, { RUN: 20, FAULT: 40 }, { 'drive.stall': 30 }),
    stateRow(1, { IDLE: 50, RUN: 10 }, { 'operator.pedal': 5 }),
  ];
  const counts = [
    { to: 'FAULT', cause: 'drive.stall', count: 2 },
    { to: 'FAULT', cause: null, count: 1 },
    { to: 'IDLE', cause: 'operator.pedal', count: 3 },
    { to: 'IDLE', cause: null, count: 9 },
    { to: 'RUN', cause: null, count: 9 },
    { to: 'OFFLINE', cause: null, count: 9 },
  ] as const;
  const told = stopsOf(rows, counts, fromMs, minute(2));
  assert.deepEqual(told.stops, [
    { cause: 'drive.stall', seconds: 30, count: 2 },
    { cause: null, seconds: 10, count: 1 },
    { cause: 'operator.pedal', seconds: 5, count: 3 },
  ]);
  assert.deepEqual([told.runS, told.idleS, told.unknownS], [30, 45, 0]);
});

test('a day is the sum of its minutes from its midnight on, and what is missing is unknown', () => {
  const counted = (index: number, delta: number) =>
    signalRow(index, 0, 0, { signal: 'stitch.total', delta, uncertainty: 1, samples: 10, good: 9 });
  const rows = {
    signals: [counted(-1, 500), counted(0, 7), counted(1, 8)],
    states: [stateRow(-1, { RUN: 60 }), stateRow(0, { RUN: 60 }), stateRow(1, { RUN: 30, UNKNOWN: 30 })],
  };
  const today = todayOf('ls-1', sumsOf(rows, fromMs, minute(10)), fromMs, minute(10));
  assert.deepEqual(today.counters, [{ signal: 'stitch.total', delta: 15, uncertainty: 2 }]);
  assert.deepEqual([today.seconds, today.unknownS, today.samples, today.good], [{ RUN: 90 }, 510, 20, 18]);
});

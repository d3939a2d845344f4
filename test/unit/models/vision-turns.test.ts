import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { turnFromEncoder, turnFromTelemetry, unwrapped } from '../../../models/vision/counted-turns.ts';
import { type IndexMarks, type IndexTiming, noMarks, turnFromIndex, withPulse } from '../../../models/vision/turns.ts';

const sure: IndexTiming = {
  frameJitterMs: 0,
  pulseJitterMs: 0,
  offsetMs: 0,
  driftPpm: 0,
  sinceZeroMs: 0,
  speedSpread: 0,
  speedCycle: 0,
};
const pulses = (...timesMs: readonly number[]): IndexMarks =>
  timesMs.reduce((marks, timeMs) => withPulse(marks, timeMs, 500), noMarks);

test('between two pulses the turn is the share of the time, after the last one that of the revolution before', () => {
  const marks = pulses(0, 2000, 4000);
  assert.equal(turnFromIndex(marks, 2500, sure)?.turns, 1.25);
  assert.equal(turnFromIndex(marks, 4500, sure)?.turns, 2.25);
  assert.equal(turnFromIndex(marks, 4500, sure)?.perS, 0.5);
});

test('no turn before two pulses, before the first one kept, and long after the last', () => {
  assert.equal(turnFromIndex(noMarks, 0, sure), null);
  assert.equal(turnFromIndex(pulses(100), 200, sure), null);
  assert.equal(turnFromIndex(pulses(0, 2000, 4000), -1, sure), null);
  assert.notEqual(turnFromIndex(pulses(0, 2000, 4000), 7000, sure), null);
  assert.equal(turnFromIndex(pulses(0, 2000, 4000), 7001, sure), null);
});

test('a pulse sooner than the machine can turn counts no revolution and is told; so does one whose time is no number', () => {
  const marks = pulses(0, 2000, 2010, 4000, Number.NaN, 6000);
  assert.equal(marks.extra, 2);
  assert.equal(turnFromIndex(marks, 5000, sure)?.turns, 2.5);
});

test('a pulse that was lost is counted as a revolution, and no turn is told between its neighbours', () => {
  const marks = pulses(0, 2000, 4000, 8000, 10000, 12000);
  assert.equal(marks.lost, 1);
  assert.equal(turnFromIndex(marks, 11000, sure)?.turns, 5.5);
  assert.equal(turnFromIndex(marks, 7000, sure), null);
  assert.equal(pulses(0, 2000, 8050).lost, 2);
});

test('a machine that stood begins anew: the break is told, and nothing is told of the time it stood', () => {
  const marks = pulses(0, 2000, 4000, 60_000);
  assert.equal(marks.breaks, 1);
  assert.equal(turnFromIndex(marks, 30_000, sure), null);
  assert.equal(turnFromIndex(marks, 61_000, sure), null);
});

test('what is kept is bounded however long the machine runs', () => {
  let marks = noMarks;
  for (let i = 0; i < 1000; i += 1) marks = withPulse(marks, i * 1700, 500);
  assert.ok(marks.marks.length <= 8);
  assert.equal(marks.marks.at(-1)?.turn, 999);
});

test('a speed that is seen to change makes the turn less sure than the configured spread says', () => {
  const steady = turnFromIndex(pulses(0, 2000, 4000, 6000), 3000, sure);
  const braking = turnFromIndex(pulses(0, 2000, 4200, 6700), 3000, sure);
  assert.equal(steady?.randomSd, 0);
  assert.ok((braking?.randomSd ?? 0) > 0.02);
  // Two pulses after a stand-still: nothing to compare with.
  assert.ok((turnFromIndex(pulses(0, 2000), 1000, sure)?.randomSd ?? 0) > 0.05);
});

test('an evenly changing speed: the true turn is within what is told', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -0.05, max: 0.05, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (change, f) => {
        // Turns grow as t + a·t² / 2; the time of a turn by the other way of solving it, without dividing by a small a.
        const timeOf = (turns: number) => (2 * turns) / (1 + Math.sqrt(1 + 2 * change * turns));
        const marks = [0, 1, 2, 3, 4].reduce((m, turn) => withPulse(m, timeOf(turn) * 2000, 500), noMarks);
        const turn = turnFromIndex(marks, timeOf(2 + f) * 2000, sure);
        assert.ok(turn);
        assert.ok(Math.abs(turn.turns - (2 + f)) <= turn.randomSd + 1e-9);
      },
    ),
  );
});

test('an uncertainty that is configured arrives where its formula puts it', () => {
  const marks = pulses(0, 1000, 2000, 3000);
  const at = (timing: Partial<IndexTiming>, frameMs = 1500) => turnFromIndex(marks, frameMs, { ...sure, ...timing });
  const near = (value: number | undefined, expected: number) => assert.ok(Math.abs((value ?? NaN) - expected) < 1e-12);
  near(at({ frameJitterMs: 2 })?.randomSd, 0.002);
  near(at({ pulseJitterMs: 2 })?.randomSd, 0.002 * Math.sqrt(0.5));
  near(at({ pulseJitterMs: 2 }, 3500)?.randomSd, 0.002 * Math.sqrt(2.5));
  near(at({ speedSpread: 0.01 })?.randomSd, 0.0025);
  near(at({ speedSpread: 0.01 }, 3500)?.randomSd, 0.005);
  near(at({ offsetMs: 3 })?.systematicSd, 0.003 / Math.sqrt(3));
  near(at({ driftPpm: 50, sinceZeroMs: 60_000 })?.systematicSd, 0.003 / Math.sqrt(3));
  near(at({ speedCycle: 0.01 })?.systematicSd, 0.0025 / Math.sqrt(3));
});

test('an encoder goes on where its count starts again, in both directions', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -30_000, max: 30_000 }), { maxLength: 50 }), (steps) => {
      let truth = 1000;
      let total: number | null = 1000;
      for (const step of steps) {
        truth += step;
        total = unwrapped(total, ((truth % 65_536) + 65_536) % 65_536, 65_536);
        assert.equal(total, truth);
      }
    }),
  );
  assert.equal(unwrapped(null, 17, 65_536), 17);
});

test('an encoder is as sure as its counts and its latch', () => {
  const scale = { countsPerTurn: 4096, wrapsAt: 65_536, latchJitterMs: 0.1, errorCounts: 2 };
  const turn = turnFromEncoder(8191, 0.5, scale);
  assert.equal(turn.turns, 8191.5 / 4096);
  assert.ok(Math.abs(turn.randomSd - 5e-5) < 1e-12);
  assert.ok(Math.abs(turn.systematicSd - Math.hypot(0.5, 2) / Math.sqrt(3) / 4096) < 1e-12);
});

const polls = { jitterMs: 0, offsetMs: 0, speedError: 0, oldestMs: 1000 };

test('telemetry that counts revolutions is sure to half a poll; from there on the speed is added up', () => {
  const readings = [
    { timeMs: 0, rpm: 30, revolutions: 7 },
    { timeMs: 100, rpm: 30, revolutions: 8 },
    { timeMs: 200, rpm: 60, revolutions: 8 },
  ];
  const turn = turnFromTelemetry(readings, 300, polls);
  assert.ok(turn?.isAnchored);
  assert.ok(Math.abs(turn.turns - (8 + 0.15 * 0.5 + 0.1 * 1)) < 1e-12);
  assert.ok(Math.abs(turn.systematicSd - (0.05 / Math.sqrt(3)) * 0.5) < 1e-12);
  assert.equal(turn.randomSd, 0);
});

test('telemetry of speed alone adds up turns and knows no angle', () => {
  const readings = [0, 100, 200].map((timeMs) => ({ timeMs, rpm: 60, revolutions: null }));
  const turn = turnFromTelemetry(readings, 150, polls);
  assert.ok(turn !== null && !turn.isAnchored);
  assert.ok(Math.abs(turn.turns - 0.15) < 1e-12);
});

test('a count that jumped or fell is no anchor, and a frame long after the last poll gets no turn', () => {
  const jumped = [
    { timeMs: 0, rpm: 60, revolutions: 7 },
    { timeMs: 100, rpm: 60, revolutions: 9 },
    { timeMs: 200, rpm: 60, revolutions: 0 },
  ];
  assert.equal(turnFromTelemetry(jumped, 150, polls)?.isAnchored, false);
  assert.equal(turnFromTelemetry(jumped, 1201, polls), null);
  assert.equal(turnFromTelemetry(jumped, -1, polls), null);
  assert.equal(turnFromTelemetry(jumped.slice(0, 1), 0, polls), null);
});

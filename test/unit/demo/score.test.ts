import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeConserved, type ConservedInput } from '../../demo/score/conserved.ts';
import { judgeFaults } from '../../demo/score/faults.ts';
import type { Observation, PlannedFault, StoredPoint, TruthLine } from '../../demo/score/report.ts';
import { judgeStates } from '../../demo/score/states.ts';
import { judgeValues } from '../../demo/score/values.ts';
import Database from 'better-sqlite3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBridge } from '../../demo/score/read.ts';

const planned: PlannedFault = {
  id: 'F01',
  machine: 'ls-1',
  fault: 'thread_break',
  expect: { as: 'alert', type: 'thread_break', withinS: 5, clearsWithinS: 5 },
};
const injected: TruthLine = { t: 10_000, machine: 'ls-1', kind: 'fault', id: 'F01', data: {} };
const mended: TruthLine = { t: 20_000, machine: 'ls-1', kind: 'clear', id: 'F01', data: {} };
const seen: Observation = {
  as: 'alert',
  machine: 'ls-1',
  type: 'thread_break',
  onsetMs: 10_200,
  detectedMs: 10_300,
  clearedMs: 20_400,
};
const truth = [injected, mended];

test('a fault found in its window and cleared in its window leaves no problem', () => {
  const verdict = judgeFaults([planned], truth, [seen]);
  assert.deepEqual(verdict.problems, []);
  assert.equal(verdict.falseAlerts, 0);
  assert.equal(verdict.rows[0]?.delayMs, 300);
});

for (const [name, observed, falseAlerts] of [
  ['too early', [{ ...seen, onsetMs: 5000, detectedMs: 5000 }], 1],
  ['too late', [{ ...seen, detectedMs: 15_001 }], 1],
  ['of another type', [{ ...seen, type: 'oil_low' }], 1],
  ['on another machine', [{ ...seen, machine: 'ls-2' }], 1],
  ['an event instead of an alert', [{ ...seen, as: 'event' as const }], 1],
  ['raised twice', [seen, { ...seen, onsetMs: 12_000, detectedMs: 12_000 }], 1],
  ['lingering', [{ ...seen, clearedMs: 25_001 }], 1],
  ['never cleared', [{ ...seen, clearedMs: null }], 1],
  ['called over while it lasts', [{ ...seen, clearedMs: 15_000 }], 1],
  ['missing', [], 0],
] as const) {
  test(`an alert ${name} fails the verdict`, () => {
    const verdict = judgeFaults([planned], truth, observed);
    assert.notDeepEqual(verdict.problems, []);
    assert.equal(verdict.falseAlerts, falseAlerts);
  });
}

test('a fault that was left out has no times and fails the verdict without a false alert', () => {
  const verdict = judgeFaults([planned], [], []);
  assert.equal(verdict.rows[0]?.injectedAt, null);
  assert.equal(verdict.rows[0]?.detectedAt, null);
  assert.equal(verdict.falseAlerts, 0);
  assert.equal(verdict.problems.length, 1);
});

const count = (t: number, value: number, shown: number): TruthLine => ({
  t,
  machine: 'ls-1',
  kind: 'counter',
  id: '',
  data: { signal: 'stitch.total', value, shown },
});
const point = (tMs: number, value: number): StoredPoint => ({ tMs, value, good: true });
const counterInput = (over: Partial<ConservedInput>): ConservedInput => ({
  truth: [count(0, 990, 990), count(1000, 995, 995), count(2000, 1005, 5)],
  stored: () => [point(1100, 995), point(2100, 5)],
  heard: () => [1100, 2100],
  atBridge: [{ machine: 'ls-1', signal: 'stitch.total', delta: 10, uncertainty: 0, resets: 0 }],
  resetAt: new Map(),
  bound: () => ({ maxRatePerS: 100, count: 1 }),
  ...over,
});

test('a counter counted from the first good reading to the halt is conserved through a wrap', () => {
  const { rows, problems } = judgeConserved(counterInput({}));
  assert.deepEqual(problems, []);
  assert.deepEqual(rows, [
    { machine: 'ls-1', signal: 'stitch.total', truth: 10, atBridge: 10, uncertainty: 0, reset: false },
  ]);
});

for (const [name, over] of [
  [
    'one too few at the bridge',
    { atBridge: [{ machine: 'ls-1', signal: 'stitch.total', delta: 9, uncertainty: 0, resets: 0 }] },
  ],
  [
    'an uncertainty where none is due',
    { atBridge: [{ machine: 'ls-1', signal: 'stitch.total', delta: 10, uncertainty: 1, resets: 0 }] },
  ],
  [
    'a reset that never was',
    { atBridge: [{ machine: 'ls-1', signal: 'stitch.total', delta: 10, uncertainty: 5, resets: 1 }] },
  ],
  ['nothing at the bridge', { atBridge: [] }],
  ['a first value the machine never showed', { stored: () => [point(1100, 2_000_000)] }],
  ['no stored reading', { stored: () => [] }],
  ['a reset unnoticed', { resetAt: new Map([['ls-1', 1500]]) }],
] as const) {
  test(`conservation fails with ${name}`, () => {
    assert.notDeepEqual(judgeConserved(counterInput(over)).problems, []);
  });
}

const resetInput = (delta: number, uncertainty: number): ConservedInput =>
  counterInput({
    truth: [count(0, 990, 990), count(1500, 1000, 0), count(2000, 1005, 5)],
    stored: () => [point(100, 990), { tMs: 1600, value: null, good: false }, point(2100, 5)],
    heard: () => [100, 1100, 2100],
    atBridge: [{ machine: 'ls-1', signal: 'stitch.total', delta, uncertainty, resets: 1 }],
    resetAt: new Map([['ls-1', 1500]]),
  });

test('a reset counter is good when truth lies within its bounds and the bounds within the rate', () => {
  assert.deepEqual(judgeConserved(resetInput(5, 100)).problems, []);
});
test('a reset counter fails when truth lies outside its bounds', () => {
  assert.notDeepEqual(judgeConserved(resetInput(5, 9)).problems, []);
});
test('a reset counter fails when its bounds are wider than rate × time between the two readings and one count', () => {
  assert.deepEqual(judgeConserved(resetInput(5, 121)).problems, []);
  assert.notDeepEqual(judgeConserved(resetInput(5, 122)).problems, []);
});

const gauge = (t: number, value: number): TruthLine => ({
  t,
  machine: 'ls-1',
  kind: 'gauge',
  id: '',
  data: { signal: 'motor.temp', value },
});

test('a reading that was on show is right, one that never was is wrong', () => {
  const log = [gauge(0, -3.5), gauge(1000, -3.4), gauge(9000, -3.3)];
  assert.deepEqual(judgeValues(log, () => [point(500, -3.5), point(8000, -3.4)]).problems, []);
  assert.notDeepEqual(judgeValues(log, () => [point(500, 6550.1)]).problems, []);
  assert.notDeepEqual(judgeValues(log, () => [point(8000, -3.3)]).problems, [], 'a value from the future');
  assert.notDeepEqual(judgeValues(log, () => [point(8000, -3.5)]).problems, [], 'a value long gone');
  assert.notDeepEqual(judgeValues(log, () => []).problems, [], 'no reading at all');
  const flag = (t: number, value: boolean): TruthLine => ({
    ...gauge(t, 0),
    kind: 'status',
    data: { signal: 'x', value },
  });
  const read = (tMs: number, value: boolean | number): StoredPoint => ({ ...point(tMs, 0), value });
  assert.deepEqual(
    judgeValues([flag(0, false), flag(9000, true)], () => [read(1000, false), read(8950, true)]).problems,
    [],
  );
  assert.notDeepEqual(judgeValues([flag(0, false), flag(9000, true)], () => [read(5000, true)]).problems, []);
  assert.notDeepEqual(judgeValues([flag(0, false)], () => [read(5000, 0)]).problems, [], 'a number for a flag');
  const up = [flag(0, false), flag(1000, true), flag(4000, false)];
  const offline: TruthLine = { ...flag(900, true), kind: 'state', data: { state: 'OFFLINE', cause: null } };
  assert.notDeepEqual(judgeValues(up, () => [read(500, false)]).problems, [], 'stood for 3 s and was never read');
  assert.deepEqual(judgeValues([offline, ...up], () => [read(500, false)]).problems, [], 'nobody could read it');
});

test('seconds by state are held against the truth', () => {
  const log: TruthLine[] = [
    { t: 0, machine: 'ls-1', kind: 'state', id: '', data: { state: 'IDLE', cause: null } },
    { t: 30_000, machine: 'ls-1', kind: 'state', id: '', data: { state: 'RUN', cause: null } },
  ];
  const watched = { fromMs: 0, toMs: 60_000, firstHeardMs: 0 };
  assert.deepEqual(judgeStates(log, 'ls-1', { IDLE: 29.5, RUN: 30.5 }, watched), []);
  assert.equal(judgeStates(log, 'ls-1', { IDLE: 60 }, watched).length, 2);
  assert.equal(judgeStates(log, 'ls-1', { IDLE: 29.5, RUN: 29.5 }, watched).length, 1, 'a second is missing');
  const blind = judgeStates(log, 'ls-1', { IDLE: 25, RUN: 25, UNKNOWN: 10 }, watched);
  assert.ok(
    blind.some((problem) => problem.includes('not seen for 10.0 s')),
    blind.join(),
  );
});

test('an alert that comes back within its occurrence is one more observation, over when its own end is told', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-judge-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'bridge.db');
  const db = new Database(path);
  db.exec(`
    CREATE TABLE record_alert (gateway, boot, n, machine, at_ms, occurrence, type, transition, onset_ms, raised_ms, cleared_ms);
    CREATE TABLE record_event (gateway, boot, n, machine, at_ms, event, phase, from_ms, data);
    CREATE TABLE state_summary (gateway, machine, seconds);
    CREATE VIEW counter_totals AS SELECT '' AS gateway, '' AS machine, '' AS signal, 0 AS delta, 0 AS uncertainty, 0 AS resets;
  `);
  const step = db.prepare(
    "INSERT INTO record_alert VALUES ('gw', 'b', ?, 'ls-1', ?, 'o-1', 'thread_break', ?, ?, ?, ?)",
  );
  step.run(1, 1000, 'raised', 900, 1000, null);
  step.run(2, 5000, 'returned', 900, 1000, 5000);
  step.run(3, 9000, 'reactivated', 8900, 9000, null);
  db.close();
  const seen = readBridge(path, 'gw').observed.map(({ onsetMs, clearedMs }) => [onsetMs, clearedMs]);
  assert.deepEqual(seen, [
    [900, 5000],
    [8900, null],
  ]);
});

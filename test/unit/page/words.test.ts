import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { english } from '../../../agent/web/speech.ts';
import { addPoint, rangeText, type Points } from '../../../agent/web/points.ts';
import { lasted, siteTime } from '../../../agent/web/times.ts';
import {
  ackWord,
  causeWord,
  heatWord,
  signalWord,
  splitSignals,
  chartable,
  unitSign,
  valueText,
} from '../../../agent/web/words.ts';
import { createFloor } from './floor.ts';

test('known causes have plain words, unknown ones stay visible', () => {
  assert.equal(causeWord('material.thread_break', english), 'Thread break');
  assert.equal(causeWord('vendor.code_777', english), 'Vendor code 777');
  assert.equal(signalWord('constructor', english), 'Constructor');
  assert.equal(unitSign('XYZ', english), 'XYZ');
});

test('of a crop it is said how far its worst place is from good cloth, and never that one is beyond the limit that is not', () => {
  const map = 'ab'.repeat(32);
  assert.match(heatWord({ heatMap: map, heatPeak: 1.84 }, english) ?? '', /worst place is at 1\.8 times/);
  assert.match(heatWord({ heatMap: map, heatPeak: 0.99 }, english) ?? '', /No place .* at 0\.9 times/);
  assert.match(heatWord({ heatMap: null, heatPeak: 0.3 }, english) ?? '', /No place .* at 0\.3 times/);
  assert.match(heatWord({ heatMap: map, heatPeak: 1 }, english) ?? '', /worst place is at 1\.0 times/);
  // A map that was not kept, and an alert from before there were any.
  assert.equal(heatWord({ heatMap: null, heatPeak: 1.84 }, english), null);
  assert.equal(heatWord({ heatMap: null, heatPeak: null }, english), null);
  assert.equal(heatWord({}, english), null);
});

test('who is asked about a latched alert is asked whether it is over', () => {
  assert.equal(ackWord('latched', english), 'Confirm that it is over');
  for (const state of ['active-unacked', 'returned-unacked'] as const)
    assert.equal(ackWord(state, english), 'Acknowledge');
});

test('a missing value is a dash and never a zero', () => {
  assert.equal(valueText({ value: null, kind: 'gauge' }, english), '–');
  assert.equal(valueText({ value: 0, kind: 'gauge' }, english), '0');
  assert.equal(valueText({ value: 9_002_771, kind: 'counter' }, english), '9\u202f002\u202f771');
  assert.equal(valueText({ value: 71.4375, kind: 'gauge' }, english), '71.44');
  assert.equal(valueText({ value: -3.5, kind: 'gauge' }, english), '-3.5');
  assert.equal(valueText({ value: false, kind: 'flag' }, english), 'no');
});

test('durations are short, whole and never negative', () => {
  const s = 1_000;
  const cases: [number, string][] = [
    [-5, '0 s'],
    [59.9 * s, '59 s'],
    [60 * s, '1 min'],
    [3_599 * s, '59 min'],
    [7_500 * s, '2 h 05 min'],
    [90_000 * s, '1 d 1 h'],
  ];
  for (const [ms, text] of cases) assert.equal(lasted(ms, english), text);
});

test('times are those of the site, with the day when it is another one there', () => {
  const dhaka = siteTime('Asia/Dhaka', english);
  const ms = Date.UTC(2026, 2, 1, 17, 59, 5);
  assert.equal(dhaka.at(ms, ms), '23:59:05');
  assert.equal(dhaka.at(ms, ms + 60_000), '1 Mar, 23:59:05');
  assert.equal(siteTime('Nowhere/None', english).timeZone, 'UTC');
});

test('a tile shows its most telling readings first and hides none', () => {
  for (const machine of createFloor().machines) {
    const { key, more } = splitSignals(machine);
    assert.ok(key.length <= 6);
    assert.deepEqual([...key, ...more].map((s) => s.signal).sort(), machine.signals.map((s) => s.signal).sort());
    assert.match(chartable(machine)[0] ?? '', /speed/);
  }
});

test('a growing curve keeps its span, its order and its holes', () => {
  const news = fc.array(fc.tuple(fc.integer({ min: -2_000, max: 20_000 }), fc.option(fc.integer(), { nil: null })));
  fc.assert(
    fc.property(news, (steps) => {
      let points: Points = { t: [], v: [] };
      let now = 1_000_000;
      for (const [stepMs, value] of steps) {
        now += stepMs;
        points = addPoint(points, now, value, 60_000);
        assert.equal(points.t.length, points.v.length);
        assert.ok(points.t.every((ms, i) => i === 0 || ms > (points.t[i - 1] ?? 0)));
        if (value === null) assert.equal(points.v.at(-1), null, 'a hole is never passed over');
      }
      const [first, last] = [points.t[0], points.t.at(-1)];
      if (first !== undefined && last !== undefined) assert.ok(last - first <= 60_000 + 2_000 * steps.length);
    }),
  );
});

test('a curve says its range to who cannot see it', () => {
  assert.equal(rangeText({ t: [], v: [] }, 'A', english), 'no values');
  assert.equal(rangeText({ t: [1, 2, 3, 4], v: [3, null, 1, null] }, 'A', english), 'from 1 A to 3 A, last 1 A');
});

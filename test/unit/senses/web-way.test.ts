import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebWay } from '../../../agent/senses/eye/web-way.ts';

const at = (way: WebWay, timeMs: number, count: number | null = null) => way.wayOf({ timeMs, count })?.mm ?? null;

test('Y1: an encoder along the web counts on where its counter starts again at 0', () => {
  const way = new WebWay({ kind: 'encoder', mmPerCount: 0.5, wrapsAt: 65_536 });
  assert.equal(at(way, 0, 65_000), 32_500.25);
  assert.equal(at(way, 100, 65_500), 32_750.25);
  assert.equal(at(way, 200, 464), 33_000.25);
  assert.equal(at(way, 300, null), null);
  assert.equal(at(way, 400, 964), 33_250.25);
});

test('Y1: a speed in metres a minute is followed as it changes, also while no picture comes', () => {
  const way = new WebWay({ kind: 'speed', speedError: 0.01, oldestMs: 2_000 });
  way.speed({ timeMs: 0, mPerMin: 30 });
  assert.equal(at(way, 0), 0);
  // 30 m a minute are half a millimetre a millisecond.
  assert.equal(at(way, 1_000), 500);
  way.speed({ timeMs: 1_500, mPerMin: 60 });
  assert.equal(at(way, 2_000), 1_250);
  way.speed({ timeMs: 1_000, mPerMin: 1 });
  way.speed({ timeMs: 2_000, mPerMin: 0 });
  assert.equal(at(way, 3_000), 1_250);
});

test('Y2: before the first speed, and when it is too old, nobody knows; then the way goes on from where it was', () => {
  const way = new WebWay({ kind: 'speed', speedError: 0.01, oldestMs: 2_000 });
  assert.equal(at(way, 0), null);
  way.speed({ timeMs: 100, mPerMin: 60 });
  assert.equal(at(way, 200), 0);
  assert.equal(at(way, 1_200), 1_000);
  assert.equal(at(way, 5_000), null);
  way.speed({ timeMs: 5_500, mPerMin: 60 });
  assert.equal(at(way, 6_000), 2_000);
});

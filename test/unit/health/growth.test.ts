import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayFrom, StoreGrowth } from '../../../agent/growth.ts';

const hourMs = 3_600_000;

test('the growth of a day is told from the sizes of the last day, and not before ten minutes are known', () => {
  const growth = new StoreGrowth();
  assert.equal(growth.bytesADay(), null);
  growth.put(0, 1_000);
  growth.put(300_000, 1_100);
  assert.equal(growth.bytesADay(), null);
  growth.put(hourMs, 2_000);
  assert.equal(growth.bytesADay(), 24_000);
  for (let hour = 2; hour <= 60; hour++) growth.put(hour * hourMs, 2_000 + (hour - 1) * 10);
  const told = growth.bytesADay() ?? Number.NaN;
  assert.ok(Math.abs(told - 240) < 1e-6, String(told));
});

test('the day begins at the midnight of the site, also where the clocks change on it', () => {
  assert.equal(dayFrom(Date.UTC(2026, 10, 28, 3), 'Asia/Kolkata'), Date.UTC(2026, 10, 27, 18, 30));
  assert.equal(dayFrom(Date.UTC(2026, 9, 25, 22), 'Europe/Istanbul'), Date.UTC(2026, 9, 25, 21));
  // Its first hour came twice: the clocks went back at 02:00 UTC+2 that day.
  assert.equal(dayFrom(Date.UTC(2026, 9, 25, 12), 'Europe/Berlin'), Date.UTC(2026, 9, 24, 22));
});

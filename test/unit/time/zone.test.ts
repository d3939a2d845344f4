import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dateOfDay, dayOfDate, siteZone } from '../../../agent/time/zone.ts';

const utc = (text: string) => Date.parse(text);

test('Dhaka is six hours ahead all year round', () => {
  const zone = siteZone('Asia/Dhaka');
  assert.deepEqual(zone.toLocal(utc('2026-01-15T18:30:05Z')), { date: '2026-01-16', minuteOfDay: 30, second: 5 });
  assert.equal(zone.toUtcMs('2026-01-16', 30), utc('2026-01-15T18:30:00Z'));
  assert.equal(zone.toUtcMs('2026-07-16', 30), utc('2026-07-15T18:30:00Z'));
});

test('a local time that does not exist is the instant of the change', () => {
  // Lisbon, 29 March 2026: at 01:00 the clocks go to 02:00.
  const zone = siteZone('Europe/Lisbon');
  const change = utc('2026-03-29T01:00:00Z');
  assert.equal(zone.toUtcMs('2026-03-29', 59), change - 60_000);
  for (const minute of [60, 61, 90, 119, 120]) assert.equal(zone.toUtcMs('2026-03-29', minute), change, String(minute));
  assert.equal(zone.toUtcMs('2026-03-29', 121), change + 60_000);
});

test('a local time that exists twice is its first occurrence', () => {
  // Lisbon, 25 October 2026: at 02:00 the clocks go back to 01:00.
  const zone = siteZone('Europe/Lisbon');
  assert.equal(zone.toUtcMs('2026-10-25', 60), utc('2026-10-25T00:00:00Z'));
  assert.equal(zone.toUtcMs('2026-10-25', 119), utc('2026-10-25T00:59:00Z'));
  assert.equal(zone.toUtcMs('2026-10-25', 120), utc('2026-10-25T02:00:00Z'));
});

test('a day that a zone skips is the instant of the change', () => {
  // Apia went over the date line: 30 December 2011 did not take place there.
  const zone = siteZone('Pacific/Apia');
  const change = utc('2011-12-30T10:00:00Z');
  assert.equal(zone.toUtcMs('2011-12-30', 0), change);
  assert.equal(zone.toUtcMs('2011-12-30', 1439), change);
  assert.equal(zone.toUtcMs('2011-12-31', 0), change);
});

test('minutes beyond a day run into the next one', () => {
  const zone = siteZone('Europe/Lisbon');
  assert.equal(zone.toUtcMs('2026-05-31', 1440 + 6 * 60), zone.toUtcMs('2026-06-01', 6 * 60));
});

const zones = ['Asia/Dhaka', 'Europe/Lisbon', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];
const instant = fc.integer({ min: utc('2020-01-01T00:00:00Z') / 60_000, max: utc('2035-01-01T00:00:00Z') / 60_000 });

test('local time and back gives the same instant, or its first occurrence', () => {
  const all = zones.map(siteZone);
  fc.assert(
    fc.property(fc.constantFrom(...all), instant, (zone, minute) => {
      const at = minute * 60_000;
      const local = zone.toLocal(at);
      const back = zone.toUtcMs(local.date, local.minuteOfDay);
      assert.ok(back === at || (back < at && at - back <= 3_600_000), `${zone.timeZone} ${new Date(at).toISOString()}`);
      assert.deepEqual(zone.toLocal(back), local);
    }),
    { numRuns: 400 },
  );
});

test('UTC never falls as local time grows', () => {
  // Around the change-overs of 2026, where it could.
  for (const timeZone of zones) {
    const zone = siteZone(timeZone);
    for (const day of ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01']) {
      let before = -Infinity;
      for (let minute = 0; minute < 300; minute += 5) {
        const at = zone.toUtcMs(day, minute);
        assert.ok(at >= before, `${timeZone} ${day} ${minute}`);
        before = at;
      }
    }
  }
});

test('a zone this system does not know is refused', () => {
  assert.throws(() => siteZone('Asia/Daka'), RangeError);
});

test('dates and day numbers are two spellings of the same', () => {
  assert.equal(dayOfDate('1970-01-01'), 0);
  assert.equal(dateOfDay(dayOfDate('2028-02-29') + 1), '2028-03-01');
});

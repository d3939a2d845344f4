import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { calendarSchema, weekdays, type ShiftCalendar } from '../../../agent/time/calendar.ts';
import { calendarProblems } from '../../../agent/time/check.ts';
import { shiftsAround } from '../../../agent/time/shift-around.ts';
import { shiftsBetween } from '../../../agent/time/shifts.ts';
import { siteZone } from '../../../agent/time/zone.ts';

const hourMs = 3_600_000;
const zones = [
  'Asia/Dhaka',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
].map((name) => siteZone(name));
const moment = fc.integer({ min: Date.parse('2024-01-01T00:00:00Z'), max: Date.parse('2027-12-31T00:00:00Z') });
const clock = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** One to three shifts a day, cut out of 24 h from a start on, some of them with a pause after them. */
const calendar = fc
  .record({
    startMinute: fc.integer({ min: 0, max: 1439 }),
    parts: fc.array(fc.record({ lengthMin: fc.integer({ min: 30, max: 480 }), isOff: fc.boolean() }), {
      minLength: 1,
      maxLength: 3,
    }),
    days: fc.subarray([...weekdays], { minLength: 1 }),
  })
  .map(({ startMinute, parts, days }) => {
    let at = startMinute;
    const shifts = parts.flatMap(({ lengthMin, isOff }, index) => {
      const from = at;
      at += lengthMin;
      const spec = { id: `s-${index}`, days, from: clock(from % 1440), to: clock(at % 1440) };
      return isOff && parts.length > 1 && index > 0 ? [] : [spec];
    });
    return calendarSchema.parse({ plans: [{ shifts }] });
  })
  .filter((made) => calendarProblems(made).length === 0);

test('the shift holds the moment or is the last before it, and its neighbours leave out no shift and overlap none, in any zone', () => {
  fc.assert(
    fc.property(calendar, fc.constantFrom(...zones), moment, (made, zone, atMs) => {
      const { shift, previous, next } = shiftsAround(made, zone, atMs);
      assert.ok(shift.fromMs <= atMs);
      assert.ok(previous !== null && next !== null);
      assert.ok(previous.toMs <= shift.fromMs && shift.toMs <= next.fromMs);
      assert.ok(next.fromMs > atMs);
      const all = shiftsBetween(made, zone, previous.fromMs, next.toMs);
      assert.deepEqual(
        all.map(({ fromMs, toMs }) => [fromMs, toMs]),
        [previous, shift, next].map(({ fromMs, toMs }) => [fromMs, toMs]),
      );
      // From a neighbour one comes back.
      assert.deepEqual(shiftsAround(made, zone, previous.fromMs).next, shift);
      assert.deepEqual(shiftsAround(made, zone, next.fromMs).previous, shift);
    }),
    { numRuns: 150 },
  );
});

test('without a calendar the days of the site follow each other without a gap and begin at midnight', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), moment, (zone, atMs) => {
      const { shift, previous, next } = shiftsAround(null, zone, atMs);
      assert.ok(shift.fromMs <= atMs && atMs < shift.toMs);
      assert.deepEqual([previous?.toMs, next?.fromMs], [shift.fromMs, shift.toMs]);
      assert.equal(zone.toLocal(shift.fromMs).minuteOfDay, 0);
      assert.equal(shift.name, null);
    }),
    { numRuns: 150 },
  );
});

const night = calendarSchema.parse({
  plans: [{ shifts: [{ id: 'night', name: 'Night', days: [...weekdays], from: '22:00', to: '06:00' }] }],
}) as ShiftCalendar;
const lengthH = (zone: string, at: string) => {
  const { shift } = shiftsAround(night, siteZone(zone), Date.parse(at));
  return (shift.toMs - shift.fromMs) / hourMs;
};

test('a night of 8 h is 7 h or 9 h long when the clocks change, and the day 23 h or 25 h', () => {
  assert.equal(lengthH('Europe/Berlin', '2026-03-29T01:00:00Z'), 7);
  assert.equal(lengthH('Europe/Berlin', '2026-10-25T01:00:00Z'), 9);
  assert.equal(lengthH('America/New_York', '2026-03-08T07:00:00Z'), 7);
  assert.equal(lengthH('America/New_York', '2026-11-01T07:00:00Z'), 9);
  assert.equal(lengthH('Asia/Dhaka', '2026-03-29T20:00:00Z'), 8);
  const day = (at: string) => shiftsAround(null, siteZone('Europe/Berlin'), Date.parse(at)).shift;
  assert.equal((day('2026-03-29T12:00:00Z').toMs - day('2026-03-29T12:00:00Z').fromMs) / hourMs, 23);
  assert.equal((day('2026-10-25T12:00:00Z').toMs - day('2026-10-25T12:00:00Z').fromMs) / hourMs, 25);
});

test('between two shifts it is the one that ended last, and a holiday is looked past', () => {
  const zone = siteZone('Asia/Kolkata');
  const noon = shiftsAround(night, zone, Date.parse('2026-05-05T06:30:00Z'));
  assert.equal(noon.shift.name, 'Night');
  assert.equal(noon.shift.toMs, Date.parse('2026-05-05T00:30:00Z'));
  assert.equal(noon.next?.fromMs, Date.parse('2026-05-05T16:30:00Z'));
  const holidays = Array.from({ length: 9 }, (_, i) => `2026-05-0${i + 1}`);
  const shut = shiftsAround({ ...night, holidays }, zone, Date.parse('2026-05-07T06:30:00Z'));
  assert.equal(shut.shift.fromMs, Date.parse('2026-04-30T16:30:00Z'));
  assert.equal(shut.next?.fromMs, Date.parse('2026-05-10T16:30:00Z'));
  // A calendar of a plan to come has no shift yet: the day stands in for it.
  const later = { ...night, plans: night.plans.map((plan) => ({ ...plan, validFrom: '2027-01-01' })) };
  assert.equal(shiftsAround(later, zone, Date.parse('2026-05-07T06:30:00Z')).shift.name, null);
});

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { calendarSchema, isDate, weekdays, type ShiftCalendar } from '../../../agent/time/calendar.ts';
import { calendarProblems } from '../../../agent/time/check.ts';
import { shiftAt, shiftsBetween } from '../../../agent/time/shifts.ts';
import { siteZone } from '../../../agent/time/zone.ts';

const utc = (text: string) => Date.parse(text);
const hours = (ms: number) => ms / 3_600_000;
const calendar = (value: unknown): ShiftCalendar => calendarSchema.parse(value);
const everyDay = [...weekdays];
const night = calendar({ plans: [{ shifts: [{ id: 'night', days: everyDay, from: '22:00', to: '06:00' }] }] });
const lisbon = siteZone('Europe/Lisbon');
const dhaka = siteZone('Asia/Dhaka');

test('the night shift is 7 h when Lisbon goes forward and belongs to the evening it starts', () => {
  const shift = shiftAt(night, lisbon, utc('2026-03-29T03:00:00Z'));
  assert.ok(shift);
  assert.equal(shift.date, '2026-03-28');
  assert.equal(shift.fromMs, utc('2026-03-28T22:00:00Z'));
  assert.equal(shift.toMs, utc('2026-03-29T05:00:00Z'));
  assert.equal(hours(shift.toMs - shift.fromMs), 7);
});

test('the night shift is 9 h when Lisbon goes back', () => {
  const shift = shiftAt(night, lisbon, utc('2026-10-25T01:30:00Z'));
  assert.ok(shift);
  assert.equal(shift.date, '2026-10-24');
  assert.equal(shift.fromMs, utc('2026-10-24T21:00:00Z'));
  assert.equal(shift.toMs, utc('2026-10-25T06:00:00Z'));
  assert.equal(hours(shift.toMs - shift.fromMs), 9);
});

test('the nights before and after a change-over are 8 h', () => {
  const shifts = shiftsBetween(night, lisbon, utc('2026-10-23T12:00:00Z'), utc('2026-10-26T12:00:00Z'));
  assert.deepEqual(
    shifts.map((shift) => [shift.date, hours(shift.workMs)]),
    [
      ['2026-10-23', 8],
      ['2026-10-24', 9],
      ['2026-10-25', 8],
    ],
  );
});

test('every night shift of a year in Dhaka is 8 h', () => {
  const shifts = shiftsBetween(night, dhaka, utc('2026-01-01T12:00:00Z'), utc('2026-12-31T12:00:00Z'));
  assert.equal(shifts.length, 364);
  for (const shift of shifts) assert.equal(hours(shift.toMs - shift.fromMs), 8, shift.date);
  assert.equal(shifts[0]?.fromMs, utc('2026-01-01T16:00:00Z'));
});

test('an end is outside, a start inside, and between shifts there is none', () => {
  assert.equal(shiftAt(night, dhaka, utc('2026-01-01T16:00:00Z'))?.date, '2026-01-01');
  assert.equal(shiftAt(night, dhaka, utc('2026-01-01T15:59:59Z')), null);
  assert.equal(shiftAt(night, dhaka, utc('2026-01-01T23:59:59Z'))?.date, '2026-01-01');
  assert.equal(shiftAt(night, dhaka, utc('2026-01-02T00:00:00Z')), null);
});

test('breaks are taken off, also after midnight and over a change-over', () => {
  const spec = { id: 'night', days: everyDay, from: '22:00', to: '06:00', breaks: [{ from: '00:30', to: '02:30' }] };
  const shift = shiftAt(calendar({ plans: [{ shifts: [spec] }] }), lisbon, utc('2026-03-29T04:00:00Z'));
  assert.ok(shift);
  // Of the two hours of break, the hour from 01:00 to 02:00 did not take place.
  assert.deepEqual(shift.breaks, [{ fromMs: utc('2026-03-29T00:30:00Z'), toMs: utc('2026-03-29T01:30:00Z') }]);
  assert.equal(hours(shift.workMs), 6);
});

test('no shift starts on a holiday, but the one of the evening before ends in it', () => {
  const withHoliday = { ...night, holidays: ['2026-02-21'] };
  const shifts = shiftsBetween(withHoliday, dhaka, utc('2026-02-19T20:00:00Z'), utc('2026-02-22T20:00:00Z'));
  assert.deepEqual(
    shifts.map((shift) => shift.date),
    ['2026-02-19', '2026-02-20', '2026-02-22'],
  );
});

test('each date goes by the plan that holds on it', () => {
  const dated = calendar({
    plans: [
      { validFrom: '2026-03-01', shifts: [{ id: 'ramadan', days: everyDay, from: '07:00', to: '13:00' }] },
      { shifts: [{ id: 'day', days: everyDay, from: '08:00', to: '17:00' }] },
      { validFrom: '2026-03-30', shifts: [{ id: 'summer', days: ['mon'], from: '06:00', to: '14:00' }] },
    ],
  });
  const ids = shiftsBetween(dated, dhaka, utc('2026-02-27T18:00:00Z'), utc('2026-03-01T18:00:00Z')).map((s) => s.id);
  assert.deepEqual(ids, ['day', 'ramadan']);
  const later = shiftsBetween(dated, dhaka, utc('2026-03-28T18:00:00Z'), utc('2026-04-06T18:00:00Z'));
  assert.deepEqual(
    later.map((s) => [s.id, s.date]),
    [
      ['ramadan', '2026-03-29'],
      ['summer', '2026-03-30'],
      ['summer', '2026-04-06'],
    ],
  );
});

test('an empty span has no shifts', () => {
  const at = utc('2026-01-01T18:00:00Z');
  assert.deepEqual(shiftsBetween(night, dhaka, at, at), []);
  assert.deepEqual(shiftsBetween(night, dhaka, at, at - 1), []);
});

const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 59))
  .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`);
const shiftSpec = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
  from: clock,
  to: clock,
});
const plan = fc.record(
  {
    validFrom: fc.constantFrom('2026-03-20', '2026-03-28', '2026-10-25'),
    shifts: fc.array(shiftSpec, { maxLength: 3 }),
  },
  { requiredKeys: ['shifts'] },
);
const anyCalendar = fc
  .record({ plans: fc.array(plan, { minLength: 1, maxLength: 3 }), holidays: fc.constantFrom([], ['2026-03-28']) })
  .map((value) => calendar(value));

test('in a calendar without problems no two shifts overlap, whatever the clocks do', () => {
  let good = 0;
  fc.assert(
    fc.property(anyCalendar, fc.constantFrom('2026-03-29', '2026-10-25', '2026-06-10'), (value, around) => {
      if (calendarProblems(value).length > 0) return;
      good += 1;
      const middle = utc(`${around}T00:00:00Z`);
      const shifts = shiftsBetween(value, lisbon, middle - 5 * 86_400_000, middle + 5 * 86_400_000);
      for (const [index, shift] of shifts.entries()) {
        const next = shifts[index + 1];
        assert.ok(shift.fromMs < shift.toMs);
        assert.ok(shift.workMs >= 0 && shift.workMs <= shift.toMs - shift.fromMs);
        assert.ok(next === undefined || shift.toMs <= next.fromMs, `${shift.date} ${shift.id}`);
        // The start, the middle and the last instant all find this very shift.
        for (const at of [shift.fromMs, (shift.fromMs + shift.toMs) / 2, shift.toMs - 1]) {
          assert.deepEqual(shiftAt(value, lisbon, at), shift);
        }
      }
    }),
    { numRuns: 100 },
  );
  assert.ok(good > 10, `only ${good} calendars were good`);
});

const problemsOf = (value: unknown) => calendarProblems(calendar(value)).map((p) => `${p.path.join('.')}: ${p.what}`);
const shift = (id: string, days: readonly string[], from: string, to: string, breaks: readonly unknown[] = []) => ({
  id,
  days,
  from,
  to,
  breaks,
});

test('shifts that overlap round the week are refused', () => {
  const shifts = [shift('night', ['sun'], '22:00', '06:00'), shift('early', ['mon'], '05:00', '13:00')];
  assert.deepEqual(problemsOf({ plans: [{ shifts }] }), [
    'plans.0.shifts.1: overlaps the shift night (the one that starts on mon)',
  ]);
});

test('a shift that meets the next one without a pause is good', () => {
  const shifts = [
    shift('early', everyDay, '06:00', '14:00'),
    shift('late', everyDay, '14:00', '22:00'),
    shift('night', everyDay, '22:00', '06:00'),
  ];
  assert.deepEqual(problemsOf({ plans: [{ shifts }] }), []);
});

test('a night of the old plan that runs into the new one is refused', () => {
  const plans = [
    { shifts: [shift('night', everyDay, '22:00', '06:00')] },
    { validFrom: '2026-04-01', shifts: [shift('early', everyDay, '05:00', '13:00')] },
  ];
  assert.match(problemsOf({ plans })[0] ?? '', /^plans\.1\.validFrom: starts while a shift of 2026-03-31/);
  assert.deepEqual(problemsOf({ plans, holidays: ['2026-03-31'] }), []);
});

test('breaks outside the shift, or one in another, are refused', () => {
  const breaks = [
    { from: '21:00', to: '21:30' },
    { from: '01:00', to: '02:00' },
    { from: '01:30', to: '01:45' },
  ];
  assert.deepEqual(problemsOf({ plans: [{ shifts: [shift('night', ['mon'], '22:00', '06:00', breaks)] }] }), [
    'plans.0.shifts.0.breaks.0: lies outside the shift',
    'plans.0.shifts.0.breaks.2: overlaps an earlier break',
  ]);
});

test('plans and shifts need names and dates of their own', () => {
  const one = { shifts: [shift('a', ['mon'], '06:00', '14:00'), shift('a', ['tue'], '06:00', '14:00')] };
  assert.deepEqual(problemsOf({ plans: [one, { shifts: [] }] }), [
    'plans.0.shifts.1.id: is "a", as of an earlier shift',
    'plans.1: has no validFrom, and an earlier plan has none either',
  ]);
});

test('a date is one of the calendar', () => {
  for (const good of ['2026-02-28', '2028-02-29']) assert.ok(isDate(good), good);
  for (const bad of ['2026-02-29', '2026-13-01', '26-01-01', '2026-1-1', '', '9999-01-01'])
    assert.ok(!isDate(bad), bad);
});

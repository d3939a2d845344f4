/**
 * Shifts in zones that are not whole hours from UTC, of minutes that are kept, packed, and folded into hours of UTC: exact where minutes are
 * there, and nothing of an hour that two shifts share where they are not.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { openJournal } from '../../../agent/store/journal.ts';
import type { MachineShift } from '../../../agent/store/shift-sums.ts';
import { SummaryList } from '../../../agent/store/summary-list.ts';
import { ViewQueries } from '../../../agent/store/view-queries.ts';
import { sumsOf } from '../../../agent/store/view-sums.ts';
import { foldHours } from '../../../agent/store/hours.ts';
import { calendarSchema, weekdays, type ShiftCalendar } from '../../../agent/time/calendar.ts';
import { shiftsBetween, type Span } from '../../../agent/time/shifts.ts';
import { siteZone } from '../../../agent/time/zone.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { bootA, entry, temporaryDir } from './making.ts';
import { minute, signalRow, stateRow } from './view-rows.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const calendar = calendarSchema.parse({
  plans: [
    {
      shifts: [
        { id: 'early', days: [...weekdays], from: '06:00', to: '14:00' },
        { id: 'late', days: [...weekdays], from: '14:00', to: '22:00' },
        { id: 'night', days: [...weekdays], from: '22:00', to: '06:00' },
      ],
    },
  ],
}) as ShiftCalendar;

/** What a minute tells: every one something else. */
const deltaOf = (atMs: number) => 1 + (((atMs / minuteMs) * 7) % 11);
const secondsOf = (atMs: number) => ({ RUN: 5 + ((atMs / minuteMs) % 40), FAULT: 55 - ((atMs / minuteMs) % 40) });
function truthOf({ fromMs, toMs }: Span) {
  const truth = { delta: 0, RUN: 0, FAULT: 0 };
  for (let atMs = fromMs; atMs < toMs; atMs += minuteMs) {
    const { RUN, FAULT } = secondsOf(atMs);
    truth.delta += deltaOf(atMs);
    truth.RUN += RUN;
    truth.FAULT += FAULT;
  }
  return truth;
}

/** Two days of minutes of one machine from `fromMs` on. */
function rig(t: TestContext, fromMs: number) {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs: fromMs, outbox: false });
  t.after(() => journal.close());
  let n = 0;
  const records = Array.from({ length: 48 * 60 }, (_, i) => fromMs + i * minuteMs).flatMap((atMs) => {
    const key = { minuteMs: atMs, atMs: atMs + 65_000 };
    const counter = { delta: deltaOf(atMs), uncertainty: 0, from: 0, to: 4, fromMs: atMs, toMs: atMs + minuteMs };
    return [
      stateSummary(++n, { ...key, seconds: secondsOf(atMs), causes: { 'drive.stall': secondsOf(atMs).FAULT } }),
      summary(++n, { ...key, counter: { ...counter, wraps: 0, resets: 0 } }),
    ];
  });
  journal.transaction(() =>
    journal.insert(
      bootA,
      records.map((record) => entry(record)),
    ),
  );
  const parts = { summaries: new SummaryList(journal.db), raw: () => null, monotonicMs: () => 0 };
  return {
    of: ({ fromMs: from, toMs }: Span): MachineShift => {
      const [one] = new ViewQueries(journal.db, parts).shift({ fromMs: from, toMs, isOver: true }).machines;
      assert.ok(one !== undefined);
      return one;
    },
    pack: () => {
      while (journal.transaction(() => journal.minutes.pack()));
    },
    fold: () => {
      while (journal.transaction(() => journal.minutes.fold(fromMs + 44 * hourMs)) !== null);
    },
  };
}

const zones = [
  // Cut seconds of each shift that is looked at: in half-hour zones half an hour at both ends.
  { zone: 'Asia/Kolkata', day: '2026-01-05', cut: [3_600, 3_600, 3_600] },
  { zone: 'Asia/Kathmandu', day: '2026-01-05', cut: [3_600, 3_600, 3_600] },
  { zone: 'Asia/Dhaka', day: '2026-01-05', cut: [0, 0, 0] },
  // The clocks go forward by an hour in the night: whole hours all the same.
  { zone: 'Europe/Berlin', day: '2026-03-28', cut: [0, 0, 0] },
  // They go back by half an hour at 02:00: at +11:00 an hour begins with a shift, at +10:30 within.
  { zone: 'Australia/Lord_Howe', day: '2026-04-04', cut: [0, 0, 1_800] },
  { zone: 'Australia/Lord_Howe', day: '2026-04-05', cut: [3_600, 3_600, 3_600] },
] as const;

for (const { zone: timeZone, day, cut } of zones) {
  test(`shifts in ${timeZone} on ${day} are exact of minutes, and of hours give nothing to the wrong one`, (t) => {
    const zone = siteZone(timeZone);
    const sixMs = zone.toUtcMs(day, 6 * 60);
    const shifts = shiftsBetween(calendar, zone, sixMs, sixMs + 23 * hourMs);
    assert.deepEqual(
      shifts.map(({ id }) => id),
      ['early', 'late', 'night'],
    );
    const r = rig(t, Math.floor(sixMs / hourMs) * hourMs - 2 * hourMs);
    for (const how of ['rows', 'packed'] as const) {
      if (how === 'packed') r.pack();
      for (const shift of shifts) {
        const { counters, seconds, unknownS, cutS, stops } = r.of(shift);
        const { delta, ...states } = truthOf(shift);
        assert.deepEqual(counters, [{ signal: 'stitches', delta, uncertainty: 0 }], `${how} ${shift.id}`);
        assert.deepEqual([seconds, unknownS, cutS], [states, 0, 0], `${how} ${shift.id}`);
        assert.deepEqual(stops, [{ cause: 'drive.stall', seconds: states.FAULT, times: 0 }]);
      }
    }
    r.fold();
    for (const [i, shift] of shifts.entries()) {
      const { counters, seconds, unknownS, cutS, stops } = r.of(shift);
      const truth = truthOf(shift);
      // Whole hours of UTC within the shift are told, and nothing else.
      const whole = {
        fromMs: Math.ceil(shift.fromMs / hourMs) * hourMs,
        toMs: Math.floor(shift.toMs / hourMs) * hourMs,
      };
      const told = truthOf(whole);
      const reach = truthOf({
        fromMs: Math.floor(shift.fromMs / hourMs) * hourMs,
        toMs: Math.ceil(shift.toMs / hourMs) * hourMs,
      });
      assert.deepEqual(seconds, { RUN: told.RUN, FAULT: told.FAULT }, shift.id);
      assert.deepEqual([unknownS, cutS], [cut[i], cut[i]], shift.id);
      assert.deepEqual(counters, [{ signal: 'stitches', delta: told.delta, uncertainty: reach.delta - told.delta }]);
      assert.ok(told.delta <= truth.delta && truth.delta <= reach.delta, 'the truth lies within what is said');
      assert.deepEqual(stops, [{ cause: 'drive.stall', seconds: told.FAULT, times: 0 }]);
    }
  });
}

test('a folded hour whose minutes all lie in the shift is told whole: the machine began in it after the shift did', () => {
  const [from, to] = [minute(30), minute(30 + 8 * 60)];
  const rows = {
    states: [40, 41, 55].map((at) => stateRow(at, { RUN: 60 })),
    signals: [40, 55].map((at) =>
      signalRow(at, 1, 2, { delta: 5, uncertainty: 0, from: 0, to: 5, fromMs: minute(at), toMs: minute(at + 1) }),
    ),
  };
  const sums = sumsOf(foldHours(rows), from, to, 'hour');
  assert.deepEqual([sums.seconds, sums.counters.get('motor.temp')?.delta, sums.cutHours.size], [{ RUN: 180 }, 10, 0]);
  const before = sumsOf(foldHours(rows), minute(-450), from, 'hour');
  assert.deepEqual([before.seconds, before.cutHours.size], [{}, 0], 'and the shift before has nothing of it');
});

test('whatever minutes there are and wherever shifts begin, what is told of folded hours is no more than was, and never twice', () => {
  const minutes = fc.uniqueArray(fc.integer({ min: 0, max: 6 * 60 - 1 }), { minLength: 1, maxLength: 120 });
  const bounds = fc.uniqueArray(fc.integer({ min: 0, max: 6 * 60 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(minutes, bounds, (at, ends) => {
      const deltas = new Map(at.map((i) => [i, 1 + (i % 9)]));
      const rows = {
        states: at.map((i) => stateRow(i, { RUN: 60 })),
        signals: [...deltas].map(([i, delta]) =>
          signalRow(i, 1, 2, { delta, uncertainty: 0, from: 0, to: delta, fromMs: minute(i), toMs: minute(i + 1) }),
        ),
      };
      const folded = foldHours(rows);
      const edges = ends.toSorted((a, b) => a - b);
      let toldOfAll = 0;
      for (const [n, first] of edges.entries()) {
        const end = edges[n + 1];
        if (end === undefined) continue;
        const exact = sumsOf(rows, minute(first), minute(end));
        const told = sumsOf(folded, minute(first), minute(end), 'hour');
        const { delta = 0, uncertainty = 0 } = told.counters.get('motor.temp') ?? {};
        const truth = exact.counters.get('motor.temp')?.delta ?? 0;
        assert.ok(delta <= truth && truth <= delta + uncertainty, `${delta} ≤ ${truth} ≤ ${delta + uncertainty}`);
        assert.ok((told.seconds['RUN'] ?? 0) <= (exact.seconds['RUN'] ?? 0));
        assert.ok(told.cutHours.size <= 2);
        toldOfAll += delta;
      }
      assert.ok(toldOfAll <= [...deltas.values()].reduce((sum, one) => sum + one, 0));
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { foldHours, hourMs, standing } from '../../../agent/store/hours.ts';
import { signalRowOf, stateRowOf, summaryOf } from '../../../agent/store/rows.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, nowMs } from './making.ts';

const minute = (index: number) => nowMs + index * 60_000;
const counted = fc.record({ delta: fc.nat(500), uncertainty: fc.nat(9), wraps: fc.nat(1), resets: fc.nat(1) });
const signal = fc.record({
  minute: fc.nat(130),
  signal: fc.constantFrom('stitches', 'motor.temp'),
  readingBoot: fc.constantFrom(bootA, bootB),
  segment: fc.nat(1),
  revision: fc.integer({ min: 1, max: 3 }),
  n: fc.nat(10_000),
  good: fc.nat(60),
  sum: fc.integer({ min: -1_000, max: 1_000 }),
  extreme: fc.option(fc.integer({ min: -50, max: 50 })),
  counter: fc.option(counted),
});
const signals = fc.array(signal, { maxLength: 80 }).map((made) =>
  made.map(({ minute: at, n, sum, extreme, counter, ...rest }) =>
    signalRowOf(bootA, {
      ...summary(n + 1, { ...rest, minuteMs: minute(at), sum, integral: sum * 2, coveredS: 30 }),
      min: extreme,
      max: extreme,
      first: extreme,
      last: extreme,
      counter: counter === null ? null : { ...counter, from: at, to: at + 1, fromMs: minute(at), toMs: minute(at + 1) },
    }),
  ),
);

test('O1: of one key the row with the highest revision, boot and number stands, in any order', () => {
  fc.assert(
    fc.property(signals, fc.func(fc.integer()), (rows, order) => {
      const shuffled = rows.map((row) => ({ row, at: order(row) })).sort((a, b) => a.at - b.at);
      const text = (some: ReturnType<typeof standing>) => some.map((row) => JSON.stringify(row)).sort();
      // Rows alike in all three are one and the same record.
      const distinct = [
        ...new Map(
          rows.map((row) => [
            `${row.minuteMs} ${row.signal} ${row.readingBoot} ${row.segment} ${row.revision} ${row.n}`,
            row,
          ]),
        ).values(),
      ];
      assert.deepEqual(
        text(standing(distinct)),
        text(standing(shuffled.map(({ row }) => row).filter((row) => distinct.includes(row)))),
      );
    }),
  );
});

test('O2: hours add up to what their minutes did, each with the extremes and ends of its own', () => {
  fc.assert(
    fc.property(signals, (rows) => {
      const minutes = standing(rows);
      const hours = foldHours({ signals: rows, states: [] }).signals;
      const series = (row: (typeof rows)[number]) =>
        `${row.signal} ${row.readingBoot} ${row.segment} ${Math.floor(row.minuteMs / hourMs)}`;
      assert.equal(hours.length, new Set(minutes.map(series)).size);
      for (const hour of hours) {
        const own = minutes.filter((row) => series(row) === series(hour)).sort((a, b) => a.minuteMs - b.minuteMs);
        for (const name of ['samples', 'good', 'sum', 'integral', 'coveredS'] as const) {
          assert.equal(
            hour[name],
            own.reduce((sum, row) => sum + row[name], 0),
            name,
          );
        }
        const counters = own.filter((row) => row.delta !== null);
        for (const name of ['delta', 'uncertainty', 'wraps', 'resets'] as const) {
          const sum = counters.reduce((total, row) => total + (row[name] ?? 0), 0);
          assert.equal(hour[name], counters.length === 0 ? null : sum, name);
        }
        const values = own.map((row) => row.min).filter((min) => min !== null);
        assert.equal(hour.min, values.length === 0 ? null : Math.min(...values));
        assert.equal(hour.max, values.length === 0 ? null : Math.max(...values));
        assert.deepEqual([hour.first, hour.last], [values[0] ?? null, values.at(-1) ?? null]);
        assert.deepEqual([hour.from, hour.toMs], [counters[0]?.from ?? null, counters.at(-1)?.toMs ?? null]);
        assert.deepEqual([hour.minuteMs, hour.n], [own[0]?.minuteMs, own[0]?.n], 'the identity of its first minute');
        assert.equal(summaryOf(hour).counter === null, counters.length === 0);
      }
    }),
  );
});

test('O2: seconds by state and by cause add up', () => {
  const states = Array.from({ length: 60 }, (_, i) =>
    stateRowOf(
      bootA,
      stateSummary(i + 1, { minuteMs: minute(i), seconds: { RUN: 20, IDLE: 40 }, causes: { doffing: i } }),
    ),
  );
  const [hour, ...more] = foldHours({ signals: [], states }).states;
  assert.deepEqual(
    [JSON.parse(hour?.seconds ?? ''), JSON.parse(hour?.causes ?? '')],
    [{ RUN: 1_200, IDLE: 2_400 }, { doffing: 1_770 }],
  );
  assert.deepEqual(more, []);
});

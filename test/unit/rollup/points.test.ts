import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MinutePoints, needOf, Rooms } from '../../../agent/rollup/points.ts';
import { rank, Sums, type Rank } from '../../../agent/rollup/sums.ts';
import { foldMinute } from '../../../agent/rollup/totals.ts';
import { eight } from '../pipeline/rig.ts';

const columns = 4;
const span = { fromMs: eight, toMs: eight + 60_000, before: null, gaps: [], holdMs: Infinity };

/** Halves and tenths: some fit into the narrow form, some do not. */
const reading = fc.record({
  column: fc.integer({ min: 0, max: columns }),
  sinceMs: fc.oneof(
    fc.integer({ min: 0, max: 59_999 }),
    fc.integer({ min: 0, max: 599_999 }).map((n) => n / 10),
  ),
  value: fc.integer({ min: -500, max: 500 }).map((n) => n / 10),
  quality: fc.constantFrom<Rank>(rank.good, rank.good, rank.uncertain),
});

/** Into other room, which is too narrow for one of them. */
const move = fc.record({ tooNarrow: fc.nat(columns) });

test('signals that share arrays keep their readings apart, in whatever room and whether it is enough', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ capacity: fc.nat(12), isWide: fc.boolean() }), { minLength: columns, maxLength: columns }),
      fc.array(fc.oneof({ weight: 20, arbitrary: reading }, { weight: 1, arbitrary: move })),
      (needs, steps) => {
        const rooms = new Rooms(needs);
        const sums = new Sums(columns);
        // One more than there are rooms and rows for, as a machine has whose signals became more.
        const all = Array.from({ length: columns + 1 }, (_, column) => new MinutePoints(rooms, column, sums));
        const known = all.map(() => new Map<number, readonly [number, Rank]>());
        for (const step of steps) {
          if ('tooNarrow' in step) {
            const tighter = new Rooms(
              all.map(({ length, isWide }, column) => ({
                capacity: length,
                isWide: isWide && column !== step.tooNarrow,
              })),
            );
            for (const [column, points] of all.entries()) points.moveTo(tighter, column);
            continue;
          }
          const { column, sinceMs, value, quality } = step;
          const [points, map] = [all[column], known[column]];
          assert.ok(points !== undefined && map !== undefined);
          if (map.has(eight + sinceMs)) continue;
          assert.equal(points.add(eight + sinceMs, value, quality), true);
          map.set(eight + sinceMs, [value, quality]);
        }
        for (const [column, points] of all.entries()) {
          const wanted = [...(known[column] ?? [])].toSorted(([a], [b]) => a - b);
          const kept = wanted.map((_, i) => [points.timeAt(i), [points.valueAt(i), points.rankAt(i)]]);
          assert.deepEqual(kept, wanted);
          assert.equal(Number.isNaN(points.timeAt(points.length)), true, 'nothing of the neighbour is to be seen');
        }
      },
    ),
    { numRuns: 500 },
  );
});

const narrow = (capacity: number) => ({ capacity, isWide: false });

test('a signal whose values 32 bits do not hold has room for such in the next minute, as long as there are some', () => {
  const fill = (rooms: Rooms, values: readonly number[]) =>
    values.map((value, column) => {
      const points = new MinutePoints(rooms, column);
      points.add(eight, value, rank.good);
      return points;
    });
  const needs = (all: readonly MinutePoints[]) => all.map((points) => needOf(points, 4));
  const inRoom = (rooms: Rooms, column: number) => {
    const room = rooms.of(column);
    return room?.values[room.valuesFrom];
  };
  const first = needs(fill(new Rooms([narrow(4), narrow(4), narrow(4)]), [0.1, 0.5, 0.2]));
  assert.deepEqual(
    first.map(({ isWide }) => isWide),
    [true, false, true],
  );
  const rooms = new Rooms(first);
  const second = needs(fill(rooms, [0.3, 0.25, 0.75]));
  assert.deepEqual(
    [0, 1, 2].map((column) => inRoom(rooms, column)),
    [0.3, 0.25, 0.75],
  );
  assert.deepEqual(
    second.map(({ isWide }) => isWide),
    [true, false, false],
  );
  const narrower = new Rooms(second);
  const third = fill(narrower, [0.4, 0.6, 0.7]);
  assert.deepEqual(
    third.map((points) => points.valueAt(0)),
    [0.4, 0.6, 0.7],
  );
  assert.deepEqual(
    [0, 1, 2].map((column) => inRoom(narrower, column)),
    [0.4, 0, 0],
    'what found no room of its kind lies apart',
  );
});

test('sums of settled readings are those of their signal alone', () => {
  const sums = new Sums(2);
  const rooms = new Rooms([narrow(20), narrow(20)]);
  const [one, other] = [new MinutePoints(rooms, 0, sums), new MinutePoints(rooms, 1, sums)];
  for (let i = 0; i < 20; i++) one.add(eight + i * 1000, i, rank.good);
  for (let i = 0; i < 20; i++) other.add(eight + i * 1000, 100, i % 2 === 0 ? rank.good : rank.bad);
  const before = [one, other].map((points) => foldMinute(points, { ...span, counter: null }).totals);
  assert.equal(one.settle(eight + 15_000, span), eight + 14_000);
  assert.equal(other.settled, null);
  assert.equal(other.settle(eight + 12_000, span), eight + 11_000);
  assert.deepEqual([one.length, other.length], [5, 8]);
  const after = [one, other].map((points) => foldMinute(points, { ...span, counter: null }).totals);
  assert.deepEqual(after, before);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { evictionSteps, nextEviction, type AgeLimits, type EvictionStep } from '../../../agent/store/budget.ts';

const hour = 3_600_000;
const now = 1_000 * hour;
const pieceBytes = 10;

/** A made-up store: of each step things with an age and a size, oldest first; and what must never go. */
interface Thing {
  readonly atMs: number;
  readonly bytes: number;
}
type Shelf = Record<EvictionStep, Thing[]>;
const thing = fc.record(
  {
    atMs: fc.integer({ min: 0, max: 999 }).map((h) => h * hour),
    bytes: fc.integer({ min: 1, max: 30 }),
  },
  { noNullPrototype: true },
);
const shelf = fc
  .record(Object.fromEntries(evictionSteps.map((step) => [step, fc.array(thing, { maxLength: 8 })])))
  .map(
    (made) =>
      Object.fromEntries(
        Object.entries(made).map(([step, things]) => [step, things.toSorted((a, b) => a.atMs - b.atMs)]),
      ) as Shelf,
  );

const bytesOf = (store: Shelf) =>
  Object.values(store)
    .flat()
    .reduce((sum, { bytes }) => sum + bytes, 0);
const oldestOf = (store: Shelf) =>
  Object.fromEntries(
    Object.entries(store).flatMap(([step, [first]]) => (first === undefined ? [] : [[step, first.atMs]])),
  ) as Partial<Record<EvictionStep, number>>;

/** Takes pieces until nothing more is asked for, and tells each. */
function* evict(store: Shelf, budget: number, preciousBytes: number, ages: AgeLimits, nowMs: number | null) {
  for (let turn = 0; ; turn++) {
    assert.ok(turn < 1_000, 'it ends');
    const over = bytesOf(store) + preciousBytes - budget;
    const next = nextEviction({ oldestMs: oldestOf(store), filesOverBytes: over, usedOverBytes: over, nowMs }, ages);
    if (next === null) return;
    const before = structuredClone(store);
    const things = store[next.step];
    let taken = 0;
    while (taken < pieceBytes && things[0] !== undefined && (next.why === 'room' || things[0].atMs < next.beforeMs)) {
      taken += things.shift()?.bytes ?? 0;
    }
    assert.ok(taken > 0, 'every step takes something');
    yield { ...next, before, over, taken };
  }
}

test('B1, B2, B4: for room the earlier step goes first, never more than needed and a piece, and never what is of no step', () => {
  fc.assert(
    fc.property(shelf, fc.integer({ min: 1, max: 600 }), fc.nat(100), (store, budget, preciousBytes) => {
      for (const piece of evict(store, budget, preciousBytes, {}, now)) {
        const earlier = evictionSteps.slice(0, evictionSteps.indexOf(piece.step));
        assert.deepEqual(
          earlier.filter((step) => piece.before[step].length > 0),
          [],
        );
        assert.ok(piece.over > 0, 'nothing goes while there is room');
      }
      const over = bytesOf(store) + preciousBytes - budget;
      assert.ok(over <= 0 || bytesOf(store) === 0, 'there is room, or nothing is left that may go');
    }),
  );
});

test('B3: what is too old goes, room or not; nothing is too old while the clock cannot be trusted', () => {
  const ages = fc.record(
    Object.fromEntries(evictionSteps.map((step) => [step, fc.integer({ min: 1, max: 999 }).map((h) => h * hour)])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(shelf, ages, (store, limits: AgeLimits) => {
      const untouched = structuredClone(store);
      assert.deepEqual([...evict(untouched, Infinity, 0, limits, null)], []);
      const kept = structuredClone(store);
      for (const piece of evict(store, Infinity, 0, limits, now)) assert.equal(piece.why, 'age');
      for (const step of evictionSteps) {
        const limit = limits[step] ?? Infinity;
        assert.deepEqual(
          store[step],
          kept[step].filter(({ atMs }) => atMs >= now - limit),
        );
      }
    }),
  );
});

test('free pages of the journal make the ring yield, for its file does not shrink, and nothing else go', () => {
  const oldestMs = { 'acked-minutes': 1, 'unacked-history': 1 };
  const full = { filesOverBytes: 100, usedOverBytes: -1, nowMs: null };
  assert.equal(nextEviction({ ...full, oldestMs: { ...oldestMs, ring: 5 } }, {})?.step, 'ring');
  assert.equal(nextEviction({ ...full, oldestMs }, {}), null);
  assert.equal(nextEviction({ ...full, usedOverBytes: 1, oldestMs }, {})?.step, 'acked-minutes');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arcOf, meet, rangeOf, type Arc, type Cylinder } from '../../../agent/incidents/arcs.ts';

/** The needles of an arc, counted from 0. */
const needlesOf = ({ from, count }: Arc, { needles }: Cylinder) =>
  new Set(Array.from({ length: count }, (_, i) => (from + i) % needles));
const up = (a: number, b: number) => a - b;
const cylinders = fc.record({
  needles: fc.integer({ min: 4, max: 40 }),
  firstNeedle: fc.constantFrom(0 as const, 1 as const),
});
const ranges = fc.record({ needle: fc.nat(39), k: fc.nat(25) });

test('R1: two arcs meet in exactly the needles both have, whichever is asked first', () => {
  fc.assert(
    fc.property(cylinders, ranges, ranges, (cylinder, one, other) => {
      const [a, b] = [arcOf(one, cylinder), arcOf(other, cylinder)];
      const inB = needlesOf(b, cylinder);
      const both = [...needlesOf(a, cylinder)].filter((one) => inB.has(one));
      for (const met of [meet(a, b, cylinder), meet(b, a, cylinder)]) {
        const found = met.flatMap((arc) => [...needlesOf(arc, cylinder)]);
        assert.equal(new Set(found).size, found.length, 'no needle twice');
        assert.deepEqual(found.toSorted(up), both.toSorted(up));
      }
    }),
  );
});

test('R1: arcs meet round the end of the cylinder', () => {
  const cylinder = { needles: 2281, firstNeedle: 1 } as const;
  const met = meet(arcOf({ needle: 2280, k: 3 }, cylinder), arcOf({ needle: 1, k: 1 }, cylinder), cylinder);
  assert.deepEqual(
    met.map((arc) => rangeOf(arc, cylinder)),
    [{ needle: 1, k: 1 }],
  );
});

test('R2: the needle ± k of an arc has all its needles and at most one more, in the numbers of the machine', () => {
  fc.assert(
    fc.property(cylinders, fc.nat(39), fc.integer({ min: 1, max: 40 }), (cylinder, start, many) => {
      const { needles, firstNeedle } = cylinder;
      const arc = { from: start % needles, count: Math.min(many, needles) };
      const range = rangeOf(arc, cylinder);
      assert.ok(range.needle >= firstNeedle && range.needle < needles + firstNeedle);
      const told = needlesOf(arcOf(range, cylinder), cylinder);
      assert.ok([...needlesOf(arc, cylinder)].every((one) => told.has(one)));
      assert.ok(told.size <= arc.count + 1);
    }),
  );
});

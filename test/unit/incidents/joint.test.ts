import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arcOf, meet, type NeedleRange } from '../../../agent/incidents/arcs.ts';
import { jointOf, togetherMs, type Sighting, type Told } from '../../../agent/incidents/joint.ts';

const cylinder = { needles: 200, firstNeedle: 1 } as const;
const minuteMs = 60_000;
const told = (occurrence: string, ...places: readonly (NeedleRange & Partial<Sighting>)[]): Told => ({
  occurrence,
  sightings: places.map((place, rank) => ({ rank, fromMs: 0, lastMs: 0, ...place })),
});
const at = (needle: number, k: number, fromMs = 0, lastMs = fromMs) => ({ needle, k, fromMs, lastMs });

const alerts = fc
  .array(
    fc.array(
      fc.record({
        needle: fc.integer({ min: 1, max: 200 }),
        k: fc.nat(20),
        fromMs: fc.nat(4 * togetherMs),
        lasts: fc.option(fc.nat(togetherMs), { nil: Infinity }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((many) =>
    many.map((places, i) =>
      told(`o-${i}`, ...places.map(({ needle, k, fromMs, lasts }) => at(needle, k, fromMs, fromMs + lasts))),
    ),
  );

test('J1: the needles of a joint lie in a place of every alert of it', () => {
  let joints = 0;
  fc.assert(
    fc.property(alerts, (many) => {
      const joint = jointOf(many, cylinder);
      if (joint === null) return;
      joints += many.length > 1 ? 1 : 0;
      assert.equal(joint.of.length, many.length);
      const needles = arcOf(joint, cylinder);
      for (const { sightings } of many) {
        assert.ok(sightings.some((one) => meet(arcOf(one, cylinder), needles, cylinder).length > 0));
        assert.ok(sightings.some((one) => joint.of.includes(one)));
      }
      for (const a of joint.of) {
        for (const b of joint.of) assert.ok(meet(arcOf(a, cylinder), arcOf(b, cylinder), cylinder).length > 0);
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(joints > 20, `${joints} joints of more than one`);
});

test('J2: it is the same in whatever order the alerts are given', () => {
  const shuffled = alerts.chain((many) =>
    fc.tuple(fc.constant(many), fc.shuffledSubarray(many, { minLength: many.length })),
  );
  fc.assert(
    fc.property(shuffled, ([many, other]) => {
      const { of: _, ...joint } = jointOf(many, cylinder) ?? { of: [], needle: null };
      const { of: __, ...same } = jointOf(other, cylinder) ?? { of: [], needle: null };
      assert.deepEqual(joint, same);
    }),
    { numRuns: 1_000 },
  );
});

test('J3: an hour after the last evidence they are still joined, a minute later they are not; what lasts has no last evidence yet', () => {
  const first = told('a', at(100, 2, 0, 5 * minuteMs));
  const hours = (minutes: number) => jointOf([first, told('b', at(101, 2, minutes * minuteMs))], cylinder);
  assert.deepEqual([hours(65)?.needle, hours(66)], [100, null]);
  const lasting = told('a', at(100, 2, 0, Infinity));
  assert.notEqual(jointOf([lasting, told('b', at(101, 2, 500 * minuteMs))], cylinder), null);
});

test('the likeliest candidate that fits counts, and the needle is what both have', () => {
  const ear = told('ear', at(150, 2), at(130, 2), at(170, 2));
  assert.deepEqual(
    [129, 130, 133, 140].map((needle) => {
      const joint = jointOf([ear, told('eye', at(needle, 1))], cylinder);
      return joint === null ? null : [joint.needle, joint.k, joint.rank];
    }),
    [[129, 1, 1], [130, 1, 1], [132, 0, 1], null],
  );
  const both = told('eye', at(172, 1), at(149, 1));
  assert.equal(
    jointOf([ear, both], cylinder)?.needle,
    149,
    'not its third candidate, though it is the eye’s first line',
  );
});

test('three alerts are joined by a needle all of them have, not by two pairs', () => {
  const [a, b, c] = [told('a', at(100, 5)), told('b', at(108, 5)), told('c', at(116, 5))];
  assert.notEqual(jointOf([a, b], cylinder), null);
  assert.notEqual(jointOf([b, c], cylinder), null);
  assert.equal(jointOf([a, b, c], cylinder), null);
});

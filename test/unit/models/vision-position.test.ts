/** The needle and the metre that are named, held against the truth of `position-truth.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  columnOf,
  limitOfK,
  meanPlace,
  nameNeedle,
  needleAt,
  needleNumber,
  type Place,
  type PlaceSums,
  rollAt,
  rollFromCounts,
  type TubeGeometry,
  withPlace,
  zeroFrom,
} from '../../../models/vision/position.ts';
import {
  drawing,
  encoderSource,
  geometry,
  indexSource,
  offBy,
  passing,
  revolutionMs,
  telemetrySource,
  trial,
  type Draw,
} from './position-truth.ts';
import { noMarks, type Turn, turnFromIndex, withPulse } from '../../../models/vision/turns.ts';

/** Names the needle from what a source says in three revolutions. */
function named(seed: number, source: (draw: Draw) => (trueTurns: number) => Turn | null, revolutions = 3) {
  const draw = drawing(seed);
  const t = trial(draw);
  const turnAt = source(draw);
  let sums: PlaceSums | null = null;
  for (let n = 3; n < 3 + revolutions; n += 1) {
    const trueTurns = passing(t, n, draw);
    const turn = turnAt(trueTurns);
    assert.ok(turn);
    sums = withPlace(sums, needleAt(geometry, turn, t.column(trueTurns) + draw.normal(0.7), 0.7), 2639);
  }
  assert.ok(sums);
  return { ...nameNeedle(meanPlace(sums), geometry), truth: t.truth };
}

interface Outcome {
  readonly named: number;
  readonly held: number;
  readonly small: number;
}

function outcome(source: (draw: Draw) => (turns: number) => Turn | null, trials: number, seed: number): Outcome {
  let count = 0;
  let held = 0;
  let small = 0;
  for (let i = 0; i < trials; i += 1) {
    const result = named(seed * 10_007 + i, source);
    if (result.needle === null) continue;
    count += 1;
    if (offBy(result.needle, result.truth) <= result.k) held += 1;
    if (result.k <= 2) small += 1;
  }
  return { named: count, held, small };
}

const seeds = fc.integer({ min: 0, max: 1_000_000 });

for (const [kind, source] of [
  ['index', indexSource],
  ['encoder', encoderSource],
] as const) {
  test(`${kind}: the true needle is within ± k in at least 95 of 100 draws, and k is at most 2`, () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { named: count, held, small } = outcome(source, 400, seed);
        assert.equal(count, 400);
        assert.ok(held >= 0.95 * count, `${held} of ${count} held`);
        assert.ok(small >= 0.95 * count, `${small} of ${count} with k ≤ 2`);
      }),
      { numRuns: 20 },
    );
  });

  test(`${kind}: k is no wider than it must be: a third of it would not hold`, () => {
    let missed = 0;
    for (let i = 0; i < 1000; i += 1) {
      const result = named(i, source);
      if (result.needle !== null && offBy(result.needle, result.truth) > (result.k - 1) / 3) missed += 1;
    }
    assert.ok(missed > 50, `${missed}`);
  });
}

test('telemetry at 100 ms names no needle at 35 rpm, with or without a count of revolutions', () => {
  for (let i = 0; i < 200; i += 1) {
    assert.equal(named(i, telemetrySource(100, true)).reason, 'too-uncertain');
    assert.equal(named(i, telemetrySource(100, false)).reason, 'no-angle');
  }
});

test('telemetry: the interval it would give holds the true needle, and never gets below 60 at 100 ms', () => {
  let held = 0;
  for (let i = 0; i < 400; i += 1) {
    const draw = drawing(i);
    const t = trial(draw);
    const turnAt = telemetrySource(100, true)(draw);
    let sums: PlaceSums | null = null;
    for (let n = 2; n < 7; n += 1) {
      const turns = passing(t, n, draw);
      const turn = turnAt(turns);
      assert.ok(turn);
      sums = withPlace(sums, needleAt(geometry, turn, t.column(turns), 0.5), 2639);
    }
    assert.ok(sums);
    const place = meanPlace(sums);
    const wide = nameNeedle({ ...place }, { ...geometry, feeders: null });
    assert.equal(wide.needle, null);
    const k = 2.58 * Math.hypot(place.randomSd, place.systematicSd);
    assert.ok(k >= 60);
    if (offBy(place.at, t.truth) <= k) held += 1;
  }
  assert.ok(held >= 380, `${held}`);
});

test('telemetry of a slow machine, polled fast, may name a needle, and then it holds', () => {
  const { named: count, held } = outcome(telemetrySource(5, true, 2), 100, 3);
  assert.ok(count > 90);
  assert.ok(held >= 0.95 * count);
});

const place = (needle: number, randomSd: number, systematicSd: number): Place => ({
  at: needle,
  randomSd,
  systematicSd,
  isAnchored: true,
});
const meanOf = (places: readonly Place[]): Place => {
  const sums = places.reduce((all: PlaceSums | null, one) => withPlace(all, one, 2639), null);
  assert.ok(sums);
  return meanPlace(sums);
};

test('seen again, the random part shrinks and the systematic one stays', () => {
  const once = meanOf([place(100, 2, 1)]);
  const often = meanOf(Array.from({ length: 16 }, () => place(100, 2, 1)));
  assert.deepEqual([once.randomSd, once.systematicSd], [2, 1]);
  assert.deepEqual([often.randomSd, often.systematicSd], [0.5, 1]);
});

test('places that scatter more than they say make the mean less sure than they say', () => {
  const mean = meanOf([place(100, 0.5, 0), place(110, 0.5, 0), place(105, 0.5, 0), place(95, 0.5, 0)]);
  assert.ok(mean.randomSd > 2);
});

test('the mean of places on both sides of needle 1 is there, not half round the machine', () => {
  const mean = meanOf([place(2639, 1, 0), place(2, 1, 0)]);
  assert.equal(nameNeedle(mean, geometry).needle, 1);
});

test('more uncertainty never makes k smaller', () => {
  const sd = fc.double({ min: 0, max: 10, noNaN: true });
  fc.assert(
    fc.property(sd, sd, sd, (random, systematic, more) => {
      const wide = { ...geometry, feeders: null };
      const k = nameNeedle(place(5, random, systematic), wide).k ?? Infinity;
      const larger = nameNeedle(place(5, random + more, systematic), wide).k ?? Infinity;
      assert.ok(larger >= k);
    }),
  );
});

test('without zero, without angle, or beyond the limit no needle is named, with the reason', () => {
  const reason = (p: Place, g = geometry) => {
    const result = nameNeedle(p, g);
    assert.deepEqual([result.needle === null, result.k === null], [result.reason !== null, result.reason !== null]);
    return result.reason;
  };
  assert.equal(reason(place(5, 0.1, 0)), null);
  assert.equal(reason(place(5, 0.1, 0), { ...geometry, zeroNeedle: null }), 'not-calibrated');
  assert.equal(reason({ ...place(5, 0.1, 0), isAnchored: false }), 'no-angle');
  assert.equal(reason(place(5, 6, 0)), 'too-uncertain');
  assert.equal(reason(place(5, Number.NaN, 0)), 'too-uncertain');
  // Half a feeder's pitch is 13.7 needles here; without feeders 60 is the limit.
  assert.ok(Math.abs(limitOfK(geometry) - 2639 / 192) < 1e-9);
  assert.equal(limitOfK({ needles: 2639, feeders: null }), 60);
  assert.equal(reason(place(5, 6, 0), { ...geometry, feeders: null }), null);
});

test('a column gives a needle and the needle its column, in both directions and at any turn', () => {
  const sign = fc.constantFrom(1 as const, -1 as const);
  fc.assert(
    fc.property(
      sign,
      sign,
      fc.double({ min: -1000, max: 1000, noNaN: true }),
      fc.double({ min: 0, max: 512, noNaN: true }),
      (direction, columns, turns, xPx) => {
        const turned: Turn = { turns, randomSd: 0, systematicSd: 0, perS: 1, isAnchored: true };
        const g = { ...geometry, direction, columns };
        const { at: needle } = needleAt(g, turned, xPx, 0);
        assert.ok(needle >= 1 && needle < 2640);
        assert.ok(Math.abs(columnOf(g, turned, needle) - xPx) < 1e-5);
      },
    ),
  );
});

test('by hand: a quarter turn is 659.75 needles on, and 11 px to the right two more', () => {
  const quarter: Turn = { turns: 3.25, randomSd: 0, systematicSd: 0, perS: 1, isAnchored: true };
  const at = (g: TubeGeometry) => needleAt(g, quarter, 256 + 11, 0).at;
  // 11 px · 0.14 mm / 0.76923 mm = 2.002 needles.
  assert.ok(Math.abs(at(geometry) - (700 + 659.75 + 2.002)) < 0.001);
  assert.ok(Math.abs(at({ ...geometry, direction: -1 }) - (700 - 659.75 + 2.002)) < 0.001);
  assert.ok(Math.abs(at({ ...geometry, columns: -1 }) - (700 + 659.75 - 2.002)) < 0.001);
  assert.ok(Math.abs(at({ ...geometry, zeroNeedle: 2600 }) - (2600 + 659.75 + 2.002 - 2639)) < 0.001);
});

test('needle numbers close: counted from 1 there is no needle 0, counted from 0 none of the full number', () => {
  const from = (firstNeedle: 0 | 1) => (value: number) => needleNumber(value, { needles: 2639, firstNeedle });
  assert.deepEqual([0, 1, 2639, 2640, -1].map(from(1)), [2639, 1, 2639, 1, 2638]);
  assert.deepEqual([-1, 0, 2638, 2639].map(from(0)), [2638, 0, 2638, 0]);
  assert.equal(from(0)(-1e-17), 0);
});

test('calibration finds the zero from a marked needle, and its bound holds it', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 2639 }), (seed, known) => {
      const draw = drawing(seed);
      const trueZero = 1 + draw.uniform() * 2639;
      const sightings = Array.from({ length: 6 }, (_, n) => {
        const angle = (((known - trueZero) / 2639) % 1) + 1;
        const turn: Turn = {
          turns: n + (angle % 1) + draw.normal(0.0002),
          randomSd: 0.0002,
          systematicSd: 0.00005,
          perS: 0.58,
          isAnchored: true,
        };
        return { turn, xPx: 256 + draw.normal(0.5), xSdPx: 0.5 };
      });
      const zero = zeroFrom({ ...geometry, zeroNeedle: null, zeroError: 9 }, known, sightings);
      assert.ok(zero);
      // Four sigma: a bound of √3 sigma is left by one draw in twelve.
      assert.ok(offBy(zero.zeroNeedle, trueZero) < (zero.zeroError / Math.sqrt(3)) * 5);
      assert.ok(zero.zeroError < 1.5);
    }),
  );
  assert.equal(zeroFrom(geometry, 5, []), null);
});

test('the same cloth has the same place on the roll in every frame that shows it', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 2000, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 512, noNaN: true }),
      (turns, later, yPx) => {
        const at = (t: number): Turn => ({ turns: t, randomSd: 0, systematicSd: 0, perS: 0.58, isAnchored: true });
        const first = rollAt(geometry, at(turns), yPx, 0);
        // It is taken down by 53.333 mm a revolution, at 0.14 mm a pixel.
        const second = rollAt(geometry, at(turns + later), yPx + (later * 53.333) / 0.14, 0);
        assert.ok(Math.abs(first.mm - second.mm) < 1e-6);
      },
    ),
  );
});

test('metres hold within ± 5 mm over 100 m from index pulses, where the advance is known', () => {
  const draw = drawing(11);
  const timing = {
    frameJitterMs: 0.5,
    pulseJitterMs: 0.2,
    offsetMs: 0,
    driftPpm: 0,
    sinceZeroMs: 0,
    speedSpread: 0.001,
    speedCycle: 0,
  };
  let marks = noMarks;
  let nowMs = 0;
  let worst = 0;
  for (let n = 0; n * 53.333 < 100_000; n += 1) {
    marks = withPulse(marks, nowMs + draw.normal(0.2), 500);
    const lengthMs = revolutionMs * (1 + draw.normal(0.001));
    const f = draw.uniform();
    const turn = turnFromIndex(marks, nowMs + f * lengthMs + draw.normal(0.5), timing);
    if (n > 2) {
      assert.ok(turn);
      const roll = rollAt(geometry, turn, 256, 0.5);
      worst = Math.max(worst, Math.abs(roll.mm - (n + f) * 53.333));
      assert.ok(roll.sdMm < 1);
    }
    nowMs += lengthMs;
  }
  assert.ok(worst < 5, `${worst} mm`);
});

test('an advance that is known to a thousandth makes the place a metre in a kilometre unsure, and says so', () => {
  const turn: Turn = { turns: 1875, randomSd: 0, systematicSd: 0, perS: 0.58, isAnchored: true };
  const { mm, sdMm } = rollAt({ ...geometry, advanceError: 0.001 }, turn, 256, 0);
  assert.ok(Math.abs(mm - 99_999.4) < 1);
  assert.ok(Math.abs(sdMm - 100 / Math.sqrt(3)) < 0.1);
});

test('an encoder on the table counts the metres', () => {
  const { mm, sdMm } = rollFromCounts(99_999, 0.5, 0.0001, 10, 0.25);
  assert.equal(mm, 50_002.25 - 0.0);
  assert.ok(sdMm > 2.8 && sdMm < 3);
});

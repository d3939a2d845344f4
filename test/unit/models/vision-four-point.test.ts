import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultFourPointOptions, pointsOf, type ScoredDefect, scoreRoll } from '../../../models/vision/four-point.ts';

const roll = { lengthMm: 100_000, widthMm: 1500, gaps: [] };
const at = (fromMm: number, lengthMm: number, more: Partial<ScoredDefect> = {}): ScoredDefect => ({
  fromMm,
  toMm: fromMm + lengthMm,
  acrossFromMm: 100,
  acrossToMm: 101,
  isHole: false,
  ...more,
});
const hole = (mm: number): ScoredDefect => at(50, mm, { isHole: true, acrossToMm: 100 });

test('3, 6 and 9 inches still have the smaller number of points, a hundredth of a millimetre more the larger', () => {
  const points = (mm: number) => [pointsOf(at(0, mm)), pointsOf(at(0, 1, { acrossToMm: 100 + mm }))];
  assert.deepEqual(points(1), [1, 1]);
  assert.deepEqual(points(76.2), [1, 1]);
  assert.deepEqual(points(76.21), [2, 2]);
  assert.deepEqual(points(152.4), [2, 2]);
  assert.deepEqual(points(152.41), [3, 3]);
  assert.deepEqual(points(228.6), [3, 3]);
  assert.deepEqual(points(228.61), [4, 4]);
  assert.deepEqual(points(5000), [4, 4]);
});

test('the same limits hold wherever on the roll the defect lies, sums of millimetres included', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 99_000, noNaN: true }), fc.constantFrom(1, 2, 3), (fromMm, n) => {
      const exact = scoreRoll(roll, [at(fromMm, n * 76.2)]);
      const longer = scoreRoll(roll, [at(fromMm, n * 76.2 + 0.01)]);
      assert.deepEqual([exact.total, longer.total], [n, n + 1]);
    }),
  );
});

test('a hole of an inch has 2 points, a larger one 4; where a buyer wants it every hole has 4', () => {
  assert.equal(pointsOf(hole(3)), 2);
  assert.equal(pointsOf(hole(25.4)), 2);
  assert.equal(pointsOf(hole(25.41)), 4);
  assert.equal(pointsOf(hole(3), 'four'), 4);
});

test('the worked example of a public description: 28 points on 150 yards of 56 inches are 12 per 100 square yards', () => {
  // 6 up to 3 in, 4 up to 6 in, 2 up to 9 in, 1 over 9 in, 1 hole over 1 in; each in a yard of its own.
  const inches = [3, 3, 3, 3, 3, 3, 6, 6, 6, 6, 9, 9, 10];
  const defects = [
    ...inches.map((inch, i) => at((2 * i + 0.1) * 914.4, inch * 25.4)),
    at(140.1 * 914.4, 30, { isHole: true }),
  ];
  const yards = { lengthMm: 150 * 914.4, widthMm: 56 * 25.4, gaps: [] };
  const score = scoreRoll(yards, defects, { ...defaultFourPointOptions, linearUnitMm: 914.4 });
  assert.equal(score.total, 28);
  // 28 · 3600 / (56 · 150) per 100 square yards; 100 m² are 119.599 square yards.
  assert.ok(Math.abs((score.pointsPer100M2 ?? 0) - 12 * 1.19599) < 0.001);
});

test('points per 100 m² by hand: 29 points on 100 m of 1500 mm are 19.3', () => {
  const defects = [
    ...Array.from({ length: 7 }, (_, i) => at(i * 2000, 75)),
    ...Array.from({ length: 4 }, (_, i) => at(20_000 + i * 2000, 150)),
    at(40_000, 220),
    at(42_000, 220),
    at(44_000, 240),
    at(46_000, 30, { isHole: true }),
  ];
  const score = scoreRoll(roll, defects);
  assert.equal(score.total, 29);
  assert.ok(Math.abs((score.pointsPer100M2 ?? 0) - 19.3333) < 1e-3);
});

test('no linear metre has more than 4 points', () => {
  const crowded = Array.from({ length: 30 }, (_, i) => at(5000 + i * 30, 10));
  assert.equal(scoreRoll(roll, crowded).total, 4);
  const spread = Array.from({ length: 3 }, (_, i) => at(5000 + i * 1000, 2, { isHole: true }));
  assert.equal(scoreRoll(roll, [...crowded, ...spread]).total, 8);
});

test('a running defect has 4 points in every metre with more than 9 inches of it', () => {
  assert.equal(scoreRoll(roll, [at(0, 10_000)]).total, 40);
  assert.equal(scoreRoll(roll, [at(500, 10_000)]).total, 44);
  // 900 … 2100: 100 mm, a metre, 100 mm.
  assert.equal(scoreRoll(roll, [at(900, 1200)]).total, 4);
  // 2 × 150 mm across a border: one defect of 300 mm, not none and not two.
  assert.equal(scoreRoll(roll, [at(850, 300)]).total, 4);
  assert.deepEqual(scoreRoll(roll, [at(500, 10_000)]).points, [44]);
});

test('a defect at the very end counts in the last metre, one beyond the ends not at all', () => {
  assert.equal(scoreRoll(roll, [at(100_000, 0)]).total, 1);
  assert.equal(scoreRoll(roll, [at(99_990, 500)]).total, 4);
  assert.equal(scoreRoll(roll, [at(100_001, 5), at(-9, 5)]).total, 0);
});

test('only inspected cloth has a score: gaps are left out of the area once, and told', () => {
  const gaps = [
    { fromMm: 10_000, toMm: 30_000 },
    { fromMm: 20_000, toMm: 60_000 },
    { fromMm: 95_000, toMm: 120_000 },
  ];
  const score = scoreRoll({ ...roll, gaps }, [at(0, 240)]);
  assert.deepEqual([score.inspectedM, score.isComplete], [45, false]);
  assert.ok(Math.abs((score.pointsPer100M2 ?? 0) - 400_000 / (1500 * 45)) < 1e-9);
  const blind = scoreRoll({ ...roll, gaps: [{ fromMm: 0, toMm: 100_000 }] }, []);
  assert.deepEqual([blind.pointsPer100M2, blind.grade], [null, null]);
  assert.equal(scoreRoll({ ...roll, lengthMm: 0 }, []).pointsPer100M2, null);
});

test('of a stretch that was looked at in part that part counts, the least where stretches lie over each other', () => {
  const gaps = [
    { fromMm: 0, toMm: 20_000, share: 0.25 },
    { fromMm: 10_000, toMm: 40_000, share: 0.5 },
    { fromMm: 30_000, toMm: 40_000 },
  ];
  // 100 m less 10 · 0.25, 20 · 0.5 and 10.
  const { inspectedM, isComplete } = scoreRoll({ ...roll, gaps }, []);
  assert.deepEqual([inspectedM, isComplete], [77.5, false]);
});

test('a gap of no length is one: how much cloth passed there nobody knows', () => {
  const score = scoreRoll({ ...roll, gaps: [{ fromMm: 40_000, toMm: 40_000 }] }, []);
  assert.deepEqual([score.inspectedM, score.isComplete], [100, false]);
  assert.equal(scoreRoll({ ...roll, gaps: [{ fromMm: 100_001, toMm: 100_001 }] }, []).isComplete, true);
});

test('the grade is the best whose limit holds, at the limit too; none where none does', () => {
  const grades = [
    { name: 'first', most: 4 },
    { name: 'second', most: 8 },
  ];
  const graded = (count: number) =>
    scoreRoll(
      { lengthMm: 100_000, widthMm: 1000, gaps: [] },
      Array.from({ length: count }, (_, i) => at(i * 2000, 5)),
      {
        ...defaultFourPointOptions,
        grades,
      },
    ).grade;
  assert.deepEqual(
    [graded(0), graded(4), graded(5), graded(8), graded(9)],
    ['first', 'first', 'second', 'second', 'none'],
  );
  assert.equal(scoreRoll(roll, []).grade, null);
});

const defects = fc.array(
  fc.record({
    fromMm: fc.double({ min: -100, max: 11_000, noNaN: true }),
    lengthMm: fc.double({ min: 0, max: 3000, noNaN: true }),
    widthMm: fc.double({ min: 0, max: 600, noNaN: true }),
    isHole: fc.boolean(),
  }),
  { maxLength: 30 },
);

test('a further defect never makes a roll better, and a roll never has more than 4 points a metre', () => {
  fc.assert(
    fc.property(defects, (list) => {
      const all = list.map(({ fromMm, lengthMm, widthMm, isHole }) =>
        at(fromMm, lengthMm, { acrossToMm: 100 + widthMm, isHole }),
      );
      let last = 0;
      for (let n = 0; n <= all.length; n += 1) {
        const { total } = scoreRoll({ lengthMm: 10_000, widthMm: 1000, gaps: [] }, all.slice(0, n));
        assert.ok(total >= last && total <= 40);
        last = total;
      }
    }),
  );
});

test('a defect that is longer has at least as many points', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 5000, noNaN: true }),
      fc.double({ min: 0, max: 4000, noNaN: true }),
      fc.double({ min: 0, max: 1000, noNaN: true }),
      fc.boolean(),
      (fromMm, lengthMm, more, isHole) => {
        const total = (mm: number) => scoreRoll(roll, [at(fromMm, mm, { isHole })]).total;
        assert.ok(total(lengthMm + more) >= total(lengthMm));
      },
    ),
  );
});

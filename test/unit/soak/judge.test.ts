import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, median, theilSen, type Sample } from '../../soak/judge.ts';
import { Random } from '../drivers/modbus-random.ts';

/** `n` samples, a tenth of a million readings apart, of a process that holds `KiB(i)`. */
function samples(n: number, kib: (i: number) => number, more: (i: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: n }, (_, i) => ({
    atS: i * 20,
    readings: i * 100_000,
    heldBytes: kib(i) * 1024,
    heapUsedBytes: 0,
    externalBytes: 0,
    arrayBuffersBytes: 0,
    rssMB: 150,
    handles: 20,
    files: 50,
    loopP99Ms: 1,
    loopMaxMs: 1,
    ...more(i),
  }));
}

test('J1: the slope is the median of all pairs, which one wild sample does not move', () => {
  // Slopes of the pairs by hand: 1, 1, 98/3, 1, 48.5, 96.
  const points = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
    { x: 2, y: 2 },
    { x: 3, y: 98 },
  ];
  assert.equal(theilSen(points).estimate, (1 + 98 / 3) / 2);
  const line = Array.from({ length: 60 }, (_, x) => ({ x, y: x === 30 ? 1e6 : 2 * x }));
  assert.equal(theilSen(line).estimate, 2);
  assert.equal(theilSen(line).upper95, 2);
});

test('the upper end is the ranked slope of Sen 1968', () => {
  // Ten points: N = 45 slopes, Var S = 10 · 9 · 25 / 18 = 125, C = 1.96 · 11.18 = 21.9, rank ⌈(45 + 21.9) / 2⌉ + 1 = 35.
  const y = [0, 3, 1, 4, 2, 8, 5, 7, 9, 6];
  const slopes = y.flatMap((a, i) => y.slice(i + 1).map((b, k) => (b - a) / (k + 1))).sort((a, b) => a - b);
  assert.equal(slopes.length, 45);
  const points = y.map((value, x) => ({ x, y: value }));
  assert.deepEqual(theilSen(points), { estimate: slopes[22], upper95: slopes[34] });
});

test('the upper end lies below the true slope in about one run in forty', () => {
  const random = new Random(7);
  let below = 0;
  const runs = 2000;
  for (let run = 0; run < runs; run += 1) {
    const points = Array.from({ length: 25 }, (_, x) => {
      const noise = random.below(1000) + random.below(1000) + random.below(1000);
      return { x, y: 5 * x + noise / 100 };
    });
    if (theilSen(points).upper95 < 5) below += 1;
  }
  assert.ok(below > runs * 0.01 && below < runs * 0.045, `${below} of ${runs}`);
});

test('J2, J3: level memory passes, growth, noise that hides it and too few samples do not', () => {
  const wobble = (i: number) => 80_000 + ((i * 37) % 11);
  assert.deepEqual(judge(samples(75, wobble)).failures, []);
  assert.equal(judge(samples(75, wobble)).pass, true);
  // 70 KiB per million readings.
  assert.match(judge(samples(75, (i) => 80_000 + i * 7)).failures.join(), /memory may grow by 70\.0 KiB/);
  const random = new Random(3);
  const noisy = judge(samples(25, () => 80_000 + random.below(1000)));
  assert.ok(noisy.slopeKiBPerMillion.estimate < noisy.slopeKiBPerMillion.upper95);
  assert.match(noisy.failures.join(), /memory may grow/);
  assert.match(judge(samples(19, wobble)).failures.join(), /too few/);
  assert.equal(judge([]).pass, false);
});

test('J3: resident memory, handles and open files of the last third are held against the first', () => {
  const level = () => 80_000;
  const grown = (more: (i: number) => Partial<Sample>) => judge(samples(30, level, more)).failures.join();
  assert.equal(
    grown((i) => ({ rssMB: i < 20 ? 150 : 157.9 })),
    '',
  );
  assert.match(
    grown((i) => ({ rssMB: i < 20 ? 150 : 158.1 })),
    /resident/,
  );
  assert.equal(
    grown((i) => ({ handles: i < 20 ? 20 : 21, files: i < 20 ? 50 : 51 })),
    '',
  );
  assert.match(
    grown((i) => ({ handles: 20 + i / 10 })),
    /handles/,
  );
  assert.match(
    grown((i) => ({ files: 50 + i / 10 })),
    /open files/,
  );
});

test('the median of none is not a number', () => {
  assert.ok(Number.isNaN(median([])));
  assert.equal(median([3, 1, 2]), 2);
});

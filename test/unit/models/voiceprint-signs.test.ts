import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviation, mean } from '../../../models/statistics/metrics.ts';
import { foldsOf, seeded } from '../../../models/statistics/split.ts';
import { heardSize } from '../../../models/voiceprint/fault-ear.ts';
import { signNumbersOf, signSize, signsOf, signsPrintOf } from '../../../models/voiceprint/fault-signs.ts';

const normal = (random: () => number) => Float32Array.from({ length: heardSize }, () => -60 + 4 * random());
const printOf = (rows: readonly Float32Array[]) =>
  signsPrintOf(rows.map(signNumbersOf), foldsOf([...rows.keys()], rows.length));

function machine(seed: number) {
  const random = seeded(seed);
  const print = printOf(Array.from({ length: 30 }, () => normal(random)));
  const judge = (change: (row: Float32Array) => unknown = () => undefined) => {
    const row = normal(random);
    change(row);
    return signsOf(signNumbersOf(row), print);
  };
  return { print, judge };
}

const add = (numbers: readonly number[], db: number) => (row: Float32Array) => {
  for (const i of numbers) row[i] = (row[i] ?? 0) + db;
  return row;
};

test('S1: a line slower than the shaft raises the slip, whichever of the four orders is its own', () => {
  const { judge } = machine(1);
  for (const order of [210, 211, 212, 204]) assert.ok(judge(add([order], 20)).slip > 3, `number ${order}`);
});

test('S1: high lines that lose to what lies beside them raise the slip, and what only grows louder does not', () => {
  const { judge } = machine(2);
  assert.ok(judge(add([222, 223], -6)).slip > 4);
  const all = [222, 223, 226, 227, 228, 229, 230, 231];
  assert.ok(Math.abs(judge(add(all, 10)).slip) < 3);
});

test('S1: lines of the shaft and of its halves raise the looseness', () => {
  const { judge } = machine(3);
  const { looseness, slip } = judge(add([192, 193, 194, 195, 205, 206], 8));
  assert.ok(looseness > 4);
  assert.ok(Math.abs(slip) < 3);
});

test('S2: normal samples that were never seen lie about 0 with a spread about 1', () => {
  const { judge } = machine(4);
  const unseen = Array.from({ length: 200 }, () => judge());
  for (const values of [unseen.map(({ slip }) => slip), unseen.map(({ looseness }) => looseness)]) {
    assert.ok(Math.abs(mean(values)) < 0.6, `mean ${mean(values)}`);
    assert.ok(Math.abs(deviation(values) - 1) < 0.35, `spread ${deviation(values)}`);
  }
});

test('S2: how much normal samples have of it comes from samples that were left out', () => {
  const random = seeded(5);
  const odd = signNumbersOf(add([192, 193, 194], 9)(normal(random)));
  const others = Array.from({ length: 12 }, () => signNumbersOf(normal(random)));
  const { usual } = signsPrintOf([odd, ...others], [[0]]);
  const plain = { ...signsPrintOf(others, [[0]]), usual: Float32Array.of(0, 1, 0, 1, 0, 1, 0, 1) };
  assert.ok(Math.abs((usual[4] ?? 0) - signsOf(odd, plain).looseness) < 1e-4);
});

test('S3: numbers that never vary give a value', () => {
  const row = new Float32Array(heardSize).fill(-60);
  const print = printOf(Array.from({ length: 6 }, () => row));
  assert.equal(signNumbersOf(row).length, signSize);
  assert.deepEqual(signsOf(signNumbersOf(row), print), { slip: 0, looseness: 0 });
  assert.ok(signsOf(signNumbersOf(row.map((value, i) => (i === 204 ? 0 : value))), print).slip > 3);
});

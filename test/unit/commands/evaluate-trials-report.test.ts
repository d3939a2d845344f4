/** The figures of `selvedge evaluate vision --simulated`, of outcomes made by hand. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { lotOf } from '../../../agent/commands/evaluate-trials-data.ts';
import {
  emptyTally,
  reportOf,
  tableOf,
  type JudgedLine,
  type Tally,
  type TrialsReport,
} from '../../../agent/commands/evaluate-trials-report.ts';
import type { EyeFinding } from '../../../agent/senses/eye/looking.ts';

const finding: EyeFinding = {
  id: 1,
  phase: 'found',
  class: 'needle_line',
  shape: 'vertical',
  cause: 'needle_or_sinker',
  score: 2,
  threshold: 1,
  needle: 100,
  k: 1,
  needleUnknown: null,
  rollFromMm: 0,
  rollToMm: 50,
  alongErrorMm: 1,
  acrossFromMm: 10,
  acrossToMm: 11,
  revolutions: 1,
  firstMs: 0,
  lastMs: 1000,
  mergedInto: null,
};
const line = (lot: string, generator: string, isMissed: boolean): JudgedLine => ({
  lot,
  generator,
  position: 'index',
  needles: 2639,
  truth: 100,
  strength: 0.7,
  line: isMissed ? null : { finding, revolutions: 1 },
});
const stray = (lot: string | null, id: string) => ({ lot, id, finding: { ...finding, shape: 'spot' as const } });

/** Two machines, one of which is good cloth alone, and rolls. */
function twoLots(): Tally {
  return {
    ...emptyTally(),
    lines: [line('lot-1', 'b', false), line('lot-1', 'b', true), line('lot-1', 'b', true)],
    strays: [
      stray('lot-2', 'index-0001'),
      stray(null, 'roll-index-0001'),
      stray('lot-2', 'index-0002'),
      stray(null, 'x'),
    ],
    cloths: new Map([
      ['lot-1', { generator: 'b', mm: 1500 }],
      ['lot-2', { generator: 'a', mm: 2500 }],
    ]),
    roll: { generator: 'a', mm: 110_000 },
  };
}
const report = (tally: Tally) => reportOf(tally, { seed: 1, trials: 1 });

test('each lot is told by itself, the rolls last: found, missed and strays stand where they belong', () => {
  assert.deepEqual(report(twoLots()).byLot, [
    { lot: 'lot-1', generator: 'b', lines: 3, missed: 2, falseFindings: 0, clothM: 1.5 },
    { lot: 'lot-2', generator: 'a', lines: 0, missed: 0, falseFindings: 2, clothM: 2.5 },
    { lot: 'roll', generator: 'a', lines: 0, missed: 0, falseFindings: 2, clothM: 0 },
  ]);
});

test('the lots add up to the whole', () => {
  const { byLot, needles, missed, falseCount, clothM } = report(twoLots());
  const sum = (of: (one: TrialsReport['byLot'][number]) => number) => byLot.reduce((all, one) => all + of(one), 0);
  assert.deepEqual(
    [sum((one) => one.lines), sum((one) => one.missed), sum((one) => one.falseFindings), sum((one) => one.clothM)],
    [needles.length, missed, falseCount, clothM],
  );
  assert.equal(falseCount, 4);
});

test('a lot that is called roll keeps its own strays, and the rolls theirs', () => {
  const tally = { ...twoLots(), lines: [], cloths: new Map([['roll', { generator: 'b', mm: 1000 }]]) };
  const strays = [stray('roll', 'index-0001'), stray(null, 'roll-index-0001'), stray(null, 'roll-index-0002')];
  const { byLot } = report({ ...tally, strays });
  assert.deepEqual(
    byLot.map(({ generator, falseFindings }) => [generator, falseFindings]),
    [
      ['b', 1],
      ['a', 2],
    ],
  );
});

test('where no roll was drawn there is no row of rolls', () => {
  const told = report({ ...twoLots(), strays: [], roll: null });
  assert.deepEqual(
    told.byLot.map(({ lot }) => lot),
    ['lot-1', 'lot-2'],
  );
  assert.equal(told.metreErrorMm.rollM, 0);
});

test('the table has a line for each lot and says where a false finding was', () => {
  const told = report(twoLots());
  const table = tableOf(told);
  assert.match(table, /^lot-1 by b: 2 of 3 lines missed, 0 false findings in 1\.5 m$/m);
  assert.match(table, /^roll by a: 2 false findings in 110 m of roll, few of whose pictures are drawn$/m);
  assert.deepEqual(
    told.falseFindings.map(({ trial }) => trial),
    ['lot-2/index-0001', 'roll/roll-index-0001', 'lot-2/index-0002', 'roll/x'],
  );
});

test('a lot is named as its scenario says, else as its folder', () => {
  assert.equal(lotOf({ plan: { lot: 'lot-7' } }, join('data', 'trials')), 'lot-7');
  assert.equal(lotOf({ plan: {} }, join('data', 'trials')), 'trials');
  assert.equal(lotOf({ plan: {} }, `${join('data', 'trials')}/`), 'trials');
});

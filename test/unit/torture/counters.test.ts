import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCounters, risesOf, type Counted } from '../../torture/counters.ts';
import { SendOrder } from '../../torture/send-order.ts';

const truthLine = (value: number) =>
  JSON.stringify({ t: 1, machine: 'ls-1', kind: 'counter', id: '', data: { signal: 's', value, shown: value % 10 } });
const counted = (more: Partial<Counted> = {}): Counted[] => [
  { machine: 'ls-1', signal: 's', delta: 7, uncertainty: 0, outside: 0, overlaps: 0, ...more },
];
const truth = risesOf(`${truthLine(5)}\n{"kind":"state"}\n${truthLine(12)}\n`);

test('K1: a counter rose by what lies between its first and its last line', () => {
  assert.deepEqual([...truth], [['ls-1 s', 7]]);
});

test('K2: without an overlap a count is exact or not conserved', () => {
  const verdict = judgeCounters(truth, counted());
  assert.deepEqual([verdict.conserved, verdict.series, verdict.exact], [true, 1, 1]);
  assert.equal(judgeCounters(truth, counted({ delta: 6 })).conserved, false);
  assert.equal(judgeCounters(truth, counted({ uncertainty: 1, outside: 1 })).conserved, false);
});

test('K3: the uncertainty of an overlap counts, and no other', () => {
  const inside = { delta: 6, uncertainty: 2, overlaps: 1 };
  assert.equal(judgeCounters(truth, counted(inside)).conserved, true);
  assert.equal(judgeCounters(truth, counted({ ...inside, delta: 4 })).conserved, false);
  assert.equal(judgeCounters(truth, counted({ ...inside, outside: 2 })).conserved, false);
});

test('K4: a counter that is not there is not conserved, and nor is nothing at all', () => {
  assert.equal(judgeCounters(truth, []).conserved, false);
  assert.equal(judgeCounters(new Map(), counted()).conserved, false);
});

test('a batch sent after a younger one of its lane is out of order; a repeat, or one of another lane or history, is not', () => {
  const order = new SendOrder();
  const note = (seq: number, lane = 'live') => order.note({ boot: 'a', seq, lane });
  note(1);
  note(3);
  note(2, 'alerts');
  note(1);
  assert.equal(order.outOfOrder, 0);
  note(2 + 2);
  note(5, 'alerts');
  order.note({ boot: 'b', seq: 1, lane: 'live' });
  assert.equal(order.outOfOrder, 0);
  order.note({ boot: 'b', seq: 9, lane: 'live' });
  order.note({ boot: 'b', seq: 8, lane: 'live' });
  assert.equal(order.outOfOrder, 1);
  order.forget();
  note(1);
  assert.equal(order.outOfOrder, 1);
});

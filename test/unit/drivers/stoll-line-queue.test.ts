import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { LineQueue } from '../../../drivers/stoll/line-queue.ts';

/** Lines that begin with `late` are late, and owe a rest. Every look at the clock takes `lookMs`. */
function rig(t: TestContext, { lookMs = 0, whenTold = (_line: string): void => {} } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  const told: string[] = [];
  let nowMs = 0;
  let owesRest = false;
  const queue = new LineQueue({
    monotonicMs: () => (nowMs += lookMs),
    tell: (line) => {
      told.push(line);
      whenTold(line);
      const isLate = line.startsWith('late');
      owesRest ||= isLate;
      return isLate;
    },
    hasRest: () => owesRest,
    tellRest: () => {
      owesRest = false;
      told.push('(rest)');
    },
  });
  return { queue, told, tick: (ms: number) => t.mock.timers.tick(ms) };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

test('lines are told in their order, whatever came in one piece', (t) => {
  const { queue, told } = rig(t);
  queue.put(['a', 'b']);
  assert.deepEqual(told, []);
  queue.work();
  queue.put(['c']);
  queue.work();
  assert.deepEqual(told, ['a', 'b', 'c']);
});

test('a turn is over after 200 lines; the rest is told in the next ones, each once', (t) => {
  const { queue, told, tick } = rig(t);
  queue.put(numbered(450));
  queue.work();
  queue.work();
  assert.equal(told.length, 200, 'nor is a turn begun while one is waited for');
  tick(0);
  assert.deepEqual(told, numbered(450));
});

test('a turn is over after 5 ms however few lines it told', (t) => {
  const { queue, told, tick } = rig(t, { lookMs: 1 });
  queue.put(numbered(9));
  queue.work();
  assert.equal(told.length, 5);
  tick(0);
  assert.deepEqual(told, numbered(9));
});

test('after a late line a millisecond passes before the next, and the rest comes behind the last', (t) => {
  const { queue, told, tick } = rig(t);
  queue.put(['late a', 'late b']);
  queue.work();
  assert.deepEqual(told, ['late a']);
  tick(1);
  assert.deepEqual(told, ['late a', 'late b']);
  tick(1);
  assert.deepEqual(told, ['late a', 'late b']);
  tick(1);
  assert.deepEqual(told, ['late a', 'late b', '(rest)']);
  tick(100);
  assert.equal(told.length, 3);
});

test('a line that comes while a rest is owed waits for it', (t) => {
  const { queue, told, tick } = rig(t);
  queue.put(['late a']);
  queue.work();
  queue.put(['b']);
  queue.work();
  tick(2);
  assert.deepEqual(told, ['late a', '(rest)', 'b']);
});

test('what waits for the end comes behind every line and the rest, once; with nothing waiting it comes at once', (t) => {
  const { queue, told, tick } = rig(t);
  queue.whenEmpty(() => void told.push('(end)'));
  assert.deepEqual(told.splice(0), ['(end)']);
  queue.put(['late a', 'b']);
  queue.work();
  queue.whenEmpty(() => void told.push('(end)'));
  tick(1);
  tick(2);
  tick(100);
  assert.deepEqual(told, ['late a', 'b', '(rest)', '(end)']);
});

test('no more than 20,000 lines wait; the last of more are dropped and counted', (t) => {
  const { queue, told, tick } = rig(t);
  assert.equal(queue.put(numbered(20_000)), 0);
  assert.equal(queue.put(['dropped', 'dropped']), 2);
  queue.work();
  assert.equal(queue.put(numbered(201)), 1, 'what was told makes room');
  for (let turn = 0; turn < 102; turn += 1) tick(0);
  assert.deepEqual([told.length, told.includes('dropped')], [20_200, false]);
});

test('it has enough from 2,000 lines that wait, and not after they were told', (t) => {
  const { queue, told, tick } = rig(t);
  queue.put(numbered(1_999));
  assert.equal(queue.hasEnough, false);
  queue.put(['one more']);
  assert.equal(queue.hasEnough, true);
  queue.work();
  assert.equal(queue.hasEnough, false);
  for (let turn = 0; turn < 10; turn += 1) tick(0);
  assert.equal(told.length, 2_000);
});

test('after the stop nothing is told: not the next turn, not a late line, not a rest, not what is put in', (t) => {
  for (const lines of [numbered(300), ['late a', 'b'], ['late a']]) {
    const { queue, told, tick } = rig(t);
    queue.put(lines);
    queue.work();
    const before = told.length;
    queue.stop();
    queue.put(['c']);
    queue.work();
    tick(1_000);
    assert.equal(told.length, before);
    t.mock.timers.reset();
  }
});

test('a stop out of the telling of a line ends it there', (t) => {
  const { queue, told, tick } = rig(t, { whenTold: () => queue.stop() });
  queue.put(['late a', 'b']);
  queue.work();
  tick(1_000);
  assert.deepEqual(told, ['late a']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alertFigures, floodWindowMs, type Activation, type FiguresInput } from '../../../agent/alerts/figures.ts';

const hourMs = 3_600_000;
const fromMs = 1_000 * hourMs;
const toMs = fromMs + 10 * hourMs;
const of = (raisedMs: number, rule = 'thread-break', machine = 'ls-1'): Activation => ({
  machine,
  rule,
  raisedMs,
  text: `${rule} broke`,
});
const figures = (activations: readonly Activation[], more: Partial<FiguresInput> = {}) =>
  alertFigures({ fromMs, toMs, activations, standing: [], isComplete: true, ...more });

test('a quiet floor has no figures to speak of', () => {
  const { raised, perHour, worst, chattering, floods } = figures([]);
  assert.deepEqual([raised, perHour, worst, chattering], [0, 0, [], []]);
  assert.deepEqual(floods, { count: 0, minutes: 0, most: 0 });
});

test('each activation counts, by hour, and the most frequent come first with their share', () => {
  const oil = Array.from({ length: 6 }, (_, i) => of(fromMs + i * hourMs, 'oil-low'));
  const told = figures([...oil, of(fromMs + 5, 'thread-break', 'ls-2'), of(toMs - 1, 'thread-break', 'ls-2')]);
  assert.deepEqual([told.raised, told.perHour], [8, 0.8]);
  assert.deepEqual(
    told.worst.map(({ machine, rule, raised, share }) => [machine, rule, raised, share]),
    [
      ['ls-1', 'oil-low', 6, 0.75],
      ['ls-2', 'thread-break', 2, 0.25],
    ],
  );
});

test('three times within a minute chatter; the same three at two machines, or a little slower, do not', () => {
  assert.equal(figures([of(fromMs), of(fromMs + 30_000), of(fromMs + 60_000)]).chattering[0]?.most, 3);
  assert.equal(figures([of(fromMs), of(fromMs + 30_000), of(fromMs + 60_001)]).chatteringTotal, 0);
  const two = [of(fromMs), of(fromMs + 1), of(fromMs + 2, 'thread-break', 'ls-2')];
  assert.equal(figures(two).chatteringTotal, 0);
});

test('stale is what has been active for more than a day, oldest first', () => {
  const standing = (occurrence: string, sinceMs: number) => ({
    occurrence,
    machine: 'ls-1',
    rule: 'oil-low',
    text: 'Oil',
    sinceMs,
  });
  const dayMs = 24 * hourMs;
  const told = figures([], {
    standing: [
      standing('day', toMs - dayMs),
      standing('older', toMs - dayMs - 1),
      standing('oldest', toMs - 9 * dayMs),
    ],
  });
  assert.deepEqual(
    told.stale.map(({ occurrence }) => occurrence),
    ['oldest', 'older'],
  );
  assert.equal(told.staleTotal, 2);
});

test('eleven alerts within ten minutes are a flood and ten are none; its minutes are counted, and two floods are two', () => {
  const burst = (atMs: number, count: number) => Array.from({ length: count }, (_, i) => of(atMs + i * 1000));
  assert.deepEqual(figures(burst(fromMs + hourMs, 10)).floods, { count: 0, minutes: 0, most: 10 });
  const one = figures(burst(fromMs + hourMs, 11)).floods;
  assert.deepEqual(one, { count: 1, minutes: 10, most: 11 });
  const two = figures([...burst(fromMs + hourMs, 11), ...burst(fromMs + 3 * hourMs, 30)]).floods;
  assert.deepEqual(two, { count: 2, minutes: 20, most: 30 });
});

test('what came just before the span fills its first minutes and is not counted (G1)', () => {
  const told = figures(Array.from({ length: 12 }, (_, i) => of(fromMs - 60_000 + i)));
  assert.equal(told.raised, 0);
  assert.deepEqual([told.floods.count, told.floods.minutes], [1, 9]);
});

const some = fc.array(
  fc.record({
    machine: fc.constantFrom('ls-1', 'ls-2', 'gateway'),
    rule: fc.constantFrom('a', 'b', 'c'),
    text: fc.constant('text'),
    raisedMs: fc.integer({ min: fromMs - floodWindowMs, max: fromMs + hourMs }),
  }),
  { maxLength: 120 },
);

test('the order of activations changes nothing, all of the span are counted, and lists are bounded (G1, G2, G3)', () => {
  fc.assert(
    fc.property(some, fc.integer(), (activations, turn) => {
      const told = figures(activations);
      const cut = activations.length === 0 ? 0 : Math.abs(turn) % activations.length;
      assert.deepEqual(figures([...activations.slice(cut), ...activations.slice(0, cut)]), told);
      assert.equal(told.raised, activations.filter(({ raisedMs }) => raisedMs >= fromMs).length);
      assert.ok(told.worst.length <= 10 && told.chattering.length <= Math.min(50, told.chatteringTotal));
      assert.ok(told.worst.every(({ raised }, i) => raised <= (told.worst[i - 1]?.raised ?? Infinity)));
    }),
  );
});

test('the fullest ten minutes are what a plain count of every minute gives', () => {
  fc.assert(
    fc.property(some, (activations) => {
      const counts = Array.from({ length: 600 }, (_, i) => {
        const endMs = fromMs + (i + 1) * 60_000;
        return activations.filter(({ raisedMs }) => raisedMs < endMs && raisedMs >= endMs - floodWindowMs).length;
      });
      const { most, minutes } = figures(activations).floods;
      assert.equal(most, Math.max(...counts));
      assert.equal(minutes, counts.filter((count) => count > 10).length);
    }),
    { numRuns: 40 },
  );
});

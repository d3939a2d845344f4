import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxAnswers, maxRequests, type CommandTake } from '../../../agent/store/commands.ts';
import { openLedger } from './making.ts';

const take = (more: Partial<CommandTake>): CommandTake => ({
  key: 'k',
  counter: 1,
  id: 'c-1',
  command: 'h-1',
  kind: 'ping',
  atMs: 1,
  execute: true,
  ...more,
});

test('L1: whatever is asked in whatever order, a command is fresh once and only with a counter above all before it', () => {
  const one = fc.record({
    key: fc.constantFrom('k', 'l'),
    counter: fc.integer({ min: 1, max: 6 }),
    id: fc.constantFrom('a', 'b', 'c'),
    command: fc.constantFrom('h1', 'h2', 'h3'),
    execute: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), (asked) => {
      const ledger = openLedger();
      const highest = new Map<string, number>();
      const ids = new Set<string>();
      for (const some of asked) {
        const { state } = ledger.take(take(some));
        const above = some.counter > (highest.get(some.key) ?? 0);
        if (state !== 'fresh') {
          assert.ok(!some.execute || !above || ids.has(`${some.key} ${some.id}`), JSON.stringify(some));
          continue;
        }
        assert.ok(some.execute && above && !ids.has(`${some.key} ${some.id}`), JSON.stringify(some));
        highest.set(some.key, some.counter);
        ids.add(`${some.key} ${some.id}`);
      }
    }),
  );
});

test('L2: the newest answers are kept and the older ones forgotten, without making their commands new', () => {
  const ledger = openLedger();
  for (let counter = 1; counter <= maxAnswers + 1; counter++) {
    assert.equal(ledger.take(take({ counter, id: `c-${counter}`, command: `h-${counter}` })).state, 'fresh');
    ledger.answer({ key: 'k', counter, answer: `answer ${counter}` });
  }
  assert.deepEqual(ledger.take(take({ counter: 2, id: 'c-2', command: 'h-2' })), {
    state: 'repeat',
    answer: 'answer 2',
  });
  assert.equal(ledger.take(take({})).state, 'used');
});

test('L2: a command that began and has no answer is a repeat without one', () => {
  const ledger = openLedger();
  ledger.take(take({}));
  assert.deepEqual(ledger.take(take({})), { state: 'repeat', answer: null });
});

test('L3: a request waits until somebody decides, and each permission lets it through once', () => {
  const ledger = openLedger();
  const ask = (atMs: number, body = '{}') => ledger.ask({ kind: 'request-bundle', body, atMs });
  assert.equal(ask(1), 'waits');
  assert.equal(ask(2), 'waits');
  const [waiting] = ledger.requests();
  assert.ok(waiting !== undefined);
  assert.equal(ledger.decide(waiting.id, 'denied', 3), true);
  assert.equal(ask(4), 'denied');
  assert.equal(ledger.decide(waiting.id, 'allowed', 5), true);
  assert.equal(ledger.decide(waiting.id, 'denied', 6), false);
  assert.deepEqual([ask(7), ask(8)], ['allowed', 'waits']);
});

test('L3: no more than so many wait; after a day, and an hour after it was allowed, one is forgotten', () => {
  const ledger = openLedger();
  const ask = (atMs: number, body: string) => ledger.ask({ kind: 'request-bundle', body, atMs });
  for (let i = 0; i < maxRequests; i++) assert.equal(ask(1, `${i}`), 'waits');
  assert.equal(ask(1, 'more'), 'full');
  const [first] = ledger.requests();
  assert.ok(first !== undefined);
  ledger.decide(first.id, 'allowed', 1);
  const hourMs = 3_600_000;
  assert.equal(ask(hourMs + 2, first.body), 'waits');
  assert.equal(ask(24 * hourMs + 2, 'more'), 'waits');
  assert.deepEqual(
    ledger.requests().map(({ body }) => body),
    [first.body, 'more'],
  );
});

/** The book of workers does what the book of one bridge does, and gives no counter out twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256Hex } from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import type { CommandBook } from '../../../cloud-bridge/remote/book.ts';
import { PostgresBook } from '../../../cloud-bridge/remote/postgres-book.ts';
import { SqliteBook } from '../../../cloud-bridge/remote/sqlite-book.ts';
import type { Sessions } from '../../../cloud-bridge/store/postgres/sessions.ts';
import { temporaryDir } from './making.ts';
import { startPglite } from './pglite.ts';

const newSchema = await startPglite();
const sessionsOfOwn = async (): Promise<Sessions> => (await newSchema()).sessions;

const order = (gateway: string, id: string, atMs: number) => {
  return { gateway, id, kind: 'ping', body: '{"by":"local"}', by: 'local', atMs, notAfterMs: atMs + 50 };
};
const seal = (counter: number) => Buffer.from(`command ${counter}`);

test('whatever is done, in whatever order, both books say the same', async (t) => {
  const gateway = fc.constantFrom('gw-1', 'gw-2');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), gateway, id: fc.uuid(), atMs: fc.integer({ min: 0, max: 500 }) }),
    fc.record({ do: fc.constant('answer' as const), nth: fc.nat(8), ok: fc.boolean(), forged: fc.boolean() }),
    fc.record({ do: fc.constant('open' as const), gateway, nowMs: fc.integer({ min: 0, max: 500 }) }),
    fc.record({
      do: fc.constant('page' as const),
      gateway: fc.option(gateway, { nil: undefined }),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  );
  const run = async (book: CommandBook, steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
    const said: unknown[] = [];
    const counters: { gateway: string; id: string; counter: number }[] = [];
    for (const one of steps) {
      if (one.do === 'add') {
        const made = await book.add(order(one.gateway, one.id, one.atMs), seal);
        counters.push(made.order);
        said.push(made);
      } else if (one.do === 'answer') {
        const of = counters.at(one.nth) ?? { gateway: 'gw-1', id: 'none', counter: 1 };
        const { gateway: to, id, counter } = of;
        const command = sha256Hex(one.forged ? Buffer.from('another') : seal(counter));
        const answer = { gateway: to, id, counter, command, ok: one.ok, code: null, result: '{"a":1}', atMs: 7 };
        said.push(await book.answer(answer));
      } else if (one.do === 'open') said.push((await book.open(one.gateway, one.nowMs)).map(String));
      else said.push(await book.page({ gateway: one.gateway, limit: one.limit }));
    }
    said.push(await book.page({ limit: 100 }));
    return said;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const sqlite = SqliteBook.open(dataDir(temporaryDir(t)), 'key', 1);
      const postgres = new PostgresBook(await sessionsOfOwn(), 'key');
      assert.deepEqual(await run(postgres, steps), await run(sqlite, steps));
      sqlite.close();
    }),
    { numRuns: 15 },
  );
});

test('C1: two workers at once give out different counters, that rise; C2: what cannot be signed uses none', async () => {
  const shared = await sessionsOfOwn();
  const books = [new PostgresBook(shared, 'key'), new PostgresBook(shared, 'key')];
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, n) => Promise.resolve(books[n % 2]?.add(order('gw-1', `c-${n}`, 5), seal))),
  );
  const counters = made.map((one) => one?.order.counter ?? 0);
  assert.deepEqual(
    counters.toSorted((a, b) => a - b),
    Array.from({ length: 12 }, (_, n) => 5 + n),
  );
  const fail = () => {
    throw new TypeError('no signature');
  };
  await assert.rejects(Promise.resolve(books[0]?.add(order('gw-1', 'c-x', 5), fail)));
  assert.equal((await books[1]?.add(order('gw-1', 'c-y', 5), seal))?.order.counter, 17);
});

import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { pgSessions } from '../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore, type PostgresOptions } from '../../cloud-bridge/store/postgres/store.ts';
import { bridgeStoreContract } from '../contract/bridge-store.ts';
import { addressOf, postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { requireProgram } from '../support/peers.ts';
import { checked } from '../unit/bridge/histories.ts';
import { atMs, stateSummary, summary } from '../unit/bridge/making.ts';

const bin = postgresPrograms();
const server: PostgresServer | null = bin === null ? null : await startPostgres(bin);
after(() => server?.stop());
let databases = 0;

const worlds = new WeakMap<PostgresStore, PostgresOptions>();
/** What a store was made of, for a second one on the same database. */
function worldOf(store: PostgresStore): PostgresOptions {
  const world = worlds.get(store);
  assert.ok(world !== undefined);
  return world;
}

async function openMany(t: TestContext, workers: number): Promise<PostgresStore[]> {
  if (server === null) return [];
  databases += 1;
  const name = `bridge_${databases}`;
  const admin = await pgSessions(addressOf(server), 1, true);
  const session = await admin.borrow();
  await session.query(`CREATE DATABASE ${name}`);
  session.release(false);
  await admin.close();
  const stores: PostgresStore[] = [];
  for (let count = 0; count < workers; count += 1) {
    const pools = [
      await pgSessions(addressOf(server, name), 2, true),
      await pgSessions(addressOf(server, name), 1, false),
    ];
    const [sessions, readers] = pools.map((pool) => {
      let closed: Promise<void> | null = null;
      const close = () => (closed ??= pool.close());
      t.after(close);
      return { borrow: () => pool.borrow(), close };
    });
    assert.ok(sessions !== undefined && readers !== undefined);
    const world = { sessions, readers, nowMs: () => atMs, random: Math.random };
    const store = new PostgresStore(world);
    worlds.set(store, world);
    stores.push(store);
  }
  // Workers that start at the same time bring the schema up between them.
  await Promise.all(stores.map((store) => store.start()));
  return stores;
}

async function open(t: TestContext): Promise<PostgresStore> {
  const [store] = await openMany(t, 1);
  if (store === undefined) throw new TypeError('no store');
  return store;
}

if (server === null) test('PostgreSQL', (t) => void requireProgram(t, 'initdb'));
else {
  bridgeStoreContract({ name: 'PostgreSQL', open, openMany, runs: 5 });

  test('workers that need the same months at the same time make each partition once, and the next one ahead', async (t) => {
    const workers = await openMany(t, 4);
    const day = 86_400_000;
    // October to January, which is `atMs`'s month, and two minutes that have no month: before 2020 and next year.
    const minutes = [-80, -50, -20, 0, 400].map((days) => atMs + days * day).concat(Date.UTC(2019, 5, 1));
    const records = minutes.flatMap((minuteMs, at) => [
      summary(2 * at + 1, { minuteMs, counter: null }),
      stateSummary(2 * at + 2, { minuteMs }),
    ]);
    await Promise.all(
      workers.map((worker, at) => worker.commit([checked({ gateway: `gw-${at}`, seq: 1, records })], 1)),
    );
    const [first] = workers;
    assert.ok(first !== undefined);
    const found = await first.rows<{ name: string; rows: number }>(
      `SELECT CAST(tableoid::regclass AS TEXT) AS name, count(*) AS rows FROM summary GROUP BY 1 ORDER BY 1`,
    );
    assert.deepEqual(
      found.map(({ name, rows }) => [name, rows]),
      [
        ['summary_2025_10', 4],
        ['summary_2025_11', 4],
        ['summary_2025_12', 4],
        ['summary_2026_01', 4],
        ['summary_other', 8],
      ],
    );
    const ahead = new PostgresStore({ ...worldOf(first), nowMs: () => Date.UTC(2026, 0, 28) });
    await ahead.commit(
      [checked({ gateway: 'gw-0', seq: 2, records: [summary(99, { signal: 'spm', counter: null })] })],
      1,
    );
    const made = await first.rows(`SELECT 1 AS there FROM pg_class WHERE relname = 'summary_2026_02'`);
    assert.equal(made.length, 1);
  });

  test('minutes that came when their month was too far ahead move into its partition when it is made', async (t) => {
    const store = await open(t);
    const later = Date.UTC(2027, 3, 5);
    const of = (seq: number) =>
      checked({ seq, records: [summary(seq, { minuteMs: later + seq * 60_000, counter: null })] });
    await store.commit([of(1)], 1);
    await new PostgresStore({ ...worldOf(store), nowMs: () => later }).commit([of(2)], 1);
    const found = await store.rows(
      'SELECT CAST(tableoid::regclass AS TEXT) AS name, count(*) AS rows FROM summary GROUP BY 1',
    );
    assert.deepEqual(
      found.map((row) => [row['name'], row['rows']]),
      [['summary_2027_04', 2]],
    );
  });

  test('what answers the API cannot change the database', async (t) => {
    const store = await open(t);
    await store.commit([checked({ seq: 1 })], 1);
    await assert.rejects(store.rows('DELETE FROM batch'), /read-only transaction/);
  });
}

import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import type { Row } from '../../cloud-bridge/store/bridge-store.ts';
import { migrations } from '../../cloud-bridge/store/postgres/schema.ts';
import { pgSessions } from '../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore, type PostgresOptions } from '../../cloud-bridge/store/postgres/store.ts';
import { bridgeApiContract } from '../contract/bridge-api.ts';
import type { StoreKind } from '../contract/bridge-contents.ts';
import { bridgeFleetContract } from '../contract/bridge-fleet.ts';
import { bridgeStoreContract } from '../contract/bridge-store.ts';
import { addressOf, postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { requireProgram } from '../support/peers.ts';
import { checked } from '../unit/bridge/histories.ts';
import { alert, atMs, bootA, bootB, bootC, event, stateSummary, summary } from '../unit/bridge/making.ts';

const bin = postgresPrograms();
const server: PostgresServer | null = bin === null ? null : await startPostgres(bin);
after(() => server?.stop());
/** Databases nobody has open: a new one is a thousand files, which take long to make and to remove. */
const free: string[] = [];
let databases = 0;

async function emptyDatabase(on: PostgresServer): Promise<string> {
  const known = free.pop();
  const name = known ?? `bridge_${(databases += 1)}`;
  const admin = await pgSessions(addressOf(on, known), 1, true);
  const session = await admin.borrow();
  await session.query(
    known === undefined ? `CREATE DATABASE ${name}` : 'DROP SCHEMA public CASCADE; CREATE SCHEMA public',
  );
  session.release(false);
  await admin.close();
  return name;
}

const worlds = new WeakMap<PostgresStore, PostgresOptions>();
/** What a store was made of, for a second one on the same database. */
function worldOf(store: PostgresStore): PostgresOptions {
  const world = worlds.get(store);
  assert.ok(world !== undefined);
  return world;
}

/** JSON columns come as text; a row that goes in as JSON has them as they are. */
const withJson = (row: Row) => ({
  ...row,
  ...('evidence' in row ? { evidence: JSON.parse(String(row['evidence'])) } : {}),
});

/** @param version of the schema that is there when the workers start */
async function openMany(t: TestContext, workers: number, version = 0): Promise<PostgresStore[]> {
  if (server === null) return [];
  const name = await emptyDatabase(server);
  let opened = 2 * workers;
  if (version > 0) {
    const old = await pgSessions(addressOf(server, name), 1, true);
    const made = await old.borrow();
    await made.query(
      `CREATE TABLE selvedge_schema (version BIGINT NOT NULL); INSERT INTO selvedge_schema VALUES (${version})`,
    );
    for (const step of migrations.slice(0, version)) await step(made);
    made.release(false);
    await old.close();
  }
  const stores: PostgresStore[] = [];
  for (let count = 0; count < workers; count += 1) {
    const pools = [
      await pgSessions(addressOf(server, name), 2, true),
      await pgSessions(addressOf(server, name), 1, false),
    ];
    const [sessions, readers] = pools.map((pool) => {
      let closed: Promise<void> | null = null;
      const close = () =>
        (closed ??= pool.close().then(() => {
          opened -= 1;
          if (opened === 0) free.push(name);
        }));
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
  if (version === 0) await Promise.all(stores.map((store) => store.start()));
  return stores;
}

async function open(t: TestContext, version = 0): Promise<PostgresStore> {
  const [store] = await openMany(t, 1, version);
  if (store === undefined) throw new TypeError('no store');
  return store;
}

if (server === null) test('PostgreSQL', (t) => void requireProgram(t, 'initdb'));
else {
  const kind: StoreKind = {
    name: 'PostgreSQL',
    open: (t) => open(t),
    openMany: (t, workers) => openMany(t, workers),
    runs: 5,
  };
  bridgeStoreContract(kind);
  bridgeApiContract(kind);
  bridgeFleetContract(kind);

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

  test('a database of version 2 is brought to this version as if it had been made with it', async (t) => {
    const [now, before] = [await open(t), await open(t, 2)];
    const batches = [
      checked({ boot: bootA, seq: 1, records: [alert(1, { raisedMs: 9 }), alert(2, { raisedMs: 7 })] }),
      checked({ boot: bootB, previousBoot: bootA, seq: 2, records: [event(1)] }),
      checked({ boot: bootC, previousBoot: bootA, seq: 3, records: [event(1)] }),
    ];
    for (const batch of [...batches, ...batches]) await now.commit([batch], 1);
    const { sessions } = worldOf(before);
    const [from, to] = [await worldOf(now).sessions.borrow(), await sessions.borrow()];
    for (const table of ['boot', 'batch', 'record_alert', 'gateway']) {
      const columns = await to.query<{ name: string }>(
        `SELECT attname AS name FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0`,
      );
      const rows = await from.query(`SELECT ${columns.map(({ name }) => name).join(', ')} FROM ${table}`);
      await to.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::json)`, [
        JSON.stringify(rows.map((row) => withJson(row as Row))),
      ]);
    }
    from.release(false);
    to.release(false);
    const kept = async (store: PostgresStore) => [
      await store.rows('SELECT * FROM gateway'),
      await store.rows('SELECT * FROM alert_first'),
      await store.rows('SELECT * FROM alert_current'),
    ];
    const expected = await kept(now);
    assert.deepEqual(
      expected.map((rows) => rows.length),
      [1, 1, 1],
    );
    assert.deepEqual(await kept(before), expected);
  });

  test('what answers the API cannot change the database', async (t) => {
    const store = await open(t);
    await store.commit([checked({ seq: 1 })], 1);
    await assert.rejects(store.rows('DELETE FROM batch'), /read-only transaction/);
  });
}

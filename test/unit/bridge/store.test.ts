import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import { BridgeError } from '../../../cloud-bridge/errors.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { schemaVersion } from '../../../cloud-bridge/store/schema.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { checked, deliveries } from './histories.ts';
import { alert, atMs, bootA, bootB, bootC, event, status, summary, temporaryDir } from './making.ts';

function openStore(t: TestContext): SqliteStore {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => store.close());
  return store;
}

/** All rows of all tables, without the times of receipt and what counts deliveries. */
function contents(db: Database.Database, without = /^(received_ms|first_ms|last_ms|repeats)$/) {
  const tables = [
    'gateway',
    'boot',
    'batch',
    'ledger',
    'record_machine',
    'record_event',
    'record_alert',
    'summary',
    'state_summary',
    'status',
    'branch_older',
    'alert_open',
    'boot_rebuilt',
    'counter_span',
    'counter_older',
  ];
  const views = ['machine', 'alert_current', 'counter_overlap', 'counter_totals', 'fork', 'ledger_watermark'];
  return Object.fromEntries(
    [...tables, ...views].map((table) => {
      const rows = db.prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`).all();
      const plain = rows.map((row) =>
        JSON.stringify(Object.entries(row).filter(([name]) => !without.test(name) && name !== 'noticed_ms')),
      );
      return [table, plain.sort()];
    }),
  );
}

const changesOf = (db: Database.Database) => Number(db.prepare('SELECT total_changes() AS n').pluck().get());

test('B1: when a batch of a group cannot be stored, none of the group is, and the store goes on', (t) => {
  const store = openStore(t);
  const poison = checked({ seq: 2, records: [event(2, { data: { at: null } })] });
  Object.assign(poison.body, { lane: null });
  assert.throws(() => store.commit([checked({ seq: 1 }), poison], 1), /NOT NULL/);
  assert.deepEqual(contents(store.db)['batch'], []);
  assert.deepEqual(contents(store.db)['ledger'], []);
  assert.deepEqual(store.commit([checked({ seq: 1 })], 1).outcomes, ['stored']);
});

test('B1: a full disk throws and leaves nothing half stored', (t) => {
  const store = openStore(t);
  store.commit([checked({ seq: 1 })], 1);
  const before = contents(store.db);
  store.db.pragma(`max_page_count = ${Number(store.db.pragma('page_count', { simple: true }))}`);
  const large = Array.from({ length: 2000 }, (_, at) => event(at + 10, { data: { text: 'x'.repeat(200) } }));
  assert.throws(() => store.commit([checked({ seq: 2, records: large })], 2), { code: 'SQLITE_FULL' });
  assert.deepEqual(contents(store.db), before);
  store.db.pragma('max_page_count = 1000000');
  assert.deepEqual(store.commit([checked({ seq: 2, records: large })], 3).outcomes, ['stored']);
});

test('B2: a record that comes again in another batch, or twice in one, is stored once', (t) => {
  const store = openStore(t);
  store.commit([checked({ seq: 1, records: [event(1), event(2)] })], 1);
  const again = store.commit([checked({ seq: 2, records: [event(2), event(3), event(3)] })], 2);
  assert.deepEqual([again.outcomes, again.fresh, again.known], [['stored'], 1, 2]);
  assert.equal(store.db.prepare('SELECT count(*) FROM record_event').pluck().get(), 3);
  assert.deepEqual(store.db.prepare('SELECT from_n, to_n FROM ledger').all(), [{ from_n: 1, to_n: 3 }]);
});

test('B3: of one key the highest revision stays; of equal revisions the higher boot, then number', (t) => {
  const store = openStore(t);
  const counted = (delta: number) =>
    ({ ...summary(1).counter, delta }) as NonNullable<ReturnType<typeof summary>['counter']>;
  const rows: [string, WireRecord][] = [
    [bootB, summary(9, { revision: 2, counter: counted(7) })],
    [bootA, summary(1, { revision: 1, counter: counted(4) })],
    [bootA, summary(20, { revision: 2, counter: counted(6) })],
    [bootB, summary(3, { revision: 2, counter: counted(5) })],
  ];
  for (const [at, [boot, record]] of rows.entries())
    store.commit([checked({ boot, seq: at + 1, records: [record] })], 1);
  assert.deepEqual(store.db.prepare('SELECT revision, boot, n, counter_delta AS delta FROM summary').all(), [
    { revision: 2, boot: bootB, n: 9, delta: 7 },
  ]);
});

test('B4: a known name with another hash is a conflict and changes nothing', (t) => {
  const store = openStore(t);
  store.commit([checked({ seq: 1 })], 1);
  const before = contents(store.db);
  const changes = changesOf(store.db);
  assert.deepEqual(store.commit([checked({ seq: 1, records: [event(5)] })], 2).outcomes, ['conflict']);
  assert.deepEqual(contents(store.db), before);
  assert.equal(changesOf(store.db), changes);
});

test('repeats are counted for each batch', (t) => {
  const store = openStore(t);
  const batch = checked({ seq: 1 });
  assert.deepEqual(store.commit([batch, batch], 1).outcomes, ['stored', 'repeat']);
  store.commit([batch], 2);
  assert.deepEqual(store.db.prepare('SELECT received_ms, repeats FROM batch').all(), [{ received_ms: 1, repeats: 2 }]);
});

test('B5: any order, repetition, grouping and interleaving of the same batches gives the same store', (t) => {
  const whole = (batches: readonly CheckedBatch[], groupSize: number) => {
    const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
    for (let at = 0; at < batches.length; at += groupSize) store.commit(batches.slice(at, at + groupSize), at);
    const result = contents(store.db);
    const repeats = store.db.prepare('SELECT sum(repeats) FROM batch').pluck().get();
    store.close();
    return { result, repeats };
  };
  fc.assert(
    fc.property(deliveries, ({ batches, order, groupSize }) => {
      const mixed = order.flatMap((at) => batches[at] ?? []);
      const one = whole(batches, 1);
      const other = whole(mixed, groupSize);
      assert.deepEqual(other.result, one.result);
      assert.equal(other.repeats, mixed.length - batches.length);
    }),
    { numRuns: 12 },
  );
});

test('two boots that name one previous boot are a fork, and only once noticed', (t) => {
  const store = openStore(t);
  store.commit([checked({ boot: bootA })], 1);
  assert.deepEqual(store.commit([checked({ boot: bootB, previousBoot: bootA })], 2).forks, []);
  const { forks } = store.commit([checked({ boot: bootC, previousBoot: bootA })], 3);
  assert.deepEqual(forks, [{ gateway: 'demo-gw', previousBoot: bootA, boots: [bootB, bootC] }]);
  assert.deepEqual(
    store.commit([checked({ boot: bootC, previousBoot: bootA, seq: 2, records: [event(2)] })], 4).forks,
    [],
  );
  assert.deepEqual(store.db.prepare('SELECT previous_boot, boots, noticed_ms FROM fork').all(), [
    { previous_boot: bootA, boots: 2, noticed_ms: 3 },
  ]);
});

test('a birth tells a fork as well as a batch does, and the newest status is kept', (t) => {
  const store = openStore(t);
  assert.deepEqual(store.applyStatus('demo', status({ connection: 2 }), 1), { taken: true, forks: [] });
  assert.equal(store.applyStatus('demo', status({ connection: 1, online: false }), 2).taken, false);
  assert.equal(store.applyStatus('demo', status({ boot: bootB, previousBoot: bootA }), 3).taken, true);
  assert.equal(store.applyStatus('demo', status({ boot: bootC, previousBoot: bootA }), 4).forks.length, 1);
  assert.equal(store.db.prepare('SELECT online FROM status').pluck().get(), 1);
  store.forgetConnections();
  assert.equal(store.db.prepare('SELECT online FROM status').pluck().get(), 0);
});

test('the newest step of an occurrence is known though the clock was set back between two boots', (t) => {
  const store = openStore(t);
  const closed = alert(1, { atMs: atMs - 3_600_000, transition: 'closed', state: 'normal' });
  store.commit([checked({ boot: bootB, previousBoot: bootA, records: [closed] })], 1);
  store.commit([checked({ boot: bootA, records: [alert(7)] })], 2);
  assert.deepEqual(store.db.prepare('SELECT boot, transition FROM alert_current').all(), [
    { boot: bootB, transition: 'closed' },
  ]);
});

test('boots that name each other in a circle do not hold the store', (t) => {
  const store = openStore(t);
  store.commit([checked({ boot: bootA, previousBoot: bootB })], 1);
  store.commit([checked({ boot: bootB, previousBoot: bootA })], 2);
  assert.equal(store.applyStatus('demo', status({ boot: bootC, previousBoot: bootB }), 3).taken, true);
});

test('a file that is no database is set aside whole and a new store begun; the log can say that nothing was saved', (t) => {
  const dir = dataDir(temporaryDir(t));
  const rubbish = 'this is no database at all, however long it is'.repeat(100);
  writeFileSync(dir.database, rubbish);
  const store = SqliteStore.open(dir, 6000);
  t.after(() => store.close());
  assert.equal(store.quarantine?.path, `${dir.database}.bad-6000`);
  assert.equal(readFileSync(store.quarantine.path, 'utf8'), rubbish);
  assert.deepEqual(store.quarantine.saved, { rows: 0, incomplete: ['all'], forgotten: null });
  assert.deepEqual(store.commit([checked({ seq: 1 })], 2).outcomes, ['stored']);
});

test('a store of version 1 is brought to this version as if it had been made with it', (t) => {
  const rows = (boot: string, seq: number, previousBoot: string | null, records: readonly WireRecord[]) =>
    checked({ boot, seq, previousBoot, sealedMs: atMs + seq, records: [...records] });
  const batches = [
    rows(bootA, 1, null, [summary(1), alert(2, { raisedMs: 9 }), alert(3, { raisedMs: 7 })]),
    rows(bootB, 2, bootA, [summary(1, { minuteMs: atMs + 60_000, readingBoot: bootB })]),
    rows(bootC, 3, bootA, [summary(1, { minuteMs: atMs + 60_000, readingBoot: bootC, segment: 1 })]),
  ];
  const now = openStore(t);
  now.commit(batches, 1);
  const dir = dataDir(temporaryDir(t));
  const old = new Database(dir.database);
  old.exec(readFileSync(new URL('./store-version-1.sql', import.meta.url), 'utf8'));
  old.pragma('user_version = 1');
  const columns = (table: string) => old.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table).join(', ');
  for (const table of ['gateway', 'boot', 'batch', 'ledger', 'summary', 'record_alert']) {
    old.exec(`ATTACH '${now.db.name}' AS now`);
    old.exec(`INSERT INTO main.${table} SELECT ${columns(table)} FROM now.${table}; DETACH now`);
  }
  old.close();
  SqliteStore.open(dir, 2).close();
  const migrated = SqliteStore.open(dir, 3);
  assert.equal(migrated.quarantine, null, 'what was migrated is not taken for damaged');
  t.after(() => migrated.close());
  assert.deepEqual(contents(migrated.db), contents(now.db));
  assert.equal(contents(now.db)['counter_overlap']?.length, 1);
  const counted = migrated.db.prepare('SELECT batches, repeats, forks, raised_ms FROM gateway, alert_first').all();
  assert.deepEqual(counted, [{ batches: 3, repeats: 0, forks: 1, raised_ms: 7 }]);
  const shape = (db: Database.Database) => {
    const made = db.prepare<[], { name: string; sql: string | null }>('SELECT name, sql FROM sqlite_master').all();
    // SQLite writes added columns into the text of the table in its own way.
    return made.map(({ name, sql }) =>
      ['boot', 'gateway'].includes(name)
        ? db.pragma(`table_xinfo(${name})`)
        : `${name} ${sql?.replaceAll(/ *--.*/g, '')}`,
    );
  };
  const sorted = (db: Database.Database) =>
    shape(db)
      .map((one) => JSON.stringify(one))
      .sort();
  assert.deepEqual(sorted(migrated.db), sorted(now.db));
  assert.equal(migrated.db.pragma('user_version', { simple: true }), schemaVersion);
});

test('a page of alerts is read from its index, and of each occurrence only its own steps', (t) => {
  const store = openStore(t);
  const plan = store.db
    .prepare<[], { detail: string }>(
      'EXPLAIN QUERY PLAN SELECT * FROM alert_current ORDER BY first_raised_ms DESC, gateway DESC LIMIT 100',
    )
    .all()
    .map(({ detail }) => detail);
  assert.ok(plan.includes('SCAN f USING COVERING INDEX alert_first_time'), plan.join('; '));
  for (const table of ['a', 'later']) {
    const search = `SEARCH ${table} USING INDEX record_alert_occurrence (gateway=? AND occurrence=?)`;
    assert.ok(plan.includes(search), plan.join('; '));
  }
  assert.ok(!plan.some((step) => step.includes('TEMP B-TREE')), plan.join('; '));
});

test('two bridges cannot work in one data folder, and a newer database is left alone', (t) => {
  const dir = dataDir(temporaryDir(t));
  const store = SqliteStore.open(dir, 1);
  const withCode = (code: string) => (error: unknown) => error instanceof BridgeError && error.entry.code === code;
  assert.throws(() => SqliteStore.open(dir, 2), withCode('BRG-111'));
  store.db.exec('CREATE TABLE of_tomorrow (a)');
  store.db.pragma('user_version = 99');
  store.close();
  assert.throws(() => SqliteStore.open(dir, 3), withCode('BRG-110'));
  assert.throws(() => SqliteStore.open(dataDir('/proc/nowhere'), 3), withCode('BRG-103'));
});

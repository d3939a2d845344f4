import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import { openStore, type Store } from '../../../agent/store/open.ts';
import type { SealedBatch } from '../../../agent/store/outbox.ts';
import { takeFrom, temporaryDir } from './making.ts';

const folder = join(import.meta.dirname, '../../fixtures/store');

/** File → SHA-256. Lines are added; none is ever changed. */
const frozen: Readonly<Record<string, string>> = {
  'journal-1.db.gz': '9bf6af3d8e0652b176be406e45a7dc6c115b8a2c85253cd8efa8e4453136b342',
  'journal-2.db.gz': '9a43e5342486e21c3471a455a7e0e378c858ff19c0b446fdef8ab5b45729b88e',
  'journal-3.db.gz': 'e14b7adda3a49f4c3412532624abced2ec6289b11097349061f7c9f9b5596da7',
  'journal-4.db.gz': '6af6c20e26c522edd7d44b24928476f1c797970ab073ae053f0ac2063cc1e536',
  'journal-5.db.gz': '399460fec80e2dab1f6d13e432a4fe37b462c8dc3e79006227d803db6c1e52bc',
  'journal-6.db.gz': '7b89902df270e82318403106050fd95a7d92fa8446d2638950b5ad416da7a330',
  'journal-7.db.gz': '879e5a91d25fa8d7f2a11e85f35b2dd244c18d1e67717e28e785c6c29ae150b0',
  'ring-1.db.gz': 'd3d4b75ac35b8744d58c47c956a7c9147f251fc3957d520a5e582c2de74d9703',
};

interface Numbered {
  readonly n: number;
  readonly kind: string;
}
interface Content {
  readonly nowMs: number;
  readonly first: { readonly boot: string; readonly records: readonly Numbered[] };
  readonly second: { readonly boot: string; readonly records: readonly Numbered[] };
  readonly audit: object;
}
const content = JSON.parse(readFileSync(join(folder, 'content.json'), 'utf8')) as Content;
const { nowMs, first, second } = content;
const clock = { wallMs: () => nowMs };

const files = readdirSync(folder).filter((name) => name.endsWith('.gz'));
const versionsOf = (kind: 'journal' | 'ring') =>
  files.flatMap((name) => {
    const version = new RegExp(`^${kind}-(\\d+)\\.db\\.gz$`).exec(name)?.[1];
    return version === undefined ? [] : [Number(version)];
  });

function thaw(dataDir: string, journal: number, ring: number): void {
  for (const [kind, version] of [
    ['journal', journal],
    ['ring', ring],
  ] as const)
    writeFileSync(join(dataDir, `${kind}.db`), gunzipSync(readFileSync(join(folder, `${kind}-${version}.db.gz`))));
}

async function open(t: TestContext, dataDir: string): Promise<Store> {
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  return store;
}

const by = (records: readonly Numbered[], ...kinds: string[]) => records.filter(({ kind }) => kinds.includes(kind));
const numbersIn = ({ bytes }: SealedBatch): unknown =>
  (JSON.parse(zstdDecompressSync(bytes).toString()) as { records: readonly Numbered[] }).records;

test('the frozen databases are those that were frozen', () => {
  const now = files.map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex'),
  ]);
  assert.deepEqual(Object.fromEntries(now), frozen);
  assert.deepEqual([versionsOf('journal').slice(0, 3), versionsOf('ring').slice(0, 1)], [[1, 2, 3], [1]]);
});

for (const journal of versionsOf('journal')) {
  for (const ring of versionsOf('ring')) {
    test(`a data folder of journal ${journal} and ring ${ring} says the same in this version, and sends what waits`, async (t) => {
      const dataDir = temporaryDir(t);
      thaw(dataDir, journal, ring);
      const store = await open(t, dataDir);
      const { recovery } = store;
      assert.deepEqual([recovery.quarantined, recovery.previousBoot], [[], second.boot]);
      const [raised, closed] = [by(first.records, 'alert')[0], by(second.records, 'alert')[1]];
      assert.deepEqual(recovery.openOccurrences, [raised]);
      assert.deepEqual(recovery.openSpans, [{ machine: 'ls-1', event: 'gap', fromMs: nowMs }]);
      assert.deepEqual(recovery.lastCounters, [
        { machine: 'ls-1', signal: 'stitches', value: 4, atMs: nowMs + 60_000 },
      ]);
      assert.deepEqual((await store.alerts({})).items, [closed, raised]);
      assert.deepEqual(await store.occurrence('o-2'), by(second.records, 'alert'));
      assert.deepEqual((await store.events({})).items, by(first.records, 'event').toReversed());
      assert.deepEqual(await store.machines(), by(first.records, 'machine'));
      const minutes = await store.summaries({ fromMs: nowMs, toMs: nowMs + 60_000 });
      const order = (records: readonly Numbered[]) => records.toSorted((a, b) => a.n - b.n);
      assert.deepEqual(order(minutes.items), by(second.records, 'summary', 'state-summary'));
      const trend = await store.trend({ machine: 'ls-1', signal: 'motor.temp', fromMs: nowMs, toMs: nowMs + 60_000 });
      assert.deepEqual(trend.points, [
        { atMs: nowMs + 55_000, value: 41.5, quality: 'good' },
        { atMs: nowMs + 56_000, value: null, quality: 'bad' },
      ]);
      const { records, batches, dead, sealed, acked, redelivered } = await store.outboxCounts();
      assert.deepEqual(
        { records, batches, dead, sealed, acked, redelivered },
        { records: 5, batches: 1, dead: 1, sealed: 3, acked: 1, redelivered: 0 },
      );
      const request = { backlogAfterMs: 86_400_000 };
      const [alerts] = await store.take(takeFrom('alerts', request));
      const [live] = await store.take(takeFrom('live', request));
      assert.ok(alerts !== undefined && live !== undefined);
      assert.deepEqual(numbersIn(alerts), by(second.records, 'alert'));
      assert.deepEqual(numbersIn(live), by(second.records, 'summary', 'state-summary'));
      assert.deepEqual([alerts.boot, alerts.seq, live.boot], [second.boot, 1, second.boot]);
      const writes = (await store.writes({})).items;
      assert.equal(writes.length, journal < 3 ? 0 : 1);
      if (writes[0] !== undefined) assert.deepEqual({ ...writes[0], ...content.audit }, writes[0]);
      await store.close();
      const again = await open(t, dataDir);
      // The start in between told nothing of its own.
      assert.deepEqual([again.recovery.quarantined, again.recovery.previousBoot], [[], second.boot]);
    });
  }
}

for (const kind of ['journal', 'ring'] as const) {
  test(`a ${kind} of a newer version than known is refused, and no file of the folder is changed`, async (t) => {
    const dataDir = temporaryDir(t);
    thaw(dataDir, 3, 1);
    const db = new BetterSqlite(join(dataDir, `${kind}.db`));
    db.exec(
      'WITH RECURSIVE v (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < 999) INSERT OR IGNORE INTO schema_version SELECT n, 0 FROM v; CREATE TABLE of_tomorrow (a)',
    );
    db.close();
    const state = () =>
      ['journal.db', 'ring.db'].map((name) =>
        createHash('sha256')
          .update(readFileSync(join(dataDir, name)))
          .digest('hex'),
      );
    const before = state();
    await assert.rejects(openStore({ dataDir, clock }), { key: 'storeTooNew', message: /AGT-202 .*schema 999/ });
    assert.deepEqual(state(), before);
    assert.ok(!existsSync(join(dataDir, 'journal.db-wal')));
  });
}

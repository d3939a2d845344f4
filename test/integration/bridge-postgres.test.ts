import { after, test, type TestContext } from 'node:test';
import { pgSessions } from '../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore } from '../../cloud-bridge/store/postgres/store.ts';
import { bridgeStoreContract } from '../contract/bridge-store.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { requireProgram } from '../support/peers.ts';
import { atMs } from '../unit/bridge/making.ts';

const bin = postgresPrograms();
const server: PostgresServer | null = bin === null ? null : await startPostgres(bin);
after(() => server?.stop());
let databases = 0;

async function openMany(t: TestContext, workers: number): Promise<PostgresStore[]> {
  databases += 1;
  const name = `bridge_${databases}`;
  const admin = await pgSessions(server?.url ?? '', 1);
  const session = await admin.borrow();
  await session.query(`CREATE DATABASE ${name}`);
  session.release(false);
  await admin.close();
  const url = `${server?.url.replace(/\/postgres$/, '')}/${name}`;
  const stores: PostgresStore[] = [];
  for (let count = 0; count < workers; count += 1) {
    const sessions = await pgSessions(url, 2);
    let closed: Promise<void> | null = null;
    const close = () => (closed ??= sessions.close());
    t.after(close);
    stores.push(
      new PostgresStore({
        sessions: { borrow: () => sessions.borrow(), close },
        nowMs: () => atMs,
        random: Math.random,
      }),
    );
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
else bridgeStoreContract({ name: 'PostgreSQL', open, openMany, runs: 5 });

import { after } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { oids, type Session } from '../../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { bridgeStoreContract } from '../../contract/bridge-store.ts';
import { atMs } from './making.ts';

/** PostgreSQL in this process has one session: whoever wants it waits for the one before. */
const db = await PGlite.create();
after(() => db.close());
const parsers = {
  [oids.int8]: Number,
  [oids.numeric]: Number,
  [oids.json]: (text: string) => text,
  [oids.jsonb]: (text: string) => text,
};
let last: Promise<void> = Promise.resolve();
let schemas = 0;

async function open(): Promise<PostgresStore> {
  schemas += 1;
  const schema = `s${schemas}`;
  await db.exec(`CREATE SCHEMA ${schema}`);
  const borrow = async (): Promise<Session> => {
    const before = last;
    let free = (): void => undefined;
    last = new Promise((resolve) => (free = resolve));
    await before;
    await db.exec(`SET search_path = ${schema}`);
    return {
      query: async <T>(sql: string, values?: readonly (string | number | null)[]) => {
        if (values !== undefined) return (await db.query<T>(sql, [...values], { parsers })).rows;
        const results = await db.exec(sql, { parsers });
        return (results.at(-1)?.rows ?? []) as T[];
      },
      release: () => free(),
    };
  };
  const store = new PostgresStore({
    sessions: { borrow, close: async () => void (await db.exec(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)) },
    readers: null,
    nowMs: () => atMs,
    random: () => 0.5,
  });
  const away = await store.start();
  if (away !== null) throw away;
  return store;
}

bridgeStoreContract({ name: 'PGlite', open, openMany: null, runs: 5 });

import { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { bridgeStoreContract } from '../../contract/bridge-store.ts';
import { atMs } from './making.ts';
import { startPglite } from './pglite.ts';

const newSchema = await startPglite();

async function open(): Promise<PostgresStore> {
  const { sessions, drop } = await newSchema();
  const store = new PostgresStore({
    sessions: { ...sessions, close: drop },
    readers: null,
    nowMs: () => atMs,
    random: () => 0.5,
  });
  const away = await store.start();
  if (away !== null) throw away;
  return store;
}

bridgeStoreContract({ name: 'PGlite', open, openMany: null, runs: 5 });

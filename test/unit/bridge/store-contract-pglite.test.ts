import { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { bridgeApiContract } from '../../contract/bridge-api.ts';
import type { StoreKind } from '../../contract/bridge-contents.ts';
import { bridgeFleetContract } from '../../contract/bridge-fleet.ts';
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

const kind: StoreKind = { name: 'PGlite', open, openMany: null, runs: 5 };
bridgeStoreContract(kind);
bridgeApiContract(kind);
bridgeFleetContract(kind);

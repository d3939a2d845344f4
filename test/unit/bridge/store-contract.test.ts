import { bridgeFleetContract } from '../../contract/bridge-fleet.ts';
import { bridgeStoreContract, openSqlite, type StoreKind } from '../../contract/bridge-store.ts';

const kind: StoreKind = { name: 'SQLite', open: async (t) => openSqlite(t), openMany: null, runs: 12 };
bridgeStoreContract(kind);
bridgeFleetContract(kind);

import { bridgeApiContract } from '../../contract/bridge-api.ts';
import { openSqlite, type StoreKind } from '../../contract/bridge-contents.ts';
import { bridgeFleetContract } from '../../contract/bridge-fleet.ts';
import { bridgeStoreContract } from '../../contract/bridge-store.ts';

const kind: StoreKind = { name: 'SQLite', open: async (t) => openSqlite(t), openMany: null, runs: 12 };
bridgeStoreContract(kind);
bridgeApiContract(kind);
bridgeFleetContract(kind);

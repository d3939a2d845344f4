import { bridgeStoreContract, openSqlite } from '../../contract/bridge-store.ts';

bridgeStoreContract({ name: 'SQLite', open: async (t) => openSqlite(t), openMany: null, runs: 12 });

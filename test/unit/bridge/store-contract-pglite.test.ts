import type { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { bridgeApiContract } from '../../contract/bridge-api.ts';
import type { StoreKind } from '../../contract/bridge-contents.ts';
import { bridgeFleetContract } from '../../contract/bridge-fleet.ts';
import { bridgeStoreContract } from '../../contract/bridge-store.ts';
import { startPglite, storeIn } from './pglite.ts';

const newSchema = await startPglite();

const open = async (): Promise<PostgresStore> => storeIn(await newSchema());

const kind: StoreKind = { name: 'PGlite', open, openMany: null, runs: 5 };
bridgeStoreContract(kind);
bridgeApiContract(kind);
bridgeFleetContract(kind);

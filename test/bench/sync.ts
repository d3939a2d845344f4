/** The benches of `npm run bench -- sync`. */
import type { Bench } from './bench.ts';
import { syncDrain } from './sync-drain.ts';
import { syncStore } from './sync-store.ts';
import { syncWire } from './sync-wire.ts';

export const sync: readonly Bench[] = [syncDrain, syncStore, syncWire];

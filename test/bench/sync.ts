/** The benches of `npm run bench -- sync`. */
import type { Bench } from './bench.ts';
import { syncDrain } from './sync-drain.ts';

export const sync: readonly Bench[] = [syncDrain];

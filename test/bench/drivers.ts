/** The benches of `npm run bench -- drivers`. */
import type { Bench } from './bench.ts';
import { modbusClients } from './modbus-clients.ts';
import { modbusLoad, smallSite } from './modbus-load.ts';

export const drivers: readonly Bench[] = [modbusClients, modbusLoad, smallSite];

/** The benches of `npm run bench -- drivers`. */
import type { Bench } from './bench.ts';
import { modbusClients } from './modbus-clients.ts';
import { modbusLoad, smallSite } from './modbus-load.ts';
import { opcua } from './opcua.ts';
import { recovery } from './recovery.ts';
import { rtu } from './rtu.ts';

export const drivers: readonly Bench[] = [modbusClients, modbusLoad, recovery, smallSite, opcua, rtu];

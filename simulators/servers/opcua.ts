import { SimulatorError } from '../errors.ts';
import type { Random } from '../random.ts';
import type { ScenarioMachine } from '../scenario/schema.ts';
import type { MachineServer } from './server.ts';

export interface OpcuaServerOptions {
  readonly machine: ScenarioMachine;
  readonly port: number;
  readonly random: Random;
}
export function createOpcuaServer(options: OpcuaServerOptions): MachineServer {
  throw new SimulatorError('opcuaFailed', options.machine.id);
}

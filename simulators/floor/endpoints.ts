/** Where the machines of a floor listen, for whoever connects to them: told as JSON, and written into a file. */
import { renameSync, writeFileSync } from 'node:fs';
import { SimulatorError } from '../errors.ts';
import type { ScenarioMachine } from '../scenario/schema.ts';
import { defaultEfkaAddress } from '../servers/efka.ts';
import type { MachineServer } from '../servers/server.ts';
import type { FloorCamera } from './cameras.ts';
import type { FloorMicrophone } from './microphones.ts';

export interface MachineEndpoint {
  readonly id: string;
  readonly profile: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly unit?: number;
  readonly serverFingerprint?: string;
  /** The camera in front of the machine: how a needle is found, and where its stream is. */
  readonly camera?: { readonly position: string; readonly endpoint: string };
  /** The microphone at the machine. */
  readonly microphone?: { readonly endpoint: string };
}
export interface Endpoints {
  readonly machines: readonly MachineEndpoint[];
  readonly uplink?: string;
}

/** What is told of one machine. */
export function describe(
  machine: ScenarioMachine,
  server: MachineServer | undefined,
  camera: FloorCamera | undefined,
  microphone: FloorMicrophone | undefined,
): MachineEndpoint {
  return {
    id: machine.id,
    profile: machine.map,
    protocol: machine.protocol,
    endpoint: server?.endpoint ?? '',
    ...(machine.protocol.startsWith('modbus') ? { unit: machine.unit ?? 1 } : {}),
    ...(machine.protocol.startsWith('kf4') && machine.unit !== undefined ? { unit: machine.unit } : {}),
    ...(machine.protocol.startsWith('efka') ? { unit: machine.unit ?? defaultEfkaAddress } : {}),
    ...(server === undefined || server.fingerprint === null ? {} : { serverFingerprint: server.fingerprint }),
    ...(camera === undefined ? {} : { camera: { position: camera.position, endpoint: camera.server.endpoint } }),
    ...(microphone === undefined ? {} : { microphone: { endpoint: microphone.server.endpoint } }),
  };
}

/** Writes `endpoints` so that a reader sees the whole file or none. Throws SIM-101. */
export function writeEndpoints(file: string, endpoints: Endpoints): void {
  const part = `${file}.part-${process.pid}`;
  try {
    writeFileSync(part, `${JSON.stringify(endpoints, null, 2)}\n`);
    renameSync(part, file);
  } catch (error) {
    throw new SimulatorError(
      'fileUnwritable',
      `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

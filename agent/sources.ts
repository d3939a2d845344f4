/** From configured machines to drivers: one driver for each connection or bus, with the machines behind it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Driver, DriverPorts } from '../drivers/contract.ts';
import type { OpcuaDriverOptions, OpcuaUser } from '../drivers/opcua/options.ts';
import type { Profile, SignalSpec } from '../drivers/profiles/schema.ts';
import type { MachineConfig } from './config/config.ts';

export interface WatchedMachine {
  readonly config: MachineConfig;
  readonly profile: Profile;
}

/** What makes a driver for one bus; each protocol's module is loaded only when a machine needs it. */
export interface SourceOptions {
  readonly dataDir: string;
  readonly ports: DriverPorts;
  /** What a machine says of itself (OPC 40001-1 Identification), each time it is asked anew. */
  readonly identified: (machine: string, identification: Readonly<Record<string, string>>) => void;
  /** Signals that were found at a machine and that its profile does not name, each time it is asked anew. */
  readonly discovered?: (machine: string, profile: string, signals: Readonly<Record<string, SignalSpec>>) => void;
  readonly secret: (reference: NonNullable<NonNullable<MachineConfig['opcua']>['password']>) => string;
}

/** Machines that share a connection: the same endpoint. Keeps the order of the configuration. */
export function groupByBus(machines: readonly WatchedMachine[]): WatchedMachine[][] {
  const buses = new Map<string, WatchedMachine[]>();
  for (const machine of machines) {
    const bus = buses.get(machine.config.endpoint);
    if (bus === undefined) buses.set(machine.config.endpoint, [machine]);
    else bus.push(machine);
  }
  return [...buses.values()];
}

/** Makes the drivers of one bus; starts nothing. Throws a DriverError when profile and endpoint do not fit. */
export type SourceMaker = (bus: readonly WatchedMachine[], options: SourceOptions) => Driver[];

/**
 * Loads what the protocols of these machines need, and nothing else (the OPC UA client alone takes a second and 70 MB). It
 * is done before anything is watched, because loading blocks the event loop.
 */
export async function loadSources(machines: readonly WatchedMachine[]): Promise<SourceMaker> {
  const uses = new Set(machines.map((m) => m.profile.protocol));
  const modbus = uses.has('modbus') ? await import('../drivers/modbus/driver.ts') : null;
  const line = uses.has('line') ? await import('../drivers/serial/driver.ts') : null;
  const efka = uses.has('efka') ? await import('../drivers/efka/driver.ts') : null;
  const opcua = uses.has('opcua') ? await import('../drivers/opcua/driver.ts') : null;
  const knitFloor = uses.has('knit-floor') ? await import('../drivers/knit-floor/driver.ts') : null;
  const stoll = uses.has('stoll-events') ? await import('../drivers/stoll/driver.ts') : null;
  if (opcua !== null) await opcua.loadOpcuaLibrary();
  return (bus, options) => {
    const [first] = bus;
    if (first === undefined) return [];
    const { endpoint } = first.config;
    switch (first.profile.protocol) {
      case 'modbus': {
        const machines = bus.map(({ config, profile }) => ({
          machine: config.id,
          unit: config.unit ?? 1,
          profile,
          polls: pollsMs(config),
          writes: config.writes,
        }));
        const ceilings = bus.flatMap(({ config }) => config.maxRequestsPerS ?? []);
        const pace = ceilings.length === 0 ? {} : { maxRequestsPerS: Math.min(...ceilings) };
        return modbus === null ? [] : [modbus.createModbusDriver({ endpoint, machines, ...pace }, options.ports)];
      }
      case 'line':
        return line === null
          ? []
          : bus.map(({ config, profile }) =>
              line.createLineDriver({ endpoint, machine: config.id, profile }, options.ports),
            );
      case 'knit-floor': {
        const machines = bus.map(({ config, profile }) => ({ machine: config.id, unit: config.unit, profile }));
        return knitFloor === null ? [] : [knitFloor.createKnitFloorDriver({ endpoint, machines }, options.ports)];
      }
      case 'stoll-events':
        return stoll === null
          ? []
          : bus.map(({ config, profile }) =>
              stoll.createStollDriver({ endpoint, machine: config.id, profile }, options.ports),
            );
      case 'efka': {
        const machines = bus.map(({ config, profile }) => ({
          machine: config.id,
          ...(config.unit === null ? {} : { address: config.unit }),
          profile,
          polls: pollsMs(config),
        }));
        return efka === null ? [] : [efka.createEfkaDriver({ endpoint, machines }, options.ports)];
      }
      case 'opcua':
        return opcua === null ? [] : [opcua.createOpcuaDriver(opcuaOptions(bus, first.config, options), options.ports)];
    }
  };
}

function opcuaOptions(
  bus: readonly WatchedMachine[],
  { endpoint, opcua }: MachineConfig,
  options: SourceOptions,
): OpcuaDriverOptions {
  return {
    endpoint,
    machines: bus.map(({ config, profile }) => ({
      machine: config.id,
      profile,
      browseName: config.opcua?.machine ?? undefined,
    })),
    security:
      opcua === null || opcua.security !== 'None'
        ? { mode: 'SignAndEncrypt', policy: opcua?.policy ?? 'Basic256Sha256' }
        : { mode: 'None', iKnowThisIsNotSecure: true },
    ...(opcua === null || opcua.serverFingerprint === null ? {} : { serverFingerprint: opcua.serverFingerprint }),
    user: opcuaUser(opcua, options),
    onIdentification: options.identified,
    onDiscovered: (machine, signals) => {
      const profile = bus.find(({ config }) => config.id === machine)?.profile.profile;
      if (profile !== undefined) options.discovered?.(machine, profile, signals);
    },
    trustDir: join(options.dataDir, 'opcua', 'trust'),
    pkiDir: join(options.dataDir, 'opcua', 'own'),
  };
}

function opcuaUser(opcua: MachineConfig['opcua'], { secret }: SourceOptions): OpcuaUser | undefined {
  if (opcua === null) return undefined;
  const { user, password, userCertificate, userKey } = opcua;
  if (user !== null && password !== null) return { name: user, password: secret(password) };
  if (userCertificate === null || userKey === null) return undefined;
  return { certificatePem: secret(`file:${userCertificate}`), keyPem: secret(userKey) };
}

/** Poll intervals that differ from the profile's, in ms by poll class. */
export function pollsMs(config: MachineConfig): Record<string, number> {
  return Object.fromEntries(Object.entries(config.polls).map(([name, poll]) => [name, poll.intervalMs]));
}

/** A short stable name of an endpoint for logs, without anything secret that a URL may carry. */
export function endpointName(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  return url === null
    ? createHash('sha256').update(endpoint).digest('hex').slice(0, 8)
    : `${url.protocol}//${url.host}${url.pathname}`;
}

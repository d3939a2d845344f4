/**
 * A circular knitting machine behind an OPC UA server, as a maker who follows OPC 40001-1 Machinery would build it: node sets
 * from the published XML, SignAndEncrypt with Basic256Sha256 only. Any client certificate is accepted, since a simulated
 * machine has nothing to protect; the server has a certificate of its own, made at the start in a temporary folder.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageSecurityMode, nodesets, OPCUACertificateManager, OPCUAServer, SecurityPolicy } from 'node-opcua';
import { SimulatorError } from '../errors.ts';
import type { Value } from '../maps/map.ts';
import type { Random } from '../random.ts';
import type { ScenarioMachine } from '../scenario/schema.ts';
import { buildKnittingMachine, type MachineNodes } from './opcua-machine.ts';
import { loopback, onFreePort } from './gate.ts';
import { createTimers, type MachineServer } from './server.ts';

export interface OpcuaServerOptions {
  readonly machine: ScenarioMachine;
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
}

interface Up {
  readonly server: OPCUAServer;
  readonly nodes: MachineNodes;
  readonly port: number;
  readonly fingerprint: string;
}

const resourcePath = '/knit';
/** Services that could change something at the machine (OPC 10000-4, 5.8, 5.11 and 5.12). */
const changes: ReadonlySet<string> = new Set([
  'WriteRequest',
  'CallRequest',
  'HistoryUpdateRequest',
  'AddNodesRequest',
  'AddReferencesRequest',
  'DeleteNodesRequest',
  'DeleteReferencesRequest',
]);

export function createOpcuaServer(options: OpcuaServerOptions): MachineServer {
  const timers = createTimers();
  let folder: string | null = null;
  let up: Up | null = null;
  let latest: { readonly values: ReadonlyMap<string, Value>; readonly timeMs: number } | null = null;
  let clockOffsetMs = 0;
  let wanted = true;
  let open = true;
  let changing: Promise<void> = Promise.resolve();
  let writes = 0;

  /** Brings the listener to what is wanted; changes are made one after the other, since each takes up to a second. */
  const follow = (): void => {
    changing = changing.then(async () => {
      if (up === null || open === wanted) return;
      open = wanted;
      if (open) return resume(up.server);
      const closed = up.server.suspendEndPoints();
      for (const endpoint of up.server.endpoints) endpoint.abruptlyInterruptChannels();
      return closed;
    });
    changing.catch(() => {
      // The port is not free yet: the wish stands, try again.
      changing = Promise.resolve();
      open = !wanted;
      timers.after(200, follow);
    });
  };

  return {
    get endpoint() {
      return `opc.tcp://${loopback}:${up?.port ?? options.port}${resourcePath}`;
    },
    get fingerprint() {
      return up?.fingerprint ?? null;
    },
    get clients() {
      return up?.server.currentChannelCount ?? 0;
    },
    get writes() {
      return writes;
    },
    async start() {
      folder = await mkdtemp(join(tmpdir(), 'selvedge-sim-opcua-'));
      up = await onFreePort(options.port, options.random, (port) => startServer(options.machine, folder ?? '', port));
      up.server.on('request', (request) => {
        if (changes.has(request.schema.name)) writes += 1;
      });
      if (latest !== null) up.nodes.write(latest.values, new Date(latest.timeMs + clockOffsetMs));
    },
    latch(values, timeMs) {
      latest = { values, timeMs };
      up?.nodes.write(values, new Date(timeMs + clockOffsetMs));
    },
    setLink(linkUp) {
      wanted = linkUp;
      follow();
    },
    disturb(disturbance) {
      if (disturbance.verb === 'clock_step') clockOffsetMs += disturbance.params.offsetS * 1000;
      else if (disturbance.verb === 'restart') {
        wanted = false;
        follow();
        timers.after((disturbance.forS ?? 0.8) * 1000, () => {
          wanted = true;
          follow();
        });
      }
    },
    async stop() {
      timers.clear();
      await changing.catch(() => undefined);
      // Clients are not waited for: a machine that is switched off says no goodbye either.
      await up?.server.shutdown(0);
      up = null;
      if (folder !== null) await rm(folder, { recursive: true, force: true });
      folder = null;
    },
  };
}

/**
 * Listens again. The library adds listeners to its socket at each try, of which those of the start are enough, and never takes
 * one off: where the port is taken for a while, or the link lost many times, they would pile up. So it is done here.
 */
async function resume(server: OPCUAServer): Promise<void> {
  const sockets = server.endpoints
    .map((endpoint): unknown => Reflect.get(endpoint, '_server'))
    .filter((socket) => socket instanceof TcpServer);
  const known = new Set(sockets.flatMap(listenersOf));
  try {
    await server.resumeEndPoints();
  } finally {
    for (const socket of sockets) {
      for (const name of listened) {
        for (const listener of socket.rawListeners(name)) {
          if (!known.has(listener)) socket.removeListener(name, listener as () => void);
        }
      }
    }
  }
}

const listened = ['error', 'listening'] as const;
const listenersOf = (socket: TcpServer) => listened.flatMap((name) => socket.rawListeners(name));

async function startServer(machine: ScenarioMachine, folder: string, port: number): Promise<Up> {
  const serverCertificateManager = new OPCUACertificateManager({
    rootFolder: join(folder, 'server'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  const userCertificateManager = new OPCUACertificateManager({
    rootFolder: join(folder, 'user'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  const server = new OPCUAServer({
    host: loopback,
    hostname: loopback,
    port,
    resourcePath,
    nodeset_filename: [nodesets.standard, nodesets.di, nodesets.ia, nodesets.machinery],
    serverInfo: {
      applicationUri: `urn:selvedge:simulator:${machine.id}`,
      productUri: 'urn:selvedge:simulator',
      applicationName: { text: `Selvedge simulated machine ${machine.id}` },
    },
    buildInfo: { productName: 'Selvedge simulator', manufacturerName: 'Selvedge' },
    securityPolicies: [SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    serverCertificateManager,
    userCertificateManager,
  });
  try {
    await server.initialize();
    const nodes = buildKnittingMachine(server, machine);
    await server.start();
    const fingerprint = createHash('sha256').update(server.getCertificate()).digest('hex');
    return { server, nodes, port, fingerprint };
  } catch (error) {
    await server.shutdown(0).catch(() => undefined);
    // A port in use is judged by the caller, who may try another one.
    if (String(error).includes('EADDRINUSE'))
      throw Object.assign(new Error('in use', { cause: error }), { code: 'EADDRINUSE' });
    throw new SimulatorError(
      'opcuaFailed',
      `the OPC UA server of ${machine.id}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

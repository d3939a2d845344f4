/** A bare server of node-opcua with one machine and its monitoring; in a process of its own or beside a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DataType,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  type UAVariable,
} from 'node-opcua';

export interface BareServer {
  readonly server: OPCUAServer;
  /** A Double below Monitoring, with the node id `s=` and its name. */
  readonly addVariable: (browseName: string, value: number) => UAVariable;
  /** Ends it and removes its keys. */
  readonly stop: () => Promise<void>;
}

export interface BareServerOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly namespace: string;
  readonly machine: string;
  /** It offers Basic256Sha256 besides None. */
  readonly isEncrypted: boolean;
}

/** Not started yet: what it serves is added first. */
export async function makeBareServer({
  port,
  namespace,
  machine,
  isEncrypted,
}: BareServerOptions): Promise<BareServer> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-server-'));
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(folder, name),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
  const server = new OPCUAServer({
    host: '127.0.0.1',
    hostname: '127.0.0.1',
    port,
    securityPolicies: [SecurityPolicy.None, ...(isEncrypted ? [SecurityPolicy.Basic256Sha256] : [])],
    securityModes: [MessageSecurityMode.None, ...(isEncrypted ? [MessageSecurityMode.SignAndEncrypt] : [])],
    allowAnonymous: true,
    serverCertificateManager: manager('server'),
    userCertificateManager: manager('user'),
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  if (space === null) throw new TypeError('no address space');
  const own = space.registerNamespace(namespace);
  const machines = own.addFolder('ObjectsFolder', { browseName: 'Machines' });
  const object = own.addObject({ browseName: machine, organizedBy: machines });
  const monitoring = own.addObject({ browseName: 'Monitoring', componentOf: object });
  return {
    server,
    addVariable: (browseName, value) => {
      const variable = own.addVariable({
        browseName,
        nodeId: `s=${browseName}`,
        componentOf: monitoring,
        dataType: DataType.Double,
      });
      variable.setValueFromSource({ dataType: DataType.Double, value });
      return variable;
    },
    stop: async () => {
      await server.shutdown(0);
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

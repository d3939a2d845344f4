/** One machine behind a server of node-opcua, which hands subscriptions over between sessions that are encrypted. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } from 'node-opcua';

export interface PlainServer {
  readonly port: number;
  readonly fingerprint: string;
  set(name: string, value: number): void;
  /** Subscriptions the server has now. */
  subscriptions(): number;
  stop(): Promise<void>;
}

export async function startPlainServer(port: number, names: readonly string[]): Promise<PlainServer> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-plain-'));
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
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    serverCertificateManager: manager('server'),
    userCertificateManager: manager('user'),
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  if (space === null) throw new TypeError('no address space');
  const own = space.registerNamespace('urn:selvedge:test:plain');
  const machines = own.addFolder('ObjectsFolder', { browseName: 'Machines' });
  const machine = own.addObject({ browseName: 'Plain', organizedBy: machines });
  const monitoring = own.addObject({ browseName: 'Monitoring', componentOf: machine });
  const variables = new Map(
    names.map((browseName) => {
      const variable = own.addVariable({ browseName, componentOf: monitoring, dataType: DataType.Double });
      variable.setValueFromSource({ dataType: DataType.Double, value: 0 });
      return [browseName, variable];
    }),
  );
  await server.start();
  return {
    port,
    fingerprint: createHash('sha256').update(server.getCertificate()).digest('hex'),
    set: (name, value) => variables.get(name)?.setValueFromSource({ dataType: DataType.Double, value }),
    subscriptions: () => server.engine.currentSubscriptionCount,
    async stop() {
      await server.shutdown(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

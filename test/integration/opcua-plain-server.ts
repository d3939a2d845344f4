/** One machine behind a server of node-opcua, which hands subscriptions over between sessions that are encrypted. */
import { createHash } from 'node:crypto';
import { DataType } from 'node-opcua';
import { makeBareServer } from '../support/opcua-server.ts';

export interface PlainServer {
  readonly port: number;
  readonly fingerprint: string;
  set(name: string, value: number): void;
  /** Subscriptions the server has now. */
  subscriptions(): number;
  stop(): Promise<void>;
}

export async function startPlainServer(port: number, names: readonly string[]): Promise<PlainServer> {
  const { server, addVariable, stop } = await makeBareServer({
    port,
    namespace: 'urn:selvedge:test:plain',
    machine: 'Plain',
    isEncrypted: true,
  });
  const variables = new Map(names.map((name) => [name, addVariable(name, 0)]));
  await server.start();
  return {
    port,
    fingerprint: createHash('sha256').update(server.getCertificate()).digest('hex'),
    set: (name, value) => variables.get(name)?.setValueFromSource({ dataType: DataType.Double, value }),
    subscriptions: () => server.engine.currentSubscriptionCount,
    stop,
  };
}

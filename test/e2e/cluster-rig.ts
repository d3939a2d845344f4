/** A cluster as docs/CLUSTER.md sets it up: mosquitto, PostgreSQL and workers that share one data folder. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../support/ports.ts';
import { requireProgram } from '../support/peers.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { runMosquitto } from '../integration/bridge-peers.ts';
import { bridgeCommand, runBridge, type RunningBridge } from '../integration/bridge-process.ts';
import { temporaryDir } from '../unit/bridge/making.ts';
import type { LoadGateway } from './cluster-gateway.ts';

export interface Cluster {
  readonly postgres: PostgresServer;
  readonly database: { readonly port: number; readonly password: string };
  /** Of the listener for gateways. */
  readonly port: number;
  readonly bridgePublicPem: string;
  readonly passwordOf: (gateway: LoadGateway) => string;
  /** One more worker, listening when resolved. */
  readonly work: (...more: readonly string[]) => Promise<RunningBridge>;
  /** What `/metrics` of a worker says of one counter. */
  readonly metric: (worker: RunningBridge, name: string) => Promise<number>;
}

/**
 * Null where a peer is not installed, and the test is skipped.
 *
 * @param script in place of the command line program, for controls
 */
export async function startCluster(
  t: TestContext,
  gateways: readonly LoadGateway[],
  script?: string,
): Promise<Cluster | null> {
  const bin = postgresPrograms();
  if (!requireProgram(t, 'mosquitto') || !requireProgram(t, 'psql')) return null;
  if (bin === null) {
    requireProgram(t, 'initdb');
    return null;
  }
  const dir = temporaryDir(t);
  const secrets = { bridge: 'bridge-password', store: 'store-password' } as const;
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const brokerPassword = file('broker.password', `${secrets.bridge}\n`);
  const storePassword = file('store.password', `${secrets.store}\n`);
  const data = join(dir, 'bridge');
  bridgeCommand(['init', '--data-dir', data]);
  const passwords: Record<string, string> = { bridge: secrets.bridge };
  for (const { id, publicKeyPem } of gateways) {
    const args = ['allow', '--data-dir', data, '--gateway', id, '--site', 'demo'];
    const keys = ['--public-key', file(`${id}.pem`, publicKeyPem), '--password-file', join(dir, `${id}.password`)];
    const { code, stderr } = bridgeCommand([...args, ...keys]);
    if (code !== 0) throw new TypeError(stderr);
    passwords[id] = readFileSync(join(dir, `${id}.password`), 'utf8').trim();
  }
  const workersPort = await freePort();
  const port = await runMosquitto(t, dir, passwords, workersPort);
  const postgres = await startPostgres(bin, secrets.store);
  t.after(() => postgres.stop());
  const work = async (...more: readonly string[]) => {
    const broker = ['--broker', `mqtt://bridge@127.0.0.1:${workersPort}`, '--broker-password-file', brokerPassword];
    const store = ['--store', postgres.url, '--store-password-file', storePassword];
    return runBridge(t, data, [...broker, ...store, ...more], script);
  };
  const apiKey = existsSync(join(data, 'api-key')) ? readFileSync(join(data, 'api-key'), 'utf8').trim() : '';
  return {
    postgres,
    database: { port: postgres.port, password: secrets.store },
    port,
    bridgePublicPem: readFileSync(join(data, 'bridge.pub.pem'), 'utf8'),
    passwordOf: ({ id }) => passwords[id] ?? '',
    work,
    metric: async (worker, name) => {
      const headers = { authorization: `Bearer ${apiKey}` };
      const text = await (await fetch(`http://127.0.0.1:${worker.api}/metrics`, { headers })).text();
      return Number(new RegExp(`^selvedge_bridge_${name} (.+)$`, 'm').exec(text)?.[1]);
    },
  };
}

/** Starts the bridge as a user does, and is a gateway to it: for the integration tests. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { TestContext } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import { ackMessage, ackSignatureHolds, topicOf, type AckMessage } from '../../cloud-bridge/contract.ts';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { allowGateway } from '../../cloud-bridge/registry.ts';
import { keyPair } from '../unit/bridge/making.ts';

const root = join(import.meta.dirname, '../..');
const node = join(root, 'node_modules/.bin/node');
const cli = join(root, 'cloud-bridge/cli.ts');

/** How long a Node process that does nothing takes at this moment. */
export function bareProcessMs(): number {
  const from = performance.now();
  spawnSync(node, ['-e', '0']);
  return performance.now() - from;
}

/** One call of `selvedge bridge …` that ends by itself. */
export function bridgeCommand(args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const done = spawnSync(node, ['--disable-warning=ExperimentalWarning', cli, 'bridge', ...args], { encoding: 'utf8' });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

export interface RunningBridge {
  readonly child: ChildProcess;
  readonly mqtt: number;
  readonly api: number;
  /** What it wrote on standard error so far. */
  readonly log: () => string;
  /** Sends the signal and resolves with the exit code and how long it took. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<{ code: number | null; tookMs: number }>;
}

/** `bridge run` on free ports, listening when resolved; ended with the test. `script` replaces the command line program. */
export async function runBridge(
  t: TestContext,
  dataDir: string,
  args: readonly string[] = [],
  script: string = cli,
): Promise<RunningBridge> {
  const options = ['bridge', 'run', '--data-dir', dataDir, '--mqtt-port', '0', '--api-port', '0', ...args];
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = once(child, 'exit');
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text)),
    exited.then(() => null),
  ]);
  if (line === null) throw new TypeError(`the bridge ended at once: ${errors}`);
  const announced = JSON.parse(line) as { event: string; mqtt: number | null; api: number };
  return {
    child,
    mqtt: announced.mqtt ?? 0,
    api: announced.api,
    log: () => errors,
    stop: async (signal = 'SIGTERM') => {
      const from = performance.now();
      child.kill(signal);
      await exited;
      return { code: child.exitCode, tookMs: performance.now() - from };
    },
  };
}

export interface TestGateway {
  readonly id: string;
  readonly site: string;
  readonly key: KeyObject;
  readonly password: string;
}

/** Makes the bridge's keys, if there are none, and registers a gateway. */
export async function registerGateway(root: string, id = 'demo-gw', site = 'demo'): Promise<TestGateway> {
  const dir = dataDir(root);
  initialise(dir);
  const { publicKey, privateKey } = keyPair();
  const publicKeyFile = join(root, `${id}.pub.pem`);
  const passwordFile = join(root, `${id}.password`);
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  await allowGateway(dir, { gateway: id, site, publicKeyFile, passwordFile, replace: false });
  return { id, site, key: privateKey, password: readFileSync(passwordFile, 'utf8').trim() };
}

export interface GatewayClient {
  readonly client: MqttClient;
  /** Publishes on `up` and resolves with the answer, whose signature held. */
  readonly send: (payload: Buffer) => Promise<AckMessage>;
}

/** Connects as the gateway and listens to its acks. */
export async function connectGateway(
  t: TestContext,
  port: number,
  gateway: TestGateway,
  dataDir: string,
): Promise<GatewayClient> {
  const bridgeKey = createPublicKey(readFileSync(join(dataDir, 'bridge.pub.pem'), 'utf8'));
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 4,
    username: gateway.id,
    password: gateway.password,
    reconnectPeriod: 0,
  });
  // A connection the bridge cuts is an error event here; the tests look at `close`.
  client.on('error', () => undefined);
  t.after(() => client.endAsync(true));
  const arrived: AckMessage[] = [];
  const waiting: ((ack: AckMessage) => void)[] = [];
  client.on('message', (_topic, payload) => {
    const ack = ackMessage.parse(JSON.parse(payload.toString()));
    if (!ackSignatureHolds(ack, bridgeKey)) return;
    const next = waiting.shift();
    if (next === undefined) arrived.push(ack);
    else next(ack);
  });
  await client.subscribeAsync(topicOf(gateway.site, gateway.id, 'ack'), { qos: 1 });
  return {
    client,
    send: async (payload) => {
      await client.publishAsync(topicOf(gateway.site, gateway.id, 'up'), payload, { qos: 1 });
      return arrived.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    },
  };
}

/** The product's bridge as a process, one gateway it knows, and the gateway's process: what the sync benches are run on. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { allowGateway } from '../../cloud-bridge/registry.ts';
import { BenchFailure, start, type Started } from './processes.ts';

const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');

export interface GatewayFiles {
  readonly site: string;
  readonly gateway: string;
  readonly key: string;
  readonly password: string;
  readonly bridgeKey: string;
}

/** Makes the bridge's folder and registers one gateway with it. */
export async function makeBridgeDir(root: string): Promise<GatewayFiles> {
  mkdirSync(root, { recursive: true });
  const dir = dataDir(root);
  initialise(dir);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const files = {
    site: 'bench',
    gateway: 'bench-gw',
    key: join(root, 'gateway.pem'),
    password: join(root, 'gateway.password'),
    bridgeKey: dir.publicKey,
  };
  const publicKeyFile = join(root, 'gateway.pub.pem');
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const { gateway, site, password } = files;
  await allowGateway(dir, { gateway, site, publicKeyFile, passwordFile: password, replace: false });
  return files;
}

export interface RunningBridge extends Started {
  readonly port: number;
}

/** `selvedge bridge run` on a free port, listening when resolved. */
export async function startBridge(root: string, args: readonly string[] = []): Promise<RunningBridge> {
  const options = ['--data-dir', root, '--mqtt-port', '0', '--api-port', '0', ...args];
  const started = start('sh', [launcher, 'bridge', 'run', ...options]);
  const line = JSON.parse(await started.line()) as { event?: string; mqtt?: number | null };
  if (line.event !== 'listening') throw new BenchFailure('the bridge did not listen');
  return { ...started, port: line.mqtt ?? 0 };
}

export const readText = (path: string) => readFileSync(path, 'utf8').trim();

/** The next line of a bench's process, which is JSON. */
export const answer = async <T>(from: Started): Promise<T> => JSON.parse(await from.line()) as T;
export const tell = (to: Started, line: string) => void to.child.stdin?.write(`${line}\n`);

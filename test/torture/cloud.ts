/** The bridge of the torture with its broker, in both layouts, on one data folder. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';
import { readBridge, type AtBridge } from './at-bridge.ts';
import { gatewayId, site } from './gateway.ts';
import type { Layout } from './plan.ts';
import { mosquittoConfig, runVerb, startMosquitto, startVerb, type Running } from './processes.ts';

const bridgeUser = 'bridge';
const bridgePassword = 'torture-bridge';

export interface CloudParts {
  readonly dir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly onGone: (why: string) => void;
}

export class Cloud {
  readonly #p: CloudParts;
  #layout: Layout = 'embedded';
  #worker: Running | null = null;
  #broker: Running | null = null;
  #port = 0;
  #mosquitto: { readonly port: number; readonly config: string } | null = null;

  constructor(parts: CloudParts) {
    this.#p = parts;
  }

  get layout(): Layout {
    return this.#layout;
  }
  /** Where gateways connect. Nobody may listen there at the moment. */
  get port(): number {
    return this.#port;
  }
  get database(): string {
    return join(this.#p.dir, 'bridge/bridge.db');
  }
  read(): AtBridge {
    return readBridge(this.database, gatewayId);
  }

  /** Keys, the gateway's registration in `dir`, and mosquitto's configuration. */
  async prepare(agentDir: string): Promise<void> {
    const { dir } = this.#p;
    const at = ['--data-dir', join(dir, 'bridge')];
    const key = join(dir, 'gateway.pub.pem');
    const password = join(dir, 'uplink.password');
    runVerb(['bridge', 'init', ...at]);
    runVerb(['key', '--data-dir', agentDir, '--out', key]);
    const allowed = ['--gateway', gatewayId, '--site', site, '--public-key', key, '--password-file', password];
    runVerb(['bridge', 'allow', ...at, ...allowed]);
    writeFileSync(join(dir, 'bridge.password'), `${bridgePassword}\n`);
    const port = await freePort();
    const users = { [bridgeUser]: bridgePassword, [gatewayId]: readFileSync(password, 'utf8').trim() };
    this.#mosquitto = { port, config: mosquittoConfig(dir, port, users) };
  }

  async start(layout: Layout): Promise<void> {
    this.#layout = layout;
    if (layout === 'mosquitto') await this.startBroker();
    await this.startWorker();
  }

  async startBroker(): Promise<void> {
    if (this.#mosquitto === null) return;
    this.#broker = await startMosquitto(this.#mosquitto.config, this.#p.onGone);
    this.#port = this.#mosquitto.port;
  }

  /** Resolves when it listens. */
  async startWorker(): Promise<void> {
    const { dir, environment, onGone } = this.#p;
    const args = ['bridge', 'run', '--data-dir', join(dir, 'bridge'), '--api-port', '0'];
    const broker =
      this.#layout === 'embedded'
        ? ['--mqtt-port', '0']
        : [
            '--broker',
            `mqtt://${bridgeUser}@127.0.0.1:${this.#mosquitto?.port ?? 0}`,
            '--broker-password-file',
            join(dir, 'bridge.password'),
          ];
    this.#worker = startVerb('bridge', [...args, ...broker], onGone, { env: environment });
    const { mqtt } = await this.#worker.line('listening line', (line) => line['event'] === 'listening');
    if (this.#layout === 'embedded') this.#port = Number(mqtt);
  }

  async killWorker(): Promise<void> {
    await this.#worker?.end('SIGKILL');
  }
  async killBroker(): Promise<void> {
    await this.#broker?.end('SIGKILL');
  }

  /** The controls' bridge kills itself at its worst moment; resolves when it has. */
  async dieAtWorstMoment(): Promise<void> {
    const gone = this.#worker?.expectEnd();
    this.#worker?.child.kill('SIGUSR2');
    await gone;
  }

  /** Ends both politely and starts the other layout. */
  async move(to: Layout): Promise<void> {
    await this.stop();
    await this.start(to);
  }

  async stop(): Promise<void> {
    await this.#worker?.end('SIGTERM');
    await this.#broker?.end('SIGTERM');
    this.#worker = null;
    this.#broker = null;
  }
}

/** A gateway of the torture: one data folder, the agents that run from it one after the other, its way to the broker and its witness. */
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Random } from '../../simulators/random.ts';
import { BenchFailure } from '../bench/processes.ts';
import type { AtBridge } from './at-bridge.ts';
import { Witness } from './ledger.ts';
import type { Trouble } from './plan.ts';
import { startVerb, type Line, type Running } from './processes.ts';
import { TroubleProxy } from './proxy.ts';
import { tortureMachines } from './scenario.ts';
import { SendOrder, sentBatch } from './send-order.ts';

export const site = 'site-1';
export const gatewayId = 'gw-1';
const drainMs = 90_000;

export interface GatewayParts {
  /** The folder of the run. */
  readonly dir: string;
  /** Of the data folder, and of the configuration. */
  readonly name: string;
  readonly random: Random;
  readonly brokerPort: () => number;
  readonly environment: () => NodeJS.ProcessEnv;
  /** A command that runs the agent, with its arguments. */
  readonly under?: () => readonly string[];
  /** Sees each batch that is sent. */
  readonly onBatch?: (payload: Buffer) => void;
  readonly onGone: (why: string) => void;
}

export class TortureGateway {
  readonly witness = new Witness();
  readonly order = new SendOrder();
  readonly #p: GatewayParts;
  readonly #proxy: TroubleProxy;
  readonly #dataDir: string;
  readonly #copyDir: string;
  #agent: Running | null = null;
  #status: Line | null = null;
  #mark = 0;
  #startMark = 0;

  constructor(parts: GatewayParts) {
    this.#p = parts;
    this.#dataDir = join(parts.dir, parts.name);
    this.#copyDir = `${this.#dataDir}.copy`;
    this.#proxy = new TroubleProxy(parts.random, parts.brokerPort, ({ topic, payload }) => {
      const batch = topic.endsWith('/up') ? sentBatch(payload) : null;
      if (batch === null) return;
      this.order.note(batch);
      parts.onBatch?.(payload);
    });
  }

  get dataDir(): string {
    return this.#dataDir;
  }
  get proxied(): { readonly eaten: number; readonly doubled: number } {
    return this.#proxy.counts;
  }
  status(): Line | null {
    return this.#status;
  }
  trouble(trouble: Trouble | null): void {
    this.#proxy.set(trouble);
  }

  /** Resolves once an answer of the bridge has been swallowed: that batch must come to it again. */
  async loseAnswer(): Promise<void> {
    this.trouble('eat');
    await this.until('answered', () => this.#proxy.counts.eaten > 0);
    this.trouble(null);
  }

  /** Opens its way to the broker and writes its configuration. */
  async prepare(): Promise<void> {
    const port = await this.#proxy.start();
    const config = {
      version: 1,
      site: { id: site, timeZone: 'Asia/Dhaka' },
      gateway: { id: gatewayId },
      dataDir: this.#p.name,
      machines: tortureMachines.map(({ id, kind, map }) => ({ id, kind, profile: map, line: 'line-1' })),
      page: { port: 0 },
      uplink: {
        url: `mqtt://127.0.0.1:${port}`,
        bridgeKey: 'bridge/bridge.pub.pem',
        password: 'file:uplink.password',
        ackTimeoutS: 2,
        outageAfterS: 5,
      },
      summaries: { openMinuteEveryS: 5 },
      log: { statusEveryS: 1 },
    };
    // JSON is YAML.
    writeFileSync(this.#config(), JSON.stringify(config));
  }

  start(): void {
    this.#status = null;
    this.#startMark = this.witness.mark();
    const args = ['run', '--config', this.#config(), '--endpoints', join(this.#p.dir, 'endpoints.json')];
    const agent = startVerb('agent', args, this.#p.onGone, {
      env: this.#p.environment(),
      onWitness: (line) => this.witness.take(line),
      ...(this.#p.under === undefined ? {} : { under: this.#p.under() }),
    });
    agent.onLine((line) => {
      if (line['msg'] === 'status') this.#status = line;
    });
    this.#agent = agent;
  }

  get pid(): number | null {
    return this.#agent?.child.pid ?? null;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#agent?.end(signal);
    this.#agent = null;
  }

  /** Takes a copy of the folder of an agent that does not run. */
  copy(): void {
    rmSync(this.#copyDir, { recursive: true, force: true, maxRetries: 10 });
    cpSync(this.#dataDir, this.#copyDir, { recursive: true });
    this.#mark = this.witness.mark();
  }

  /** The copy takes the place of the folder; `bridge` is what the bridge has at this moment. */
  putBack(bridge: AtBridge): void {
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 10 });
    cpSync(this.#copyDir, this.#dataDir, { recursive: true });
    this.witness.putBack(this.#mark, bridge);
    this.order.forget();
  }

  /** Begins with a copy of the folder of `other`, whose agent does not run. */
  beginFrom(other: TortureGateway): void {
    cpSync(other.dataDir, this.#dataDir, { recursive: true });
  }

  /** Resolves when a status line is wanted; throws after `withinMs`. */
  async until(what: string, wanted: (status: Line) => boolean, withinMs = drainMs): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (this.#status === null || !wanted(this.#status)) {
      if (performance.now() > endMs)
        throw new BenchFailure(`${this.#p.name}: not ${what}: ${JSON.stringify(this.#status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  connected(): Promise<void> {
    return this.until('connected', (status) => status['uplink'] === 'connected');
  }

  /** Resolves when the agent that runs now has told a minute of each machine that is its own. */
  counted(): Promise<void> {
    return this.until('counting', () => {
      const counted = new Set(
        this.witness.told.slice(this.#startMark).flatMap(({ kind, boot, key }) => {
          const [machine = '', , , readingBoot] = key?.split(' ') ?? [];
          return kind === 'summary' && readingBoot === boot ? [machine] : [];
        }),
      );
      return counted.size === tortureMachines.length;
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.until('drained', (status) => status['uplink'] === 'connected' && status['outboxRecords'] === 0);
  }

  /**
   * Stops it politely; what the stop itself wrote is sent by another start, if there was no time. Dead letters wait for a person: they are
   * no reason to start again.
   */
  async finish(): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await this.drained();
      const code = await this.#agent?.end('SIGTERM');
      this.#agent = null;
      if (code !== 0) throw new BenchFailure(`${this.#p.name}: the agent stopped with ${code}`);
      if (this.waiting() === 0) return;
      this.start();
    }
    throw new BenchFailure(`${this.#p.name}: ${this.waiting()} records wait after three stops`);
  }

  /** Records on the disk that still are to be sent. */
  waiting(): number {
    return this.#count(
      "SELECT (SELECT count(*) FROM outbox) + (SELECT coalesce(sum(records), 0) FROM batch WHERE state = 'pending')",
    );
  }
  deadLetters(): number {
    return this.#count("SELECT count(*) FROM batch WHERE state = 'dead'");
  }
  /** Records the store gave up for room. */
  evicted(): number {
    return this.#count("SELECT coalesce(sum(value), 0) FROM total WHERE name LIKE '%evicted%'");
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#proxy.stop();
  }

  #count(sql: string): number {
    const file = join(this.#dataDir, 'journal.db');
    if (!existsSync(file)) return 0;
    const db = new Database(file, { readonly: true });
    try {
      return Number(db.prepare(sql).pluck().get());
    } finally {
      db.close();
    }
  }

  #config(): string {
    return join(this.#p.dir, `${this.#p.name}.yaml`);
  }
}

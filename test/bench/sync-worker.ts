/**
 * Many workers on one broker and one PostgreSQL: how much more two and four store than one, where each waits for its database, and what
 * a thousand records cost each part in processor time where nothing waits.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/ports.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import type { Bench, BenchContext, Measured } from './bench.ts';
import type { Bar, Run } from './judge.ts';
import { BenchFailure, start, startScript, type Started } from './processes.ts';
import { usage } from './resources.ts';
import { DelayProxy } from './sync-delay-proxy.ts';
import { answer, makeBridgeDir, startBridge, type GatewayFiles } from './sync-parts.ts';

const roundTripMs = 25;
/** Behind the proxy a batch takes some ten round trips. */
const scaleLoad = { inFlight: 1, records: 100, warmMs: 3_000, forMs: 6_000 } as const;
const fullLoad = { inFlight: 4, records: 100, warmMs: 1_500, forMs: 5_000 } as const;
const fullWorkers = 2;
const gateways = Array.from({ length: 8 }, (_, at) => `bench-gw-${at}`);

interface Load {
  readonly inFlight: number;
  readonly records: number;
  readonly warmMs: number;
  readonly forMs: number;
}
interface Stored {
  readonly records: number;
  readonly tookMs: number;
  readonly refused: number;
}

const scale = { unit: 'records/s', direction: 'higher', judged: 'ratio', referenceBaseline: null } as const;
const cost = { unit: 's per 1,000 records', direction: 'lower', judged: 'ours', referenceBaseline: null } as const;
const parts = ['worker', 'postgres', 'broker'] as const;
const costName = (part: (typeof parts)[number]) =>
  part === 'worker' ? 'worker-cost:cpuSPer1000' : `worker-cost:cpuSPer1000.${part}`;
/** Twice and more what the machine of docs/SCALING.md needs: they are there to find what has become dear. */
const costLimits = { worker: 0.15, postgres: 0.1, broker: 0.01 } as const;
const bars: readonly Bar[] = [
  { ...scale, name: 'worker-cost:scale2', limit: 1.8 },
  { ...scale, name: 'worker-cost:scale4', limit: 3.2 },
  ...parts.map((part) => ({ ...cost, name: costName(part), limit: costLimits[part] })),
];

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

async function startMosquitto(dir: string): Promise<Started & { readonly port: number }> {
  const port = await freePort();
  const config = join(dir, 'mosquitto.conf');
  // What goes missing here would be sent again, but later.
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'log_dest none', 'max_queued_messages 10000'];
  if (process.getuid?.() === 0) lines.push('user root');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const broker = start('mosquitto', ['-c', config]);
  while (!(await listens(port))) await delay(50);
  return { ...broker, port };
}

/** Of the server that listens on this port. */
function postgresPid(port: number): number {
  const found = readdirSync('/proc').filter((pid) => {
    const path = `/proc/${pid}/cmdline`;
    if (!/^\d+$/.test(pid) || !existsSync(path)) return false;
    return readFileSync(path, 'utf8').includes(`\0-p\0${port}\0`);
  });
  return Number(found[0] ?? Number.NaN);
}

const cpuOf = (pid: number) => usage(pid, []).cpuS;

class Cluster {
  readonly #dir: string;
  readonly #files: readonly GatewayFiles[];
  readonly #broker: Started & { readonly port: number };
  readonly #postgres: PostgresServer;
  readonly #proxy: DelayProxy;
  readonly #proxyPort: number;
  #workers: Started[] = [];

  private constructor(
    dir: string,
    files: readonly GatewayFiles[],
    broker: Started & { readonly port: number },
    postgres: PostgresServer,
    proxy: DelayProxy,
    proxyPort: number,
  ) {
    this.#dir = dir;
    this.#files = files;
    this.#broker = broker;
    this.#postgres = postgres;
    this.#proxy = proxy;
    this.#proxyPort = proxyPort;
  }

  static async start(dir: string, bin: string): Promise<Cluster> {
    const bridge = join(dir, 'cluster');
    const files = await makeBridgeDir(bridge, gateways);
    const broker = await startMosquitto(bridge);
    const postgres = await startPostgres(bin);
    const proxy = new DelayProxy();
    return new Cluster(bridge, files, broker, postgres, proxy, await proxy.start(postgres.port, roundTripMs));
  }

  async workers(count: number, behindProxy: boolean): Promise<void> {
    const store = behindProxy
      ? this.#postgres.url.replace(`:${this.#postgres.port}/`, `:${this.#proxyPort}/`)
      : this.#postgres.url;
    while (this.#workers.length < count) {
      const options = ['--broker', `mqtt://bridge@127.0.0.1:${this.#broker.port}`, '--store', store];
      this.#workers.push(await startBridge(this.#dir, options));
    }
  }

  async endWorkers(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    this.#workers = [];
  }

  /** From `gateways` of them; with what each part used of the processors meanwhile, in s. */
  async load(gateways: number, { inFlight, records, warmMs, forMs }: Load) {
    const files = JSON.stringify(this.#files.slice(0, gateways));
    const loading = startScript('sync-cluster-load.ts', [this.#broker.port, files, inFlight, records, warmMs, forMs]);
    try {
      await loading.line();
      const before = this.#used();
      const stored = await answer<Stored>(loading);
      const after = this.#used();
      if (stored.refused > 0) throw new BenchFailure(`${stored.refused} batches were refused`);
      const used = { worker: 0, postgres: 0, broker: 0 };
      for (const part of parts) used[part] = after[part] - before[part];
      return { ...stored, used, perS: (stored.records * 1_000) / stored.tookMs };
    } finally {
      await loading.end('SIGKILL');
    }
  }

  #used() {
    return {
      worker: this.#workers.reduce((sum, { child }) => sum + cpuOf(child.pid ?? 0), 0),
      postgres: cpuOf(postgresPid(this.#postgres.port)),
      broker: cpuOf(this.#broker.child.pid ?? 0),
    };
  }

  async stop(): Promise<void> {
    await this.endWorkers();
    this.#proxy.stop();
    await this.#broker.end();
    await this.#postgres.stop();
  }
}

function missing(): string | null {
  if (spawnSync('mosquitto', ['-h']).error !== undefined) return 'not run: it needs mosquitto';
  return postgresPrograms() === null ? 'not run: it needs a PostgreSQL server' : null;
}

export const syncWorker: Bench = {
  bars,
  measure: async ({ runs, dir, say }: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const all = new Map(bars.map(({ name }): [string, Run[]] => [name, []]));
    const bin = postgresPrograms();
    const unmeasured = missing();
    const measured = () => new Map([...all].map(([name, runs]): [string, Measured] => [name, { runs, unmeasured }]));
    if (unmeasured !== null || bin === null) return measured();
    const note = (name: string, run: Run) => all.get(name)?.push(run);
    const cluster = await Cluster.start(dir, bin);
    try {
      for (let run = 1; run <= runs; run += 1) {
        const perS: number[] = [];
        for (const count of [1, 2, 4]) {
          await cluster.workers(count, true);
          // One batch for each worker: the broker deals them out in turn.
          perS.push((await cluster.load(count, scaleLoad)).perS);
        }
        await cluster.endWorkers();
        const [one = null, two = null, four = null] = perS;
        note('worker-cost:scale2', { ours: two, baseline: one });
        note('worker-cost:scale4', { ours: four, baseline: one });
        await cluster.workers(fullWorkers, false);
        const full = await cluster.load(gateways.length, fullLoad);
        await cluster.endWorkers();
        for (const part of parts)
          note(costName(part), { ours: (full.used[part] * 1_000) / full.records, baseline: null });
        const used = parts.map((part) => `${part} ${((full.used[part] * 1_000) / full.records).toFixed(4)}`).join(', ');
        say(
          `run ${run}: 1, 2, 4 workers ${perS.map((one) => one.toFixed(0)).join(', ')} records/s; ` +
            `saturated ${full.perS.toFixed(0)} records/s, s per 1,000: ${used}`,
        );
      }
    } finally {
      await cluster.stop();
    }
    return measured();
  },
};

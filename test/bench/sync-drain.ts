/**
 * What a bridge takes in when a gateway comes back after hours: everything 100 machines had to say in 144 minutes, sealed by the agent
 * without uplink, goes to the product's own bridge; and how soon an alert of that very gateway gets through meanwhile.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext, Measured } from './bench.ts';
import { percentile, type Run } from './judge.ts';
import { BenchFailure, startScript } from './processes.ts';
import { Arrivals } from './sync-arrivals.ts';
import { answer, makeBridgeDir, startBridge, tell } from './sync-parts.ts';

const machines = 100;
const minutes = 144;
const leastEvents = 2_000;
const files = 50;
const alertsEveryMs = 100;
const idleMs = 4_000;
/** What was acked last is looked for in the store so long. */
const settleMs = 500;

const drain = 'drain:recordsPerS';
const latency = 'alert-latency:p99Ms';

interface Sealed {
  readonly records: Readonly<Record<string, number>>;
  readonly batches: number;
  readonly files: number;
}
interface Took {
  readonly records: number;
  readonly tookMs: number;
}

async function seal(dir: string): Promise<Sealed> {
  const fromMs = Math.floor(Date.now() / 60_000 - minutes - 10) * 60_000;
  const sealing = startScript('sync-seal.ts', [dir, machines, minutes, fromMs, files]);
  try {
    const sealed = await answer<Sealed>(sealing);
    const events = sealed.records['event'] ?? 0;
    if (events < leastEvents) throw new BenchFailure(`${events} events were sealed, ${leastEvents} are wanted`);
    if (sealed.files !== files) throw new BenchFailure(`${sealed.files} files of evidence were kept`);
    return sealed;
  } finally {
    await sealing.end();
  }
}

async function bareSqlite(sealedDir: string, dir: string): Promise<{ recordsPerS: number; controlPerS: number }> {
  const bare = startScript('sync-bare-sqlite.ts', [sealedDir, join(dir, 'bare.db')]);
  const { records, tookMs, controlPerS } = await answer<Took & { readonly controlPerS: number }>(bare);
  await bare.end();
  for (const end of ['', '-wal', '-shm']) rmSync(join(dir, `bare.db${end}`), { force: true });
  return { recordsPerS: (records * 1000) / tookMs, controlPerS };
}

async function bareMqtt(sealedDir: string): Promise<number> {
  const broker = startScript('sync-bare-broker.ts');
  try {
    const bare = startScript('sync-bare-publisher.ts', [sealedDir, await broker.line()]);
    const { records, tookMs } = await answer<Took>(bare);
    await bare.end();
    return (records * 1000) / tookMs;
  } finally {
    await broker.end('SIGKILL');
  }
}

interface Ours {
  readonly recordsPerS: number;
  readonly drainingMs: readonly number[];
  readonly idleMs: readonly number[];
}

async function ours(sealedDir: string, dir: string, signal: AbortSignal): Promise<Ours> {
  const [bridgeDir, data] = [join(dir, 'bridge'), join(dir, 'gateway')];
  const files = await makeBridgeDir(bridgeDir);
  cpSync(sealedDir, data, { recursive: true });
  const bridge = await startBridge(bridgeDir);
  const gateway = startScript('sync-gateway.ts', [data, bridge.port, JSON.stringify(files), alertsEveryMs]);
  try {
    const { boot, records } = await answer<{ boot: string; records: number }>(gateway);
    const arrivals = new Arrivals(join(bridgeDir, 'bridge.db'), boot);
    try {
      tell(gateway, 'drain');
      const drained = await answer<{ tookMs: number; refused: number; alertsMs: Record<number, number> }>(gateway);
      await delay(settleMs, undefined, { signal });
      if (drained.refused > 0) throw new BenchFailure(`the bridge refused ${drained.refused} batches`);
      const drainingMs = arrivals.latenciesMs(drained.alertsMs);
      tell(gateway, `idle ${idleMs}`);
      const idle = await answer<{ alertsMs: Record<number, number> }>(gateway);
      await delay(settleMs, undefined, { signal });
      const all = Object.keys(drained.alertsMs).length;
      if (drainingMs.length < all) throw new BenchFailure(`${drainingMs.length} of ${all} alerts arrived`);
      return {
        recordsPerS: (records * 1000) / drained.tookMs,
        drainingMs,
        idleMs: arrivals.latenciesMs(idle.alertsMs),
      };
    } finally {
      arrivals.stop();
    }
  } finally {
    await gateway.end('SIGKILL');
    await bridge.end('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

export const syncDrain: Bench = {
  bars: [
    {
      name: drain,
      unit: 'records/s',
      direction: 'higher',
      judged: 'ratio',
      limit: 0.5,
      // Of the control: rows of 120 B, a thousand a transaction, synchronous FULL. Those of the baseline have thirty columns and a key.
      referenceBaseline: 133_000,
    },
    {
      name: latency,
      unit: 'ms',
      direction: 'lower',
      judged: 'ours',
      limit: 250,
      orTimesIdle: 3,
      referenceBaseline: null,
    },
  ],
  measure: async ({ runs, dir, say, signal }: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const sealedDir = join(dir, 'sealed');
    const { records, batches } = await seal(sealedDir);
    say(`sealed ${JSON.stringify(records)} in ${batches} batches, and ${files} files`);
    const rates: Run[] = [];
    const latencies: Run[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const { recordsPerS: sqlite, controlPerS } = await bareSqlite(sealedDir, dir);
      const mqtt = await bareMqtt(sealedDir);
      const { recordsPerS, drainingMs, idleMs: idle } = await ours(sealedDir, join(dir, `drain-${run}`), signal);
      rates.push({ ours: recordsPerS, baseline: Math.min(sqlite, mqtt), control: controlPerS });
      latencies.push({ ours: percentile(drainingMs, 0.99), baseline: percentile(idle, 0.99) });
      const all = `${drainingMs.length} alerts p50 ${percentile(drainingMs, 0.5)} p99 ${percentile(drainingMs, 0.99)} ms`;
      say(
        `run ${run}: ${recordsPerS.toFixed(0)} records/s, bare SQLite ${sqlite.toFixed(0)}, bare MQTT ${mqtt.toFixed(0)}, control ${controlPerS.toFixed(0)}; ` +
          `${all}, idle p50 ${percentile(idle, 0.5)} p99 ${percentile(idle, 0.99)} ms`,
      );
    }
    return new Map([
      [drain, { runs: rates, unmeasured: null }],
      [latency, { runs: latencies, unmeasured: null }],
    ]);
  },
};

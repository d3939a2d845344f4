/**
 * The whole agent on a server of 1000 variables at 10 Hz: whether every value is stored right, and how many points of a core
 * that takes beyond the library's own loop, which receives the same from the same server in turn with it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext, Measured } from './bench.ts';
import { readBlock } from './block-reader.ts';
import type { Run } from './judge.ts';
import { everyMs, nameOf, roundOf, signalOf, variables } from './opcua-floor.ts';
import { BenchFailure, start, startScript, type Started } from './processes.ts';
import { usage } from './resources.ts';

/** The library's loop is compiled by then; of the agent, which optimises later (agent/bin/selvedge), what runs with every value. */
const warmMs = { bare: 8_000, agent: 50_000 };
const forMs = 15_000;
const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');

const profile = {
  profile: 'bench-opcua',
  version: 1,
  title: 'A thousand variables',
  kind: 'other',
  protocol: 'opcua',
  verified: false,
  source: ['test/bench'],
  // A sampling interval of 0 is "every change"; what is sampled at the pace of the changes misses some and sees some twice.
  opcua: { publishingIntervalMs: everyMs, samplingIntervalMs: 0, queueSize: 50 },
  signals: Object.fromEntries(
    Array.from({ length: variables }, (_, variable) => [
      signalOf(variable),
      { kind: 'gauge', unit: 'C62', deadband: 0, from: { path: ['Monitoring', nameOf(variable)] } },
    ]),
  ),
  states: [{ state: 'RUN' }],
};

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}
interface Used {
  readonly cpuPct: number;
  readonly window: Window;
}

/** Processor time of a process and its children over the window, in points of a core. */
async function measured(pid: number, warmMs: number, signal: AbortSignal): Promise<Used> {
  await delay(warmMs, undefined, { signal });
  const from = usage(pid, []);
  await delay(forMs, undefined, { signal });
  const to = usage(pid, []);
  const cpuPct = ((to.cpuS - from.cpuS) / (to.atMs - from.atMs)) * 100_000;
  return { cpuPct, window: { fromMs: from.atMs, toMs: to.atMs } };
}

async function bare(endpoint: string, signal: AbortSignal): Promise<Used> {
  const client = startScript('opcua-bare-client.ts', [endpoint]);
  try {
    await client.line();
    const ask = async (): Promise<number> => {
      client.child.stdin?.write('count\n');
      return Number(await client.line());
    };
    const used = await measured(client.child.pid ?? 0, warmMs.bare, signal);
    const [atMs, before] = [performance.now(), await ask()];
    await delay(1_000, undefined, { signal });
    const perS = (((await ask()) - before) / (performance.now() - atMs)) * 1000;
    // A baseline that receives less does less.
    if (perS < 0.95 * variables * (1000 / everyMs))
      throw new BenchFailure(`the bare client received ${perS.toFixed(0)}/s`);
    return used;
  } finally {
    await client.end('SIGKILL');
  }
}

async function agent(dir: string, endpoint: string, server: Started, report: string, signal: AbortSignal) {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(join(dir, 'profiles'), { recursive: true });
  writeFileSync(join(dir, 'profiles/bench-opcua.yaml'), JSON.stringify(profile));
  const config = {
    version: 1,
    site: { id: 'bench', timeZone: 'UTC' },
    gateway: { id: 'bench-gw' },
    profileDirs: ['profiles'],
    machines: [{ id: 'm-1', profile: 'bench-opcua', endpoint, opcua: { security: 'None' } }],
    page: { port: 0 },
  };
  const file = join(dir, 'agent.yaml');
  writeFileSync(file, JSON.stringify(config));
  const running = start('sh', [launcher, 'run', '--config', file]);
  let used: Used;
  try {
    while (!(await running.line()).includes('"listening"'));
    running.child.stdout?.resume();
    used = await measured(running.child.pid ?? 0, warmMs.agent, signal);
    // What is told at the end of the window is still on its way.
    await delay(1_000, undefined, { signal });
    if (running.child.exitCode !== null) throw new BenchFailure('the agent ended by itself');
  } finally {
    await running.end();
  }
  server.child.stdin?.write('report\n');
  // The library may have lines of its own.
  while ((await server.line()) !== 'reported');
  const atMs = JSON.parse(readFileSync(report, 'utf8')) as number[];
  return { ...used, valuesPct: storedPct(join(dir, 'data/ring.db'), atMs, used.window) };
}

/** How many of the values set within the window stand in ring.db, good, with the source time at which they were set. */
function storedPct(ring: string, atMs: readonly number[], { fromMs, toMs }: Window): number {
  const numbers = new Map(Array.from({ length: variables }, (_, variable) => [signalOf(variable), variable]));
  const seen = atMs.map(() => new Uint8Array(variables));
  const db = new DatabaseSync(ring, { readOnly: true });
  try {
    for (const row of db.prepare('SELECT bytes FROM block ORDER BY id').iterate()) {
      if (!(row['bytes'] instanceof Uint8Array)) throw new BenchFailure('a block without bytes');
      for (const { signal, atMs: times, values, good } of readBlock(row['bytes'])) {
        const variable = numbers.get(signal) ?? -1;
        for (const [index, value] of values.entries()) {
          if (good[index] !== true || typeof value !== 'number') continue;
          const round = roundOf(variable, value);
          if (round === 0) continue;
          const setMs = atMs[round - 1];
          if (setMs === undefined) throw new BenchFailure(`${signal}: ${value} was never served`);
          // The first of a subscription is stamped when it comes: what was true then may have been so for long.
          const isOnTime = Math.abs((times[index] ?? 0) - setMs) < 1_000;
          const rounds = seen[round - 1];
          if (isOnTime && rounds !== undefined) rounds[variable] = 1;
        }
      }
    }
  } finally {
    db.close();
  }
  let due = 0;
  let done = 0;
  for (const [index, setMs] of atMs.entries()) {
    if (setMs < fromMs || setMs >= toMs) continue;
    due += variables;
    for (const one of seen[index] ?? []) done += one;
  }
  return due === 0 ? 0 : (done / due) * 100;
}

const row = { judged: 'ours', referenceBaseline: null } as const;
const name = 'opcua-1000x10hz';

export const opcua: Bench = {
  bars: [
    { ...row, name: `${name}:valuesPct`, unit: '%', direction: 'higher', limit: 100 },
    { ...row, name: `${name}:cpuPointsOverBare`, unit: 'points of a core', direction: 'lower', limit: 15 },
  ],
  measure: async ({ runs, dir, say, signal }: BenchContext) => {
    mkdirSync(dir, { recursive: true });
    const report = join(dir, 'rounds.json');
    const server = startScript('opcua-server.ts', [report]);
    const values: Run[] = [];
    const points: Run[] = [];
    try {
      const [port = ''] = (await server.line()).split(' ');
      const endpoint = `opc.tcp://127.0.0.1:${port}`;
      for (let run = 1; run <= runs; run += 1) {
        const base = await bare(endpoint, signal);
        const ours = await agent(join(dir, name), endpoint, server, report, signal);
        values.push({ ours: ours.valuesPct, baseline: null });
        points.push({ ours: ours.cpuPct - base.cpuPct, baseline: null });
        say(
          `run ${run}: ${ours.valuesPct} % of the values, ${ours.cpuPct.toFixed(1)} points, bare ${base.cpuPct.toFixed(1)}`,
        );
      }
    } finally {
      await server.end();
    }
    return new Map<string, Measured>([
      [`${name}:valuesPct`, { runs: values, unmeasured: null }],
      [`${name}:cpuPointsOverBare`, { runs: points, unmeasured: null }],
    ]);
  },
};

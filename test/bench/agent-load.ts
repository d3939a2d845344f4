/**
 * One run of the whole agent, started as a user starts it, on simulated Modbus devices; what it used, how punctual it was, and
 * what of it another program finds on the disk afterwards.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { readBlock } from './block-reader.ts';
import { servedValue } from './floor-values.ts';
import { percentile } from './judge.ts';
import { benchProfile, registers, signalOf } from './load-profile.ts';
import type { Served } from './modbus-floor.ts';
import { punctuality } from './poll-grid.ts';
import { BenchFailure, start, startScript } from './processes.ts';
import { usage, type Usage } from './resources.ts';

export interface Load {
  readonly machines: number;
  readonly intervalMs: number;
  readonly warmMs: number;
  readonly forMs: number;
}

export interface LoadResult {
  readonly pollsPct: number;
  readonly latenessP99Ms: number;
  readonly cpuPct: number;
  readonly rssMB: number;
  readonly gbPerDay: number;
}

export const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');
export const machineId = (device: number) => `dev-${device}`;
const afterwardsMs = 1000;
/** The last samples of memory that count, each a second after the other; the highest of them is taken. */
const rssSamples = 10;

export async function runLoad(dir: string, load: Load, signal: AbortSignal): Promise<LoadResult> {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(join(dir, 'profiles'), { recursive: true });
  const report = join(dir, 'served.json');
  const floor = startScript('modbus-floor.ts', [load.machines, report]);
  try {
    const ports = JSON.parse(await floor.line()) as number[];
    const used = await runAgent(writeConfig(dir, ports, load.intervalMs), dir, load, signal);
    floor.child.stdin?.write('report\n');
    await floor.line();
    const served = JSON.parse(readFileSync(report, 'utf8')) as Served[];
    return { ...used.figures, ...judgePolls(join(dir, 'data/ring.db'), served, load.intervalMs, used.window) };
  } finally {
    await floor.end();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

function writeConfig(dir: string, ports: readonly number[], intervalMs: number): string {
  const path = join(dir, 'agent.yaml');
  writeFileSync(path, JSON.stringify(configOf(dir, ports, intervalMs)));
  return path;
}

/** The configuration of an agent that polls these devices; writes the profile of them into `dir`, where it looks for it. */
export function configOf(dir: string, ports: readonly number[], intervalMs: number) {
  writeFileSync(join(dir, 'profiles/bench-100.yaml'), JSON.stringify(benchProfile));
  return {
    version: 1,
    site: { id: 'bench', timeZone: 'UTC' },
    gateway: { id: 'bench-gw' },
    profileDirs: ['profiles'],
    machines: ports.map((port, device) => ({
      id: machineId(device),
      profile: benchProfile.profile,
      endpoint: `modbus://127.0.0.1:${port}`,
      polls: { normal: { intervalMs } },
    })),
    page: { port: 0 },
  };
}

interface Used {
  readonly window: { readonly fromMs: number; readonly toMs: number };
  readonly figures: Pick<LoadResult, 'cpuPct' | 'rssMB' | 'gbPerDay'>;
}

async function runAgent(config: string, dir: string, load: Load, signal: AbortSignal): Promise<Used> {
  const agent = start('sh', [launcher, 'run', '--config', config]);
  const pid = agent.child.pid ?? 0;
  const databases = ['ring.db', 'journal.db'].map((name) => join(dir, 'data', name));
  try {
    while (!(await agent.line()).includes('"listening"'));
    agent.child.stdout?.resume();
    await delay(load.warmMs, undefined, { signal });
    const from = usage(pid, databases);
    const rss: number[] = [];
    let to: Usage = from;
    while (to.atMs < from.atMs + load.forMs) {
      await delay(Math.min(1000, from.atMs + load.forMs - to.atMs), undefined, { signal });
      to = usage(pid, databases);
      rss.push(to.rssMB);
    }
    // What is asked at the end of the window is still answered and stored; an agent that is told to stop reads no more.
    await delay(afterwardsMs, undefined, { signal });
    if (agent.child.exitCode !== null) throw new BenchFailure('the agent ended by itself');
    const seconds = (to.atMs - from.atMs) / 1000;
    return {
      window: { fromMs: from.atMs, toMs: to.atMs },
      figures: {
        cpuPct: ((to.cpuS - from.cpuS) / seconds) * 100,
        rssMB: Math.max(...rss.slice(-rssSamples)),
        gbPerDay: ((to.diskBytes - from.diskBytes) / seconds) * 86_400 * 1e-9,
      },
    };
  } finally {
    await agent.end();
  }
}

/**
 * Polls that were made when they were due and stand in ring.db with every register as it was served, good.
 * @param besides signals that are no register as it was served
 */
export function judgePolls(
  ring: string,
  served: readonly Served[],
  intervalMs: number,
  window: Used['window'],
  besides: readonly string[] = [],
) {
  const stored = storedPolls(ring, served, besides);
  let due = 0;
  let done = 0;
  const latenessMs: number[] = [];
  for (const [device, { atMs, odd }] of served.entries()) {
    if (odd > 0) throw new BenchFailure(`${machineId(device)} was asked ${odd} times for something else`);
    const polls = punctuality(atMs, intervalMs, window, (read) => stored[device]?.[read] === registers);
    due += polls.due;
    done += polls.done;
    for (const lateMs of polls.latenessMs) latenessMs.push(lateMs);
  }
  return { pollsPct: (done / due) * 100, latenessP99Ms: percentile(latenessMs, 0.99) ?? Number.NaN };
}

/** Of each device, how many registers of each read are stored right. Throws when something is stored that was never served. */
function storedPolls(ring: string, served: readonly Served[], besides: readonly string[]): Uint8Array[] {
  const right = served.map(({ atMs }) => new Uint8Array(atMs.length));
  const next = served.map(() => new Uint32Array(registers));
  const devices = new Map(served.map((_, device) => [machineId(device), device]));
  const numbers = new Map(Array.from({ length: registers }, (_, register) => [signalOf(register), register]));
  const db = new DatabaseSync(ring, { readOnly: true });
  try {
    for (const row of db.prepare('SELECT machine, bytes FROM block ORDER BY id').iterate()) {
      const device = devices.get(String(row['machine'])) ?? -1;
      if (!(row['bytes'] instanceof Uint8Array)) throw new BenchFailure('a block without bytes');
      for (const { signal, values, good } of readBlock(row['bytes'])) {
        if (besides.includes(signal)) continue;
        const register = numbers.get(signal) ?? -1;
        const counter = next[device];
        const polls = right[device];
        if (counter === undefined || polls === undefined || counter[register] === undefined) {
          throw new BenchFailure(`${signal} of ${String(row['machine'])} is nobody's`);
        }
        for (const [index, value] of values.entries()) {
          // What is told of a gap, before the first read or behind the last, is no read.
          if (good[index] !== true) continue;
          const read = counter[register]++;
          if (value !== servedValue(device, register, read)) {
            throw new BenchFailure(`${machineId(device)} ${signal}: read ${read} is stored as ${String(value)}`);
          }
          polls[read] = (polls[read] ?? 0) + 1;
        }
      }
    }
  } finally {
    db.close();
  }
  return right;
}

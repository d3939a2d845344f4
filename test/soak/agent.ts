/** The agent of the soak: the whole one, started as a user starts it, with the probe of this folder loaded before its own code. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { BenchFailure } from '../bench/processes.ts';
import { agentListening, agentStatus } from '../demo/messages.ts';
import type { Sample } from './judge.ts';
import type { Ask, Measured } from './probe.ts';
import { rate, soakScenario } from './scenario.ts';

export const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');
export const gateway = 'soak-gw';
const startMs = 60_000;
const answerMs = 60_000;
/** The poll of a profile that says nothing, 1 s, divided by the rate; the shipped 250 ms would be below what a driver polls at. */
const pollMs = 1000 / rate;
/** A line every 12 ms: a silence of three times this would be noticed in every collection of the agent's own garbage. */
const expectLineEveryMs = 100;

/** A shipped profile of machines that run `rate` times as fast: their counters do as well. */
export function fastProfile(name: string): Profile {
  const profile = loadProfile(name, []);
  return {
    ...profile,
    polls: Object.fromEntries(
      Object.entries({ normal: { intervalMs: 0 }, ...profile.polls }).map(([name, { intervalMs }]) => [
        name,
        { intervalMs: Math.max(pollMs, Math.floor(intervalMs / rate)) },
      ]),
    ),
    signals: Object.fromEntries(
      Object.entries(profile.signals).map(([signal, spec]) => [
        signal,
        spec.kind === 'counter' ? { ...spec, maxRatePerS: spec.maxRatePerS * rate } : spec,
      ]),
    ),
    ...(profile.line === undefined ? {} : { line: { ...profile.line, expectEveryMs: expectLineEveryMs } }),
    ...(profile.opcua === undefined
      ? {}
      : {
          opcua: {
            ...profile.opcua,
            publishingIntervalMs: Math.floor(profile.opcua.publishingIntervalMs / rate),
            samplingIntervalMs: Math.floor(profile.opcua.samplingIntervalMs / rate),
          },
        }),
  };
}

/** Writes profiles and configuration into `dir`; the endpoints come from the floor's file, the uplink's too. */
export function writeConfig(dir: string): string {
  const { machines } = soakScenario(1, 0);
  mkdirSync(join(dir, 'profiles'), { recursive: true });
  for (const map of new Set(machines.map((machine) => machine.map))) {
    writeFileSync(join(dir, 'profiles', `${map}.yaml`), JSON.stringify(fastProfile(map)));
  }
  const config = {
    version: 1,
    site: { id: 'soak', timeZone: 'Asia/Dhaka' },
    gateway: { id: gateway },
    dataDir: 'agent',
    profileDirs: ['profiles'],
    machines: machines.map(({ id, map, kind }) => ({ id, kind, profile: map, line: 'line-1' })),
    uplink: {
      url: 'mqtt://127.0.0.1:1',
      password: 'file:uplink.password',
      bridgeKey: 'bridge/bridge.pub.pem',
      ackTimeoutS: 3,
      outageAfterS: 5,
    },
    page: { port: 0 },
    log: { level: 'info', statusEveryS: 1 },
  };
  const path = join(dir, 'agent.yaml');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** Runs `selvedge ARGS` to its end. */
export function runVerb(args: readonly string[], input = ''): void {
  const done = spawnSync(launcher, [...args], { input, encoding: 'utf8' });
  if (done.status !== 0) throw new BenchFailure(`selvedge ${args.join(' ')}: ${done.stderr}`);
}

export interface SoakAgent {
  readonly page: string;
  /** Measures after two full collections. Rejects when the agent has ended. */
  sample(snapshot: string | null): Promise<Sample>;
  /** The newest status line. */
  status(): Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

export async function startAgent(dir: string, leak: number): Promise<SoakAgent> {
  const config = writeConfig(dir);
  const startedMs = performance.now();
  const child = spawn(launcher, ['run', '--config', config, '--endpoints', join(dir, 'endpoints.json')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      NODE_OPTIONS: `--expose-gc --import=${new URL('./probe.ts', import.meta.url).href}`,
      ...(leak > 0 ? { SELVEDGE_SOAK_LEAK: String(leak), SELVEDGE_FROM_SOURCES: '1' } : {}),
    },
  });
  let last = '';
  let status: Readonly<Record<string, unknown>> = {};
  const ended = once(child, 'exit').then(() => {
    throw new BenchFailure(`the agent ended by itself: ${last}`);
  });
  ended.catch(() => undefined);
  const listening = Promise.withResolvers<string>();
  const counted = Promise.withResolvers<void>();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (last = text.trim()));
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const found = agentListening.safeParse(message);
    if (found.success) listening.resolve(found.data.page);
    if (agentStatus.safeParse(message).success) {
      status = message;
      counted.resolve();
    }
  });
  const late = (what: string, ms: number) =>
    new Promise<never>((_, reject) =>
      setTimeout(() => reject(new BenchFailure(`no ${what} within ${ms / 1000} s: ${last}`)), ms).unref(),
    );
  const page = await Promise.race([listening.promise, ended, late('sign of the agent', startMs)]);
  await Promise.race([counted.promise, ended, late('status line', startMs)]);

  return {
    page,
    status: () => status,
    async sample(snapshot) {
      const answer = once(child, 'message') as Promise<[Measured]>;
      child.send({ snapshot } satisfies Ask);
      const [measured] = await Promise.race([answer, ended, late('measurement', answerMs)]);
      return {
        atS: round((performance.now() - startedMs) / 1000),
        readings: Number(status['readings']),
        heldBytes: measured.heapUsed + measured.external + measured.arrayBuffers,
        heapUsedBytes: measured.heapUsed,
        externalBytes: measured.external,
        arrayBuffersBytes: measured.arrayBuffers,
        rssMB: round(measured.rss / 1e6),
        handles: measured.handles,
        files: readdirSync(`/proc/${child.pid}/fd`).length,
        loopP99Ms: round(measured.loopP99Ms),
        loopMaxMs: round(measured.loopMaxMs),
      };
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended.catch(() => undefined);
      clearTimeout(killing);
    },
  };
}

const round = (n: number) => Math.round(n * 100) / 100;

/**
 * One soak: the whole agent against machines of every protocol that run twenty times as fast as real ones, a bridge behind an
 * uplink that fails, and a browser on its page; every so often its memory is measured from outside.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { BenchFailure, nodeArgs, start, type Started } from '../bench/processes.ts';
import { bridgeListening } from '../demo/messages.ts';
import { gateway, launcher, runVerb, startAgent } from './agent.ts';
import { openBrowser } from './browser.ts';
import { judge, type Sample, type Verdict } from './judge.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Of every thousand readings so many are kept for ever by the harness; 0: none. */
  readonly leak: number;
  /** Where a heap snapshot of the first and one of the last sample go; null: none are taken. */
  readonly snapshots: string | null;
  /** An empty folder on a real disk. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

export interface SoakReport extends Verdict {
  readonly minutes: number;
  readonly warmUpS: number;
  readonly sampleEveryS: number;
  readonly seed: number;
  readonly leak: number;
  /** Readings of the judged part. */
  readonly readings: number;
  readonly samples: readonly Sample[];
  /** The agent's own last word on itself. */
  readonly status: Readonly<Record<string, unknown>>;
  readonly browser: { readonly opened: number; readonly bytes: number };
}

/** Five minutes, after which the agent holds all it ever holds at once; of a shorter run this share. */
const longestWarmUpS = 300;
const warmUpShare = 0.4;
const longestSampleEveryS = 20;
const leastSamples = 21;
/**
 * The agent holds the readings of the open minute and of those before it that late readings may still change. Samples that lie a
 * third of a minute apart fall on the same three seconds of every minute, these ones, so that each meets as much of them as
 * the third one before it. They are chosen to lie away from the moments at which the arrays of a minute double.
 */
const phaseMs = 10_000;
/** The floor goes on a little longer than what is measured of it. */
const marginS = 120;
const user = { name: 'soak', password: 'stitch-by-stitch-all-night-long' };

/** Throws BenchFailure when a process does not start or ends by itself. */
export async function soak(options: SoakOptions, signal: AbortSignal): Promise<SoakReport> {
  const { dir, say, minutes, seed } = options;
  const at = (name: string) => join(dir, name);
  const warmUpS = Math.min(longestWarmUpS, minutes * 60 * warmUpShare);
  const judgedS = minutes * 60 - warmUpS;
  const sampleEveryS = Math.min(longestSampleEveryS, judgedS / leastSamples);
  if (options.snapshots !== null) mkdirSync(options.snapshots, { recursive: true });
  const stack = new AsyncDisposableStack();
  try {
    const brokerPort = await startBridge(at, stack);
    const floor = start(process.execPath, [
      ...nodeArgs,
      join(import.meta.dirname, 'floor.ts'),
      ...[seed, minutes * 60 + marginS, brokerPort, at('endpoints.json')].map(String),
    ]);
    stack.defer(() => floor.end());
    await floor.line();
    runVerb(['user', 'add', user.name, '--role', 'admin', '--data-dir', at('agent')], `${user.password}\n`);
    const agent = await startAgent(dir, options.leak);
    stack.defer(() => agent.stop());
    const browser = openBrowser({ url: agent.page, ...user, tabMs: 30_000 });
    stack.defer(() => browser.stop());
    say(`the agent runs; ${round(warmUpS)} s of warm-up, then a sample every ${round(sampleEveryS)} s`);
    await delay(warmUpS * 1000, undefined, { signal });
    const count = Math.floor(judgedS / sampleEveryS + 1e-6);
    const samples: Sample[] = [];
    if (sampleEveryS === longestSampleEveryS) await delay(untilPhaseMs(Date.now()), undefined, { signal });
    const fromMs = performance.now();
    for (let n = 0; n <= count; n += 1) {
      await delay(Math.max(0, fromMs + n * sampleEveryS * 1000 - performance.now()), undefined, { signal });
      const isEnd = n === 0 || n === count;
      const snapshot = isEnd && options.snapshots !== null ? join(options.snapshots, `${n}.heapsnapshot`) : null;
      const sample = await agent.sample(snapshot);
      samples.push(sample);
      say(line(sample));
    }
    const readings = (samples.at(-1)?.readings ?? 0) - (samples[0]?.readings ?? 0);
    return {
      minutes,
      warmUpS,
      sampleEveryS,
      seed,
      leak: options.leak,
      readings,
      ...judge(samples),
      samples,
      status: agent.status(),
      browser: { opened: browser.opened, bytes: browser.bytes },
    };
  } finally {
    await stack.disposeAsync();
  }
}

/** From a moment in UTC ms to the next that samples are taken at. */
function untilPhaseMs(nowMs: number): number {
  const everyMs = longestSampleEveryS * 1000;
  return (everyMs + phaseMs - (nowMs % everyMs)) % everyMs;
}

/** A bridge that knows the gateway; returns the port of its broker. */
async function startBridge(at: (name: string) => string, stack: AsyncDisposableStack): Promise<number> {
  runVerb(['bridge', 'init', '--data-dir', at('bridge')]);
  runVerb(['key', '--data-dir', at('agent'), '--out', at('gateway.pub.pem')]);
  const allowed = ['--gateway', gateway, '--site', 'soak', '--public-key', at('gateway.pub.pem')];
  const data = ['--data-dir', at('bridge')];
  runVerb(['bridge', 'allow', ...data, ...allowed, '--password-file', at('uplink.password')]);
  const bridge = start(launcher, ['bridge', 'run', ...data, '--mqtt-port', '0', '--api-port', '0']);
  stack.defer(() => bridge.end());
  return (await read(bridge, bridgeListening)).mqtt;
}

/** The first line of its output that has this shape. */
async function read<T>(process: Started, shape: z.ZodType<T>): Promise<T> {
  for (;;) {
    const text = await process.line();
    const found = text.startsWith('{') ? shape.safeParse(JSON.parse(text)) : null;
    if (found?.success === true) return found.data;
    if (text === '') throw new BenchFailure('no answer');
  }
}

const line = ({ atS, readings, heldBytes, rssMB, handles, files, loopMaxMs }: Sample) =>
  `${String(Math.round(atS)).padStart(5)} s  ${(readings / 1e6).toFixed(3)} M readings  held ${(heldBytes / 1024).toFixed(0)} KiB  ` +
  `rss ${rssMB.toFixed(1)} MB  handles ${handles}  files ${files}  loop max ${loopMaxMs.toFixed(1)} ms`;
const round = (n: number) => Math.round(n * 10) / 10;

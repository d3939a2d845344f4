/**
 * A gateway whose wall clock is set by the test, while it runs: the agent under libfaketime, its monotonic clock left alone. Floor and
 * bridge run on the true clock.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { isListening, type Line } from '../integration/bad-input-rig.ts';
import { until } from '../integration/sync-rig.ts';

const root = join(import.meta.dirname, '../..');
const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');

/** Skips the test where libfaketime is missing; in CI that is a failure. */
export function requireFaketime(t: TestContext): boolean {
  if (library !== undefined) return true;
  if (process.env['CI'] === 'true') throw new TypeError('CI must have every peer: libfaketime is not installed');
  t.skip('libfaketime is not installed');
  return false;
}

/** The wall clock of the gateway: the true one and some seconds. */
export class WallClock {
  readonly #file: string;
  #offsetS = 0;

  constructor(dir: string) {
    this.#file = join(dir, 'faketime.rc');
  }
  get offsetMs(): number {
    return this.#offsetS * 1000;
  }
  get environment(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
  /** Sets it in one piece: a process that looks sees the old time or the new one. */
  set(offsetS: number): void {
    this.#offsetS = offsetS;
    writeFileSync(`${this.#file}.new`, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

export interface ClockedAgent {
  readonly lines: readonly Line[];
  readonly stderr: () => string;
  readonly pid: number;
  readonly status: () => Line | undefined;
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<number | null>;
}

/** Starts an agent on that clock; resolves when it listens. */
export async function startClocked(t: TestContext, config: string, clock: WallClock): Promise<ClockedAgent> {
  // The agent itself, not its launcher: a kill must hit it.
  const script = join(root, 'agent/cli.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, 'run', '--config', config];
  const child = spawn(join(root, 'node_modules/.bin/node'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...clock.environment },
  });
  const lines: Line[] = [];
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text.startsWith('{')) lines.push(JSON.parse(text) as Line);
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  t.after(() => end('SIGKILL'));
  const pid = child.pid ?? 0;
  await until('the agent listens', () => {
    if (child.exitCode !== null) throw new TypeError(`the agent ended: ${stderr}`);
    return lines.some(isListening);
  });
  return {
    lines,
    stderr: () => stderr,
    pid,
    status: () => lines.findLast((line) => line['msg'] === 'status'),
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}

export interface Truth {
  /** UTC ms on the true clock. */
  readonly t: number;
  readonly machine: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}
export const truthOf = (file: string): Truth[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Truth);

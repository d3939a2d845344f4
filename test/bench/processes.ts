/** The processes of a bench: each is started by itself, so that none measures the garbage of another. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class BenchFailure extends Error {}

export const nodeArgs = ['--disable-warning=ExperimentalWarning'];
export const script = (name: string) => join(import.meta.dirname, name);

export interface Started {
  readonly child: ChildProcess;
  /** The next line of its standard output. */
  readonly line: () => Promise<string>;
  readonly end: (signal?: NodeJS.Signals) => Promise<void>;
}

export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const exited = once(child, 'exit');
  exited.catch(() => undefined);
  // Writing to a process that has ended is no news: its end is.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    line: async () => {
      const next = await lines.next();
      if (next.done === true) throw new BenchFailure(`${[command, ...args].join(' ')} ended without an answer`);
      return next.value;
    },
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}

export const startScript = (name: string, args: readonly (string | number)[] = []) =>
  start(process.execPath, [...nodeArgs, script(name), ...args.map(String)]);

/** Compiles one C file of this folder; null when there is no compiler or a library is missing. */
export function compile(source: string, dir: string, ...flags: readonly string[]): string | null {
  const program = join(dir, source.replace(/\.c$/, ''));
  const done = spawnSync('cc', ['-O2', '-I/usr/include/modbus', '-o', program, script(source), ...flags]);
  return done.status === 0 ? program : null;
}

/**
 * A command that stays on one processor, with the others of its kind. Two processes that answer each other in microseconds
 * otherwise measure where the scheduler puts them, which alone makes a factor of three on a virtual machine.
 */
export function pinned(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  if (spawnSync('taskset', ['--version']).status !== 0) return [command, args];
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return allowed === undefined ? [command, args] : ['taskset', ['-c', allowed, command, ...args]];
}

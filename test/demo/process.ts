/** One process of the demo: started by its own command line, read by its JSON lines, ended politely and then surely. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { z } from 'zod';

const launcher = fileURLToPath(new URL('../../agent/bin/selvedge', import.meta.url));

export interface DemoProcess {
  readonly name: string;
  /** Resolves with the first JSON line that has this shape and is `wanted`; rejects when the process ends or the time is over. */
  waitFor<T>(what: string, shape: z.ZodType<T>, timeoutMs: number, wanted?: (message: T) => boolean): Promise<T>;
  /** Called with each JSON line of this shape. */
  onMessage<T>(shape: z.ZodType<T>, listener: (message: T) => void): void;
  write(line: string): void;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves with the exit code, or null when it had to be killed. */
  stop(graceMs: number): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface StartOptions {
  readonly name: string;
  readonly args: readonly string[];
  /** Lines of stderr and non-JSON lines of stdout: meant for a person. */
  readonly onText: (line: string) => void;
  /** Keeps everything it writes in this file. */
  readonly logFile?: string;
  /** Lets the process see its terminal's stdin lines as commands. */
  readonly stdin?: boolean;
}

/** Starts `selvedge ARGS`. */
export function startProcess(options: StartOptions): DemoProcess {
  const child: ChildProcess = spawn(launcher, [...options.args], {
    stdio: [options.stdin === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const listeners = new Set<(message: unknown) => void>();
  let said = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said = true;
      options.onText(error.message);
      resolve(2);
    });
    child.once('close', (code) => resolve(code));
  });
  const log = options.logFile === undefined ? null : createWriteStream(options.logFile);
  void ended.then(() => log?.end());
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log?.write(`${line}\n`);
      const message = asMessage(line);
      if (message === null) options.onText(line);
      else for (const listener of listeners) listener(message);
    });
  }
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log?.write(`${line}\n`);
      said = true;
      options.onText(line);
    });
  }
  return {
    name: options.name,
    ended,
    onMessage: (shape, listener) => {
      listeners.add((message) => {
        const parsed = shape.safeParse(message);
        if (parsed.success) listener(parsed.data);
      });
    },
    write: (line) => void child.stdin?.write(`${line}\n`),
    waitFor: (what, shape, timeoutMs, wanted = () => true) =>
      new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          clearTimeout(timer);
          listeners.delete(listener);
          act();
        };
        const listener = (message: unknown) => {
          const parsed = shape.safeParse(message);
          if (parsed.success && wanted(parsed.data)) finish(() => resolve(parsed.data));
        };
        const timer = setTimeout(
          () =>
            finish(() =>
              reject(new DemoFailure(`${options.name}: no sign of ${what} within ${timeoutMs / 1000} s`, 1)),
            ),
          timeoutMs,
        );
        listeners.add(listener);
        void ended.then((code) => {
          const exitCode = code === 2 ? 2 : 1;
          finish(() =>
            reject(
              new DemoFailure(
                `the ${options.name} ended (exit ${code}) before ${what}${said ? '; its last words are above' : ' without a word'}`,
                exitCode,
              ),
            ),
          );
        });
      }),
    stop: async (graceMs) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Runs `selvedge ARGS` to its end; a failure carries the last line it wrote. */
export async function runToEnd(name: string, args: readonly string[]): Promise<void> {
  let last = '';
  const started = startProcess({ name, args, onText: (line) => (last = line) });
  const code = await started.ended;
  if (code !== 0) throw new DemoFailure(`${name} failed (exit ${code}): ${last}`, code === 2 ? 2 : 1);
}

function asMessage(line: string): unknown {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Runs `selvedge simulate`: as a process of its own, as a user does, or inside the test on streams of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { main } from '../../simulators/cli.ts';

const launcher = join(import.meta.dirname, '..', '..', 'agent', 'bin', 'selvedge');

export interface Floor {
  /** Resolves with the first line of standard output whose `event` is this; rejects when the floor ends without it. */
  event(name: string): Promise<Record<string, unknown>>;
  say(line: string): void;
  closeInput(): void;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}
export interface FloorProcess extends Floor {
  readonly pid: number;
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void;
}

function readEvents(stdout: Readable, ended: Promise<{ code: number | null; stderr: string }>): Floor['event'] {
  const seen: Record<string, unknown>[] = [];
  let waiting: { readonly name: string; readonly resolve: (event: Record<string, unknown>) => void }[] = [];
  createInterface({ input: stdout }).on('line', (line) => {
    const event: Record<string, unknown> = JSON.parse(line);
    seen.push(event);
    for (const wait of waiting) if (wait.name === event['event']) wait.resolve(event);
    waiting = waiting.filter((wait) => wait.name !== event['event']);
  });
  return (name) => {
    const found = seen.find((event) => event['event'] === name);
    if (found !== undefined) return Promise.resolve(found);
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    waiting.push({ name, resolve });
    ended.then(
      ({ code, stderr }) => reject(new TypeError(`the floor ended (${code}) before ${name}: ${stderr}`)),
      reject,
    );
    return promise;
  };
}

/** The command as a process; end it with `endFloor` in `t.after`. */
export function startFloor(args: readonly string[]): FloorProcess {
  const child = spawn(launcher, ['simulate', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const { promise: ended, resolve } = Promise.withResolvers<{ code: number | null; stderr: string }>();
  child.once('close', (code) => resolve({ code, stderr }));
  return {
    pid: child.pid ?? 0,
    event: readEvents(child.stdout, ended),
    say: (line) => void child.stdin.write(`${line}\n`),
    closeInput: () => void child.stdin.end(),
    signal: (name) => void child.kill(name),
    ended,
  };
}

/** The command in this process. It ends when its input is closed, if it was started with `--control`. */
export function runInside(args: readonly string[]): Floor {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  let stderr = '';
  streams.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = main(['simulate', ...args], streams).then((code) => ({ code, stderr }));
  return {
    event: readEvents(streams.stdout, ended),
    say: (line) => void streams.stdin.write(`${line}\n`),
    closeInput: () => void streams.stdin.end(),
    ended,
  };
}

/** Ends it if it still runs, by force if need be. */
export async function endFloor(floor: FloorProcess): Promise<void> {
  floor.signal('SIGTERM');
  const late = await Promise.race([floor.ended, delay(10_000, null, { ref: false })]);
  if (late === null) floor.signal('SIGKILL');
  await floor.ended;
}

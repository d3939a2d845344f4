/** The processes of the torture, each started as its users start it and killed without a word. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { BenchFailure } from '../bench/processes.ts';

const root = join(import.meta.dirname, '../..');
export const launcher = join(root, 'agent/bin/selvedge');
const shipped = join(root, 'cloud-bridge/mosquitto');
const startMs = 30_000;
const lastWords = 2_000;

export type Line = Readonly<Record<string, unknown>>;

/** A process that prints JSON lines, until it is ended. */
export class Running {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #closed: Promise<unknown>;
  readonly #lines = new Set<(line: Line) => void>();
  #said = '';
  #ending = false;

  /** @param onGone called when it ends without having been told to */
  constructor(name: string, child: ChildProcess, onGone: (why: string) => void) {
    this.#name = name;
    this.child = child;
    // Of all its streams: what a killed process has written before is read to the end.
    this.#closed = once(child, 'close');
    child.stderr?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-lastWords)));
    child.on('exit', (code, signal) => {
      if (!this.#ending) onGone(`the ${name} ended by itself (${signal ?? code}): ${this.#said}`);
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (!text.startsWith('{')) return;
      const line = JSON.parse(text) as Line;
      for (const listener of this.#lines) listener(line);
    });
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
  onLine(listener: (line: Line) => void): void {
    this.#lines.add(listener);
  }
  /** Resolves with the first line to come that is wanted. */
  async line(what: string, wanted: (line: Line) => boolean): Promise<Line> {
    const found = Promise.withResolvers<Line>();
    const listener = (line: Line) => {
      if (wanted(line)) found.resolve(line);
    };
    this.#lines.add(listener);
    const late = setTimeout(() => found.reject(new BenchFailure(`no ${what}: ${this.#said}`)), startMs);
    const gone = () => found.reject(new BenchFailure(`the ${this.#name} ended without ${what}: ${this.#said}`));
    this.child.once('exit', gone);
    try {
      return await found.promise;
    } finally {
      clearTimeout(late);
      this.child.off('exit', gone);
      this.#lines.delete(listener);
    }
  }
  /** It is about to be killed by somebody else. */
  expectEnd(): Promise<unknown> {
    this.#ending = true;
    return this.#closed;
  }
  /** Resolves with the exit code once it is gone and all it wrote has been read. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#ending = true;
    if (this.alive) this.child.kill(signal);
    await this.#closed;
    return this.child.exitCode;
  }
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly onWitness?: (line: string) => void;
  /** A command that runs it, with its arguments. */
  readonly under?: readonly string[];
}
/** Where the agent writes what it committed. */
export const witnessFd = 3;

/** Starts `selvedge ARGS`. */
export function startVerb(
  name: string,
  args: readonly string[],
  onGone: (why: string) => void,
  more: StartOptions = {},
): Running {
  const [command, ...before] = [...(more.under ?? []), launcher];
  const child = spawn(command, [...before, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', ...(more.onWitness === undefined ? [] : (['pipe'] as const))],
    env: {
      ...process.env,
      ...more.env,
      ...(more.onWitness === undefined ? {} : { SELVEDGE_WITNESS_FD: String(witnessFd) }),
    },
  });
  child.stdin?.on('error', () => undefined);
  if (more.onWitness !== undefined) readWhole(child.stdio[witnessFd] as Readable, more.onWitness);
  return new Running(name, child, onGone);
}

/** Lines that are whole: a process killed while it wrote one has told nothing by it. */
function readWhole(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('error', () => undefined);
}

/** Runs `selvedge ARGS` to its end. */
export function runVerb(args: readonly string[]): void {
  const done = spawnSync(launcher, [...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new BenchFailure(`selvedge ${args.join(' ')}: ${done.stderr}`);
}

/** Writes the shipped configuration of mosquitto with this port and these users; gives its path. */
export function mosquittoConfig(dir: string, port: number, users: Readonly<Record<string, string>>): string {
  const [passwords, acl, config] = ['passwords', 'acl', 'mosquitto.conf'].map((name) => join(dir, name));
  if (passwords === undefined || acl === undefined || config === undefined) throw new BenchFailure('no folder');
  const lines = Object.entries(users).map(([user, password]) => `${user}:${password}\n`);
  writeFileSync(passwords, lines.join(''));
  spawnSync('mosquitto_passwd', ['-U', passwords]);
  copyFileSync(join(shipped, 'acl'), acl);
  for (const file of [passwords, acl]) chmodSync(file, 0o700);
  const text = readFileSync(join(shipped, 'mosquitto.conf'), 'utf8')
    .replace('/etc/mosquitto/conf.d/selvedge/passwords', passwords)
    .replace('/etc/mosquitto/conf.d/selvedge/acl', acl)
    .replace('listener 1883 127.0.0.1', `listener ${port} 127.0.0.1`);
  // Started by root it would become the user mosquitto, who may not read this folder.
  writeFileSync(config, `${text}${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  return config;
}

/** Resolves when it listens. */
export async function startMosquitto(config: string, onGone: (why: string) => void): Promise<Running> {
  const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const running = new Running('mosquitto', child, onGone);
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new BenchFailure('mosquitto is not installed')));
    child.once('exit', () => reject(new BenchFailure('mosquitto ended at once')));
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('running')) resolve();
    });
  });
  return running;
}

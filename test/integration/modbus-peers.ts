/** Programs the Modbus driver is tested against, each started and ended for one test. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-modbus-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** Resolves with the first match of `pattern` in what the child writes; rejects when it ends before. */
export async function output(
  child: ChildProcess,
  stream: 'stdout' | 'stderr',
  pattern: RegExp,
): Promise<RegExpExecArray> {
  let text = '';
  return new Promise((resolve, reject) => {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match !== null) resolve(match);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new assert.AssertionError({ message: `ended with ${code}: ${text}` })));
  });
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

/** Starts a program that prints "ready PORT", gives it `input`, and returns the port. It is ended after the test. */
export async function startServer(
  t: TestContext,
  command: string,
  args: readonly string[],
  input = '',
): Promise<number> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => end(child));
  const ready = output(child, 'stdout', /ready (\d+)/);
  child.stdin.write(`${input}\n`);
  return Number((await ready)[1]);
}

/** The same, with every line it prints after that. */
export async function startTelling(
  t: TestContext,
  command: string,
  args: readonly string[],
): Promise<{ readonly port: number; readonly lines: readonly string[] }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => end(child));
  const lines: string[] = [];
  const ready = output(child, 'stdout', /ready (\d+)/);
  let rest = '';
  child.stdout.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => !line.startsWith('ready')));
  });
  return { port: Number((await ready)[1]), lines };
}

/** Two serial ports wired to each other. */
export async function ptyPair(t: TestContext, dir: string): Promise<{ readonly near: string; readonly far: string }> {
  const near = join(dir, 'near');
  const far = join(dir, 'far');
  const socat = spawn('socat', ['-d', '-d', `PTY,link=${near},raw,echo=0`, `PTY,link=${far},raw,echo=0`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => end(socat));
  await output(socat, 'stderr', /starting data transfer loop/);
  return { near, far };
}

/** Compiles the libmodbus server; null when there is no compiler or no libmodbus. */
export function compileLibmodbusServer(dir: string, name = 'modbus-libmodbus.c'): string | null {
  const program = join(dir, 'libmodbus-server');
  const source = join(import.meta.dirname, name);
  const made = spawnSync('cc', ['-O1', '-I/usr/include/modbus', '-o', program, source, '-lmodbus'], {
    encoding: 'utf8',
  });
  return made.status === 0 ? program : null;
}

/**
 * A serial port with a TCP server of ours behind it. The port exists while the line is plugged; socat connects when somebody
 * opens the port and ends when they close it, so the server's connections say whether the port is open.
 */
export class PtyLine {
  readonly path: string;
  readonly #port: () => number;
  #child: ChildProcess | null = null;
  #isPlugged = false;

  constructor(path: string, port: () => number) {
    this.path = path;
    this.#port = port;
  }

  async plug(): Promise<void> {
    this.#isPlugged = true;
    if (this.#child === null) this.#spawn();
    while (!existsSync(this.path)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async unplug(): Promise<void> {
    this.#isPlugged = false;
    const child = this.#child;
    this.#child = null;
    if (child !== null) await end(child);
  }

  #spawn(): void {
    const pty = `PTY,link=${this.path},raw,echo=0,wait-slave,pty-interval=0.02`;
    const child = spawn('socat', ['-t', '0', pty, `TCP:127.0.0.1:${this.#port()},nodelay`], { stdio: 'ignore' });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#isPlugged) this.#spawn();
    });
  }
}

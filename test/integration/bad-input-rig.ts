/** Runs `selvedge` as a person does and looks at what it says and leaves behind: for the tests of bad input. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { encodeRingBlock } from '../../agent/ring/block.ts';
import { openStore } from '../../agent/store/open.ts';
import { event } from '../unit/bridge/making.ts';

const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');
/** Nothing here needs so long on an idle computer; a hang must still be told from a busy one. */
const patienceMs = 60_000;

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-bad-input-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export type Line = Readonly<Record<string, unknown>>;

export interface Running {
  /** Every JSON line of its standard output so far. */
  readonly lines: readonly Line[];
  readonly stderr: () => string;
  /** Resolves with the first JSON line, of before or to come, that is `wanted`; rejects when the process ends without it. */
  until(what: string, wanted: (line: Line) => boolean): Promise<Line>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, as a power cut for the process. */
  kill(): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** Starts `selvedge ARGS`; whatever is left of it ends with the test. */
export function start(t: TestContext, args: readonly string[], input = ''): Running {
  const child = spawn(launcher, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let over = false;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text.startsWith('{')) lines.push(JSON.parse(text) as Line);
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // A process that ends at once does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = once(child, 'close').then(() => {
    over = true;
    wake();
    return child.exitCode;
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    lines,
    stderr: () => stderr,
    until: (what, wanted) =>
      new Promise((resolve, reject) => {
        const finish = (act: () => void): void => {
          clearTimeout(timer);
          waiting.delete(look);
          act();
        };
        const fail = (why: string) =>
          finish(() => reject(new TypeError(`${why} ${what}: ${stderr}${JSON.stringify(lines.slice(-3))}`)));
        const timer = setTimeout(() => fail('no sign of'), patienceMs);
        const look = (): void => {
          const found = lines.find(wanted);
          if (found !== undefined) finish(() => resolve(found));
          else if (over) fail('it ended without');
        };
        waiting.add(look);
        look();
      }),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
    ended,
  };
}

export interface Done {
  readonly args: string;
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs `selvedge ARGS` to its end. */
export async function run(t: TestContext, args: readonly string[], input = ''): Promise<Done> {
  const running = start(t, args, input);
  const timer = setTimeout(() => void running.stop(), patienceMs);
  const code = await running.ended;
  clearTimeout(timer);
  return { args: args.join(' '), code, stderr: running.stderr() };
}

/** It ended with this exit code and said one line, in the form of the rooms' tables: code, what is wrong, cure. */
export function assertOneLine(done: Done, pattern: RegExp, exitCode = 2): void {
  const { args, code, stderr } = done;
  assert.equal(code, exitCode, `${args}\n${stderr}`);
  assertNoStack(stderr);
  assert.match(stderr, /^(?:selvedge \w+: )?[A-Z]{3}-\d{3} [^\n]+ — do: [^\n]+\n$/, `${args}\n${stderr}`);
  assert.match(stderr, pattern, `${args}\n${stderr}`);
}

export function assertNoStack(text: string): void {
  assert.doesNotMatch(text, /^\s+at /m);
  assert.doesNotMatch(text, /this is a bug/);
}

/** A configuration of an agent in `dir`, whose data folder is `dir/agent`; `more` replaces sections. Gives the path of the file. */
export function writeConfig(dir: string, more: Readonly<Record<string, unknown>> = {}): string {
  const path = join(dir, 'agent.yaml');
  const config = {
    version: 1,
    site: { id: 'site-1', timeZone: 'Asia/Dhaka' },
    gateway: { id: 'gw-1' },
    dataDir: 'agent',
    page: { port: 0 },
    log: { statusEveryS: 1 },
    ...more,
  };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

export const isListening = (line: Line): boolean => line['msg'] === 'listening' || line['event'] === 'listening';
export const isStatus = (line: Line): boolean => line['msg'] === 'status';

/** Starts an agent and waits until it works. */
export async function startAgent(t: TestContext, config: string): Promise<Running> {
  const agent = start(t, ['run', '--config', config]);
  await agent.until('its listening line', isListening);
  return agent;
}

/** A bridge with gateway gw-1 of site-1 allowed, whose password is in `dir/uplink.password`. */
export async function runBridge(
  t: TestContext,
  dir: string,
): Promise<{ readonly port: number; readonly bridge: Running }> {
  const at = ['--data-dir', join(dir, 'bridge')];
  const key = join(dir, 'gateway.pub.pem');
  const allowed = ['--gateway', 'gw-1', '--site', 'site-1', '--public-key', key];
  for (const args of [
    ['bridge', 'init', ...at],
    ['key', '--data-dir', join(dir, 'agent'), '--out', key],
    ['bridge', 'allow', ...at, ...allowed, '--password-file', join(dir, 'uplink.password')],
  ]) {
    assert.equal((await run(t, args)).code, 0, args.join(' '));
  }
  const bridge = start(t, ['bridge', 'run', ...at, '--mqtt-port', '0', '--api-port', '0']);
  const { mqtt } = await bridge.until('its listening line', isListening);
  return { port: Number(mqtt), bridge };
}

/** All rows of a query on a database, as one text each. */
export function rows(file: string, sql: string): string[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).raw().all().map(String);
  } finally {
    db.close();
  }
}

export const events = (dir: string): string[] => rows(join(dir, 'agent/journal.db'), 'SELECT boot, n, body FROM event');

/** Everything of `before` is there still. */
export function assertKept(before: readonly string[], after: readonly string[]): void {
  const now = new Set(after);
  assert.ok(before.length > 0);
  assert.deepEqual(
    before.filter((row) => !now.has(row)),
    [],
  );
}

/** Fills the data folder of `dir` as a former run of the agent would have. */
export async function fillStore(dir: string, records: number, blocks: number): Promise<void> {
  const wallMs = () => Date.now();
  const store = await openStore({ dataDir: join(dir, 'agent'), clock: { wallMs } });
  try {
    const made = Array.from({ length: records }, (_, index) => ({ lane: 'live' as const, record: event(index + 1) }));
    await store.commit(made, { urgent: true });
    const machine = 'ls-1';
    const fromMs = wallMs() - blocks * 5_000;
    const waiting: Promise<void>[] = [];
    for (let block = 0; block < blocks; block += 1) {
      const atMs = fromMs + block * 5_000;
      const readings = Array.from({ length: 20 }, (_, index) => ({
        machine,
        signal: 'spindle.speed',
        sourceTimeMs: atMs + index * 250,
        receivedTimeMs: atMs + index * 250,
        monotonicMs: atMs + index * 250,
        quality: 'good' as const,
        value: 3_000 + ((block * 37 + index * 11) % 500),
      }));
      waiting.push(store.appendRing(encodeRingBlock(machine, readings)));
      // The store takes so many at a time; what is more it drops.
      if (waiting.length % 200 === 0) await Promise.all(waiting);
    }
    await Promise.all(waiting);
  } finally {
    await store.close();
  }
}

/** Overwrites two pages in the middle of a database. */
export function damage(file: string): Buffer {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2 / 4096) * 4096;
  for (let at = middle; at < middle + 8192; at += 1) bytes[at] = (at * 31 + 7) & 0xff;
  writeFileSync(file, bytes);
  return bytes;
}

/** What is tried in processes of its own, because it can hang, block or crash. Every one is ended when its time is over. */
import { execFile, spawn } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { PackageLoad } from './checks.ts';

export type PackageName = 'better-sqlite3' | 'serialport' | 'node-opcua-client' | 'onnxruntime-node';
export type LookUp = { readonly addresses: readonly LookupAddress[] } | { readonly code: string };

/** Loading takes up to a second; what takes this long hangs. */
const loadTimeoutMs = 10_000;
const quiet = '--disable-warning=ExperimentalWarning';

/** Never rejects. */
export function loadPackage(name: PackageName, timeoutMs = loadTimeoutMs): Promise<PackageLoad> {
  const args = [quiet, join(import.meta.dirname, 'load-package.ts'), name];
  // onnxruntime would tell its maker that it was loaded.
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: '1' };
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1024 * 1024, env } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, _out, said) => {
      if (error === null) resolve({ name, problem: null });
      else if (error.killed === true)
        resolve({ name, problem: `it takes more than ${Math.round(timeoutMs / 1000)} s` });
      else
        resolve({ name, problem: firstLine(said) ?? `its process ended with ${String(error.signal ?? error.code)}` });
    });
  });
}

const firstLine = (text: string) => {
  const line = text.split('\n').find((one) => one.trim() !== '');
  return line === undefined ? null : line.trim().slice(0, 200);
};

const answerSchema = z.union([
  z.object({ host: z.string(), addresses: z.array(z.object({ address: z.string(), family: z.int() })).min(1) }),
  z.object({ host: z.string(), code: z.string() }),
]);

export interface LookUps {
  /** Addresses of a host; of an IP address itself at once. Never rejects. */
  of(host: string): Promise<LookUp>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
}

/** Looks all names up at once. A name without an answer in `timeoutMs` has the code ETIMEDOUT. */
export function lookUp(hosts: readonly string[], timeoutMs: number): LookUps {
  const names = new Map<string, { readonly answer: Promise<LookUp>; readonly settle: (answer: LookUp) => void }>();
  for (const host of hosts) {
    if (isIP(host) !== 0 || names.has(host)) continue;
    const { promise, resolve } = Promise.withResolvers<LookUp>();
    names.set(host, { answer: promise, settle: resolve });
  }
  return {
    of: (host) => names.get(host)?.answer ?? Promise.resolve({ addresses: [{ address: host, family: isIP(host) }] }),
    ended:
      names.size === 0
        ? Promise.resolve()
        : ask([...names.keys()], timeoutMs, (host, answer) => names.get(host)?.settle(answer)),
  };
}

function ask(hosts: readonly string[], timeoutMs: number, tell: (host: string, answer: LookUp) => void): Promise<void> {
  const child = spawn(process.execPath, [quiet, join(import.meta.dirname, 'look-up.ts'), ...hosts], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // Each look-up takes a thread as long as it lasts; names that hang must not keep the others waiting.
    env: { ...process.env, UV_THREADPOOL_SIZE: String(Math.min(256, Math.max(4, hosts.length))) },
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = answerSchema.safeParse(parseJson(line)).data;
    if (answer !== undefined) tell(answer.host, answer);
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const host of hosts) tell(host, { code: 'ETIMEDOUT' });
      child.kill('SIGKILL');
    }, timeoutMs);
    const over = () => {
      clearTimeout(timer);
      for (const host of hosts) tell(host, { code: 'EFAIL' });
      resolve();
    };
    child.once('error', over);
    child.once('close', over);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

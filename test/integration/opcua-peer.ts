/** Starts the asyncua knitting machine of `opcua-peer.py`; the virtual environment it needs is made once per machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requireVenv, venvPython } from '../support/python-venv.ts';

export const asyncuaPython = venvPython('asyncua');

/** True when asyncua can be used; otherwise skips `t`, or throws in CI. Takes a minute the first time. */
export const requireAsyncua = (t: TestContext): boolean => requireVenv(t, 'asyncua');

export interface PeerOrder {
  readonly set?: Readonly<Record<string, number | string>>;
  readonly status?: Readonly<Record<string, string>>;
  readonly stamp?: Readonly<Record<string, readonly [number, number]>>;
  readonly delete?: string;
  readonly drop?: true;
}

export interface OpcuaPeer {
  readonly endpoint: string;
  /** SHA-256 of its certificate; null without security. */
  readonly fingerprint: string | null;
  order(order: PeerOrder): Promise<void>;
  /** Requests so far that would change something: Write, Call and those that add or delete nodes. */
  changes(): Promise<number>;
  stop(): Promise<void>;
}

/** A port that was free a moment ago: the peer must come back on the same one after a restart. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export async function startPeer(
  port: number,
  folder: string,
  security: 'secure' | 'none' = 'secure',
): Promise<OpcuaPeer> {
  const args = [String(port), folder, ...(security === 'none' ? ['none'] : [])];
  const { fingerprint, ask, stop } = await startScript('opcua-peer.py', args);
  return {
    endpoint: `opc.tcp://127.0.0.1:${port}/knit`,
    fingerprint,
    order: async (order) => void (await ask(order)),
    changes: async () => Number((await ask({ changes: true }))['changes']),
    stop,
  };
}

/** How the machine of `opcua-odd-peer.py` is built. */
export interface OddMachine {
  readonly port: number;
  readonly folder?: string;
  readonly policy?: 'Basic256Sha256_SignAndEncrypt' | 'Aes256Sha256RsaPss_SignAndEncrypt';
  readonly namespaces?: readonly string[];
  readonly blocks?: 'direct' | 'folder' | 'deep';
  /** How far its clock is ahead, s. */
  readonly clockS?: number;
  readonly history?: true;
  readonly events?: 'server' | 'machine';
  readonly jobs?: true;
  readonly machines?: readonly string[];
  readonly users?: { readonly certificate: string };
}

export interface OddPeer {
  readonly endpoint: string;
  readonly fingerprint: string | null;
  order(order: Readonly<Record<string, unknown>>): Promise<void>;
  /** Requests so far that would change something; ConditionRefresh changes nothing. */
  changes(): Promise<number>;
  stop(): Promise<void>;
}

export async function startOddPeer(machine: OddMachine): Promise<OddPeer> {
  const { fingerprint, ask, stop } = await startScript('opcua-odd-peer.py', [JSON.stringify(machine)]);
  return {
    endpoint: `opc.tcp://127.0.0.1:${machine.port}/odd`,
    fingerprint,
    order: async (order) => void (await ask(order)),
    changes: async () => Number((await ask({}))['changes']),
    stop,
  };
}

/** A peer that says when it is ready and then answers orders, one line of JSON each. */
async function startScript(name: string, args: readonly string[]) {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(asyncuaPython, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4_000);
  });
  const waiting: ((answer: Record<string, unknown>) => void)[] = [];
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      for (const answer of waiting.splice(0)) answer({ error: `the peer ended: ${complaints}` });
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer: Record<string, unknown> = JSON.parse(line);
    waiting.shift()?.(answer);
  });
  const next = (): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  const hello = await next();
  if (hello['ready'] !== true) throw new TypeError(`the peer did not start: ${JSON.stringify(hello)}`);
  const fingerprint = hello['fingerprint'];
  const ask = async (order: object): Promise<Record<string, unknown>> => {
    const answer = next();
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const told = await answer;
    if (told['error'] !== undefined) throw new TypeError(`the peer could not: ${JSON.stringify(told['error'])}`);
    return told;
  };
  return { fingerprint: typeof fingerprint === 'string' ? fingerprint : null, ask, stop: () => end(child, exited) };
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** The agent of the page's bench: the whole one on a hundred machines, with a long history, somebody who may sign in, and the tool that breaks threads. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { agentListening } from '../demo/messages.ts';
import { launcher } from './agent-load.ts';
import { pageMachineId } from './page-names.ts';
import { BenchFailure, start, startScript, type Started } from './processes.ts';

export interface PageSetup {
  readonly machines: number;
  readonly alerts: number;
  readonly points: number;
}

/** A thread that broke: when the register changed, and when the first answer told of it. UTC ms that follow the monotonic clock. */
export interface Break {
  readonly machine: number;
  readonly changedMs: number;
  readonly readMs: number;
}
const breakShape = z.strictObject({ machine: z.int(), changedMs: z.number(), readMs: z.number() });

export interface PageAgent {
  readonly url: string;
  /** The cookie of a maintainer's session, as `name=value`. */
  readonly cookie: string;
  /** Resolves when the machine has told the break in an answer. */
  breakThread(machine: number): Promise<Break>;
  mendThread(machine: number): void;
  stop(): Promise<void>;
}

const user = { name: 'omar', password: 'twelve red bobbins' };

export async function startPageAgent(dir: string, setup: PageSetup, say: (line: string) => void): Promise<PageAgent> {
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const stack = new AsyncDisposableStack();
  try {
    say(`a history of ${setup.alerts} alerts and ${setup.points} readings`);
    const filled = startScript('page-fill.ts', [dataDir, setup.machines, setup.alerts, setup.points]);
    const { ringDropped } = z.looseObject({ ringDropped: z.int() }).parse(JSON.parse(await filled.line()));
    await filled.end();
    if (ringDropped > 0) throw new BenchFailure(`${ringDropped} blocks of the history were dropped`);
    const floor = startScript('page-floor.ts', [setup.machines]);
    stack.defer(() => floor.end());
    const ports = z.array(z.int()).parse(JSON.parse(await floor.line()));
    const config = join(dir, 'agent.yaml');
    writeFileSync(config, JSON.stringify(configOf(ports)));
    addUser(dataDir);
    const agent = start('sh', [launcher, 'run', '--config', config]);
    stack.defer(() => agent.end());
    const url = await listening(agent);
    agent.child.stdout?.resume();
    const cookie = await signIn(url);
    return {
      url,
      cookie,
      async breakThread(machine) {
        floor.child.stdin?.write(`fault ${machine}\n`);
        return breakShape.parse(JSON.parse(await floor.line()));
      },
      mendThread: (machine) => void floor.child.stdin?.write(`mend ${machine}\n`),
      stop: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const configOf = (ports: readonly number[]) => ({
  version: 1,
  site: { id: 'bench', timeZone: 'Asia/Dhaka' },
  gateway: { id: 'bench-gw' },
  machines: ports.map((port, index) => ({
    id: pageMachineId(index),
    profile: 'sewing-modbus-ref',
    line: `line-${1 + Math.floor(index / 20)}`,
    station: String(1 + (index % 20)),
    endpoint: `modbus://127.0.0.1:${port}`,
  })),
  page: { port: 0 },
});

function addUser(dataDir: string): void {
  const args = ['user', 'add', user.name, '--role', 'admin', '--data-dir', dataDir];
  const done = spawnSync('sh', [launcher, ...args], { input: `${user.password}\n`, encoding: 'utf8' });
  if (done.status !== 0) throw new BenchFailure(`selvedge user add: ${done.stderr}`);
}

async function listening(agent: Started): Promise<string> {
  for (;;) {
    const line = await agent.line();
    const found = line.startsWith('{') ? agentListening.safeParse(JSON.parse(line)) : null;
    if (found?.success === true) return found.data.page;
  }
}

async function signIn(url: string): Promise<string> {
  const answer = await fetch(`${url}/api/session/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(user),
  });
  await answer.arrayBuffer();
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
  if (cookie === undefined) throw new BenchFailure(`the page does not let ${user.name} in (${answer.status})`);
  return cookie;
}

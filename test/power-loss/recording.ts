/** An agent at work under strace, started several times on one data folder: everything it did to the folder, and what it told. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../simulators/random.ts';
import { Cloud } from '../torture/cloud.ts';
import { TortureGateway } from '../torture/gateway.ts';
import { startVerb, witnessFd } from '../torture/processes.ts';
import { tortureScenario } from '../torture/scenario.ts';
import { sentIdentities, type Sent } from './held.ts';
import { readTrace, settled, straceArguments, type Event } from './trace.ts';

/** How long each of the agents works. */
const worksMs = 5_000;
const traceEndMs = 20_000;

export interface Recording {
  readonly dataDir: string;
  /** What was in the folder before, by path. */
  readonly before: ReadonlyMap<string, Buffer>;
  /** Of one agent after the other. */
  readonly sessions: readonly (readonly Event[])[];
  readonly sent: Sent;
}

/**
 * Records three agents: one with a bridge, killed; one that finds the bridge away and has it back, stopped; one more, killed. So the
 * folder sees a first start, a start after a kill and one after a stop, sealed, answered and waiting batches, and checkpoints.
 */
export async function record(dir: string, seed: number, agentEnvironment: NodeJS.ProcessEnv = {}): Promise<Recording> {
  const stack = new AsyncDisposableStack();
  try {
    let failed: string | null = null;
    const onGone = (why: string) => void (failed ??= why);
    const cloud = new Cloud({ dir, environment: {}, onGone });
    stack.defer(() => cloud.stop());
    const sent = new Map<string, readonly string[]>();
    const traces: { readonly file: string; after: ReadonlyMap<string, Buffer> }[] = [];
    const gateway = new TortureGateway({
      dir,
      name: 'agent',
      random: createRandom(seed, 'proxy'),
      brokerPort: () => cloud.port,
      environment: () => agentEnvironment,
      under: () => straceArguments(traces.at(-1)?.file ?? ''),
      onBatch: (payload) => void sent.set(...sentIdentities(payload)),
      onGone,
    });
    stack.defer(() => gateway.stop());
    await cloud.prepare(gateway.dataDir);
    await cloud.start('embedded');
    writeFileSync(join(dir, 'floor.yaml'), JSON.stringify(tortureScenario(seed, 120)));
    const files = ['--truth', join(dir, 'truth.jsonl'), '--endpoints', join(dir, 'endpoints.json')];
    const floor = startVerb('floor', ['simulate', join(dir, 'floor.yaml'), '--seed', String(seed), ...files], onGone);
    stack.defer(async () => void (await floor.end('SIGKILL')));
    await floor.line('listening floor', (line) => line['event'] === 'listening');
    await gateway.prepare();
    const before = filesIn(gateway.dataDir);

    const session = async (end: NodeJS.Signals, work: () => Promise<void>) => {
      const trace = { file: join(dir, `trace-${traces.length}.txt`), after: before };
      traces.push(trace);
      gateway.start();
      const { pid } = gateway;
      await work();
      await delay(worksMs);
      await gateway.kill(end);
      await written(trace.file, pid);
      trace.after = filesIn(gateway.dataDir);
    };
    await session('SIGKILL', () => gateway.connected());
    await cloud.killWorker();
    await session('SIGTERM', async () => {
      await delay(worksMs);
      await cloud.startWorker();
      await gateway.connected();
    });
    await session('SIGKILL', () => gateway.connected());
    if (failed !== null) throw new TypeError(failed);
    const sessions = traces.map(({ file, after }) =>
      settled(readTrace(readFileSync(file, 'latin1'), gateway.dataDir, witnessFd), after),
    );
    return { dataDir: gateway.dataDir, before, sessions, sent };
  } finally {
    await stack.disposeAsync();
  }
}

function filesIn(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path)]),
  );
}

/** strace writes on after its process is gone. */
async function written(trace: string, pid: number | null): Promise<void> {
  const endMs = performance.now() + traceEndMs;
  const end = new RegExp(String.raw`^${pid} +\+\+\+ `, 'm');
  while (!end.test(readFileSync(trace, 'latin1').slice(-10_000))) {
    if (performance.now() > endMs) throw new TypeError(`${trace} has no end`);
    await delay(50);
  }
}

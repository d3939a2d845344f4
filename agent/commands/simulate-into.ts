/** Data sets of the simulators for what is measured on them: written by `selvedge simulate`, a process of its own, and removed when judged. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../errors.ts';

const launcher = fileURLToPath(new URL('../bin/selvedge', import.meta.url));
const mostSaid = 2000;

/** Drawn and judged at a time. */
const lanes = 2;

export interface SimulatedPart {
  /** Of its folder and of what is said of it. */
  readonly name: string;
  readonly seed: number;
  readonly generator: 'a' | 'b';
  /** As a scenario file has it. */
  readonly scenario: Readonly<Record<string, unknown>>;
}

/**
 * Has part after part simulated and judged, two at a time; nothing of them stays on the disk.
 * @param judge gets the folder of a whole data set
 * @throws AgentError `simulatorFailed`, and as `judge` does
 */
export async function judgeSimulated<P extends SimulatedPart>(
  parts: readonly P[],
  judge: (dir: string, part: P) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-trials-'));
  try {
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let part = parts[next]; part !== undefined && !signal.aborted; part = parts[next]) {
        next += 1;
        const dir = join(folder, part.name);
        await simulateInto(dir, part, signal);
        await judge(dir, part);
        rmSync(dir, { recursive: true, force: true });
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function simulateInto(
  dir: string,
  { scenario, seed, generator }: SimulatedPart,
  signal: AbortSignal,
): Promise<void> {
  const file = `${dir}.yaml`;
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(scenario));
  const words = ['simulate', file, '--dataset', dir, '--seed', String(seed), '--generator', generator];
  const child = spawn('sh', [launcher, ...words], { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-mostSaid)));
  const { promise, resolve } = Promise.withResolvers<string | null>();
  child.once('error', (error) => resolve(error.message));
  child.once('close', (code) => resolve(code === 0 ? null : said.trim() || `exit code ${code}`));
  const problem = await promise;
  if (problem !== null) throw new AgentError('simulatorFailed', problem);
}

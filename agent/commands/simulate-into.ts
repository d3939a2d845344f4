/** Data sets of the simulators for what is measured on them: written by `selvedge simulate`, a process of its own. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../errors.ts';

const launcher = fileURLToPath(new URL('../bin/selvedge', import.meta.url));
const mostSaid = 2000;

export interface Simulated {
  /** As a scenario file has it. */
  readonly scenario: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly generator: 'a' | 'b';
  /** Is made; the scenario is written beside it. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

/** Resolves when the data set is whole. @throws AgentError `simulatorFailed` */
export async function simulateInto({ scenario, seed, generator, dir, signal }: Simulated): Promise<void> {
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

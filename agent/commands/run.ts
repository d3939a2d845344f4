/** `selvedge run`: the agent itself, until SIGINT or SIGTERM. */
import { parseArgs } from 'node:util';
import { AgentError, agentErrors } from '../errors.ts';
import { runAgent } from '../main.ts';

export const help = `Usage: selvedge run --config FILE [--endpoints FILE]

Runs the agent until Ctrl-C. The log is JSON lines on standard output; what is meant for a person goes to standard error.

  --config FILE      the configuration (selvedge check FILE tells whether it can be used)
  --endpoints FILE   where the machines answer, laid over the configuration

Exit code: 0 stopped by a signal, 2 it could not start.
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, endpoints: { type: 'string' } },
  });
  if (values.config === undefined) throw new AgentError('usage', 'run needs --config FILE');
  // The MQTT library keeps a two-byte buffer for every length of a packet it has met. Cut from Node's shared pool, each holds a
  // whole slab of it: a gigabyte in some weeks. Without the pool each holds its two bytes.
  Buffer.poolSize = 0;
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const options = {
    configPath: values.config,
    ...(values.endpoints === undefined ? {} : { endpointsPath: values.endpoints }),
    terminal: (line: string) => void process.stderr.write(`${line}\n`),
  };
  // Settings from afar may want a new start. One that fails for a trial is made once more without it, which takes the trial back.
  for (let trial: string | null = null; ;) {
    try {
      const again = await runAgent({ ...options, trial }, abort.signal);
      if (again === null) return 0;
      trial = again.trial;
    } catch (error) {
      if (trial === null) throw error;
      trial = null;
      const { code, meaning, cure } = agentErrors.trialFailed;
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(`${why}\n${code} ${meaning} — do: ${cure}\n`);
    }
  }
}

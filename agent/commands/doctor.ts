/** `selvedge doctor`: is everything there that the agent needs, and if not, what is to be done. */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { examine } from '../doctor/examine.ts';
import { exitCodeOf, lineOf } from '../doctor/report.ts';
import { AgentError } from '../errors.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge doctor [--config FILE] [--endpoints FILE] [--json FILE]

Checks this computer and, with --config, all that the configuration needs: folder, disk, keys, secrets, ports, machines and
the uplink. Prints one line for each check, and what to do for each that failed. Changes nothing and sends nothing: each
machine on the network gets one connection that is closed at once, a serial port is looked at and not opened.

  --config FILE      the agent's configuration
  --endpoints FILE   lay the endpoints file over it, as selvedge run does
  --json FILE        also write {ok, checks:[{id, ok, detail, cure}]}; cure is null for a check that is ok

Exit code: 0 all is well, 1 a check failed, 2 usage or a configuration that cannot be used.
`;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { config: text, endpoints: text, json: text } });
  if (values.endpoints !== undefined && values.config === undefined) {
    throw new AgentError('usage', '--endpoints FILE needs --config FILE');
  }
  const report = await examine({
    ...(values.config === undefined ? {} : { configPath: values.config }),
    ...(values.endpoints === undefined ? {} : { endpointsPath: values.endpoints }),
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    environment: process.env,
    uid: process.getuid?.() ?? 0,
  });
  process.stdout.write(report.checks.map((check) => `${lineOf(check)}\n`).join(''));
  if (values.json !== undefined) writeJsonFile(values.json, report);
  return exitCodeOf(report);
}

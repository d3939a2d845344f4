/** `selvedge check FILE`: every mistake of a configuration at once. */
import { parseArgs } from 'node:util';
import { ConfigErrors, formatIssue, loadConfig, type Config, type ConfigIssue } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge check FILE [--endpoints FILE] [--json FILE]

Checks a configuration file and prints every mistake with line, column, what is wrong and what would be right.

  --endpoints FILE   lay the endpoints file over it, as selvedge run does
  --json FILE        also write {ok, file, issues:[{file, line, column, path, what, right}]}

Exit code: 0 it can be used, 2 it cannot.
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { endpoints: { type: 'string' }, json: { type: 'string' } },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new AgentError('usage', 'check takes one FILE');
  const report = (ok: boolean, issues: readonly ConfigIssue[]) => {
    if (values.json !== undefined) writeJsonFile(values.json, { ok, file, issues });
  };
  try {
    const config = loadConfig(file, values.endpoints === undefined ? {} : { endpoints: values.endpoints });
    process.stdout.write(`${file} can be used: ${summary(config)}\n`);
    report(true, []);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigErrors)) {
      report(false, []);
      throw error;
    }
    for (const issue of error.issues) process.stderr.write(`${formatIssue(issue)}\n`);
    process.stderr.write(
      `${file} cannot be used: ${error.issues.length} ${error.issues.length === 1 ? 'mistake' : 'mistakes'}\n`,
    );
    report(false, error.issues);
    return 2;
  }
}

function summary(config: Config): string {
  const count = config.machines.length;
  const machines = `${count} ${count === 1 ? 'machine' : 'machines'}`;
  const uplink = config.uplink === null ? 'no uplink' : `uplink ${config.uplink.brokers.join(', ')}`;
  return `site ${config.site.id} (${config.site.timeZone}), ${machines}, ${uplink}`;
}

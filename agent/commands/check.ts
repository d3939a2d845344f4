/** `selvedge check FILE`: every mistake of a configuration at once. */
import { parseArgs } from 'node:util';
import {
  ConfigErrors,
  formatIssue,
  loadWithRemote,
  type Config,
  type ConfigIssue,
  type RemoteReport,
} from '../config/load.ts';
import { pathText } from '../config/remote-fields.ts';
import { examineCertificate } from '../doctor/certificate.ts';
import { AgentError } from '../errors.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge check FILE [--endpoints FILE] [--json FILE]

Checks a configuration file and prints every mistake with line, column, what is wrong and what would be right.

  --endpoints FILE   lay the endpoints file over it, as selvedge run does
  --json FILE        also write {ok, file, issues:[{file, line, column, path, what, right}]}, and remote where something
                     was set from afar

Where the page is open to other computers, a certificate of it that is missing or ends soon is told, too.

What was set from afar is laid over the file, as selvedge run does, and listed; what the file itself says otherwise since then counts.

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
  const report = (ok: boolean, issues: readonly ConfigIssue[], remote: RemoteReport | null = null) => {
    const isSet = remote !== null && (remote.settings.length > 0 || remote.problem !== null || remote.trial !== null);
    if (values.json !== undefined) writeJsonFile(values.json, { ok, file, issues, ...(isSet ? { remote } : {}) });
  };
  try {
    const endpoints = values.endpoints === undefined ? {} : { endpoints: values.endpoints };
    const { config, remote } = loadWithRemote(file, endpoints);
    process.stdout.write(`${file} can be used: ${summary(config)}\n`);
    process.stdout.write(remoteText(remote));
    for (const { ok, detail, cure } of examineCertificate(config, Date.now())) {
      if (!ok) process.stdout.write(`page certificate: ${detail} — do: ${cure ?? ''}\n`);
    }
    report(true, [], remote);
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

const effects = {
  applied: '',
  overridden: ' — passed over: the file says otherwise since then',
  'not-remote': ' — passed over: this version lets nobody set it from afar',
} as const;

/** What was set from afar, one setting a line. */
function remoteText({ settings, problem, trial }: RemoteReport): string {
  const lines = settings.map(({ setting, state }) => {
    const { path, value, by, atMs } = setting;
    const when = `${new Date(atMs).toISOString()} by ${by}`;
    return `from afar: ${pathText(path)} = ${JSON.stringify(value)}, set ${when}${effects[state]}`;
  });
  if (trial !== null)
    lines.push(`from afar: ${trial.id} by ${trial.by} is on trial and counts only for the agent that runs it`);
  if (problem !== null) lines.push(`from afar: nothing counts: ${problem}`);
  return lines.map((line) => `${line.replaceAll(/\p{C}/gu, '?')}\n`).join('');
}

function summary(config: Config): string {
  const count = config.machines.length;
  const machines = `${count} ${count === 1 ? 'machine' : 'machines'}`;
  const uplink = config.uplink === null ? 'no uplink' : `uplink ${config.uplink.brokers.join(', ')}`;
  return `site ${config.site.id} (${config.site.timeZone}), ${machines}, ${uplink}`;
}

/** `selvedge restore`: puts a backup in the place of a data folder. The agent is stopped meanwhile. */
import { parseArgs } from 'node:util';
import { restore } from '../backup/restore.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge restore DIR (--config FILE | --data-dir FOLDER) [--json FILE]

Puts the backup DIR in the place of the data folder. The agent must not run. All of the backup is checked first; what is in the
folder is set aside in it as before-restore-<time>, and nothing is overwritten. Killed at any moment, the folder is the old one or
the restored one at the next start.

  --config FILE        the agent's configuration; its dataDir is restored
  --data-dir FOLDER    the data folder itself, made where there is none (also --data)
  --json FILE          also write {ok, dataDir, from, madeMs, files, setAside, key, config}

key is restored, kept (the backup has none, the folder had one) or none (the agent makes a new one at its start, which the bridge
must be told of: selvedge key). The configuration of the backup lies in the folder as config-of-backup.

Exit code: 0 restored, 2 usage, a backup or folder that cannot be used, or an agent that runs.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { config: text, 'data-dir': text, data: text, json: text },
  });
  const [from, ...more] = positionals;
  if (from === undefined || more.length > 0) throw new AgentError('usage', 'restore takes one DIR');
  const given = values['data-dir'] ?? values.data;
  if ((values.config === undefined) === (given === undefined))
    throw new AgentError('usage', 'give either --config FILE or --data-dir FOLDER');
  const dataDir = given ?? loadConfig(values.config ?? '').dataDir;
  const { manifest, setAside, key, config } = restore({ from, dataDir, nowMs: Date.now() });
  const { madeMs } = manifest;
  const files = manifest.files.length;
  const lines = [
    `${dataDir} is the backup of ${new Date(madeMs).toISOString()}: ${files} files`,
    setAside === null ? 'there was nothing before' : `what was there is in ${setAside}`,
    ...(key === 'none'
      ? ['it has no key: the agent makes one at its start, and the bridge must be told (selvedge key)']
      : []),
    ...(config === null ? [] : [`the configuration of then is in ${config}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (values.json !== undefined)
    writeJsonFile(values.json, { ok: true, dataDir, from, madeMs, files, setAside, key, config });
  return 0;
}

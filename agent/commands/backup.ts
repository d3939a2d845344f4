/** `selvedge backup`: a copy of the data folder from which a gateway can be set up again. Works beside a running agent. */
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { Pace } from '../backup/disk.ts';
import { makeBackup } from '../backup/make.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { agentVersion } from '../version.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge backup DIR (--config FILE | --data-dir FOLDER) [--without-key] [--with-ring]
                       [--max-mib-per-s N] [--json FILE]

Copies the data folder to the new folder DIR, beside a running agent: journal (events, alerts, summaries, what waits to be sent),
keys, users, certificates, evidence, and the configuration file. Machines are polled and records stored meanwhile.

  --config FILE        the agent's configuration; it is copied, and its dataDir is what is backed up
  --endpoints FILE     the endpoints file that selvedge run is given, copied too
  --data-dir FOLDER    the data folder itself (also --data); no configuration is copied
  --without-key        leave out private keys and the page's users: for a backup that others can read
  --with-ring          also the raw readings of the last days (ring.db)
  --max-mib-per-s N    copy at most so much per second (16); 0: as fast as it goes
  --json FILE          also write {ok, path, madeMs, bytes, files, gone, key, ring, lastBoot, tookMs}

The key is in the backup unless it is left out: with it the restored gateway is the same to its bridge, without it the bridge must
be told of a new one. Keep the backup as safe as the gateway. What a file: or env: reference of the configuration names is not in it.

Exit code: 0 made, 2 usage, a folder that cannot be used, no room, or damage.
`;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: text,
      endpoints: text,
      'data-dir': text,
      data: text,
      'without-key': flag,
      'with-ring': flag,
      'max-mib-per-s': { ...text, default: '16' },
      json: text,
    },
  });
  const [to, ...more] = positionals;
  if (to === undefined || more.length > 0) throw new AgentError('usage', 'backup takes one DIR');
  const mibPerS = Number(values['max-mib-per-s']);
  if (!(mibPerS >= 0)) throw new AgentError('usage', '--max-mib-per-s takes a number from 0 on');
  const source = sourceOf(values.config, values.endpoints, values['data-dir'] ?? values.data);
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  beModest();
  const fromMs = performance.now();
  const { manifest, bytes, gone } = await makeBackup({
    ...source,
    to,
    withKey: !values['without-key'],
    withRing: values['with-ring'],
    agentVersion,
    nowMs: Date.now(),
    pace: new Pace(mibPerS * 1024 * 1024),
    signal: abort.signal,
  });
  const { madeMs, lastBoot, hasKey: key, hasRing: ring } = manifest;
  const tookMs = Math.round(performance.now() - fromMs);
  const files = manifest.files.length;
  process.stdout.write(
    `${to}: ${files} files, ${(bytes / 1024 / 1024).toFixed(1)} MiB, ${(tookMs / 1000).toFixed(1)} s\n` +
      (key
        ? 'the gateway’s private key is in it: keep it as safe as the gateway\n'
        : 'private keys and users are not in it\n'),
  );
  if (values.json !== undefined)
    writeJsonFile(values.json, { ok: true, path: to, madeMs, bytes, files, gone, key, ring, lastBoot, tookMs });
  return 0;
}

function sourceOf(
  config: string | undefined,
  endpoints: string | undefined,
  dataDir: string | undefined,
): { readonly dataDir: string; readonly config: readonly string[] } {
  if ((config === undefined) === (dataDir === undefined))
    throw new AgentError('usage', 'give either --config FILE or --data-dir FOLDER');
  if (dataDir !== undefined) return { dataDir, config: [] };
  const files = [config ?? '', ...(endpoints === undefined ? [] : [endpoints])];
  return { dataDir: loadConfig(config ?? '', endpoints === undefined ? {} : { endpoints }).dataDir, config: files };
}

/** After the agent in everything: its polls have a beat to keep. */
function beModest(): void {
  try {
    setPriority(19);
  } catch {
    // Not allowed here; the pace of the copy is bounded all the same.
  }
}

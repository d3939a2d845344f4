/** `selvedge key`: the public key of this gateway, to be given to the bridge. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { gatewayKeys } from '../sync/keys.ts';

export const help = `Usage: selvedge key (--config FILE | --data-dir DIR) [--out FILE]

Prints the public key of this gateway (PEM), made at the first call. The bridge needs it:
selvedge bridge allow --gateway ID --site SITE --public-key FILE …

  --config FILE    the agent's configuration; its dataDir holds the key
  --data-dir DIR   the data folder itself
  --out FILE       write the key to FILE instead

Exit code: 0 good, 2 usage or a key or folder that cannot be used.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => printKey(args));
}

function printKey(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { config: text, 'data-dir': text, out: text } });
  const { publicPem } = gatewayKeys(dataDirOf(values.config, values['data-dir']));
  if (values.out === undefined) process.stdout.write(publicPem);
  else writeKey(values.out, publicPem);
  return 0;
}

function dataDirOf(config: string | undefined, dataDir: string | undefined): string {
  if ((config === undefined) === (dataDir === undefined)) {
    throw new AgentError('usage', 'give either --config FILE or --data-dir DIR');
  }
  return dataDir ?? loadConfig(config ?? '').dataDir;
}

function writeKey(path: string, pem: string): void {
  try {
    writeFileSync(path, pem);
  } catch (error) {
    throw new AgentError('fileUnwritable', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

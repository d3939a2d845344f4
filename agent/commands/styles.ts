/** `selvedge styles`: what the eye was taught, and how it gets to another gateway. Works beside a running agent. */
import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { trustedKeys } from '../models/trust.ts';
import {
  exportStyle,
  fabricPattern,
  importStyle,
  listStyles,
  readStyle,
  styleVersions,
  type StyleDescription,
} from '../senses/styles.ts';
import { gatewayKeys } from '../sync/keys.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge styles list --config FILE [--json FILE]
       selvedge styles export --config FILE --machine M --fabric F --to DIR [--version N] [--json FILE]
       selvedge styles import --config FILE --machine M --from DIR [--site-key FILE] [--json FILE]

What the eye was taught (selvedge teach vision), by machine and fabric, in versions: the newest is used, five are kept.

  list      every version that is here
  export    a copy in a new folder, signed with this gateway's key; --version N takes an older one than the newest
  import    takes a copy as the next version for machine M. It must be signed by this gateway or by a key of the site (models.siteKeys,
            or --site-key FILE with the public key of the gateway it comes from: selvedge key prints it). From then on this gateway's
            key signs it. How the camera stood is taken over for the same machine alone

An imported style fits where camera, distance, light and cloth are the same. Where they are not, teach anew: it takes seconds.

  --json FILE   also write {items:[{machine, fabric, version, taughtMs, model, images}]} (list) or {ok, machine, fabric, version, …}

Exit code: 0 good, 1 refused, 2 wrong usage or a folder that cannot be used.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: text,
      machine: text,
      fabric: text,
      version: text,
      to: text,
      from: text,
      'site-key': { type: 'string', multiple: true, default: [] },
      json: text,
    },
  });
  const [action] = positionals;
  if (positionals.length !== 1 || values.config === undefined) {
    throw new AgentError('usage', 'styles takes list, export or import, and --config');
  }
  const config = loadConfig(values.config);
  const { dataDir } = config;
  const tell = (report: object): void => {
    if (values.json !== undefined) writeJsonFile(values.json, report);
  };
  const keys = gatewayKeys(dataDir);
  if (action === 'list') {
    const items = listStyles(dataDir).flatMap(({ machine, fabric }) =>
      styleVersions(dataDir, machine, fabric).map((version) =>
        itemOf(readStyle(dataDir, machine, fabric, keys.publicKey, version).description),
      ),
    );
    for (const { machine, fabric, version, taughtMs, model, images } of items) {
      const when = new Date(taughtMs).toISOString();
      process.stdout.write(`${machine}  ${fabric}  version ${version}  ${when}  ${images} pictures  ${model}\n`);
    }
    if (items.length === 0) process.stdout.write('nothing was taught here\n');
    tell({ items });
    return 0;
  }
  const { machine } = values;
  if (machine === undefined || !config.machines.some(({ id }) => id === machine)) {
    throw new AgentError('usage', `--machine: a machine of ${values.config}`);
  }
  try {
    const done =
      action === 'export'
        ? exported(dataDir, machine, values, keys)
        : action === 'import'
          ? imported(dataDir, machine, values.from, values['site-key'], config.models.siteKeys, keys)
          : null;
    if (done === null) throw new AgentError('usage', 'styles takes list, export or import');
    process.stdout.write(`${done.machine} ${done.fabric} version ${done.version}\n`);
    tell({ ok: true, ...itemOf(done) });
    return 0;
  } catch (error) {
    if (!(error instanceof Error && 'entry' in error) || isUsage(error)) throw error;
    const { code, cure } = error.entry as { readonly code: string; readonly cure: string };
    process.stderr.write(`${error.message} — do: ${cure}\n`);
    tell({ ok: false, code, message: error.message, cure });
    return 1;
  }
}

type Keys = ReturnType<typeof gatewayKeys>;

function exported(
  dataDir: string,
  machine: string,
  { fabric, to, version }: { readonly fabric?: string; readonly to?: string; readonly version?: string },
  { privateKey, publicKey }: Keys,
): StyleDescription {
  if (fabric === undefined || !fabricPattern.test(fabric) || to === undefined) {
    throw new AgentError('usage', 'styles export takes --fabric and --to');
  }
  const wanted = version === undefined ? undefined : Number(version);
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1)) {
    throw new AgentError('usage', '--version: a number that styles list shows');
  }
  const style = readStyle(dataDir, machine, fabric, publicKey, wanted);
  exportStyle(style, resolve(to), privateKey);
  return style.description;
}

function imported(
  dataDir: string,
  machine: string,
  from: string | undefined,
  named: readonly string[],
  siteKeys: Parameters<typeof trustedKeys>[1],
  { privateKey }: Keys,
): StyleDescription {
  if (from === undefined) throw new AgentError('usage', 'styles import takes --from');
  const given = named.map((file) => ({ file, fingerprint: null }));
  const { site } = trustedKeys(dataDir, [...siteKeys, ...given]);
  return importStyle(dataDir, resolve(from), machine, [createPublicKey(privateKey), ...site], privateKey);
}

const isUsage = (error: Error): boolean => error instanceof AgentError && error.entry.code === 'AGT-103';

const itemOf = ({ machine, fabric, version, taughtMs, model, images }: StyleDescription) => ({
  machine,
  fabric,
  version,
  taughtMs,
  model,
  images,
});

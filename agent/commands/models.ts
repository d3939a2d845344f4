/** `selvedge models`: which models this gateway has and uses. Works beside a running agent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ModelError } from '../../models/errors.ts';
import { accelerators, chooseAccelerator } from '../../models/package/accelerator.ts';
import { runGolden } from '../../models/package/golden.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { modelId } from '../../models/package/manifest.ts';
import type { Check, Verdict } from '../../models/package/verify.ts';
import { isVersion } from '../../models/package/version.ts';
import type { SiteKey } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { InstalledModels, PackageRefused, type ListedModel, type Outcome } from '../models/installed.ts';
import type { ShadowCounts } from '../models/shadow-file.ts';
import { trustedKeys } from '../models/trust.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge models list                     WHERE
       selvedge models verify FOLDER|MODEL      [WHERE]
       selvedge models install FOLDER|ID        WHERE
       selvedge models shadow MODEL|ID --off    WHERE
       selvedge models activate MODEL           WHERE
       selvedge models rollback ID              WHERE
       selvedge models export MODEL FOLDER      WHERE
       selvedge models accelerators FOLDER|MODEL [--accelerator NAME] [WHERE]

  list       every installed version, its state, and when its trial ends
  verify     signature, every file and the golden samples of a package
  install    verify a package, run its golden samples on this computer, and keep it; nothing else changes
  shadow     run it beside the one in use: what it finds is counted and told nobody
  activate   use it, on trial: confirmed after 24 hours of healthy running, taken back when its process crashes 3 times
  rollback   back to the version that was in use before
  export     a copy of an installed package in a new folder, for another gateway
  accelerators  what the model would run on here: each is tried with the golden samples, and its time with that of the cpu

  FOLDER           a package; install also takes the ID of one that comes with this version of the agent
  MODEL            ID@VERSION; or ID: what runs in the shadow (activate), is in use (verify, export), or else the newest
  WHERE            --config FILE (its dataDir and models.siteKeys) or --data-dir DIR
  --accelerator N  auto (default), cuda, tensorrt, webgpu, coreml, directml or cpu
  --site-key FILE  also trust this public key (PEM) for packages of the site; may be given several times
  --json FILE      also write {items:[{id, version, task, state, signedBy, trialEndsMs, takenBack, shadow}]} (list), {ok, id, version, checks} (verify)
                   {ok, id, version, chosen, reason, tried} (accelerators) or {ok, id, version, state, trialEndsMs, active}; of what was refused also {code, message, cure, checks}

An older version than the one in use is refused; back goes only rollback, on this computer.

Exit code: 0 good, 1 refused or a failed check, 2 usage or a folder that cannot be used.
`;

const actions = ['list', 'verify', 'install', 'shadow', 'activate', 'rollback', 'export', 'accelerators'] as const;
type Action = (typeof actions)[number];

interface Asked {
  readonly action: Action;
  readonly words: readonly string[];
  readonly off: boolean;
}

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [word, ...words] = positionals;
  const action = actions.find((known) => known === word);
  if (action === undefined) throw new AgentError('usage', `say ${actions.join(', ')}`);
  const { dataDir, siteKeys } = await placeOf(action, values);
  const models = new InstalledModels({
    dataDir: dataDir ?? '',
    trusted: trustedKeys(dataDir, siteKeys),
    golden: runGolden,
    now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
    wallMs: () => Date.now(),
  });
  const json = (value: unknown): void => {
    if (values.json !== undefined) writeJsonFile(values.json, value);
  };
  const asked = { action, words, off: values.off };
  if (action === 'list') {
    takes(asked, 0);
    const items = models.list();
    process.stdout.write(items.length === 0 ? 'no model is installed\n' : items.map(lineOf).join(''));
    json({ items });
    return 0;
  }
  if (action === 'verify') {
    takes(asked, 1);
    return told(await models.verify(folderOf(models, dataDir, words[0] ?? '')), json);
  }
  try {
    if (action === 'accelerators') {
      json(await tellAccelerators(models, dataDir, asked, values.accelerator));
      return 0;
    }
    const outcome = await carryOut(models, asked);
    process.stdout.write(`${said(action, outcome)}\n`);
    json({ ok: true, ...outcome });
    return 0;
  } catch (error) {
    const refused = refusalOf(error, asked, models);
    if (refused === null) throw error;
    process.stderr.write(`${refused.message} — do: ${refused.cure}\n`);
    json(refused);
    return 1;
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: text,
      'data-dir': text,
      'site-key': { type: 'string', multiple: true, default: [] },
      off: { type: 'boolean', default: false },
      accelerator: { type: 'string', default: 'auto' },
      json: text,
    },
  });
}

/** A package can be verified where there is no gateway. */
async function placeOf(
  action: Action,
  values: ReturnType<typeof parse>['values'],
): Promise<{ readonly dataDir: string | null; readonly siteKeys: readonly SiteKey[] }> {
  const { config, 'data-dir': given } = values;
  const named = values['site-key'].map((file) => ({ file, fingerprint: null }));
  if (config !== undefined && given === undefined) {
    const { loadConfig } = await import('../config/load.ts');
    const { dataDir, models } = loadConfig(config);
    return { dataDir, siteKeys: [...models.siteKeys, ...named] };
  }
  if (config === undefined && (given !== undefined || action === 'verify' || action === 'accelerators')) {
    return { dataDir: given ?? null, siteKeys: named };
  }
  throw new AgentError('usage', 'give either --config FILE or --data-dir DIR');
}

function takes({ action, words, off }: Asked, count: number): void {
  if (words.length !== count) throw new AgentError('usage', `models ${action} takes ${count} words after it`);
  if (off && action !== 'shadow') throw new AgentError('usage', '--off is for models shadow');
}

async function carryOut(models: InstalledModels, asked: Asked): Promise<Outcome> {
  const { action, off } = asked;
  const [what = '', more = ''] = asked.words;
  switch (action) {
    case 'install':
      takes(asked, 1);
      return models.install(packageFolder(what));
    case 'shadow': {
      takes(asked, 1);
      const { id, version } = modelOf(what);
      return models.shadow(id, off ? null : (version ?? models.newest(id)));
    }
    case 'activate': {
      takes(asked, 1);
      const { id, version } = modelOf(what);
      return models.activate(id, version ?? models.next(id));
    }
    case 'rollback': {
      takes(asked, 1);
      const { id, version } = modelOf(what);
      if (version !== null) throw new AgentError('usage', 'models rollback takes the ID alone: there is one way back');
      return models.rollBack(id);
    }
    case 'export': {
      takes(asked, 2);
      const { id, version } = modelOf(what);
      return models.export(id, version ?? models.present(id), more);
    }
    default:
      throw new AgentError('usage', `say ${actions.join(', ')}`);
  }
}

async function tellAccelerators(models: InstalledModels, dataDir: string | null, asked: Asked, name: string) {
  takes(asked, 1);
  const wanted = accelerators.find((known) => known === name);
  if (wanted === undefined) throw new AgentError('usage', `--accelerator takes ${accelerators.join(', ')}`);
  const folder = folderOf(models, dataDir, asked.words[0] ?? '');
  const manifest = models.mustBeSound(folder);
  const verdict = await chooseAccelerator(folder, manifest, wanted);
  for (const { accelerator, ok, medianMs, worst, detail } of verdict.tried) {
    const ran = ok
      ? `${(medianMs ?? 0).toFixed(2)} ms a run, at most ${worst ?? 0} from the golden outputs`
      : 'not here';
    process.stdout.write(printable(`${accelerator.padEnd(9)} ${ran}${detail === null ? '' : ` (${detail})`}`) + '\n');
  }
  process.stdout.write(printable(`chosen: ${verdict.chosen} — ${verdict.reason}`) + '\n');
  return { ok: true, id: manifest.id, version: manifest.version, ...verdict };
}

/** `ID` or `ID@VERSION`. @throws AgentError `usage` */
function modelOf(text: string): { readonly id: string; readonly version: string | null } {
  const [id = '', version = null, ...more] = text.split('@');
  const isModel = modelId.safeParse(id).success && (version === null || isVersion(version)) && more.length === 0;
  if (!isModel) throw new AgentError('usage', `${text} is no ID and no ID@VERSION`);
  return { id, version };
}

/** A folder, or the name of a package that comes with the agent. */
function packageFolder(text: string): string {
  if (existsSync(text) || !modelId.safeParse(text).success) return text;
  const shipped = join(shippedPackages, text);
  return existsSync(shipped) ? shipped : text;
}

/** Of `verify`: a folder, an installed model, or a package that comes with the agent. */
function folderOf(models: InstalledModels, dataDir: string | null, text: string): string {
  if (existsSync(text)) return text;
  const shipped = packageFolder(text);
  const isModel = modelId.safeParse(text.split('@')[0]).success;
  if (dataDir === null || !isModel) return shipped;
  const { id, version } = modelOf(text);
  const isInstalled = models.list().some((one) => one.id === id);
  return isInstalled ? models.folderOf(id, version ?? models.present(id)) : shipped;
}

function told({ ok, manifest, checks }: Verdict, json: (value: unknown) => void): number {
  for (const check of checks) process.stdout.write(`${lineOfCheck(check)}\n`);
  json({ ok, id: manifest?.id ?? null, version: manifest?.version ?? null, checks: checks.map(plainCheck) });
  return ok ? 0 : 1;
}

const plainCheck = ({ id, ok, detail, cure }: Check) => ({ id, ok, detail, cure });

/** Names and messages come from files: no control character of theirs reaches the terminal. */
const printable = (text: string) => text.replaceAll(/\p{C}/gu, '?');

function lineOfCheck({ id, ok, detail, cure }: Check): string {
  const said = `${ok ? 'ok  ' : 'FAIL'} ${id}  ${detail}`;
  return printable(cure === null ? said : `${said} — do: ${cure}`);
}

function lineOf({ id, version, task, state, signedBy, trialEndsMs, takenBack, shadow }: ListedModel): string {
  const until = trialEndsMs === null ? '' : ` until ${new Date(trialEndsMs).toISOString()}`;
  const back = takenBack ? ', was taken back once' : '';
  const line = `${state.padEnd(9)} ${id}@${version}  ${task ?? 'damaged'}  signed by ${signedBy ?? 'nobody'}${until}${back}\n`;
  return shadow === null ? line : `${line}${' '.repeat(10)}${printable(shadowWords(shadow))}\n`;
}

function shadowWords({ beside, pictures, dropped, tiles, msPerPicture, ended, untaught }: ShadowCounts): string {
  const { both, onlyActive, onlyShadow, neither } = tiles;
  const ms = (one: number | null) => (one === null ? '–' : one.toFixed(1));
  const found = `tiles above the threshold: both ${both}, only ${beside} ${onlyActive}, only this ${onlyShadow}, of ${both + onlyActive + onlyShadow + neither}`;
  const time = `${ms(msPerPicture.shadow)} ms a picture against ${ms(msPerPicture.active)}`;
  const end = ended === null ? '' : `; its process ended (${ended})`;
  const missing = untaught.length === 0 ? '' : `; not taught with it: ${untaught.join(', ')}`;
  return `beside ${beside}: ${pictures} pictures, ${dropped} left out for want of time; ${found}; ${time}${end}${missing}`;
}

function said(action: Action, { id, version, state, trialEndsMs, active }: Outcome): string {
  const model = `${id}@${version}`;
  const until = trialEndsMs === null ? '' : ` until ${new Date(trialEndsMs).toISOString()}`;
  const inUse = active === null ? 'none is in use' : `in use is ${active}`;
  switch (action) {
    case 'export':
      return `${model} is exported`;
    case 'activate':
      return `${model} is in use${state === 'trial' ? `, on trial${until} if it stays healthy` : ''}`;
    default:
      return `${model} is ${state ?? 'not installed'}; ${inUse}`;
  }
}

interface Refusal {
  readonly ok: false;
  readonly id: string | null;
  readonly version: string | null;
  readonly state: string | null;
  readonly code: string;
  readonly message: string;
  readonly cure: string;
  readonly checks?: readonly ReturnType<typeof plainCheck>[];
}

/** What was refused is a finding, exit code 1; wrong usage and folders that cannot be used are not, and null here. */
function refusalOf(error: unknown, { words }: Asked, models: InstalledModels): Refusal | null {
  const isFinding =
    error instanceof ModelError || (error instanceof AgentError && /^AGT-(80\d|22[0-4])$/.test(error.entry.code));
  if (!isFinding) return null;
  const verdict = error instanceof PackageRefused ? error.verdict : null;
  const [id = null, version = null] = verdict?.manifest
    ? [verdict.manifest.id, verdict.manifest.version]
    : (words[0] ?? '').includes('/')
      ? []
      : (words[0] ?? '').split('@');
  const { code, cure } = error.entry;
  const message = printable(error.message);
  const checks = verdict === null ? {} : { checks: verdict.checks.map(plainCheck) };
  return { ok: false, id, version, state: stateOf(models, id, version), code, message, cure, ...checks };
}

function stateOf(models: InstalledModels, id: string | null, version: string | null): string | null {
  try {
    return models.list().find((one) => one.id === id && one.version === version)?.state ?? null;
  } catch {
    return null;
  }
}

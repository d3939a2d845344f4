/** What the tests of the configuration share: a good file to spoil, and the check without a disk. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConfig, type Config, type ConfigIssue } from '../../../agent/config/load.ts';
import { profileCatalogue } from '../../../agent/config/profiles.ts';
import { parseRules, shippedRules } from '../../../agent/rules/load.ts';

export const exampleText = readFileSync(join(import.meta.dirname, '../../../docs/config.example.yaml'), 'utf8');

/** The example with all that is optional in it. */
export const fullExampleText = exampleText
  .replaceAll(/^(\s*)#: /gm, '$1')
  .replace('<64 hex digits, from the panel of the machine>', 'ab'.repeat(32));

export const good = `version: 1
site:
  id: demo
  timeZone: Asia/Dhaka
gateway:
  id: demo-gw
machines:
  - id: rt-1
    profile: sewing-retrofit-csv
    endpoint: tcp://127.0.0.1:4001
  - id: ck-1
    profile: knit-circular-opcua
    endpoint: opc.tcp://127.0.0.1:4840
`;

const profiles = profileCatalogue([]);
const rules = parseRules(shippedRules());

/** Checks a text as if it were /etc/selvedge/agent.yaml; every file it names exists unless said otherwise. */
export function check(
  text: string,
  options: { readonly overlay?: string; readonly missing?: readonly string[] } = {},
): { readonly config: Config } | { readonly issues: readonly ConfigIssue[] } {
  return checkConfig({
    file: '/etc/selvedge/agent.yaml',
    text,
    overlay: options.overlay === undefined ? null : { file: '/run/endpoints.json', text: options.overlay },
    profilesIn: () => profiles,
    shippedRules: rules,
    fileExists: (path) => options.missing?.includes(path) !== true,
  });
}

/** The configuration of a text that must be good. */
export function configOf(text: string, overlay?: string): Config {
  const result = check(text, overlay === undefined ? {} : { overlay });
  if ('issues' in result) throw new TypeError(result.issues.map((i) => `${i.line}: ${i.path} ${i.what}`).join('\n'));
  return result.config;
}

/** `line: path what` of each complaint. */
export function complaints(text: string, options: Parameters<typeof check>[1] = {}): readonly string[] {
  const result = check(text, options);
  return 'issues' in result ? result.issues.map((i) => `${i.line}: ${i.path} ${i.what}`) : [];
}

/** The complaints about a text, as issues. */
export function issuesOf(text: string, options: Parameters<typeof check>[1] = {}): readonly ConfigIssue[] {
  const result = check(text, options);
  return 'issues' in result ? result.issues : [];
}

/** `docs/CONFIG.md`, the JSON Schema for editors and the commented example, all from the schema of the configuration. */
import { configJsonSchema, describeNode, type SchemaNode } from '../../agent/config/describe.ts';
import { parseRules, shippedRules } from '../../agent/rules/load.ts';
import { remoteRuleFields, type Rule } from '../../agent/rules/schema.ts';
import { exampleYaml } from './config-example.ts';
import type { Generated } from './generate.ts';

const note = 'Generated from agent/config/schema.ts by `npm run generate`.';

export function configDocuments(): readonly Generated[] {
  const schema = configJsonSchema();
  return [
    { path: 'docs/CONFIG.md', text: manual(schema) },
    { path: 'docs/config.schema.json', text: `${JSON.stringify({ title: 'Selvedge agent', ...schema }, null, 2)}\n` },
    { path: 'docs/config.example.yaml', text: exampleYaml(schema) },
  ];
}

function manual(schema: SchemaNode): string {
  const parts = [
    `<!-- ${note} -->`,
    '# Configuration',
    '',
    'One YAML file. `selvedge check FILE` reports every mistake at once, with line, column, what is wrong and what would be',
    'right; [config.example.yaml](config.example.yaml) is a commented file to start from. Editors that know JSON Schema complete',
    'and check while you write, with this first line:',
    '',
    '```yaml',
    '# yaml-language-server: $schema=docs/config.schema.json',
    '```',
    '',
    '- Relative paths are relative to the folder of the file.',
    '- **Secrets** never stand in the file. A secret field takes `file:PATH` or `env:NAME`, which is read when the secret is used.',
    '- **Reload**: a change of the file (or SIGHUP) is read while the agent runs. Fields marked *live* are applied at once, the',
    '  others at the next start; the log says which. A file with mistakes changes nothing.',
    '- *remote* marks the only fields a command from the bridge may ever reach; of a rule its figures: ' +
      `${remoteRuleFields.map((name) => `\`${name}\``).join(' ')}.`,
    '- **Endpoints file**: `--endpoints FILE` lays `{machines: [{id, endpoint, unit?, serverFingerprint?}], uplink?}` over the',
    '  machines of the same id and over `uplink.url`. Machines it names beyond those configured are not watched.',
    '',
    ...section('The file', schema, ''),
    ...rulesSection(parseRules(shippedRules())),
  ];
  return `${parts.join('\n').trim()}\n`;
}

/** A table of the fields of one section, then the sections inside it. */
function section(title: string, node: SchemaNode, prefix: string): string[] {
  const fields = Object.entries(node.properties ?? {});
  const inner = fields.flatMap(([key, field]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const nested = nestedOf(field);
    return nested === null ? [] : section(`${path}${nested.suffix}`, nested.node, `${path}${nested.suffix}`);
  });
  return [`## ${title === 'The file' ? title : `\`${title}\``}`, '', ...fieldTable(node, 'change'), ...inner];
}

function nestedOf(field: SchemaNode): { node: SchemaNode; suffix: string } | null {
  if (field.properties !== undefined) return { node: field, suffix: '' };
  if (field.items?.properties !== undefined) return { node: field.items, suffix: '[]' };
  const values = field.additionalProperties;
  if (typeof values === 'object' && values.properties !== undefined) return { node: values, suffix: '.*' };
  return null;
}

/**
 * The fields of one section as a table.
 * @param columns `change` tells when a change is applied as well
 */
export function fieldTable(node: SchemaNode, columns: 'change' | 'plain', leaveOut: readonly string[] = []): string[] {
  const required = new Set(node.required ?? []);
  const change = columns === 'change';
  return [
    `| field | value | default |${change ? ' change |' : ''} meaning |`,
    `|---|---|---|${change ? '---|' : ''}---|`,
    ...Object.entries(node.properties ?? {})
      .filter(([key]) => !leaveOut.includes(key))
      .map(([key, field]) => row(key, field, required.has(key), change)),
    '',
  ];
}

function row(key: string, field: SchemaNode, required: boolean, change: boolean): string {
  const example = field.examples?.[0];
  const value = `${describeNode(field)}${example === undefined ? '' : `, such as \`${plain(example)}\``}`;
  const fallback = required
    ? '**required**'
    : field.default === undefined || field.properties !== undefined
      ? '–'
      : `\`${change ? plain(field.default) : escaped(field.default)}\``;
  const effect = field.restart === false ? 'live' : 'restart';
  const marks = `${effect}${field.remote === true ? ', remote' : ''}${field.secret === true ? ', secret' : ''}`;
  const cells = [`\`${key}\``, cell(value), cell(fallback), ...(change ? [marks] : []), cell(field.description ?? '')];
  return `| ${cells.join(' | ')} |`;
}

function rulesSection(rules: readonly Rule[]): string[] {
  return [
    '## Alert rules',
    '',
    'The rules below ship. `rules:` changes them for all machines, `rules:` of a machine for that machine alone: rule id, then the',
    'fields that differ. A field belongs to the rule (`enabled priority kinds onDelayS offDelayS latch chatter suppressIn text`',
    '`runbook`) or to those of its conditions that have it (`limit deadband perS overS forS afterS causes steps withinS inStates`).',
    'An id that does not ship is a rule of your own and must be whole (`type priority when text`).',
    '',
    '```yaml',
    'rules:',
    '  offline: { afterS: 60 }',
    '  oil-low: { priority: high, limit: 20 }',
    '  thread-break: { enabled: false }',
    '  hot-cam:',
    '    type: cam_hot',
    '    priority: medium',
    '    onDelayS: 30',
    '    when: [{ kind: above, signal: cam.temp, limit: 80, deadband: 5 }]',
    '    text: The cam is too hot',
    '```',
    '',
    '| rule | alert type | priority | holds when | on / off delay |',
    '|---|---|---|---|---|',
    ...rules.map((rule) => {
      const when = rule.when.map((condition) => `\`${flow(condition)}\``).join(' or ');
      return `| \`${rule.id}\` | ${rule.type} | ${rule.priority} | ${cell(when)} | ${rule.onDelayS} s / ${rule.offDelayS} s |`;
    }),
    '',
  ];
}

export function flow(value: object): string {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${key}: ${Array.isArray(member) ? `[${member.join(', ')}]` : String(member)}`)
    .join(', ');
}

/** As plain, with line ends and blanks to be seen. */
const escaped = (value: unknown) => (/^\S+$/.test(plain(value)) ? plain(value) : JSON.stringify(value));
export const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
export const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

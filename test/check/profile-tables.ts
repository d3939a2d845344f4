/** The tables of `docs/PROFILES.md` that come from elsewhere: the names of the shipped profiles and rules, and every field of the schema. */
import { nodeAt, type SchemaNode } from '../../agent/config/describe.ts';
import { english } from '../../agent/web/speech.ts';
import { causeWord, signalWord } from '../../agent/web/words.ts';
import { matchesCause } from '../../agent/rules/load.ts';
import type { Rule } from '../../agent/rules/schema.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { cell, fieldTable } from './config-docs.ts';

/** Signals and causes of the shipped profiles, with the rules that ask for them. */
export function names(profiles: readonly Profile[], rules: readonly Rule[]): string[] {
  const signals = new Map<string, { kinds: Set<string>; units: Set<string>; in: string[] }>();
  const causes = new Map<string, Set<string>>();
  const addCause = (cause: string, state: string) => causes.set(cause, (causes.get(cause) ?? new Set()).add(state));
  for (const profile of profiles) {
    for (const [name, spec] of Object.entries(profile.signals)) {
      const entry = signals.get(name) ?? { kinds: new Set(), units: new Set(), in: [] };
      signals.set(name, entry);
      entry.kinds.add(spec.kind);
      entry.units.add(spec.unit);
      entry.in.push(profile.profile);
    }
    for (const entry of profile.codeTables.flatMap((table) => Object.values(table.codes))) {
      addCause(entry.cause, entry.state ?? 'informs');
    }
    for (const rule of profile.states) if (rule.cause !== undefined) addCause(rule.cause, rule.state);
  }
  for (const cause of rules.flatMap((rule) => rule.when.flatMap((one) => (one.kind === 'code' ? one.causes : [])))) {
    if (!cause.includes('*') && !causes.has(cause)) causes.set(cause, new Set());
  }
  const rulesOnSignal = (name: string) =>
    rules
      .filter((rule) => rule.when.some((one) => 'signal' in one && one.signal === name))
      .map(({ id }) => `\`${id}\``);
  const rulesOnCause = (cause: string) =>
    rules
      .filter((rule) =>
        rule.when.some((one) => one.kind === 'code' && one.causes.some((pattern) => matchesCause(pattern, cause))),
      )
      .map(({ id }) => `\`${id}\``);
  const joined = (words: Iterable<string>) => [...words].join(', ') || '–';
  return [
    '## Canonical names',
    '',
    'Use these where they fit: rules, page and fleet know them. A name of your own is dotted lower case (`cutter.temp`); it is stored, shown',
    'and summarised like any other, and `rules:` in the configuration can watch it.',
    '',
    '| signal | is | kind | unit | shipped rules | in |',
    '|---|---|---|---|---|---|',
    ...[...signals]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => {
        const cells = [
          `\`${name}\``,
          signalWord(name, english),
          joined(entry.kinds),
          joined(entry.units),
          joined(rulesOnSignal(name)),
          joined(entry.in),
        ];
        return `| ${cells.map(cell).join(' | ')} |`;
      }),
    '',
    'Units are UN/CEFACT common codes: `C62` one (pieces, stitches), `P1` %, `RPM` 1/min, `CEL` °C, `VLT` V, `AMP` A, `WTT` W, `WHR` Wh,',
    '`NEW` N, `C20` 10 mN = 1 cN, `MMT` mm, `MTR` m, `C16` mm/s, `SEC` s.',
    '',
    'A shipped rule raises its alert for these causes, whether a code or a rule of `states` names them. Any other cause shows on the page with',
    'its state; to be alerted by it, add a rule with `kind: code` to `rules:` of the configuration.',
    '',
    '| cause | is | alert rule | state in the shipped profiles |',
    '|---|---|---|---|',
    ...[...causes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([cause, states]) =>
          `| ${[`\`${cause}\``, causeWord(cause, english), joined(rulesOnCause(cause)), joined(states)].map(cell).join(' | ')} |`,
      ),
    '',
  ];
}

/** Every field, by section. */
export function allFields(schema: SchemaNode): string[] {
  const at = (path: readonly (string | number)[], value?: unknown): SchemaNode => nodeAt(schema, path, value) ?? {};
  const signal = (kind: string) => at(['signals', 'a.b'], { signals: { 'a.b': { kind } } });
  const from = (source: object) =>
    at(['signals', 'a.b', 'from'], { signals: { 'a.b': { kind: 'gauge', from: source } } });
  const common = ['kind', 'unit', 'scale', 'offset', 'range', 'notANumber', 'poll', 'from'];
  const kinds = ['gauge', 'counter', 'flag', 'code', 'text'];
  const own = (kind: string) => Object.keys(signal(kind).properties ?? {}).some((key) => !common.includes(key));
  const section = (title: string, node: SchemaNode, leaveOut: readonly string[] = []) => [
    `### ${title}`,
    '',
    ...fieldTable(node, 'plain', leaveOut),
  ];
  const shared = signal('gauge');
  const onlyCommon: SchemaNode = {
    ...shared,
    properties: Object.fromEntries(Object.entries(shared.properties ?? {}).filter(([key]) => common.includes(key))),
  };
  return [
    '## Every field',
    '',
    'A key that stands in no table here is a mistake, so that a typing error does not go unseen.',
    '',
    ...section('The file', schema),
    ...section('`polls.*`', at(['polls', 'any'])),
    ...section('`modbus`', at(['modbus'])),
    ...section('`line`', at(['line'])),
    ...section('`line.fixed`', at(['line', 'fixed'])),
    ...section('`line.fixed.checksum`', at(['line', 'fixed', 'checksum'])),
    ...section('`opcua`', at(['opcua'])),
    ...section('`opcua.names.*`', at(['opcua', 'names', 'any'])),
    ...section('`knit-floor`', at(['knit-floor'])),
    ...section('`stoll-events`', at(['stoll-events'])),
    '### `signals.*`',
    '',
    '| `kind` | is |',
    '|---|---|',
    ...kinds.map((kind) => `| \`${kind}\` | ${cell(signal(kind).properties?.['kind']?.description ?? '')} |`),
    '',
    'Fields of every kind. Flags, codes and texts need no `unit`.',
    '',
    ...fieldTable(onlyCommon, 'plain', ['kind']),
    ...kinds.filter(own).flatMap((kind) => section(`Kind \`${kind}\``, signal(kind), common)),
    ...section('`signals.*.from` with Modbus', from({ table: 'holding' })),
    ...section('`signals.*.from` with lines', from({ field: 0 })),
    ...section('`signals.*.from` with lines and a pattern', from({ group: 'a' })),
    ...section('`signals.*.from` with frames of a fixed length, bytes', from({ at: 0 })),
    ...section('`signals.*.from` with frames of a fixed length, characters', from({ columns: [0, 0] })),
    ...section('`signals.*.from` with OPC UA', from({ path: [] })),
    ...section('`signals.*.from` with OPC UA, by node', from({ node: 'i=1' })),
    ...section('`signals.*.from` with EFKA', from({ parameter: '02' })),
    ...section('`restart`', at(['restart'])),
    ...section('`signals.*.from` with the knit floor', from({ message: 'alive' })),
    ...section('`signals.*.from` with Stoll events', from({ event: 'alive' })),
    ...section('`writes.*`', at(['writes', 'a.b'])),
    ...section('`codeTables[]`', at(['codeTables', 0])),
    ...section('`codeTables[].firmware`', at(['codeTables', 0, 'firmware'])),
    ...section('`codeTables[].codes.*`', at(['codeTables', 0, 'codes', 'any'])),
    ...section('`states[]`', at(['states', 0])),
    ...section('`states[].when`', at(['states', 0, 'when'])),
  ];
}

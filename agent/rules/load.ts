/** From the shipped rules and the configuration's overrides to the rules of each machine. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { AgentError } from '../errors.ts';
import {
  conditionSchema,
  ruleFileSchema,
  ruleSchema,
  type Condition,
  type Rule,
  type RuleOverrides,
} from './schema.ts';

/** The rules of a site and, where the configuration has some, those of single machines. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly byMachine: ReadonlyMap<string, readonly Rule[]>;
}

/** One thing that is wrong with an override, in the words of the configuration. */
export interface RuleIssue {
  /** Keys from `rules` on: the rule id, then the field. */
  readonly path: readonly string[];
  readonly message: string;
}

/** The text of the rules that ship. */
export function shippedRules(): string {
  return readFileSync(new URL('./defaults.yaml', import.meta.url), 'utf8');
}

/** @throws AgentError `ruleInvalid` when the text is no rule file. */
export function parseRules(text: string): readonly Rule[] {
  const parsed = ruleFileSchema.safeParse(parse(text));
  if (!parsed.success) throw new AgentError('ruleInvalid', parsed.error.issues.map(issueText).join('; '));
  return parsed.data.rules;
}

const issueText = (issue: { path: readonly PropertyKey[]; message: string }) =>
  `${issue.path.map(String).join('.')}: ${issue.message}`;

/**
 * Rules with the overrides applied. A field of an override belongs to the rule (`priority`, `onDelayS`, …) or to those of
 * its conditions that have it (`afterS`, `limit`, …). An id nobody ships is a rule of the site's own and must be whole.
 * Nothing is thrown: every issue is returned, and a rule with an issue stays as it was.
 */
export function overrideRules(
  rules: readonly Rule[],
  overrides: RuleOverrides,
): { rules: readonly Rule[]; issues: readonly RuleIssue[] } {
  const issues: RuleIssue[] = [];
  const result = [...rules];
  for (const [id, fields] of Object.entries(overrides)) {
    const at = result.findIndex((rule) => rule.id === id);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      issues.push({ path: [id], message: 'must be a map of fields, such as { priority: high }' });
      continue;
    }
    const known = result[at];
    const patched = known === undefined ? { id, ...fields } : patch(known, fields, issues);
    const parsed = ruleSchema.safeParse(patched);
    if (!parsed.success) {
      const unknown = known === undefined ? ` (no shipped rule is called ${id}, so this must be a whole rule)` : '';
      for (const issue of parsed.error.issues) {
        issues.push({ path: [id, ...issue.path.map(String)], message: issue.message + unknown });
      }
    } else if (known === undefined) result.push(parsed.data);
    else result[at] = parsed.data;
  }
  return { rules: result, issues };
}

function patch(rule: Rule, fields: object, issues: RuleIssue[]): object {
  const ofRule = new Set(Object.keys(ruleSchema.shape));
  const patched: Record<string, unknown> = { ...rule };
  let when: readonly Record<string, unknown>[] = rule.when;
  for (const [key, value] of Object.entries(fields)) {
    if (ofRule.has(key) && key !== 'id') patched[key] = value;
    else if (when.some((condition) => hasField(condition['kind'], key)))
      when = when.map((condition) => (hasField(condition['kind'], key) ? { ...condition, [key]: value } : condition));
    else issues.push({ path: [rule.id, key], message: `is no field of the rule ${rule.id}` });
  }
  return 'when' in fields ? patched : { ...patched, when };
}

function hasField(kind: unknown, key: string): boolean {
  if (key === 'kind' || key === 'signal') return false;
  const option = conditionSchema.options.find((o) => o.shape.kind.value === kind);
  return option !== undefined && key in option.shape;
}

/**
 * The rules of a site.
 * @throws AgentError `ruleInvalid` with every issue, when an override is wrong.
 */
export function loadRuleSet(
  overrides: RuleOverrides = {},
  perMachine: Readonly<Record<string, RuleOverrides | undefined>> = {},
  text: string = shippedRules(),
): RuleSet {
  const site = overrideRules(parseRules(text), overrides);
  const issues = [...site.issues];
  const byMachine = new Map<string, readonly Rule[]>();
  for (const [machine, own] of Object.entries(perMachine)) {
    if (own === undefined) continue;
    const result = overrideRules(site.rules, own);
    for (const issue of result.issues) issues.push({ ...issue, path: [machine, ...issue.path] });
    byMachine.set(machine, result.rules);
  }
  if (issues.length > 0) throw new AgentError('ruleInvalid', issues.map(issueText).join('; '));
  return { rules: site.rules, byMachine };
}

export interface Senses {
  readonly hasEye: boolean;
  readonly hasEar: boolean;
}
const noSenses: Senses = { hasEye: false, hasEar: false };

/**
 * The rules that can ever hold on a machine, each with the conditions that can.
 *
 * @param senses whether a camera looks at its cloth, and a microphone hears it
 */
export function rulesFor(
  set: RuleSet,
  machine: string,
  kind: string,
  profile: Profile,
  senses: Senses = noSenses,
): readonly Rule[] {
  const chosen: Rule[] = [];
  for (const rule of set.byMachine.get(machine) ?? set.rules) {
    if (!rule.enabled || (rule.kinds !== undefined && !rule.kinds.some((k) => k === kind))) continue;
    const when = rule.when.filter((condition) => applies(condition, profile, senses));
    if (when.length === 0) continue;
    if (rule.fallback && chosen.some((other) => other.type === rule.type)) continue;
    chosen.push({ ...rule, when });
  }
  return chosen;
}

const isOfEye = (pattern: string): boolean => /^(?:camera|eye)\./.test(pattern);
const isOfEar = (pattern: string): boolean => /^(?:microphone|ear)\./.test(pattern);
const isOfSense = (pattern: string): boolean => isOfEye(pattern) || isOfEar(pattern);
/** Causes that a machine, its connection, its eye or its ear reports by itself, and that no code of a profile stands for. */
export const isReported = (pattern: string): boolean =>
  isOfSense(pattern) || /^(?:condition|connection)\./.test(pattern);

function applies(condition: Condition, profile: Profile, { hasEye, hasEar }: Senses): boolean {
  switch (condition.kind) {
    case 'above':
    case 'below':
    case 'rate': {
      const kind = profile.signals[condition.signal]?.kind;
      return kind === 'gauge' || kind === 'counter';
    }
    case 'stuck':
      return condition.signal in profile.signals;
    case 'counter':
      return Object.entries(profile.signals).some(
        ([name, spec]) => spec.kind === 'counter' && (condition.signal ?? name) === name,
      );
    case 'code':
      if (hasEye && condition.causes.some(isOfEye)) return true;
      if (hasEar && condition.causes.some(isOfEar)) return true;
      // Only OPC UA machines report by themselves, and a rule about that needs no code table.
      if (profile.protocol === 'opcua' && condition.causes.some((one) => isReported(one) && !isOfSense(one)))
        return true;
      return causesOf(profile).some((cause) => condition.causes.some((pattern) => matchesCause(pattern, cause)));
    case 'offline':
      return true;
  }
}

function causesOf(profile: Profile): string[] {
  return [
    ...profile.codeTables.flatMap((table) => Object.values(table.codes).map((entry) => entry.cause)),
    ...profile.states.flatMap((rule) => (rule.cause === undefined ? [] : [rule.cause])),
  ];
}

/** `knit.yarn_break_*` matches everything that begins so; without the star the whole cause must be equal. */
export function matchesCause(pattern: string, cause: string): boolean {
  return pattern.endsWith('*') ? cause.startsWith(pattern.slice(0, -1)) : cause === pattern;
}

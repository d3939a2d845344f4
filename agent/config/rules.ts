/** Checks of the `rules` sections: which fields fit depends on the rule, so the part that knows rules is asked. */
import { overrideRules, type RuleIssue } from '../rules/load.ts';
import type { Rule } from '../rules/schema.ts';
import { childOf, type Path } from './describe.ts';
import { formatPath, issueAt, nearest, type ConfigIssue } from './issues.ts';
import type { Source } from './source.ts';

/** Rules of the site, then those of each machine over them. */
export function rulesIssues(main: Source, machines: readonly Path[], shipped: readonly Rule[]): readonly ConfigIssue[] {
  const site = sectionIssues(main, ['rules'], shipped);
  return [...site.issues, ...machines.flatMap((path) => sectionIssues(main, [...path, 'rules'], site.rules).issues)];
}

function sectionIssues(
  main: Source,
  at: Path,
  known: readonly Rule[],
): { readonly rules: readonly Rule[]; readonly issues: readonly ConfigIssue[] } {
  const own = ruleSections(at.reduce<unknown>(childOf, main.value));
  const slips = misspelt(main, at, own, known);
  const { rules, issues } = overrideRules(known, own);
  const slipped = new Set(slips.map((slip) => slip.path));
  const others = issues.filter(({ path }) => !slipped.has(formatPath([...at, path[0] ?? ''])));
  return { rules, issues: [...slips, ...others.map((issue) => ruleIssue(main, at, own, known, issue))] };
}

function ruleIssue(main: Source, at: Path, own: RuleSections, known: readonly Rule[], issue: RuleIssue): ConfigIssue {
  const [id = '', ...inner] = issue.path;
  // A field of a condition is written beside those of the rule, not under `when`.
  const last = inner.at(-1) ?? '';
  const written = own[id] !== undefined && Object.hasOwn(own[id], last) ? [last] : inner;
  const right = `what docs/CONFIG.md says about rules (shipped ones: ${known.map((rule) => rule.id).join(', ')})`;
  return issueAt(main, [...at, id, ...written], `is wrong: ${issue.message}`, right);
}

/** Ids that look like a slip of the pen: one complaint each, instead of all that a rule of that name would lack. */
function misspelt(main: Source, at: Path, own: RuleSections, known: readonly Rule[]): readonly ConfigIssue[] {
  const ids = known.map((rule) => rule.id);
  return Object.entries(own).flatMap(([id, fields]) => {
    const near = ids.includes(id) || 'when' in fields ? null : nearest(id, ids);
    return near === null ? [] : [issueAt(main, [...at, id], 'is no shipped rule', `did you mean ${near}?`, 'key')];
  });
}

type RuleSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The entries that are sections; the schema complains about the others. */
function ruleSections(value: unknown): RuleSections {
  if (!isSection(value)) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, Readonly<Record<string, unknown>>] =>
    isSection(entry[1]),
  );
  return Object.fromEntries(entries);
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

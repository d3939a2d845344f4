/** Complaints about a configuration: what is wrong where, and what would be right. All of them at once. */
import type { z } from 'zod';
import { AgentError } from '../errors.ts';
import { childOf, describeNode, nodeAt, type Path, type SchemaNode } from './describe.ts';
import type { Source } from './source.ts';

export interface ConfigIssue {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Such as `machines[2].unit`; empty for the file as a whole. */
  readonly path: string;
  readonly what: string;
  /** What would be right. */
  readonly right: string;
}

/** A configuration that cannot be used. The message has every complaint, one a line. */
export class ConfigErrors extends AgentError {
  readonly issues: readonly ConfigIssue[];
  constructor(issues: readonly ConfigIssue[]) {
    super('configInvalid', issues.map(formatIssue).join('\n'));
    this.name = 'ConfigErrors';
    this.issues = issues;
  }
}

/** `file:line:column: path what; right: …`, which editors and terminals make a link of. */
export function formatIssue(issue: ConfigIssue): string {
  const subject = issue.path === '' ? issue.what : `${issue.path} ${issue.what}`;
  return `${issue.file}:${issue.line}:${issue.column}: ${subject}; right: ${issue.right}`;
}

export function issueAt(
  source: Source,
  path: Path,
  what: string,
  right: string,
  part: 'key' | 'value' = 'value',
): ConfigIssue {
  return { file: source.file, ...source.locate(path, part), path: formatPath(path), what, right };
}

/** `['machines', 2, 'unit']` as `machines[2].unit`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Turns what zod found into complaints with a place and a cure. No value of a secret field is ever repeated. */
export function issuesOfZod(
  source: Source,
  root: SchemaNode,
  found: readonly z.core.$ZodIssue[],
): readonly ConfigIssue[] {
  return found.flatMap((issue): readonly ConfigIssue[] => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const value = path.reduce<unknown>(childOf, source.value);
    const node = nodeAt(root, path, source.value);
    const right = describeNode(node);
    const at = (what: string, cure = right) => [issueAt(source, path, what, cure)];
    if (value === undefined && issue.code !== 'unrecognized_keys') {
      const example = node?.examples?.[0];
      return at(
        'is missing',
        example === undefined || example === right ? right : `${right}, such as ${JSON.stringify(example)}`,
      );
    }
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = Object.keys(node?.properties ?? {});
        return issue.keys.map((key) => issueAt(source, [...path, key], 'is no setting', keyHint(key, known), 'key'));
      }
      case 'invalid_type':
        return at(value === null ? 'is empty' : `is ${typeName(value)}`);
      case 'invalid_value':
      case 'invalid_union': {
        const near = typeof value === 'string' ? nearest(value, wordsOf(node)) : null;
        const shown = node?.secret === true || typeof value === 'object' ? '' : ` (${JSON.stringify(value)})`;
        return at(`is none of the possible values${shown}`, near === null ? right : `${right} (did you mean ${near}?)`);
      }
      case 'too_small':
        return at(typeof value === 'number' ? `is too small (${value})` : 'is too short');
      case 'too_big':
        return at(typeof value === 'number' ? `is too big (${value})` : 'is too long');
      case 'invalid_format':
        return at(
          node?.secret === true ? 'is not a reference (its value is not shown here)' : 'is not written rightly',
        );
      case 'invalid_key':
        return [issueAt(source, path, 'has a name that is not allowed', innerText(issue.issues), 'key')];
      case 'custom': {
        const cure: unknown = issue.params?.['right'];
        return at(issue.message, typeof cure === 'string' ? cure : right);
      }
      case 'not_multiple_of':
      case 'invalid_element':
        return at('is not possible');
    }
  });
}

const innerText = (issues: readonly z.core.$ZodIssue[]) => issues[0]?.message ?? 'another name';

function wordsOf(node: SchemaNode | null): readonly string[] {
  return (node?.enum ?? []).filter((word): word is string => typeof word === 'string');
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'a section';
    case 'string':
      return 'a text';
    case 'number':
      return Number.isInteger(value) ? 'a whole number' : 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'something else';
  }
}

function keyHint(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== null) return `did you mean ${near}?`;
  return known.length === 0 ? 'nothing here' : `one of ${known.join(', ')}`;
}

/** The known word nearest to `word` when it is near enough to be meant, else null. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 60) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance: how many characters to insert, remove or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

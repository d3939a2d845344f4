/**
 * What changed between two configurations, and what of it can be applied while the agent runs. Pure.
 *
 * Invariants:
 *  F1  `diffConfig(a, a)` is empty, and `diffConfig(a, b)` names every place in which they differ.
 *  F2  `liveConfig(a, b)` differs from `a` in nothing that needs a restart, and from `b` in nothing else.
 *  F3  A diff holds references of secrets, never secrets: a `Config` has nothing else.
 */
import type { Config, MachineConfig } from './config.ts';
import { configJsonSchema, type Path, type SchemaNode } from './describe.ts';
import { formatPath } from './issues.ts';

export interface ConfigChange {
  /** Such as `log.level` or `machines[ls-1].name`: machines go by id, not by place. */
  readonly path: string;
  /** null: it was not there. */
  readonly from: unknown;
  /** null: it is not there any more. */
  readonly to: unknown;
  /** true: it takes effect at the next start. */
  readonly restart: boolean;
}

/** Members of a `Config` that are computed from others and would only repeat them. */
const derived: ReadonlySet<string> = new Set(['file', 'address']);

/** Every difference, in the order of the file format. */
export function diffConfig(before: Config, after: Config): readonly ConfigChange[] {
  const schema = configJsonSchema();
  const changes: ConfigChange[] = [];
  walk([], before, after, (path, from, to) => {
    changes.push({
      path: formatPath(path).replaceAll(/^machines\.([^.]+)/g, 'machines[$1]'),
      from,
      to,
      restart: restartOf(schema, path),
    });
  });
  return changes;
}

/** One line for the log. */
export function formatChange(change: ConfigChange): string {
  const effect = change.restart ? 'takes effect at the next start' : 'applied';
  // Addresses of targets may hold a token: that they changed is all that is said.
  if (/^notify\b/.test(change.path)) return `${change.path}: changed (${effect})`;
  return `${change.path}: ${shown(change.from)} -> ${shown(change.to)} (${effect})`;
}

function shown(value: unknown): string {
  const text = value === null ? 'none' : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** `running` with all that `next` changes without a restart. */
export function liveConfig(running: Config, next: Config): Config {
  const schema = configJsonSchema();
  const merged = merge([], running, next, (path) => restartOf(schema, path));
  return deepFreeze(merged as Config);
}

type Plain = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A section as members by name; the list of machines as members by id. */
function members(path: Path, value: unknown): Plain | null {
  if (path.length === 1 && path[0] === 'machines') {
    return Object.fromEntries((value as readonly MachineConfig[]).map((machine) => [machine.id, machine]));
  }
  return isPlain(value) ? value : null;
}

function walk(
  path: Path,
  before: unknown,
  after: unknown,
  found: (path: Path, from: unknown, to: unknown) => void,
): void {
  const a = members(path, before);
  const b = members(path, after);
  if (a === null || b === null) {
    if (!same(before, after)) found(path, before ?? null, after ?? null);
    return;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!derived.has(key)) walk([...path, key], a[key], b[key], found);
  }
}

function merge(path: Path, running: unknown, next: unknown, needsRestart: (path: Path) => boolean): unknown {
  const a = members(path, running);
  const b = members(path, next);
  if (a === null || b === null) return same(running, next) || needsRestart(path) ? running : next;
  const result: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const inner = [...path, key];
    const inBoth = Object.hasOwn(a, key) && Object.hasOwn(b, key);
    if (inBoth) result[key] = merge(inner, a[key], b[key], needsRestart);
    else if (Object.hasOwn(a, key) === needsRestart(inner)) result[key] = a[key] ?? b[key];
  }
  return Array.isArray(running) ? Object.values(result) : result;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The mark of the deepest node on the way that has one; a place the schema does not know needs a restart. */
function restartOf(schema: SchemaNode, path: Path): boolean {
  let node: SchemaNode | undefined = schema;
  let restart = true;
  for (const [depth, step] of path.entries()) {
    if (depth === 1 && path[0] === 'machines') node = node?.items;
    else
      node =
        node?.properties?.[step] ??
        (typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined);
    restart = node?.restart ?? restart;
  }
  return restart;
}

/** Freezes plain data to its depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

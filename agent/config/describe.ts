/**
 * The schema as plain data (JSON Schema), and sentences made from it. The hints of `selvedge check`, the restart marks of
 * a reload and the generated documents all read this one tree.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The part of a JSON Schema node this project uses, with the marks of `schema.ts`. */
export interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly restart?: boolean;
  readonly remote?: boolean;
  /** Of a section without a description of its fields: those that may be set from afar. */
  readonly remoteKeys?: readonly string[];
  readonly secret?: boolean;
  readonly unit?: string;
  readonly expects?: string;
}

export type Path = readonly (string | number)[];

/** The schema of the whole file. Made anew at each call; a caller that asks often keeps it. */
export function configJsonSchema(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
}

/** The node that rules the value at `path`; null where the schema knows nothing. `value` picks the branch of a union. */
export function nodeAt(root: SchemaNode, path: Path, value?: unknown): SchemaNode | null {
  let node: SchemaNode | null = branchFor(root, value);
  let inside: unknown = value;
  for (const step of path) {
    inside = childOf(inside, step);
    node = stepInto(node, step);
    if (node === null) return null;
    node = branchFor(node, inside);
  }
  return node;
}

function stepInto(node: SchemaNode, step: string | number): SchemaNode | null {
  if (typeof step === 'number') return node.items ?? null;
  if (node.properties !== undefined && Object.hasOwn(node.properties, step)) return node.properties[step] ?? null;
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

/** Of a union of objects, the branch whose constant members agree with the value, else the only one with its keys. */
function branchFor(node: SchemaNode, value: unknown): SchemaNode {
  const branches = node.oneOf ?? node.anyOf;
  if (branches === undefined) return node;
  const fitting = branches.find((branch) =>
    Object.entries(branch.properties ?? {}).some(
      ([key, member]) => member.const !== undefined && childOf(value, key) === member.const,
    ),
  );
  if (fitting !== undefined) return fitting;
  // Where no constant tells, the one branch that knows any of the keys was meant.
  const sharing = branches.filter((branch) =>
    Object.keys(branch.properties ?? {}).some((key) => childOf(value, key) !== undefined),
  );
  return sharing.length === 1 ? (sharing[0] ?? node) : node;
}

/** Own member of an object or array, else undefined. */
export function childOf(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string | number, unknown>)[step];
}

/** The members of a list; none where it is no list. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text that says something, else null. */
export const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** What a right value is, as the end of the sentence "right would be …". */
export function describeNode(node: SchemaNode | null): string {
  if (node === null) return 'what docs/CONFIG.md says';
  if (node.expects !== undefined) return node.expects;
  if (node.const !== undefined) return literal(node.const);
  if (node.enum !== undefined) return oneOf(node.enum.map(literal));
  const branches = node.anyOf ?? node.oneOf;
  if (branches !== undefined) return oneOf(branches.map(describeNode));
  switch (node.type) {
    case 'integer':
      return `a whole number${range(node)}${unit(node)}`;
    case 'number':
      return `a number${range(node)}${unit(node)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return `a text${node.minLength === undefined ? '' : ` of ${node.maxLength === undefined ? 'at least ' : ''}${node.minLength}${node.maxLength === undefined ? '' : ` to ${node.maxLength}`} characters`}`;
    case 'array':
      return `a list${(node.minItems ?? 0) > 0 ? ` of at least ${node.minItems}` : ''}`;
    case 'object':
      return `a section${node.required !== undefined && node.required.length > 0 ? ` with ${node.required.join(', ')}` : ''}`;
    default:
      return 'what docs/CONFIG.md says';
  }
}

/** The range of a number in words, empty where there is none. Limits of the number type itself are no range. */
export function range(node: SchemaNode): string {
  const low = node.minimum ?? node.exclusiveMinimum;
  const high = node.maximum ?? node.exclusiveMaximum;
  const hasLow = low !== undefined && low > Number.MIN_SAFE_INTEGER;
  const hasHigh = high !== undefined && high < Number.MAX_SAFE_INTEGER;
  const from = node.minimum === undefined ? `above ${low}` : `${low}`;
  const to = node.maximum === undefined ? `below ${high}` : `${high}`;
  if (hasLow && hasHigh) return node.minimum === undefined ? ` ${from} up to ${to}` : ` from ${from} to ${to}`;
  if (hasLow) return node.minimum === undefined ? ` ${from}` : ` of at least ${from}`;
  if (hasHigh) return node.maximum === undefined ? ` ${to}` : ` of at most ${to}`;
  return '';
}

const unit = (node: SchemaNode) => (node.unit === undefined ? '' : ` (${node.unit})`);
const literal = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function oneOf(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

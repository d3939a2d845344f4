/**
 * What of the configuration may be set from afar, and how it is laid over the local file. Pure.
 *
 * Invariants (test/unit/config/remote-fields.test.ts):
 *  R1  Only a single field that carries the mark `remote: true` in the schema can be named: no section, no list, no place in a list, no
 *      name of a prototype. A machine goes by its id, and must be in the local file.
 *  R2  The local file wins: where it says something else about a field than when that was set, what was set is passed over.
 *  R3  Nothing but the named fields differs from the local file, and the local file's data is not changed.
 */
import { isDeepStrictEqual } from 'node:util';
import { childOf, listOf, type SchemaNode } from './describe.ts';

/** Names from the root; a machine by its id. */
export type RemotePath = readonly string[];

export interface RemoteSetting {
  readonly path: RemotePath;
  readonly value: string | number | boolean;
  /** What the local file said about it when it was set; null: nothing. */
  readonly local: unknown;
  /** Command that set it, and who asked for it at the bridge. */
  readonly id: string;
  readonly by: string;
  readonly atMs: number;
}

/** `overridden`: the local file was changed there later, and counts. `not-remote`: this version lets nobody set it from afar. */
export type SettingState = 'applied' | 'overridden' | 'not-remote';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/;
const prototypeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', 'toString', 'valueOf']);

/** Whether a command may set this field. `local` is the local file as plain data. */
export function isRemote(root: SchemaNode, path: readonly unknown[], local: unknown): boolean {
  if (!path.every((step) => typeof step === 'string')) return false;
  let node: SchemaNode | undefined = root;
  for (const [at, step] of path.entries()) {
    if (!namePattern.test(step) || prototypeNames.has(step)) return false;
    // The fields of a rule depend on the rule, so the section lists them instead of describing each.
    if (node.remoteKeys !== undefined) return at === path.length - 1 && node.remoteKeys.includes(step);
    node = stepOf(node, step, at === 1 && path[0] === 'machines' && machineIndex(local, step) >= 0);
    if (node === undefined) return false;
  }
  return path.length > 0 && node.remote === true && isLeaf(node);
}

function stepOf(node: SchemaNode, step: string, isMachine: boolean): SchemaNode | undefined {
  if (node.items !== undefined) return isMachine ? node.items : undefined;
  if (node.properties !== undefined) return Object.hasOwn(node.properties, step) ? node.properties[step] : undefined;
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

function isLeaf(node: SchemaNode): boolean {
  const { properties, items, additionalProperties, anyOf, oneOf } = node;
  return [properties, items, additionalProperties, anyOf, oneOf].every((part) => part === undefined);
}

const machineIndex = (value: unknown, id: string) =>
  listOf(childOf(value, 'machines')).findIndex((machine) => childOf(machine, 'id') === id);

/** The path with the place of the machine instead of its id. */
function placed(value: unknown, path: RemotePath): (string | number)[] {
  const [first, id, ...rest] = path;
  if (first !== 'machines' || id === undefined) return [...path];
  return [first, machineIndex(value, id), ...rest];
}

/** What the local file says about a field; null: nothing. */
export function localValue(local: unknown, path: RemotePath): unknown {
  return placed(local, path).reduce<unknown>(childOf, local) ?? null;
}

export interface Laid {
  readonly value: unknown;
  /** One for each setting. */
  readonly states: readonly SettingState[];
}

/** The local file's data with the settings laid over it. */
export function layOver(root: SchemaNode, local: unknown, settings: readonly RemoteSetting[]): Laid {
  const value: unknown = structuredClone(local);
  const states = settings.map((setting): SettingState => {
    if (!isRemote(root, setting.path, local)) return 'not-remote';
    if (!isDeepStrictEqual(localValue(local, setting.path), setting.local)) return 'overridden';
    return put(value, placed(local, setting.path), setting.value) ? 'applied' : 'overridden';
  });
  return { value, states };
}

/** False: something that is no section stands in the way. */
function put(root: unknown, path: readonly (string | number)[], value: unknown): boolean {
  let inside = root;
  for (const step of path.slice(0, -1)) {
    if (typeof inside !== 'object' || inside === null) return false;
    let next = childOf(inside, step) ?? null;
    if (next === null) {
      next = {};
      define(inside, step, next);
    }
    inside = next;
  }
  const last = path.at(-1);
  if (typeof inside !== 'object' || inside === null || Array.isArray(inside) || last === undefined) return false;
  define(inside, last, value);
  return true;
}

/** As an own member, whatever its name. */
function define(inside: object, step: string | number, value: unknown): void {
  Object.defineProperty(inside, step, { value, writable: true, enumerable: true, configurable: true });
}

/** `machines.ls-1.polls.normal.intervalMs`, for people. */
export const pathText = (path: RemotePath): string => path.join('.');

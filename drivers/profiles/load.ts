/**
 * Reads profile files. Whatever is wrong with one is told at once, each problem with its line and path, as one ProfileInvalid;
 * a profile that was returned can be used without further checks.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { DriverError } from '../errors.ts';
import { profileProblems, type ProfileProblem } from './check.ts';
import { profileSchema, signalSpec, type Profile } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** DRV-101. The message has every problem with its line; who shows them in another form has the text and the issues. */
export class ProfileInvalid extends DriverError {
  /** Path of the file, or what the text is called. */
  readonly file: string;
  readonly text: string;
  /** Empty when the text is no YAML at all. */
  readonly issues: readonly Issue[];
  constructor(file: string, text: string, issues: readonly Issue[], lines: readonly string[]) {
    super('profileInvalid', `profile ${file} is not valid:${lines.map((line) => `\n  ${line}`).join('')}`);
    this.name = 'ProfileInvalid';
    this.file = file;
    this.text = text;
    this.issues = issues;
  }
}

/** The profiles that come with the product. */
export const shippedProfilesDir: string = import.meta.dirname;

/** Above this size a file is no profile; the largest shipped one is a hundredth of it. */
const maxProfileBytes = 1_000_000;

/**
 * @param idOrPath id of a profile (`sewing-modbus-ref`), or the path of a file when it has a slash or ends in .yaml or .yml
 * @param dirs folders to look in before the shipped profiles, first match wins
 * @throws DriverError DRV-100 when there is no such profile
 * @throws ProfileInvalid (DRV-101) with every problem when it is not valid
 */
export function loadProfile(idOrPath: string, dirs: readonly string[]): Profile {
  const isPath = /[\\/]|\.ya?ml$/i.test(idOrPath);
  const searched = [...dirs, shippedProfilesDir];
  const candidates = isPath
    ? [idOrPath]
    : searched.flatMap((dir) => [join(dir, `${idOrPath}.yaml`), join(dir, `${idOrPath}.yml`)]);
  const file = candidates.find((path) => existsSync(path) && statSync(path).isFile());
  if (file === undefined) {
    const where = isPath ? 'no such file' : `not in ${searched.join(', ')}`;
    throw new DriverError('profileUnknown', `profile ${idOrPath}: ${where}`);
  }
  if (statSync(file).size > maxProfileBytes) {
    throw new ProfileInvalid(file, '', [custom({ path: [], message: 'is larger than 1 MB', right: 'a profile' })], []);
  }
  const text = readFileSync(file, 'utf8');
  const profile = parseProfile(text, file);
  if (!isPath && profile.profile !== idOrPath) {
    const message = `says ${profile.profile}, the file name ${idOrPath}`;
    throw invalid(file, text, [custom({ path: ['profile'], message, right: 'the same name for both' })]);
  }
  return profile;
}

/**
 * Profile from YAML text.
 * @param name what the text is called in messages, such as its path
 * @throws ProfileInvalid (DRV-101) with every problem
 */
export function parseProfile(yaml: string, name: string): Profile {
  const { document, lines } = read(yaml);
  if (document.errors.length > 0) {
    const told = document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${error.message}`);
    throw new ProfileInvalid(name, yaml, [], told);
  }
  const value: unknown = document.toJS();
  const parsed = profileSchema.safeParse(value);
  if (!parsed.success) {
    throw invalid(
      name,
      yaml,
      parsed.error.issues.flatMap((issue) => meant(issue, value)),
    );
  }
  const problems = profileProblems(parsed.data);
  if (problems.length > 0) throw invalid(name, yaml, problems.map(custom));
  return parsed.data;
}

function read(yaml: string): { document: Document.Parsed; lines: LineCounter } {
  const lines = new LineCounter();
  return { document: parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: true }), lines };
}

const custom = ({ path, message, right }: ProfileProblem): Issue => ({
  code: 'custom',
  path: [...path],
  message,
  input: undefined,
  params: { right },
});

/**
 * A union fails as a whole and says "invalid input". What a person wants to know is what is wrong with the form that was
 * meant: a source is one of the protocol of the profile, a signal one of the kinds.
 */
function meant(issue: Issue, profile: unknown): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const path = issue.path.map(asKey);
  if (path.at(-1) === 'from') {
    const source = path.reduce<unknown>(member, profile);
    const ofProtocol = [...sourceForms.entries()].filter(([, { word }]) => word === member(profile, 'protocol'));
    const [index, form] = ofProtocol.find(([, { key }]) => member(source, key) !== undefined) ?? ofProtocol[0] ?? [-1];
    const branch = issue.errors[index];
    if (branch === undefined || form === undefined) return [issue];
    const other = sourceForms.find(({ key }) => key !== form.key && member(source, key) !== undefined);
    if (other !== undefined && member(source, form.key) === undefined) {
      return [custom({ path, message: `is no source of protocol ${form.word}`, right: form.right })];
    }
    return branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (path.at(-1) === 'kind') {
    const kinds = signalSpec.options.map((option) => option.shape.kind.value);
    const right = `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1) ?? ''}`;
    return [custom({ path, message: 'is no kind of signal', right })];
  }
  return [issue];
}

/** In the order of the union. */
const sourceForms = [
  { word: 'modbus', key: 'table', right: '{ table, address }' },
  { word: 'line', key: 'field', right: '{ field }' },
  { word: 'opcua', key: 'path', right: '{ path } or { node }' },
  { word: 'line', key: 'group', right: '{ group }' },
  { word: 'line', key: 'at', right: '{ at, type }' },
  { word: 'line', key: 'columns', right: '{ columns }' },
  { word: 'efka', key: 'parameter', right: '{ parameter }' },
  { word: 'knit-floor', key: 'message', right: '{ message }' },
  { word: 'stoll-events', key: 'event', right: '{ event }' },
  { word: 'opcua', key: 'node', right: '{ path } or { node }' },
] as const;

function member(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

function asKey(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}

function invalid(name: string, yaml: string, issues: readonly Issue[]): ProfileInvalid {
  const { document, lines } = read(yaml);
  const told = issues.map((issue) => {
    const path = issue.path.map(asKey);
    const line = lineOf(document, lines, path);
    const where = path.length === 0 ? 'the profile' : path.join('.');
    return `${line === null ? '' : `line ${line}: `}${where}: ${issue.message}`;
  });
  return new ProfileInvalid(name, yaml, issues, told);
}

/** Line of the deepest part of the path that is in the file; what is missing is missed in its parent. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number | null {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const parent: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const key = path[depth - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
      : undefined;
    const offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return null;
}

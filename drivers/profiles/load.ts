/**
 * Reads profile files. Whatever is wrong with one is told at once, each problem with its line and path, as one DriverError;
 * a profile that was returned can be used without further checks.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { DriverError } from '../errors.ts';
import { profileProblems, type ProfileProblem } from './check.ts';
import { profileSchema, type Profile } from './schema.ts';

/** The profiles that come with the product. */
export const shippedProfilesDir: string = import.meta.dirname;

/** Above this size a file is no profile; the largest shipped one is a hundredth of it. */
const maxProfileBytes = 1_000_000;

/**
 * @param idOrPath id of a profile (`sewing-modbus-ref`), or the path of a file when it has a slash or ends in .yaml or .yml
 * @param dirs folders to look in before the shipped profiles, first match wins
 * @throws DriverError DRV-100 when there is no such profile, DRV-101 with every problem when it is not valid
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
  if (statSync(file).size > maxProfileBytes)
    throw invalid(file, [{ path: [], message: 'larger than 1 MB' }], null, null);
  const profile = parseProfile(readFileSync(file, 'utf8'), file);
  if (!isPath && profile.profile !== idOrPath) {
    throw invalid(
      file,
      [{ path: ['profile'], message: `says ${profile.profile}, the file name ${idOrPath}` }],
      null,
      null,
    );
  }
  return profile;
}

/**
 * Profile from YAML text.
 * @param name what the text is called in messages, such as its path
 * @throws DriverError DRV-101 with every problem
 */
export function parseProfile(yaml: string, name: string): Profile {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      path: [`line ${lines.linePos(error.pos[0]).line}`],
      message: error.message,
    }));
    throw invalid(name, problems, null, null);
  }
  const parsed = profileSchema.safeParse(document.toJS());
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => ({ path: issue.path.map(asKey), message: issue.message }));
    throw invalid(name, problems, document, lines);
  }
  const problems = profileProblems(parsed.data);
  if (problems.length > 0) throw invalid(name, problems, document, lines);
  return parsed.data;
}

function asKey(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}

function invalid(
  name: string,
  problems: readonly ProfileProblem[],
  document: Document.Parsed | null,
  lines: LineCounter | null,
): DriverError {
  const list = problems.map(({ path, message }) => {
    const line = document === null || lines === null ? null : lineOf(document, lines, path);
    const where = path.length === 0 ? 'the profile' : path.join('.');
    return `\n  ${line === null ? '' : `line ${line}: `}${where}: ${message}`;
  });
  return new DriverError('profileInvalid', `profile ${name} is not valid:${list.join('')}`);
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

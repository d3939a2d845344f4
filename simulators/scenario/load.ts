/** Reads a scenario file, by path or by the name of a shipped one, and says every problem with its line and column. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { SimulatorError } from '../errors.ts';
import { checkScenario, type Problem } from './check.ts';
import { scenarioSchema, type Scenario } from './schema.ts';

export type LoadedScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * The file of a scenario: a path, or the bare name of one shipped with the simulators (`demo`).
 * Throws SIM-100 when there is neither.
 */
export function scenarioFile(pathOrName: string): string {
  if (existsSync(pathOrName)) return pathOrName;
  const shipped = join(import.meta.dirname, '..', 'scenarios', `${pathOrName}.yaml`);
  if (/^[a-z0-9-]+$/.test(pathOrName) && existsSync(shipped)) return shipped;
  throw new SimulatorError(
    'fileUnreadable',
    `there is no scenario file ${pathOrName} and no shipped scenario of that name`,
  );
}

/** Text and name of a scenario file. Throws SIM-100 when it cannot be read. */
export function readScenarioFile(file: string): readonly [text: string, name: string] {
  try {
    return [readFileSync(file, 'utf8'), basename(file)];
  } catch (error) {
    throw new SimulatorError(
      'fileUnreadable',
      `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** Reads and checks a scenario file. Throws SIM-100 when it cannot be read; problems of content are returned, one line each. */
export function loadScenario(file: string): LoadedScenario {
  return parseScenario(...readScenarioFile(file));
}

/** What a YAML text says, and how to name the place of a problem in it. */
export type ReadYaml =
  | { readonly ok: true; readonly value: unknown; readonly say: (problem: Problem) => string }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads YAML; `name` is what messages call the file. */
export function readYaml(text: string, name: string): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => {
        const at = lines.linePos(error.pos[0]);
        return `${name}:${at.line}:${at.col} ${error.message}`;
      }),
    };
  }
  const place = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
        const at = lines.linePos(Number(node.range[0]));
        return `${name}:${at.line}:${at.col}`;
      }
    }
    return `${name}:1:1`;
  };
  return {
    ok: true,
    value: document.toJS(),
    say: ({ path, message }) => `${place(path)} ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
  };
}

/** As `loadScenario`, from text. */
export function parseScenario(text: string, name: string): LoadedScenario {
  const read = readYaml(text, name);
  if (!read.ok) return read;
  const parsed = scenarioSchema.safeParse(read.value);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map(read.say) };
  const problems = checkScenario(parsed.data);
  return problems.length > 0 ? { ok: false, problems: problems.map(read.say) } : { ok: true, scenario: parsed.data };
}

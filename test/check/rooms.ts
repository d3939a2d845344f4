/**
 * Which room may import which. A linter sees only how an import is spelled; this resolves it, and sees `import()` and
 * `new URL(…, import.meta.url)` as well.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { repository } from './files.ts';

/** Room → what it may import besides itself: a room, or one file of a room. */
export const table = {
  drivers: [],
  models: [],
  'cloud-bridge': [],
  simulators: [],
  agent: ['drivers', 'models', 'cloud-bridge/contract.ts'],
  test: ['agent', 'drivers', 'models', 'cloud-bridge', 'simulators'],
} as const satisfies Record<string, readonly string[]>;
export type Room = keyof typeof table;

/** The demo's judge shares no code with what it judges; scenarios and profiles it reads as data, from these folders. */
const judge = { folder: 'test/demo/score', reads: ['simulators/scenarios/', 'drivers/profiles/'] } as const;

/** What else may stand at the top of the repository, beside the rooms, `docs/` and dot-files. */
const topFiles: ReadonlySet<string> = new Set([
  'README.md',
  'LICENSE',
  'NOTICE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
]);

/** Every break of the table, as `file:line: what`. */
export function roomProblems(files: readonly string[]): readonly string[] {
  return [
    ...files.flatMap((file) => {
      const top = topProblem(file);
      return top === null ? [] : [top];
    }),
    ...files
      .filter((file) => /\.(ts|tsx|mts|js|mjs)$/.test(file))
      .flatMap((file) => importProblems(file, readFileSync(join(repository, file), 'utf8'))),
  ];
}

function topProblem(file: string): string | null {
  const [top = '', ...rest] = file.split('/');
  if (top.startsWith('.') || top in table || top === 'docs') return null;
  if (rest.length === 0 && topFiles.has(top)) return null;
  return `${file}:1: ${top} has no place at the top of the repository`;
}

/** Breaks of the table in one file. `file` is relative to the repository. */
export function importProblems(file: string, source: string): readonly string[] {
  const room = roomOf(file);
  if (room === null) return [];
  const isJudge = file.startsWith(`${judge.folder}/`);
  const allowed: readonly string[] = isJudge ? [judge.folder] : [room, ...table[room]];
  return importsOf(source).flatMap(({ specifier, line }) => {
    if (!specifier.startsWith('.')) return [];
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    // The repository itself (a path is made from it) and its manifest belong to everybody.
    if (target === './' || target === 'package.json') return [];
    if (isJudge && judge.reads.some((folder) => target === folder)) return [];
    if (allowed.some((place) => target === place || target.startsWith(`${place}/`))) return [];
    return [
      `${file}:${line}: ${isJudge ? judge.folder : room} may not import ${target}; it may import ${allowed.join(', ')}`,
    ];
  });
}

function roomOf(file: string): Room | null {
  const top = file.split('/')[0] ?? '';
  return Object.hasOwn(table, top) ? (top as Room) : null;
}

const forms = [
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/g,
  /\bimport\s*['"]([^'"\n]+)['"]/g,
  /\b(?:import|require|import\.meta\.resolve)\s*\(\s*['"`]([^'"`\n$]+)['"`]/g,
  /\bnew\s+URL\s*\(\s*['"`]([^'"`\n$]+)['"`]\s*,\s*import\.meta\.url/g,
];

/** Every module a source names, with its line. Type imports count: a type ties rooms together as a value does. */
export function importsOf(source: string): readonly { readonly specifier: string; readonly line: number }[] {
  // Comments may show imports; blanks of the same length keep the line numbers.
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (text) => text.replace(/[^\n]/g, ' '));
  return forms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => ({
      specifier: match[1] ?? '',
      line: code.slice(0, match.index + match[0].length).split('\n').length,
    })),
  );
}

/** `npm run check`: everything a change must pass beside the tests. All checks run, also when one fails. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repository, repositoryFiles } from './files.ts';
import { frozenProblems } from './frozen.ts';
import { staleDocuments } from './generate.ts';
import { pageTexts } from './page-texts.ts';
import { roomProblems } from './rooms.ts';
import { wordProblems } from './words.ts';

interface Check {
  readonly name: string;
  /** Problems as text; empty when all is well. */
  readonly run: () => Promise<string>;
}

const tool = (name: string, ...args: readonly string[]) => {
  const path = join(repository, 'node_modules/.bin', name);
  return async (): Promise<string> => {
    const { code, output } = await run(path, args);
    return code === 0 ? '' : output.trim() || `${name} ended with ${code}`;
  };
};

function run(path: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(path, args, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer) => (output += chunk.toString('utf8'));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: 1, output: error.message }));
    child.on('close', (code) => done({ code, output }));
  });
}

const files = repositoryFiles();
const checks: readonly Check[] = [
  { name: 'imports between rooms', run: async () => roomProblems(files).join('\n') },
  { name: 'forbidden words', run: async () => wordProblems(files).join('\n') },
  { name: 'frozen fixtures', run: async () => frozenProblems().join('\n') },
  { name: 'texts of the page', run: async () => pageTexts(files).join('\n') },
  {
    name: 'generated files',
    run: async () => {
      const stale = staleDocuments();
      return stale.map(({ path }) => `${path} is not current; run: npm run generate`).join('\n');
    },
  },
  { name: 'format', run: tool('oxfmt', '--check', '.') },
  { name: 'types', run: tool('tsc', '--noEmit', '-p', '.') },
  { name: 'types of the page', run: tool('tsc', '--noEmit', '-p', 'agent/web/tsconfig.json') },
  { name: 'types of the fleet page', run: tool('tsc', '--noEmit', '-p', 'cloud-bridge/fleet-page/tsconfig.json') },
  { name: 'lint', run: tool('oxlint', '--deny-warnings') },
];

let failed = 0;
for (const check of checks) {
  const startedMs = performance.now();
  const problems = await check.run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${problems === '' ? 'ok  ' : 'FAIL'} ${check.name} (${seconds} s)\n`);
  if (problems === '') continue;
  failed += 1;
  process.stdout.write(`${problems.replace(/^/gm, '  ')}\n`);
}
process.stdout.write(
  failed === 0 ? `all ${checks.length} checks passed\n` : `${failed} of ${checks.length} checks failed\n`,
);
process.exitCode = failed === 0 ? 0 : 1;

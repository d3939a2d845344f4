/**
 * Runs test files, each in a process of its own, two at a time: `run.ts [FOLDER|FILE]...`.
 *
 * Invariants:
 *  R1  A file that crashes, hangs, holds no test or does not end after its last test is a failure.
 *  R2  The exit code is 0 only if at least one test ran and none failed.
 *  R3  The last line is plain: `N passed, N failed, N skipped`.
 *  R4  No process of a test file outlives the run.
 *  R5  A file named `*.alone.test.ts` measures time or memory: it runs after the others, with nothing beside it.
 *  R6  Random input is drawn from one seed, that of the commit: a commit passes or fails, each time and everywhere, and every commit
 *      tries cases that none before it tried. `SELVEDGE_SEED=N` sets another.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Line } from './reporter.ts';

export interface RunOptions {
  readonly files: readonly string[];
  readonly root: string;
  readonly print: (text: string) => void;
  readonly concurrency: number;
  /** Where random input begins. */
  readonly seed: number;
  /** A single test may take this long. */
  readonly testTimeoutMs: number;
  /** No news from a file for this long: it hangs. Longer than a test may take, so that node:test can tell which one it was. */
  readonly silenceMs: number;
  /** After its last test a process has this long to end; later a handle was left open. */
  readonly exitMs: number;
  /** Aborting it ends the run and everything it started. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface FileResult {
  readonly file: string;
  readonly lines: readonly Line[];
  readonly seconds: number;
}

/** Every `*.test.ts` at or below the given paths. */
export function findTests(root: string, paths: readonly string[]): readonly string[] {
  const found = paths.flatMap((path) => {
    const full = resolve(root, path);
    const isFile = statSync(full, { throwIfNoEntry: false })?.isFile() === true;
    return isFile ? [full] : globSync('**/*.test.ts', { cwd: full }).map((name) => join(full, name));
  });
  return [...new Set(found)].toSorted();
}

export async function runTests(options: RunOptions): Promise<Outcome> {
  const { print, root } = options;
  const results: FileResult[] = [];
  const queue = options.files.filter((file) => !runsAlone(file));
  const alone = options.files.filter(runsAlone);
  const scratch = mkdtempSync(join(tmpdir(), 'selvedge-tests-'));
  try {
    const work = async (files: string[], number: number) => {
      for (let file = files.shift(); file !== undefined && !options.signal.aborted; file = files.shift()) {
        const result = await runFile(file, join(scratch, `${number}.jsonl`), options);
        results.push(result);
        print(progress(result, root));
      }
    };
    await Promise.all(Array.from({ length: options.concurrency }, (_, number) => work(queue, number)));
    await work(alone, 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  }
  const outcome = {
    passed: count(results, 'pass'),
    failed: count(results, 'fail'),
    skipped: count(results, 'skip') + count(results, 'todo'),
  };
  for (const { file, lines } of results) {
    for (const line of lines) {
      if (line.kind === 'skip' || line.kind === 'todo') {
        print(`skipped: ${relative(root, file)}: ${line.name}${line.reason === '' ? '' : ` (${line.reason})`}\n`);
      }
    }
  }
  for (const { file, lines } of results) {
    for (const line of lines) {
      if (line.kind !== 'fail') continue;
      // Once more with its reason: a long output is often kept by its end only.
      print(`failed: ${relative(root, file)}: ${line.name}\n${indent(line.error.slice(0, mostRepeated))}\n`);
    }
  }
  if (outcome.passed + outcome.failed === 0) print('no test ran\n');
  if (outcome.failed > 0) print(`random input began at SELVEDGE_SEED=${options.seed}\n`);
  print(`${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped\n`);
  return outcome;
}

/** Characters of a failure that are printed again at the end. */
const mostRepeated = 1_500;
const runsAlone = (file: string) => file.endsWith('.alone.test.ts');
const count = (results: readonly FileResult[], kind: Line['kind']) =>
  results.reduce((sum, { lines }) => sum + lines.filter((line) => line.kind === kind).length, 0);

function progress({ file, lines, seconds }: FileResult, root: string): string {
  const failures = lines.filter((line) => line.kind === 'fail');
  const passed = lines.filter((line) => line.kind === 'pass').length;
  const head = `${failures.length > 0 ? 'FAIL' : 'ok  '} ${relative(root, file)} (${passed} passed, ${seconds.toFixed(1)} s)\n`;
  return head + failures.map((line) => `  ✗ ${line.name}\n${indent(line.error)}\n`).join('');
}

const indent = (text: string) => text.replace(/^/gm, '    ');

async function runFile(file: string, reportFile: string, options: RunOptions): Promise<FileResult> {
  const startedMs = performance.now();
  rmSync(reportFile, { force: true });
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      `--import=${pathToFileURL(join(import.meta.dirname, 'seed.ts')).href}`,
      `--test-timeout=${options.testTimeoutMs}`,
      `--test-reporter=${join(import.meta.dirname, 'reporter.ts')}`,
      `--test-reporter-destination=${reportFile}`,
      file,
    ],
    // A group of its own, so that whatever the file has started can be ended with it.
    {
      cwd: options.root,
      env: { ...process.env, SELVEDGE_SEED: String(options.seed) },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const end = () => endGroup(child.pid);
  options.signal.addEventListener('abort', end);
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-20_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  let killed: string | null = null;
  let idle = false;
  let newsMs = performance.now();
  let size = 0;
  const watch = setInterval(() => {
    const nowMs = performance.now();
    const nowSize = statSync(reportFile, { throwIfNoEntry: false })?.size ?? 0;
    if (nowSize !== size) {
      size = nowSize;
      newsMs = nowMs;
      idle = readLines(reportFile).at(-1)?.kind === 'idle';
    }
    if (idle && nowMs - newsMs > options.exitMs)
      killed = 'the process did not end after the last test: a handle is left open';
    else if (nowMs - newsMs > options.silenceMs)
      killed = `no news for ${Math.round(options.silenceMs / 1000)} s: it hangs`;
    if (killed !== null) end();
  }, 250);
  const exit = await new Promise<{ code: number | null; signal: string | null }>((done) => {
    child.on('error', (error) => {
      output += error.message;
      done({ code: 1, signal: null });
    });
    child.on('exit', (code, signal) => done({ code, signal }));
  });
  clearInterval(watch);
  // What it started and left behind would disturb the files after it.
  end();
  options.signal.removeEventListener('abort', end);
  const lines = readLines(reportFile).filter((line) => line.kind !== 'idle');
  const failed = lines.some((line) => line.kind === 'fail');
  const whole = (error: string): FileResult => ({
    file,
    lines: [...lines, { kind: 'fail', name: '(the file)', error: `${error}\n${output.trim()}`, ms: 0 }],
    seconds: (performance.now() - startedMs) / 1000,
  });
  if (killed !== null) return whole(killed);
  if (exit.code !== 0 && !failed) return whole(`the process ended with ${exit.signal ?? `exit code ${exit.code}`}`);
  if (lines.length === 0) return whole('it holds no test');
  return { file, lines, seconds: (performance.now() - startedMs) / 1000 };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

function readLines(file: string): readonly Line[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  // The last line can be cut short when the process was killed.
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as Line] : []));
}

/** @returns the seed asked for, or that of the commit; where there is no repository, one that the time makes */
function seedOfRun(root: string): number {
  const asked = process.env['SELVEDGE_SEED'] ?? '';
  if (asked !== '') return Number(asked) | 0;
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? Number.parseInt(stdout.slice(0, 8), 16) | 0 : Date.now() | 0;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..');
  const paths = process.argv.slice(2);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const { passed, failed } = await runTests({
    files: findTests(root, paths.length === 0 ? ['test'] : paths),
    root,
    print: (text) => process.stdout.write(text),
    concurrency: 2,
    seed: seedOfRun(root),
    testTimeoutMs: 120_000,
    silenceMs: 180_000,
    exitMs: 10_000,
    signal: stop.signal,
  });
  process.exitCode = failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1;
}

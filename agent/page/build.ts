/**
 * Builds the web application of the page with Vite, when its sources changed: `node agent/page/build.ts` by hand, or
 * `ensurePageBuilt()` at a start, which does it in a child process so that Vite is never loaded into the agent.
 *
 * Invariants (test/unit/page/build.test.ts; of the folder itself: agent/built-folder.ts):
 *  B1  Two processes that start at once disturb neither each other nor a running page.
 *  B2  Builds of older sources are cleared away.
 *  B3  No page is built with a text that one of its languages lacks: the first such text is named.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtFolder, hashOf } from '../built-folder.ts';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';

const pageDir = dirname(fileURLToPath(import.meta.url));
const webDir = join(pageDir, '../web');
const ownDistDir = join(pageDir, 'dist');
const rootDir = dirname(dirname(pageDir));

/** Names the build that the present sources and packages give. */
async function sourceHash(): Promise<string> {
  const entries = await readdir(webDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const packages = ['preact', 'uplot', 'vite'].map((name) => join(rootDir, 'node_modules', name, 'package.json'));
  const all = [...files.sort(), fileURLToPath(import.meta.url), ...packages];
  return hashOf(
    rootDir,
    all.map((file) => relative(rootDir, file)),
  );
}

const entry = 'index.html';

/** Folder of the web application, built first if need be (about 2 s). Rejects with AGT-503 when it cannot be built. */
export async function ensurePageBuilt(distDir = ownDistDir): Promise<string> {
  try {
    const dir = join(distDir, await sourceHash());
    if (existsSync(join(dir, entry))) return dir;
    await runBuild(distDir);
    // Of the sources as they are by now.
    return join(distDir, await sourceHash());
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('pageBuildFailed', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function runBuild(distDir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, distDir], {
      cwd: rootDir,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new AgentError('pageBuildFailed', said.trim().split('\n').at(-1) ?? `exit code ${code}`));
    });
  });
}

const pageTextProblems = async (): Promise<readonly string[]> =>
  (await import('../web/catalogue-problems.ts')).pageTextProblems();

/**
 * Builds into a folder beside and renames it; gives the folder.
 * @param textProblems what is wrong with the translations of the page; with any, nothing is built
 */
export async function buildPage(distDir = ownDistDir, textProblems = pageTextProblems): Promise<string> {
  const before = join(distDir, await sourceHash());
  if (existsSync(join(before, entry))) return before;
  const [problem] = await textProblems();
  if (problem !== undefined) throw new AgentError('pageBuildFailed', `agent/web/languages: ${problem}`);
  makeFolder(distDir);
  const dir = await builtFolder({ dist: distDir, name: sourceHash, entry, make: bundle });
  await removeOthers(distDir, basename(dir));
  return dir;
}

async function bundle(outDir: string): Promise<void> {
  const { build } = await import('vite');
  await build({
    root: webDir,
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    publicDir: join(webDir, 'public'),
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
}

/** Running pages hold their files in memory, so builds of older sources can go; what is being built stays. */
async function removeOthers(distDir: string, name: string): Promise<void> {
  for (const other of await readdir(distDir)) {
    if (other !== name && !other.startsWith('.')) await rm(join(distDir, other), { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const dir = await buildPage(process.argv[2] ?? ownDistDir);
    process.stdout.write(`${relative(process.cwd(), dir)}\n`);
  } catch (error) {
    process.stderr.write(`page: ${error instanceof Error ? error.message.split('\n').join(' ') : String(error)}\n`);
    process.exitCode = 1;
  }
}

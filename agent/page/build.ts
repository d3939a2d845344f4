/**
 * Builds the web application of the page with Vite, when its sources changed: `node agent/page/build.ts` by hand, or
 * `ensurePageBuilt()` at a start, which does it in a child process so that Vite is never loaded into the agent.
 *
 *  B1  The folder of a build is named by the hash of everything it is made from: a build that exists is the right one.
 *  B2  A build appears by one rename: two processes that start at once disturb neither each other nor a running page.
 *  B3  No page is built with a text that one of its languages lacks: the first such text is named.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';

const pageDir = dirname(fileURLToPath(import.meta.url));
const webDir = join(pageDir, '../web');
const ownDistDir = join(pageDir, 'dist');
const rootDir = dirname(dirname(pageDir));

/** Names the build that the present sources and packages give. */
async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(webDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const packages = ['preact', 'uplot', 'vite'].map((name) => join(rootDir, 'node_modules', name, 'package.json'));
  for (const file of [...files.sort(), fileURLToPath(import.meta.url), ...packages]) {
    hash.update(`${relative(rootDir, file).split(sep).join('/')}\n`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** Folder of the web application, built first if need be (about 2 s). Rejects with AGT-503 when it cannot be built. */
export async function ensurePageBuilt(distDir = ownDistDir): Promise<string> {
  try {
    const dir = join(distDir, await sourceHash());
    if (await exists(join(dir, 'index.html'))) return dir;
    await runBuild(distDir);
    return dir;
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
  const dir = join(distDir, await sourceHash());
  if (await exists(join(dir, 'index.html'))) return dir;
  const [problem] = await textProblems();
  if (problem !== undefined) throw new AgentError('pageBuildFailed', `agent/web/languages: ${problem}`);
  const { build } = await import('vite');
  makeFolder(distDir);
  const beside = join(distDir, `.building-${process.pid}`);
  await build({
    root: webDir,
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    publicDir: join(webDir, 'public'),
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: beside,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  try {
    await rename(beside, dir);
  } catch (error) {
    // Another process was faster; its build is the same one.
    await rm(beside, { recursive: true, force: true });
    if (!(await exists(join(dir, 'index.html')))) throw error;
  }
  await removeOthers(distDir, dir);
  return dir;
}

/** Running pages hold their files in memory, so builds of older sources can go. */
async function removeOthers(distDir: string, dir: string): Promise<void> {
  for (const name of await readdir(distDir)) {
    const other = join(distDir, name);
    if (other !== dir && !isBeingBuilt(name)) await rm(other, { recursive: true, force: true });
  }
}

/** A half-made build whose process is gone is rubbish. */
function isBeingBuilt(name: string): boolean {
  const pid = Number(/^\.building-(\d+)$/.exec(name)?.[1] ?? 'NaN');
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
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

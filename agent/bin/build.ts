/**
 * Puts the agent, with what it starts as threads and processes, into one folder of plain JavaScript, from which `selvedge run`
 * starts: no types to strip at each start, no comments and no unused parts of packages in memory
 * (docs/decisions/0016-the-agent-starts-built.md). `agent/bin/selvedge` calls it when a source is newer than the build.
 *
 * Invariants (test/unit/builds/agent-build.test.ts, test/integration/agent-build.test.ts; of the folder itself: agent/built-folder.ts):
 *  B1  The folder of a build is named by the hash of everything it is made from: a build that exists is the right one.
 *  B2  A build appears by one rename, and `current` names it afterwards by another: who starts meanwhile gets the old one, whole.
 *  B3  `current` is as old as the sources were when they were read: a change during a build is seen at the next start.
 *  B4  A running agent finds the parts it loads later: the newest builds stay.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { builtFolder, hashOf } from '../built-folder.ts';

const root = join(import.meta.dirname, '../..');
const rooms = ['agent', 'drivers', 'models', 'cloud-bridge'];
const keptBuilds = 3;

/** Packages with native parts, or that look for files beside themselves, stay where they are. */
const stayPackages =
  /^(@nats-io|@peculiar|@serialport|aedes|better-sqlite3|modbus-serial|mqtt|node-opcua|nodemailer|onnxruntime-node|pg|qrcode-terminal|reflect-metadata|rolldown|serialport|sharp|vite)(\/|-|$)/;

/**
 * Makes the build of the present sources and gives its folder; takes 3 s, or nothing where it is there already.
 * @param make writes it to the folder it is given
 */
export async function buildAgent(dist: string, make: (dir: string) => Promise<void> = bundle): Promise<string> {
  const startedAt = new Date();
  const sources = () => hashOf(root, [...rooms.flatMap(sourcesIn), 'package-lock.json']);
  mkdirSync(dist, { recursive: true });
  const dir = await builtFolder({ dist, name: sources, entry: 'cli.mjs', make });
  const name = basename(dir);
  const current = join(dist, `.current-${process.pid}`);
  writeFileSync(current, `${name}\n`);
  utimesSync(current, startedAt, startedAt);
  renameSync(current, join(dist, 'current'));
  removeOld(dist, name);
  return dir;
}

/** All of it: the command line and what it starts, with the parts of packages they use. */
export async function bundle(dir: string): Promise<void> {
  const build = await rolldown({
    input: { cli: join(root, 'agent/cli.ts') },
    platform: 'node',
    external: (id) => stayPackages.test(id),
    plugins: [places],
    // Types are gone before it looks: no setting for them can change what is built, and none has to be there.
    tsconfig: false,
    logLevel: 'silent',
  });
  await build.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    // Names stay, so that what is logged of a failure can be read.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    comments: false,
    keepNames: true,
  });
  await build.close();
}

/** A module that is started by its URL becomes a file of the build; every other place stays that of the source. */
const places: Plugin = {
  name: 'places',
  transform(code, id) {
    if (!id.startsWith(root + sep) || id.includes(`${sep}node_modules${sep}`) || !code.includes('import.meta'))
      return null;
    const started = code.replace(/new URL\(\s*'([^']+)\.ts',\s*import\.meta\.url\s*\)/g, (_, path: string) => {
      const file = join(dirname(id), `${path}.ts`);
      // Its whole path in one word: that is what people see of the process.
      const name = relative(root, file.slice(0, -'.ts'.length)).replaceAll(sep, '-');
      const reference = this.emitFile({ type: 'chunk', id: file, name });
      return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`;
    });
    const source = `process.getBuiltinModule('node:path').join(import.meta.dirname, '../../..', ${JSON.stringify(relative(root, id))})`;
    const placeOf: Record<string, string> = {
      url: `process.getBuiltinModule('node:url').pathToFileURL(${source}).href`,
      dirname: `process.getBuiltinModule('node:path').dirname(${source})`,
      filename: source,
      main: String(id === join(root, 'agent/cli.ts')),
    };
    return started.replace(/import\.meta\.(url|dirname|filename|main)\b/g, (all, name: string) => placeOf[name] ?? all);
  },
};

function sourcesIn(room: string): string[] {
  const entries = readdirSync(join(root, room), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).toSorted();
}

function removeOld(dist: string, name: string): void {
  const age = (entry: string) => statSync(join(dist, entry), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const others = readdirSync(dist).filter((entry) => /^[0-9a-f]{16}$/.test(entry) && entry !== name);
  const old = others.toSorted((a, b) => age(b) - age(a)).slice(keptBuilds - 1);
  for (const entry of old) rmSync(join(dist, entry), { recursive: true, force: true });
}

if (import.meta.main) {
  try {
    process.stdout.write(`${relative(process.cwd(), await buildAgent(process.argv[2] ?? join(root, 'agent/dist')))}\n`);
  } catch (error) {
    process.stderr.write(
      `selvedge: the agent was not built: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}

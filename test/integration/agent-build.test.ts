/** `selvedge run` starts from a build of the sources; the build is never older than they are, and never in the way. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Build from '../../agent/bin/build.ts';

const root = join(import.meta.dirname, '../..');

describe('the build of the agent', () => {
  let dir = '';
  let copy = '';

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'selvedge-build-'));
    copy = join(dir, 'a folder');
    for (const name of ['agent', 'drivers', 'models', 'cloud-bridge', 'package.json', 'package-lock.json']) {
      cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !path.includes('/agent/dist') });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const launcher = () => join(copy, 'agent/bin/selvedge');
  const run = (...args: string[]) => {
    const { stdout, stderr, status } = spawnSync('sh', [launcher(), 'run', ...args], { encoding: 'utf8', cwd: dir });
    return { stdout, stderr, status };
  };
  const builds = () => readdirSync(join(copy, 'agent/dist')).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const current = () => readFileSync(join(copy, 'agent/dist/current'), 'utf8').trim();

  test('is made at the first start and serves the next ones', () => {
    const first = run('--help');
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^Usage: selvedge run/);
    const built = join(copy, 'agent/dist', current(), 'cli.mjs');
    const { mtimeMs } = statSync(built);
    assert.equal(run('--help').stdout, first.stdout);
    assert.equal(statSync(built).mtimeMs, mtimeMs);
    assert.deepEqual(builds(), [current()]);
  });

  test('names files of its own for what it starts, and files that exist for what it reads', () => {
    const folder = join(copy, 'agent/dist', current());
    const started: string[] = [];
    for (const name of readdirSync(folder)) {
      const code = readFileSync(join(folder, name), 'utf8');
      for (const [, file = ''] of code.matchAll(/new URL\(new URL\([`'"]([^`'"]+)[`'"],\s*import\.meta\.url\)/g))
        started.push(file);
      for (const [, file = ''] of code.matchAll(
        /import\.meta\.dirname,\s*[`'"]\.\.\/\.\.\/\.\.[`'"],\s*[`'"]([^`'"]+)[`'"]/g,
      )) {
        assert.ok(statSync(join(copy, file)).isFile(), file);
      }
    }
    for (const file of started) assert.ok(statSync(fileURLToPath(new URL(file, `file://${folder}/`))).isFile(), file);
    // The writer and the reader of the store, and the processes of both senses.
    for (const part of ['store-writer-thread', 'store-reader-thread', 'senses-ear-child', 'senses-eye-shadow-child']) {
      assert.ok(
        started.some((file) => file.startsWith(`agent-${part}-`)),
        `${part}: ${started.join(' ')}`,
      );
    }
  });

  test('works where the folder was moved to', () => {
    const moved = join(dir, 'moved');
    renameSync(copy, moved);
    copy = moved;
    const { status, stdout, stderr } = run('--help');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Usage/);
    assert.equal(builds().length, 1);
  });

  test('is made anew when a source is newer', () => {
    const before = current();
    appendFileSync(join(copy, 'agent/commands/run.ts'), "\nprocess.stderr.write('changed\\n');\n");
    const { status, stderr } = run('--config', join(dir, 'none.yaml'));
    assert.match(stderr, /changed/);
    assert.equal(status, 2);
    assert.notEqual(current(), before);
    // Who runs the former one may load a part of it yet.
    assert.equal(builds().length, 2);
  });

  test('has what was changed while it was made', async () => {
    const script = pathToFileURL(join(copy, 'agent/bin/build.ts')).href;
    const { buildAgent, bundle } = (await import(script)) as typeof Build;
    const source = join(copy, 'agent/commands/run.ts');
    const says = (what: string) => `\nprocess.stderr.write('${what}\\n');\n`;
    appendFileSync(source, says('before'));
    let change = says('meanwhile');
    const made = await buildAgent(join(copy, 'agent/dist'), async (dir) => {
      await bundle(dir);
      appendFileSync(source, change);
      change = '';
    });
    assert.match(run('--help').stderr, /before\nmeanwhile\n/);
    assert.equal(join(copy, 'agent/dist', current()), made);
  });

  test('is made once by two starts at once, and neither is disturbed', async () => {
    const before = current();
    appendFileSync(join(copy, 'agent/commands/run.ts'), "\nprocess.stderr.write('for both\\n');\n");
    const starts = await Promise.all(
      ['first', 'second'].map(async () => {
        const child = spawn('sh', [launcher(), 'run', '--help'], { cwd: dir });
        const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
        return {
          stdout: stdout.slice(0, 19),
          told: stderr.includes('for both'),
          failed: stderr.includes('was not built'),
        };
      }),
    );
    const well = { stdout: 'Usage: selvedge run', told: true, failed: false };
    assert.deepEqual(starts, [well, well]);
    assert.notEqual(current(), before);
    const all = readdirSync(join(copy, 'agent/dist'));
    assert.deepEqual(
      all.filter((name) => name.startsWith('.')),
      [],
    );
    assert.ok(all.length <= 4, all.join(' '));
  });

  test('is left alone where somebody asks for the sources', () => {
    const env = { ...process.env, SELVEDGE_FROM_SOURCES: '1' };
    const before = current();
    appendFileSync(join(copy, 'agent/commands/run.ts'), "\nprocess.stderr.write('changed again\\n');\n");
    const { stdout, stderr } = spawnSync('sh', [launcher(), 'run', '--config', 'none.yaml'], {
      encoding: 'utf8',
      cwd: dir,
      env,
    });
    assert.match(stderr, /changed again/, stdout);
    assert.equal(current(), before);
  });

  test('that cannot be made is said, and the sources are started', () => {
    const script = join(copy, 'agent/bin/build.ts');
    writeFileSync(script, `throw new Error('no room');\n${readFileSync(script, 'utf8')}`);
    const { status, stdout, stderr } = run('--help');
    assert.equal(status, 0);
    assert.match(stdout, /^Usage/);
    assert.match(stderr, /no room/);
  });
});

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCli, type Command } from '../../../agent/cli.ts';
import { AgentError } from '../../../agent/errors.ts';
import { repository } from '../../check/files.ts';

/** Runs the dispatcher with a command made here. */
async function cli(argv: readonly string[], main: Command['main'], debug = false) {
  const told = { out: '', err: '', loaded: [] as string[] };
  const code = await runCli(argv, {
    load: (verb) => {
      told.loaded.push(verb);
      return Promise.resolve({ help: `help of ${verb}\n`, main });
    },
    out: (text) => (told.out += text),
    err: (text) => (told.err += text),
    debug,
  });
  return { code, ...told };
}
const good = () => Promise.resolve(0);

test('a verb gets its arguments and gives its exit code', async () => {
  const seen: (readonly string[])[] = [];
  const { code, loaded } = await cli(['outbox', 'list', '--json', 'x'], (args) => {
    seen.push(args);
    return Promise.resolve(1);
  });
  assert.equal(code, 1);
  assert.deepEqual(loaded, ['outbox']);
  assert.deepEqual(seen, [['list', '--json', 'x']]);
});

test('an unknown verb loads nothing', async () => {
  const { code, err, loaded } = await cli(['chek'], good);
  assert.equal(code, 2);
  assert.match(err, /no verb 'chek'/);
  assert.deepEqual(loaded, []);
});

test('--help prints the help of the verb and does nothing else', async () => {
  const fail = () => Promise.reject(new TypeError('must not run'));
  for (const flag of ['--help', '-h']) {
    assert.deepEqual(await cli(['run', 'x', flag], fail), { code: 0, out: 'help of run\n', err: '', loaded: ['run'] });
  }
});

test('an error of the tables is one line with its cure', async () => {
  const { code, err } = await cli(['run'], () => Promise.reject(new AgentError('fileUnreadable', '/x does not exist')));
  assert.equal(code, 2);
  assert.match(err, /^AGT-100 \/x does not exist — do: [^\n]+\n$/);
});

test('an error nobody foresaw is one line that says so; the stack only when asked for', async () => {
  const bug = () => Promise.reject(new TypeError('x is not a function\nat y'));
  const quiet = await cli(['run'], bug);
  assert.equal(quiet.code, 1);
  assert.match(quiet.err, /^selvedge run: x is not a function — this is a bug[^\n]*\n$/);
  assert.match((await cli(['run'], bug, true)).err, /\n {4}at /);
});

const run = promisify(execFile);

/** Runs the launcher from a folder that is not the repository. */
async function selvedge(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run('sh', [join(repository, 'agent/bin/selvedge'), ...args], { cwd: tmpdir() });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

test('selvedge check works from any folder, with exit code, report and no stack trace', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-check-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const example = join(repository, 'docs/config.example.yaml');
  const fine = await selvedge('check', example, '--json', join(dir, 'fine.json'));
  assert.equal(fine.status, 0, fine.stderr);
  assert.match(fine.stdout, /can be used: site dhaka-2 \(Asia\/Dhaka\), 4 machines/);
  assert.deepEqual(JSON.parse(readFileSync(join(dir, 'fine.json'), 'utf8')), { ok: true, file: example, issues: [] });

  const file = join(dir, 'agent.yaml');
  writeFileSync(file, 'version: 1\nsite: {id: X}\nmachine: []\n');
  const bad = await selvedge('check', file, '--json', join(dir, 'bad.json'));
  assert.equal(bad.status, 2);
  assert.equal(bad.stdout, '');
  assert.match(bad.stderr, /agent\.yaml:3:1: machine is no setting; right: did you mean machines\?/);
  assert.match(bad.stderr, /cannot be used: 4 mistakes\n$/);
  assert.doesNotMatch(bad.stderr, /\n\s+at /);
  const report = JSON.parse(readFileSync(join(dir, 'bad.json'), 'utf8')) as { ok: boolean; issues: { line: number }[] };
  assert.equal(report.ok, false);
  assert.deepEqual(
    report.issues.map((issue) => issue.line),
    [1, 2, 2, 3],
  );
});

test('wrong usage of check is one line and exit code 2', async () => {
  for (const args of [['check'], ['check', 'a', 'b'], ['check', '--nothing'], ['check', '/nothing/at/all.yaml']]) {
    const { status, stderr } = await selvedge(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /^AGT-\d+ [^\n]+ — do: [^\n]+\n$/, args.join(' '));
  }
});

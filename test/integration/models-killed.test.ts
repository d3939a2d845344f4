/**
 * `selvedge models` killed with SIGKILL at each of its steps on the disk, writes and removals in their middle as well: the model that was
 * in use is in use and whole, or the new one is; and the same command, run again, ends what was begun.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { InstalledModels, type ListedModel } from '../../agent/models/installed.ts';
import { good } from '../../models/package/verify.ts';
import { repository } from '../check/files.ts';
import type { FsStep } from '../support/fs-steps.ts';
import { keyPair, makePackage, temporaryDir, trusting } from '../unit/models/making.ts';

const { privateKey, publicKey } = keyPair();
const trusted = trusting({ site: [publicKey] });

interface Rig {
  readonly dir: string;
  readonly keyFile: string;
  readonly package: (version: string) => string;
}

function rig(t: TestContext): Rig {
  const dir = temporaryDir(t);
  const keyFile = join(dir, 'site.pub.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const make = (version: string) => {
    const folder = join(dir, `add-${version}`);
    return existsSync(folder) ? folder : makePackage(folder, { key: privateKey, signedBy: 'site', version });
  };
  return { dir, keyFile, package: make };
}

interface Ended {
  readonly killed: boolean;
  readonly steps: readonly FsStep[];
}

/** @param killAt 0: it is not killed */
function models({ dir, keyFile }: Rig, dataDir: string, words: readonly string[], killAt: number): Ended {
  const log = join(dir, 'steps.log');
  rmSync(log, { force: true });
  const { signal, status, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      `--import=${join(repository, 'test/support/fs-steps.ts')}`,
      join(repository, 'agent/cli.ts'),
      'models',
      ...words,
      '--data-dir',
      dataDir,
      '--site-key',
      keyFile,
    ],
    {
      encoding: 'utf8',
      env: { ...process.env, FS_STEPS_ROOT: dataDir, FS_STEPS_LOG: log, FS_STEPS_KILL_AT: String(killAt) },
    },
  );
  const steps = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').filter(Boolean) : [];
  if (signal !== 'SIGKILL') assert.equal(status, 0, stderr);
  return { killed: signal === 'SIGKILL', steps: steps.map((line) => JSON.parse(line) as FsStep) };
}

function look(dataDir: string) {
  const installed = new InstalledModels({
    dataDir,
    trusted,
    golden: () => Promise.resolve(good('golden', '')),
    now: () => ({ boot: null, monotonicMs: 0 }),
    wallMs: () => 0,
  });
  const list = installed.list();
  for (const { id, version, signedBy } of list) {
    assert.equal(signedBy, 'site', `${id} ${version}: what is listed is whole`);
  }
  // Signature and every byte are verified with this.
  return { active: installed.active('add')?.manifest.version ?? null, list };
}

const stateOf = (list: readonly ListedModel[], version: string) => list.find((one) => one.version === version)?.state;

/** Kills the command at each step of it. */
function killEverywhere(
  t: TestContext,
  words: (made: Rig) => readonly string[],
  before: (made: Rig, dataDir: string) => void,
) {
  const made = rig(t);
  const template = join(made.dir, 'template');
  before(made, template);
  const old = look(template);
  const whole = join(made.dir, 'whole');
  cpSync(template, whole, { recursive: true });
  const { steps } = models(made, whole, words(made), 0);
  const fresh = look(whole);
  const seen: string[] = [];
  for (let killAt = 1; killAt <= steps.length; killAt += 1) {
    // A kill loses nothing that was written, so before a sync all is as it was after the step before.
    if (steps[killAt - 1]?.op === 'sync' && steps[killAt - 2]?.op !== 'rename') continue;
    const dataDir = join(made.dir, 'data');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
    cpSync(template, dataDir, { recursive: true });
    const at = `killed before step ${killAt}, ${JSON.stringify(steps[killAt - 1])}`;
    assert.ok(models(made, dataDir, words(made), killAt).killed, at);
    const now = look(dataDir);
    const side = (found: typeof now) =>
      JSON.stringify({ active: found.active, states: found.list.map(({ version, state }) => [version, state]) });
    assert.ok([side(old), side(fresh)].includes(side(now)), `${at}: ${side(now)}`);
    seen.push(side(now) === side(fresh) ? 'new' : 'old');
    if (seen.length % 2 === 0) continue;
    // A trial that had begun goes on; everything else is done again.
    models(made, dataDir, words(made), 0);
    assert.equal(side(look(dataDir)), side(fresh), `${at}: done again`);
    assert.deepEqual(readdirSync(join(dataDir, 'models', '.staging')), [], `${at}: nothing is left`);
  }
  // Once new, it stays new.
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => Number(a === 'new') - Number(b === 'new')),
  );
  return { steps, old, fresh, seen };
}

const inUse = (version: string) => (made: Rig, dataDir: string) => {
  models(made, dataDir, ['install', made.package(version)], 0);
  models(made, dataDir, ['activate', `add@${version}`], 0);
};

test('install: the old model works at every step, and the new one appears whole', (t) => {
  const { steps, fresh } = killEverywhere(t, (made) => ['install', made.package('2.0.0')], inUse('1.0.0'));
  assert.ok(steps.length > 20, String(steps.length));
  assert.equal(fresh.active, '1.0.0');
  assert.equal(stateOf(fresh.list, '2.0.0'), 'installed');
});

test('install that makes room: versions nobody needs go, at any moment without harm', (t) => {
  const made = (version: string) => (one: Rig, dataDir: string) =>
    models(one, dataDir, ['install', one.package(version)], 0);
  const { fresh } = killInstallOfFifth(t, made);
  assert.deepEqual(
    fresh.list.map(({ version }) => version),
    ['1.4.0', '1.3.0', '1.2.0', '1.0.0'],
  );
});

function killInstallOfFifth(t: TestContext, install: (version: string) => (one: Rig, dataDir: string) => unknown) {
  const one = rig(t);
  const template = join(one.dir, 'template');
  inUse('1.0.0')(one, template);
  for (const version of ['1.1.0', '1.2.0', '1.3.0']) install(version)(one, template);
  const whole = join(one.dir, 'whole');
  cpSync(template, whole, { recursive: true });
  const words = ['install', one.package('1.4.0')];
  const { steps } = models(one, whole, words, 0);
  const first = steps.findIndex(({ op, to }) => op === 'rename' && to === 'models/add/1.4.0');
  assert.ok(first > 0);
  for (let killAt = first + 1; killAt <= steps.length; killAt += 1) {
    const dataDir = join(one.dir, 'data');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
    cpSync(template, dataDir, { recursive: true });
    assert.ok(models(one, dataDir, words, killAt).killed);
    assert.equal(look(dataDir).active, '1.0.0');
  }
  return { fresh: look(whole) };
}

const prepared = (made: Rig, dataDir: string) => {
  inUse('1.0.0')(made, dataDir);
  models(made, dataDir, ['install', made.package('2.0.0')], 0);
};

test('shadow', (t) => {
  const { fresh } = killEverywhere(t, () => ['shadow', 'add@2.0.0'], prepared);
  assert.deepEqual([fresh.active, stateOf(fresh.list, '2.0.0')], ['1.0.0', 'shadow']);
});

test('activate', (t) => {
  const { fresh, seen } = killEverywhere(t, () => ['activate', 'add@2.0.0'], prepared);
  assert.deepEqual(
    [fresh.active, stateOf(fresh.list, '2.0.0'), stateOf(fresh.list, '1.0.0')],
    ['2.0.0', 'trial', 'installed'],
  );
  assert.ok(seen.includes('old') && seen.includes('new'));
});

test('every name is given after its bytes are on the disk, and is on the disk itself at the end', (t) => {
  const made = rig(t);
  const dataDir = join(made.dir, 'data');
  const commands = [
    ['install', made.package('1.0.0')],
    ['activate', 'add'],
    ['install', made.package('2.0.0')],
    ['shadow', 'add@2.0.0'],
    ['activate', 'add'],
    ['rollback', 'add'],
  ];
  for (const words of commands) {
    const { steps } = models(made, dataDir, words, 0);
    const renames = steps.flatMap((step, at) => (step.op === 'rename' ? [{ ...step, at }] : []));
    assert.ok(renames.length > 0, words.join(' '));
    for (const { path, to = '', at } of renames) {
      const inside = (name: string) => name === path || name.startsWith(`${path}/`);
      const before = steps.slice(0, at);
      for (const [writtenAt, { op, path: name }] of before.entries()) {
        if (op === 'write' && inside(name)) assert.ok(synced(before, name, writtenAt), `${name} before it is ${to}`);
        // What was made in a folder is there after a power cut when the folder is synced.
        if ((op === 'open' || op === 'mkdir') && inside(name) && name !== path) {
          assert.ok(
            synced(before, name.slice(0, name.lastIndexOf('/')), writtenAt),
            `the folder of ${name} before it is ${to}`,
          );
        }
      }
      assert.ok(synced(steps, to.slice(0, to.lastIndexOf('/')), at), `the name ${to}`);
    }
  }
  assert.equal(look(dataDir).active, '1.0.0');
});

const synced = (steps: readonly FsStep[], name: string, after: number) =>
  steps.some(({ op, path }, at) => at > after && op === 'sync' && path === name);

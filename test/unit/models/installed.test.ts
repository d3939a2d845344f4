import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AgentError } from '../../../agent/errors.ts';
import { InstalledModels, PackageRefused } from '../../../agent/models/installed.ts';
import { readSlots, withLock, writeSlots } from '../../../agent/models/state-file.ts';
import { maxModels } from '../../../agent/models/slots.ts';
import { bad, good } from '../../../models/package/verify.ts';
import { keyPair, makePackage, temporaryDir, trusting, type Making } from './making.ts';

const { privateKey, publicKey } = keyPair();

function rig(t: TestContext) {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'data');
  const golden = { works: true };
  const models = new InstalledModels({
    dataDir,
    trusted: trusting({ release: [publicKey] }),
    golden: () => Promise.resolve(golden.works ? good('golden', '') : bad('golden', 'goldenFailed', 'too far')),
    now: () => ({ boot: 'b', monotonicMs: 5 }),
    wallMs: () => 1_000,
    lockWaitMs: 0,
  });
  let made = 0;
  const make = (version: string, more: Partial<Making> = {}) =>
    makePackage(join(dir, `made-${(made += 1)}`), { key: privateKey, version, ...more });
  const states = () => models.list().map(({ version, state }) => `${version} ${state}`);
  const path = (...parts: readonly string[]) => join(dataDir, 'models', ...parts);
  return { dir, dataDir, models, make, states, path, golden };
}
const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'entry' in error && (error.entry as { code: string }).code === expected;

test('a fresh gateway has none; one that is installed is not in use yet', async (t) => {
  const { models, make, states, dataDir } = rig(t);
  assert.deepEqual(models.list(), []);
  assert.equal(existsSync(dataDir), false, 'looking makes nothing');
  assert.deepEqual(await models.install(make('1.0.0')), {
    id: 'add',
    version: '1.0.0',
    state: 'installed',
    trialEndsMs: null,
    active: null,
  });
  assert.deepEqual(states(), ['1.0.0 installed']);
  assert.equal(models.active('add'), null);
});

test('install, shadow, activate, roll back', async (t) => {
  const { models, make, states } = rig(t);
  await models.install(make('1.0.0'));
  assert.equal((await models.activate('add', '1.0.0')).state, 'trial');
  await models.install(make('2.0.0'));
  assert.deepEqual(await models.shadow('add', '2.0.0'), {
    id: 'add',
    version: '2.0.0',
    state: 'shadow',
    trialEndsMs: null,
    active: '1.0.0',
  });
  assert.deepEqual(states(), ['2.0.0 shadow', '1.0.0 trial']);
  assert.equal(models.next('add'), '2.0.0');
  assert.equal((await models.activate('add', '2.0.0')).trialEndsMs, 1_000 + 24 * 3_600_000);
  assert.equal(models.active('add')?.manifest.version, '2.0.0');
  assert.deepEqual(await models.rollBack('add'), {
    id: 'add',
    version: '1.0.0',
    state: 'active',
    trialEndsMs: null,
    active: '1.0.0',
  });
  assert.deepEqual(states(), ['2.0.0 installed', '1.0.0 active']);
  await models.shadow('add', '2.0.0');
  assert.equal((await models.shadow('add', null)).state, 'installed');
});

test('I1: what fails its samples, signature or hashes leaves nothing behind', async (t) => {
  const { models, make, states, path, golden } = rig(t);
  golden.works = false;
  await assert.rejects(models.install(make('1.0.0')), code('MDL-106'));
  golden.works = true;
  const changed = make('1.0.0');
  appendFileSync(join(changed, 'model.onnx'), 'x');
  await assert.rejects(models.install(changed), (error) => {
    assert.ok(error instanceof PackageRefused);
    assert.deepEqual(
      error.verdict.checks.map(({ ok }) => ok),
      [true, true, false],
    );
    return code('MDL-103')(error);
  });
  await assert.rejects(models.install(make('1.0.0', { key: keyPair().privateKey })), code('MDL-105'));
  await assert.rejects(models.install(make('1.0.0', { signedBy: 'site' })), code('MDL-105'));
  await assert.rejects(models.install(join(path(), 'nothing')), code('MDL-100'));
  assert.deepEqual(states(), []);
  assert.deepEqual(existsSync(path('.staging')) ? readdirSync(path('.staging')) : [], []);
});

test('I3: a version never changes; the same package again is well', async (t) => {
  const { models, make, states } = rig(t);
  const first = make('1.0.0');
  await models.install(first);
  assert.equal((await models.install(first)).state, 'installed');
  await assert.rejects(models.install(make('1.0.0', { c: 0.25 })), code('AGT-802'));
  assert.deepEqual(states(), ['1.0.0 installed']);
});

test('no downgrade: an older version is refused, installed or not; installed ones that are newer are not', async (t) => {
  const { models, make } = rig(t);
  await models.install(make('1.0.0'));
  await models.install(make('2.0.0'));
  await models.activate('add', '2.0.0');
  await assert.rejects(models.install(make('1.5.0')), code('AGT-801'));
  await assert.rejects(models.activate('add', '1.0.0'), code('AGT-801'));
  await assert.rejects(models.shadow('add', '1.0.0'), code('AGT-801'));
});

test('a byte that changed on the disk after the installation is found before the model is used', async (t) => {
  const { models, make, path } = rig(t);
  const made = make('1.0.0');
  await models.install(made);
  await models.activate('add', '1.0.0');
  appendFileSync(path('add/1.0.0/golden/first.x.bin'), 'x');
  assert.throws(() => models.active('add'), code('MDL-103'));
  assert.equal(models.list()[0]?.state, 'trial');
  // The same package again mends it.
  await models.install(made);
  assert.equal(models.active('add')?.manifest.version, '1.0.0');
  rmSync(path('add'), { recursive: true });
  assert.throws(() => models.active('add'), code('AGT-800'));
  await assert.rejects(models.activate('add', '1.0.0'), code('AGT-800'));
});

test('a sound package in the folder of another version is not that version', async (t) => {
  const { models, make, path } = rig(t);
  for (const version of ['1.0.0', '2.0.0']) await models.install(make(version));
  await models.activate('add', '2.0.0');
  rmSync(path('add/2.0.0'), { recursive: true });
  cpSync(path('add/1.0.0'), path('add/2.0.0'), { recursive: true });
  assert.throws(() => models.active('add'), code('MDL-103'));
  await assert.rejects(models.export('add', '2.0.0', path('out')), code('MDL-103'));
});

test('what is damaged is not gone back to', async (t) => {
  const { models, make, path } = rig(t);
  for (const version of ['1.0.0', '2.0.0']) {
    await models.install(make(version));
    await models.activate('add', version);
  }
  appendFileSync(path('add/1.0.0/model.onnx'), 'x');
  await assert.rejects(models.rollBack('add'), code('MDL-103'));
  assert.equal(models.active('add')?.manifest.version, '2.0.0');
});

test('I4: of those no slot names two are kept; what was put away by a killed process is swept', async (t) => {
  const { models, make, states, path } = rig(t);
  await models.install(make('1.0.0'));
  await models.activate('add', '1.0.0');
  mkdirSync(path('.staging', '0-dead'), { recursive: true });
  mkdirSync(path('.staging', '999999999-dead'), { recursive: true });
  mkdirSync(path('.staging', `${process.pid}-mine`), { recursive: true });
  for (const version of ['1.1.0', '1.2.0', '1.3.0', '1.4.0']) await models.install(make(version));
  assert.deepEqual(states(), ['1.4.0 installed', '1.3.0 installed', '1.2.0 installed', '1.0.0 trial']);
  assert.deepEqual(readdirSync(path('.staging')), [`${process.pid}-mine`]);
});

test('the number of models is bounded', async (t) => {
  const { models, make, path } = rig(t);
  for (let n = 0; n < maxModels; n += 1) mkdirSync(path(`m-${n}`), { recursive: true });
  await assert.rejects(models.install(make('1.0.0')), code('AGT-807'));
});

test('F2: a damaged state is not taken for none, and not overwritten', async (t) => {
  const { models, make, path, dataDir } = rig(t);
  await models.install(make('1.0.0'));
  for (const text of ['', '{', '{"v":2,"slots":{}}', '{"v":1,"slots":{"add":{"active":"../../etc"}}}']) {
    writeFileSync(path('state.json'), text);
    assert.throws(() => readSlots(dataDir), code('AGT-804'), text);
    assert.throws(() => models.active('add'), code('AGT-804'));
    await assert.rejects(models.activate('add', '1.0.0'), code('AGT-804'));
    assert.equal(readFileSync(path('state.json'), 'utf8'), text);
  }
});

test('F1, F3: what is written is read; while one process changes it another is told', (t) => {
  const { dataDir, models, path } = rig(t);
  const slots = { add: { active: '1.0.0', before: null, trial: null, shadow: null, failed: [] } };
  withLock(dataDir, 0, () => {
    writeSlots(dataDir, slots);
    assert.throws(() => models.change('add', (slot) => slot), code('AGT-803'));
  });
  assert.deepEqual(readSlots(dataDir), slots);
  assert.deepEqual(readdirSync(path()).toSorted(), ['state.json', 'state.lock']);
  assert.throws(
    () => withLock(join(dataDir, 'models/state.json'), 0, () => undefined),
    (error) => error instanceof AgentError,
  );
});

test('an export is a package that another gateway takes; nothing is overwritten', async (t) => {
  const { models, make, dir } = rig(t);
  const made = make('1.0.0');
  await models.install(made);
  const to = join(dir, 'out');
  assert.equal((await models.export('add', '1.0.0', to)).state, 'installed');
  for (const name of readdirSync(made)) {
    if (name !== 'golden') assert.deepEqual(readFileSync(join(to, name)), readFileSync(join(made, name)));
  }
  const other = rig(t);
  assert.equal((await other.models.install(to)).version, '1.0.0');
  await assert.rejects(models.export('add', '1.0.0', to), code('AGT-806'));
  await assert.rejects(models.export('add', '9.0.0', join(dir, 'more')), code('AGT-800'));
});

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { fingerprintOf } from '../../models/package/signature.ts';
import { keyPair, makePackage, temporaryDir, type Making } from '../unit/models/making.ts';
import { runVerb } from './verb.ts';

interface Told {
  readonly ok: boolean;
  readonly id: string;
  readonly version: string;
  readonly state: string | null;
  readonly trialEndsMs?: number | null;
  readonly active?: string | null;
  readonly code?: string;
  readonly cure?: string;
  readonly checks?: readonly {
    readonly id: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly cure: string | null;
  }[];
  readonly items?: readonly Record<string, unknown>[];
}

const { privateKey, publicKey } = keyPair();
const dayMs = 24 * 3_600_000;

function rig(t: TestContext) {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'data');
  const keyFile = join(dir, 'site.pub.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const place = ['--data-dir', dataDir, '--site-key', keyFile];
  const models = (...words: readonly string[]) => runVerb<Told>(t, 'models', ...words, ...place);
  let made = 0;
  const make = (version: string, more: Partial<Making> = {}) =>
    makePackage(join(dir, `made-${(made += 1)}`), { key: privateKey, signedBy: 'site', version, ...more });
  return { dir, dataDir, keyFile, models, make };
}

test('a model comes, is tried, used, replaced and taken back, with one process for each step', async (t) => {
  const { models, make, dir } = rig(t);
  const none = await models('list');
  assert.deepEqual([none.code, none.report], [0, { items: [] }]);
  const first = await models('install', make('1.0.0'));
  assert.equal(first.code, 0, first.err);
  assert.deepEqual(first.report, {
    ok: true,
    id: 'add',
    version: '1.0.0',
    state: 'installed',
    trialEndsMs: null,
    active: null,
  });
  const begunMs = Date.now();
  const tried = await models('activate', 'add');
  assert.equal(tried.report?.state, 'trial');
  const endsMs = tried.report?.trialEndsMs ?? 0;
  assert.ok(endsMs >= begunMs + dayMs && endsMs <= Date.now() + dayMs);
  await models('install', make('1.1.0'));
  assert.equal((await models('shadow', 'add')).report?.state, 'shadow');
  const listed = await models('list');
  const [newer, older] = listed.report?.items ?? [];
  assert.deepEqual(newer, {
    id: 'add',
    version: '1.1.0',
    task: 'add',
    state: 'shadow',
    signedBy: 'site',
    trialEndsMs: null,
    takenBack: false,
    shadow: null,
  });
  const told = { ...older, trialEndsMs: null };
  assert.deepEqual(told, {
    id: 'add',
    version: '1.0.0',
    task: 'add',
    state: 'trial',
    signedBy: 'site',
    trialEndsMs: null,
    takenBack: false,
    shadow: null,
  });
  // The same moment, though another process asks later.
  assert.ok(Math.abs(Number(older?.['trialEndsMs']) - endsMs) < 2_000);
  assert.match(listed.out, /^shadow {4}add@1\.1\.0 {2}add {2}signed by site\ntrial {5}add@1\.0\.0 .* until 20\d\d-/);
  assert.equal((await models('activate', 'add')).report?.version, '1.1.0');
  const back = await models('rollback', 'add');
  assert.deepEqual(back.report, {
    ok: true,
    id: 'add',
    version: '1.0.0',
    state: 'active',
    trialEndsMs: null,
    active: '1.0.0',
  });
  const to = join(dir, 'out');
  assert.equal((await models('export', 'add@1.1.0', to)).code, 0);
  assert.equal((await models('verify', to)).code, 0);
});

test('verify tells each check; a changed byte, a wrong key and a wrong result are each refused by verify and by install', async (t) => {
  const { models, make, dataDir } = rig(t);
  const sound = await models('verify', make('1.0.0'));
  assert.equal(sound.code, 0, sound.out);
  assert.deepEqual(
    sound.report?.checks?.map(({ id, ok, cure }) => [id, ok, cure]),
    ['manifest', 'signature', 'files', 'golden'].map((id) => [id, true, null]),
  );
  assert.ok(!existsSync(dataDir), 'verify makes nothing');
  const changed = make('1.0.0');
  const graph = readFileSync(join(changed, 'model.onnx'));
  graph[graph.length - 1] = (graph.at(-1) ?? 0) ^ 1;
  writeFileSync(join(changed, 'model.onnx'), graph);
  const refusals: readonly [string, string, RegExp][] = [
    [changed, 'files', /^MDL-103 model\.onnx was changed/],
    [make('1.0.0', { key: keyPair().privateKey }), 'signature', /^MDL-105 /],
    [make('1.0.0', { signedBy: 'release' }), 'signature', /^MDL-105 it says signedBy release/],
    [make('1.0.0', { expects: 3 }), 'golden', /^MDL-106 first: y has 4 of 4/],
    [make('1.0.0', { graph: Buffer.from('x') }), 'golden', /^MDL-106 /],
  ];
  for (const [folder, id, why] of refusals) {
    const verified = await models('verify', folder);
    assert.equal(verified.code, 1);
    assert.equal(verified.report?.ok, false);
    const failed = verified.report?.checks?.filter(({ ok }) => !ok) ?? [];
    assert.deepEqual(
      failed.map((check) => check.id),
      [id],
    );
    assert.match(failed[0]?.detail ?? '', why);
    assert.ok((failed[0]?.cure ?? '').length > 10);
    const installed = await models('install', folder);
    assert.equal(installed.code, 1);
    assert.match(installed.err, new RegExp(`^${failed[0]?.detail.slice(0, 7)} [^\\n]* — do: [^\\n]+\\n$`));
    assert.deepEqual([installed.report?.ok, installed.report?.code], [false, failed[0]?.detail.slice(0, 7)]);
    assert.deepEqual(
      installed.report?.checks?.filter(({ ok }) => !ok),
      failed,
    );
  }
  assert.deepEqual((await models('list')).report, { items: [] });
});

test('an older version is refused with exit 1, and the one in use stays', async (t) => {
  const { models, make } = rig(t);
  const [old, newer] = [make('1.9.0'), make('2.0.0')];
  for (const folder of [old, newer]) await models('install', folder);
  await models('activate', 'add@2.0.0');
  for (const words of [
    ['install', make('1.5.0')],
    ['activate', 'add@1.9.0'],
    ['shadow', 'add@1.9.0'],
  ]) {
    const refused = await models(...words);
    assert.equal(refused.code, 1, words.join(' '));
    assert.deepEqual([refused.report?.ok, refused.report?.code], [false, 'AGT-801']);
  }
  const { report } = await models('list');
  assert.equal(report?.items?.find(({ version }) => version === '2.0.0')?.['state'], 'trial');
});

test('a local package is good on the gateway that made it, and nowhere else', async (t) => {
  const here = rig(t);
  const elsewhere = rig(t);
  const { privateKey: own } = gatewayKeys(here.dataDir);
  gatewayKeys(elsewhere.dataDir);
  const folder = here.make('1.0.0', {
    signedBy: 'local',
    key: createPrivateKey(own.export({ type: 'pkcs8', format: 'pem' })),
  });
  assert.equal((await here.models('install', folder)).code, 0);
  assert.equal((await elsewhere.models('install', folder)).report?.code, 'MDL-105');
});

test('keys of the site come from the configuration, held to their fingerprint', async (t) => {
  const { dir, make, keyFile } = rig(t);
  const config = join(dir, 'agent.yaml');
  const write = (fingerprint: string) => {
    const models = { siteKeys: [{ file: 'site.pub.pem', fingerprint }] };
    const base = { version: 1, site: { id: 's', timeZone: 'Asia/Dhaka' }, gateway: { id: 'g' }, dataDir: 'data' };
    writeFileSync(config, JSON.stringify({ ...base, models }));
  };
  const verify = () => runVerb<Told>(t, 'models', 'verify', make('1.0.0'), '--config', config);
  write(fingerprintOf(publicKey).toUpperCase());
  assert.equal((await verify()).code, 0);
  write('0'.repeat(64));
  const other = await verify();
  assert.deepEqual([other.code, other.err.slice(0, 7)], [2, 'MDL-105']);
  rmSync(keyFile);
  const missing = await runVerb(t, 'check', config);
  assert.equal(missing.code, 2);
  assert.match(missing.err, /models\.siteKeys\[0\]\.file names the file site\.pub\.pem, which does not exist/);
});

test('wrong use is one line with its cure and exit 2; what is not installed is exit 1', async (t) => {
  const { models, make, dir } = rig(t);
  const wrong = [[], ['sell'], ['install'], ['activate', 'Add'], ['activate', 'add@one'], ['rollback', 'add@1.0.0']];
  for (const words of [...wrong, ['list', 'more'], ['export', 'add'], ['list', '--off']]) {
    const { code, err } = await models(...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, /^AGT-103 [^\n]+ — do: [^\n]+\n$/);
  }
  assert.equal((await runVerb(t, 'models', 'list')).code, 2);
  for (const words of [
    ['activate', 'add'],
    ['activate', 'add@1.0.0'],
    ['shadow', 'add'],
    ['export', 'add', join(dir, 'x')],
  ]) {
    const { code, report } = await models(...words);
    assert.deepEqual([code, report?.code], [1, 'AGT-800'], words.join(' '));
  }
  assert.equal((await models('rollback', 'add')).report?.code, 'AGT-805');
  assert.equal((await models('install', join(dir, 'nowhere'))).report?.code, 'MDL-100');
  await models('install', make('1.0.0'));
  writeFileSync(join(dir, 'data/models/state.json'), 'x');
  const damaged = await models('activate', 'add');
  assert.deepEqual([damaged.code, damaged.report?.code], [1, 'AGT-804']);
});

test('the packages that come with this version are good', async (t) => {
  const folders = existsSync(shippedPackages) ? readdirSync(shippedPackages) : [];
  // A folder becomes a package when it is sealed.
  const names = folders.filter((name) => existsSync(join(shippedPackages, name, 'manifest.sig')));
  const { models } = rig(t);
  for (const name of names) {
    const verified = await models('verify', name);
    assert.equal(verified.code, 0, verified.out);
    assert.equal(verified.report?.id, name);
  }
});

test('a package is not changed by being looked at', async (t) => {
  const { models, make } = rig(t);
  const folder = make('1.0.0');
  appendFileSync(join(folder, 'model.onnx'), 'x');
  const before = readdirSync(folder, { recursive: true });
  await models('verify', folder);
  await models('install', folder);
  assert.deepEqual(readdirSync(folder, { recursive: true }), before);
});

test('accelerators says what a package would run on here, and never runs one that was changed', async (t) => {
  const { models, make } = rig(t);
  const folder = make('1.0.0');
  const { code, out, report } = await models('accelerators', folder, '--accelerator', 'cuda');
  assert.equal(code, 0);
  const told = report as unknown as { chosen: string; reason: string; tried: { accelerator: string; ok: boolean }[] };
  assert.deepEqual(
    told.tried.map(({ accelerator }) => accelerator),
    ['cpu', 'cuda'],
  );
  assert.match(out, /^cpu {7}[\d.]+ ms a run, at most 0 from the golden outputs\ncuda .*\nchosen: /);
  assert.equal((await models('accelerators', folder, '--accelerator', 'abacus')).code, 2);
  appendFileSync(join(folder, 'model.onnx'), 'x');
  const refused = await models('accelerators', folder);
  assert.deepEqual([refused.code, refused.report?.code], [1, 'MDL-103']);
});

test('doctor says of the models in use whether they are whole, and what they run on', async (t) => {
  const { models, make, dir, dataDir } = rig(t);
  const config = join(dir, 'agent.yaml');
  const base = { version: 1, site: { id: 's', timeZone: 'Asia/Dhaka' }, gateway: { id: 'g' }, dataDir: 'data' };
  writeFileSync(
    config,
    JSON.stringify({ ...base, models: { siteKeys: [{ file: 'site.pub.pem' }] }, page: { port: 0 } }),
  );
  const said = async () => {
    const { report } = await runVerb<Told>(t, 'doctor', '--config', config);
    return (report?.checks ?? [])
      .filter(({ id }) => /^(model|accelerators)/.test(id))
      .map(({ id, ok, detail }) => `${id} ${ok} ${detail}`);
  };
  assert.deepEqual(await said(), []);
  await models('install', make('1.0.0'));
  await models('activate', 'add');
  const [all, one, runs, ...more] = await said();
  assert.deepEqual(
    [all, one],
    ['models true 1 versions are installed, 1 in use', 'model:add true 1.0.0 is whole, signed by site'],
  );
  assert.match(runs ?? '', /^accelerators true cpu, .*SwiftShader.*ACCELERATORS\.md/);
  assert.deepEqual(more, []);
  appendFileSync(join(dataDir, 'models/add/1.0.0/model.onnx'), 'x');
  assert.equal((await said())[1], 'model:add false MDL-103 model.onnx was changed');
  writeFileSync(join(dataDir, 'models/state.json'), '{');
  assert.match((await said())[0] ?? '', /^models false AGT-804 /);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { readPackage } from '../../../models/package/folder.ts';
import { runGolden } from '../../../models/package/golden.ts';
import { parseManifest } from '../../../models/package/manifest.ts';
import { compareTensors, tensorData } from '../../../models/package/tensor.ts';
import { endlessGraph } from '../../support/onnx.ts';
import { isRunning } from '../../support/running.ts';
import { keyPair, makePackage, temporaryDir, type Making } from './making.ts';

const { privateKey } = keyPair();
const made = (t: TestContext, making: Partial<Making> = {}) => {
  const folder = makePackage(join(temporaryDir(t), 'add'), { key: privateKey, ...making });
  return { folder, manifest: parseManifest(readPackage(folder).manifest) };
};

/** Processes of this computer whose parent is this test. */
function children(): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/stat`)) return false;
    try {
      const after = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1) ?? '';
      return Number(after.split(' ')[1]) === process.pid;
    } catch {
      return false;
    }
  });
}

test('a model that gives what it must passes', async (t) => {
  const { folder, manifest } = made(t);
  const check = await runGolden(folder, manifest);
  assert.equal(check.ok, true, check.detail);
  assert.match(check.detail, /^1 samples on cpu, at most 0 apart, [\d.]+ ms a run$/);
});

test('a model that gives something else is refused with the distance', async (t) => {
  const { folder, manifest } = made(t, { c: 0.5, expects: 0.75 });
  const check = await runGolden(folder, manifest);
  assert.equal(check.ok, false);
  assert.equal(check.detail, 'MDL-106 first: y has 4 of 4 values outside, 0.25 at most');
  assert.ok(check.cure !== null && check.cure !== '');
});

test('a graph with other ports than the manifest, or that is no graph, is refused', async (t) => {
  const other = made(t, {
    change: (m) => JSON.parse(JSON.stringify(m).replaceAll('"name":"x"', '"name":"z"')) as Record<string, unknown>,
  });
  assert.match(
    (await runGolden(other.folder, other.manifest)).detail,
    /^MDL-106 the inputs of the graph are x, those of the manifest z$/,
  );
  const none = made(t, { graph: Buffer.from('no graph') });
  assert.match((await runGolden(none.folder, none.manifest)).detail, /^MDL-106 .*protobuf/i);
  const provider = made(t);
  assert.match((await runGolden(provider.folder, provider.manifest, { provider: 'nothing' })).detail, /^MDL-106 /);
});

test('G1: a process that crashes natively, ends, or talks nonsense is told, and the caller goes on', async (t) => {
  const { folder, manifest } = made(t);
  const told = async (code: string) => {
    const file = join(temporaryDir(t), 'child.mjs');
    writeFileSync(file, code);
    return (await runGolden(folder, manifest, { child: pathToFileURL(file) })).detail;
  };
  assert.equal(
    await told("process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 1e4)"),
    'MDL-107 it ended with SIGSEGV',
  );
  assert.equal(await told('process.exit(3)'), 'MDL-107 it ended with exit code 3');
  assert.equal(
    await told("process.send('well'); setTimeout(() => {}, 1e4)"),
    'MDL-107 it answered what cannot be understood',
  );
  assert.deepEqual(children(), []);
});

test('the process knows no secret of the environment, and tells nobody of the model', async (t) => {
  const { folder, manifest } = made(t);
  const file = join(temporaryDir(t), 'child.mjs');
  const told = join(temporaryDir(t), 'environment');
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.env))`,
  );
  process.env['SELVEDGE_TEST_SECRET'] = 'geheim';
  t.after(() => delete process.env['SELVEDGE_TEST_SECRET']);
  await runGolden(folder, manifest, { child: pathToFileURL(file) });
  const environment = readFileSync(told, 'utf8');
  assert.doesNotMatch(environment, /geheim/);
  assert.match(environment, /"ORT_DISABLE_TELEMETRY":"1"/);
});

test('G1, G2: a model that works for minutes is ended when its time is over', async (t) => {
  const { folder, manifest } = made(t, { graph: endlessGraph() });
  const check = await runGolden(folder, manifest, { timeoutMs: 3_000 });
  assert.equal(check.detail, 'MDL-107 it did not end within 3 s');
  assert.deepEqual(children(), []);
});

test('G2: when the caller is killed the process is gone within 2 s, though the model blocks its thread', async (t) => {
  const { folder } = made(t, { graph: endlessGraph() });
  const caller = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'golden-caller.ts'), folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => caller.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: caller.stdout }), 'line')) as [string];
  const pid = Number(line);
  // Until the model is at work, and not still being read.
  await wait(1_500);
  assert.ok(isRunning(pid), 'it works');
  caller.kill('SIGKILL');
  const killedMs = performance.now();
  while (isRunning(pid) && performance.now() - killedMs < 2_000) await wait(20);
  assert.equal(isRunning(pid), false, 'gone within 2 s');
});

test('tensors are little-endian; a distance is a distance in every type', () => {
  assert.deepEqual([...tensorData('float32', Buffer.from('0000803f000000c0', 'hex'))], [1, -2]);
  assert.deepEqual([...tensorData('int64', Buffer.from('ffffffffffffffff', 'hex'))], [-1n]);
  assert.deepEqual([...tensorData('int32', Buffer.from('00000080', 'hex'))], [-2_147_483_648]);
  assert.throws(() => tensorData('float32', Buffer.alloc(6)), /MDL-101/);
  const strict = { absolute: 0, relative: 0 };
  assert.deepEqual(compareTensors([1, 2], [1, 2], strict), { ok: true, worst: 0, outside: 0 });
  assert.deepEqual(compareTensors([1, 2.5], [1, 2], strict), { ok: false, worst: 0.5, outside: 1 });
  assert.deepEqual(compareTensors([110], [100], { absolute: 1, relative: 0.09 }), { ok: true, worst: 10, outside: 0 });
  // Both are 2⁵³ as numbers.
  assert.deepEqual(compareTensors([9_007_199_254_740_993n], [9_007_199_254_740_992n], strict), {
    ok: false,
    worst: 1,
    outside: 1,
  });
  for (const [got, expected] of [
    [NaN, NaN],
    [NaN, 1],
    [1, NaN],
    [Infinity, Infinity],
    [Infinity, 1],
  ] as const) {
    assert.equal(compareTensors([got], [expected], { absolute: 1e6, relative: 1 }).ok, false, `${got} ${expected}`);
  }
  assert.equal(compareTensors([1], [1, 2], { absolute: 9, relative: 1 }).ok, false);
});

import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Accelerators, hostMarks, type AcceleratorPorts } from '../../../agent/models/accelerators.ts';
import type { AcceleratorVerdict } from '../../../models/package/accelerator.ts';
import { readPackage } from '../../../models/package/folder.ts';
import { parseManifest } from '../../../models/package/manifest.ts';
import { keyPair, makePackage, temporaryDir } from './making.ts';

const verdict: AcceleratorVerdict = {
  chosen: 'webgpu',
  reason: '2.00 ms a run, the cpu 9.00 ms',
  tried: [
    { accelerator: 'cpu', ok: true, medianMs: 9, worst: 0, detail: null },
    { accelerator: 'webgpu', ok: true, medianMs: 2, worst: 1e-7, detail: null },
  ],
};
const go = new AbortController().signal;
const { privateKey } = keyPair();

function rig(t: TestContext) {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'data');
  let asked = 0;
  const of = (more: Partial<AcceleratorPorts> = {}) =>
    new Accelerators({
      dataDir,
      wanted: 'auto',
      host: 'this one',
      choose: () => {
        asked += 1;
        return Promise.resolve(verdict);
      },
      wallMs: () => 1_000,
      ...more,
    });
  const make = (version: string, c = 0.5) => {
    const folder = makePackage(join(dir, `${version}-${c}`), { key: privateKey, version, c });
    return { folder, manifest: parseManifest(readPackage(folder).manifest) };
  };
  return { dataDir, of, make, asked: () => asked };
}

test('what was tried is known to the next start, and nothing is tried twice', async (t) => {
  const { of, make, dataDir, asked } = rig(t);
  const model = make('1.0.0');
  assert.equal(of().known(model), null);
  assert.equal(existsSync(dataDir), false, 'looking makes nothing');
  const { chosen, reason } = (await of().find(model, go)) ?? assert.fail();
  assert.deepEqual([chosen, reason], ['webgpu', verdict.reason]);
  const known = of().known(model);
  assert.deepEqual([known?.chosen, known?.reason], ['webgpu', verdict.reason]);
  assert.equal(asked(), 1);
  assert.deepEqual(readdirSync(join(dataDir, 'models')), ['accelerators.json']);
});

test('R1: another package, another wish and another computer are tried anew', async (t) => {
  const { of, make } = rig(t);
  await of().find(make('1.0.0'), go);
  assert.equal(of().known(make('1.1.0')), null);
  assert.equal(of().known(make('1.0.0', 0.7)), null, 'other bytes under the same version');
  assert.equal(of({ wanted: 'webgpu' }).known(make('1.0.0')), null);
  assert.equal(of({ host: 'another' }).known(make('1.0.0')), null);
  assert.notEqual(of().known(make('1.0.0')), null);
});

test('the processor that was asked for needs no trial', (t) => {
  const { of, make } = rig(t);
  assert.deepEqual(of({ wanted: 'cpu' }).known(make('1.0.0')), { chosen: 'cpu', reason: 'it was asked for' });
});

test('R2: a file that is damaged is as none, and is replaced; it never holds more than sixteen', async (t) => {
  const { of, make, dataDir } = rig(t);
  const model = make('1.0.0');
  await of().find(model, go);
  for (const text of ['', '[]', '{"v":1,"trials":[{"chosen":"abacus"}]}']) {
    writeFileSync(join(dataDir, 'models/accelerators.json'), text);
    assert.equal(of().known(model), null);
  }
  for (let n = 0; n < 20; n += 1) await of({ host: `computer ${n}` }).find(model, go);
  assert.equal(of({ host: 'computer 3' }).known(model), null);
  assert.notEqual(of({ host: 'computer 4' }).known(model), null);
});

test('R3: what was given up is not remembered', async (t) => {
  const { of, make } = rig(t);
  const model = make('1.0.0');
  assert.equal(await of().find(model, AbortSignal.abort()), null);
  assert.equal(of().known(model), null);
});

test('a driver that is named otherwise makes another computer', () => {
  assert.equal(hostMarks({}), hostMarks({ HOME: '/root' }));
  assert.notEqual(hostMarks({}), hostMarks({ VK_ICD_FILENAMES: '/usr/lib/chromium/vk_swiftshader_icd.json' }));
});

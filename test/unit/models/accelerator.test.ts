import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  accelerators,
  chooseAccelerator,
  judgeAccelerators,
  type AcceleratorTrial,
} from '../../../models/package/accelerator.ts';
import { readPackage } from '../../../models/package/folder.ts';
import { shippedPackages } from '../../../models/package/keys.ts';
import { parseManifest } from '../../../models/package/manifest.ts';
import { missing } from '../../support/peers.ts';
import { keyPair, makePackage, temporaryDir } from './making.ts';

const ran = (accelerator: AcceleratorTrial['accelerator'], medianMs: number): AcceleratorTrial => ({
  accelerator,
  ok: true,
  medianMs,
  worst: 0,
  detail: null,
});
const failed = (accelerator: AcceleratorTrial['accelerator']): AcceleratorTrial => ({
  accelerator,
  ok: false,
  medianMs: null,
  worst: null,
  detail: 'no such library',
});

test('A2: auto takes what saves a fifth of the time, of several the fastest', () => {
  const chosen = (...tried: readonly AcceleratorTrial[]) =>
    judgeAccelerators('auto', [ran('cpu', 10), ...tried]).chosen;
  assert.equal(chosen(), 'cpu');
  assert.equal(chosen(ran('webgpu', 8.01)), 'cpu');
  assert.equal(chosen(ran('webgpu', 8)), 'webgpu');
  assert.equal(chosen(ran('cuda', 4), ran('tensorrt', 3), ran('webgpu', 5)), 'tensorrt');
  assert.equal(chosen(failed('tensorrt'), ran('cuda', 4)), 'cuda');
  // A GPU made of software.
  assert.equal(chosen(ran('webgpu', 2_350)), 'cpu');
});

test('A3: what was asked for is used when it gives the right outputs, slow or not; else the cpu, with the reason', () => {
  assert.equal(judgeAccelerators('webgpu', [ran('cpu', 10), ran('webgpu', 50)]).chosen, 'webgpu');
  assert.deepEqual(judgeAccelerators('cuda', [ran('cpu', 10), failed('cuda')]), {
    chosen: 'cpu',
    reason: 'cuda: no such library',
    tried: [ran('cpu', 10), failed('cuda')],
  });
  assert.equal(judgeAccelerators('cpu', [ran('cpu', 10)]).reason, 'it was asked for');
});

test('A1, A3: whatever comes out of the trials, the choice is the cpu or one that gave the golden outputs, and has its reason', () => {
  const trial = fc
    .constantFrom('cuda' as const, 'tensorrt' as const, 'webgpu' as const)
    .chain((name) =>
      fc
        .option(fc.double({ min: 0.01, max: 100, noNaN: true }))
        .map((ms) => (ms === null ? failed(name) : ran(name, ms))),
    );
  fc.assert(
    fc.property(
      fc.constantFrom(...accelerators),
      fc.option(fc.double({ min: 0.01, max: 100, noNaN: true })),
      fc.array(trial, { maxLength: 3 }),
      (wanted, cpuMs, others) => {
        const tried = [cpuMs === null ? failed('cpu') : ran('cpu', cpuMs), ...others];
        const { chosen, reason } = judgeAccelerators(wanted, tried);
        assert.ok(reason.length > 0);
        if (chosen === 'cpu') return;
        const best = tried.filter((one) => one.accelerator === chosen && one.ok);
        assert.ok(best.length > 0);
        if (wanted === 'auto' && cpuMs !== null)
          assert.ok(best.some(({ medianMs }) => (medianMs ?? Infinity) <= 0.8 * cpuMs));
      },
    ),
  );
});

test(
  'on this computer cpu runs; libraries that are not there are named, and nothing fails',
  { timeout: 110_000 },
  async (t) => {
    const folder = makePackage(join(temporaryDir(t), 'add'), { key: keyPair().privateKey });
    const manifest = parseManifest(readPackage(folder).manifest);
    const { tried } = await chooseAccelerator(folder, manifest, 'auto', 'linux');
    assert.deepEqual(
      tried.map(({ accelerator }) => accelerator),
      ['cpu', 'tensorrt', 'cuda', 'webgpu'],
    );
    assert.equal(tried[0]?.ok, true);
    for (const { ok, detail, medianMs } of tried)
      if (!ok) assert.ok(detail !== null && detail !== '' && medianMs === null);
  },
);

/** Chromium's, made of software. */
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

test('webgpu on SwiftShader gives what the cpu gives, and auto does not choose it', { timeout: 110_000 }, async (t) => {
  if (!existsSync(swiftShader)) return void missing(t, `${swiftShader} is not installed`);
  const before = process.env['VK_ICD_FILENAMES'];
  process.env['VK_ICD_FILENAMES'] = swiftShader;
  t.after(() => {
    if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = before;
  });
  const folder = makePackage(join(temporaryDir(t), 'add'), { key: keyPair().privateKey });
  const manifest = parseManifest(readPackage(folder).manifest);
  const asked = await chooseAccelerator(folder, manifest, 'webgpu');
  const trial = asked.tried.find(({ accelerator }) => accelerator === 'webgpu');
  // No Vulkan loader on this computer, so no WebGPU either.
  if (trial?.ok !== true && /adapter|vulkan/i.test(trial?.detail ?? '')) return void missing(t, trial?.detail ?? '');
  assert.equal(asked.chosen, 'webgpu', asked.reason);
  assert.ok((trial?.worst ?? 1) <= 1e-6);
  const auto = await chooseAccelerator(folder, manifest, 'auto');
  assert.notEqual(auto.chosen, 'webgpu');
  assert.match(auto.reason, /webgpu: [\d.]+ ms a run, the cpu [\d.]+ ms/);
});

test('so it is with the model of the eye: right, and never chosen by auto', { timeout: 110_000 }, async (t) => {
  if (!existsSync(swiftShader)) return void missing(t, `${swiftShader} is not installed`);
  const before = process.env['VK_ICD_FILENAMES'];
  process.env['VK_ICD_FILENAMES'] = swiftShader;
  t.after(() => {
    if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = before;
  });
  const folder = join(shippedPackages, 'fabric-anomaly');
  const { chosen, tried } = await chooseAccelerator(folder, parseManifest(readPackage(folder).manifest), 'auto');
  const trial = tried.find(({ accelerator }) => accelerator === 'webgpu');
  if (trial?.ok !== true && /adapter|vulkan/i.test(trial?.detail ?? '')) return void missing(t, trial?.detail ?? '');
  assert.equal(chosen, 'cpu');
  // On a busy computer one run may take longer than a trial may.
  if (trial?.ok !== true) assert.match(trial?.detail ?? '', /did not end within/);
  else assert.ok((trial.worst ?? 1) < 1e-3, `${trial.worst}`);
});

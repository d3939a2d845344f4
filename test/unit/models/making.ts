/** A package as a test wants it: y = x + c, sealed with a key of the test. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Signer } from '../../../models/package/manifest.ts';
import { sealPackage } from '../../../models/package/seal.ts';
import type { TrustedKeys } from '../../../models/package/signature.ts';
import { addGraph, floats } from '../../support/onnx.ts';

export function temporaryDir(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-models-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export const keyPair = () => generateKeyPairSync('ed25519');

export interface Making {
  readonly id?: string;
  readonly version?: string;
  /** What the graph adds. */
  readonly c?: number;
  /** What the golden sample expects to be added. */
  readonly expects?: number;
  readonly signedBy?: Signer;
  readonly key: KeyObject;
  readonly graph?: Buffer;
  readonly change?: (manifest: Record<string, unknown>) => Record<string, unknown>;
}

/** What a manifest says before it is sealed. */
export const description = (id = 'add', version = '1.0.0'): Record<string, unknown> => ({
  id,
  version,
  task: 'add',
  title: 'Adds a number',
  licence: 'Apache-2.0',
  model: 'model.onnx',
  inputs: [{ name: 'x', type: 'uint8', shape: [4] }],
  outputs: [{ name: 'y', type: 'float32', shape: [4] }],
  thresholds: { alarm: 0.5 },
  metrics: [{ name: 'auroc', value: 0.99, data: 'none', simulated: true }],
  golden: [
    {
      name: 'first',
      inputs: [{ name: 'x', file: 'golden/first.x.bin', shape: [4] }],
      outputs: [{ name: 'y', file: 'golden/first.y.bin', shape: [4], absolute: 1e-6, relative: 0 }],
    },
  ],
});

/** Writes the package into the folder and returns it. */
export function makePackage(folder: string, making: Making): string {
  const {
    id,
    version,
    c = 0.5,
    expects = c,
    signedBy = 'release',
    key,
    graph = addGraph(c),
    change = (m) => m,
  } = making;
  mkdirSync(join(folder, 'golden'), { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), graph);
  writeFileSync(join(folder, 'golden/first.x.bin'), Buffer.from([0, 1, 7, 255]));
  writeFileSync(join(folder, 'golden/first.y.bin'), floats(expects, 1 + expects, 7 + expects, 255 + expects));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(change(description(id, version))));
  sealPackage(folder, signedBy, key);
  return folder;
}

/** Trusts the keys for the kinds they are named by. */
export const trusting = (keys: Partial<TrustedKeys>): TrustedKeys => ({ release: [], site: [], local: [], ...keys });

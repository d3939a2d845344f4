import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelError } from '../../../models/errors.ts';
import { canonicalBytes, manifestSchema, packageLimits, parseManifest } from '../../../models/package/manifest.ts';
import { description } from './making.ts';

const file = (path: string, bytes: number) => ({ path, bytes, sha256: '0'.repeat(64) });
const files = [file('golden/first.x.bin', 4), file('golden/first.y.bin', 16), file('model.onnx', 100)];
const whole = { v: 1, signedBy: 'release', files, ...description() };
const manifest = manifestSchema.parse(whole);

const refusal = (bytes: Uint8Array): string => {
  try {
    parseManifest(bytes);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return 'taken';
};
const withChange = (change: Record<string, unknown>) => refusal(Buffer.from(JSON.stringify({ ...whole, ...change })));

test('M1: what was written canonically is read as it was', () => {
  assert.deepEqual(parseManifest(canonicalBytes(manifest)), manifest);
});

test('M1: the spelling is fixed: sorted keys, two spaces, one line end', () => {
  const text = canonicalBytes(manifest).toString('utf8');
  assert.ok(text.startsWith('{\n  "files": [\n    {\n      "bytes": 4,\n      "path": "golden/first.x.bin",\n'));
  assert.ok(text.endsWith('\n  "version": "1.0.0"\n}\n'));
});

test('M1: any one byte changed, added or left out is refused', () => {
  const sound = canonicalBytes(manifest);
  for (let at = 0; at < sound.length; at += 1) {
    const flipped = Buffer.from(sound);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    // Another digit or letter makes another manifest, which the signature refuses; it is never read as this one.
    try {
      assert.notDeepEqual(parseManifest(flipped), manifest);
    } catch (error) {
      assert.ok(error instanceof ModelError, String(error));
    }
    const spaced = Buffer.concat([sound.subarray(0, at), Buffer.from(' '), sound.subarray(at)]);
    assert.notEqual(canonicalBytes(manifest).equals(spaced), true);
    assert.match(refusal(Buffer.concat([sound.subarray(0, at), sound.subarray(at + 1)])), /^(MDL-101|taken$)/);
  }
  assert.match(refusal(Buffer.concat([sound, Buffer.from('\n')])), /^MDL-101 .*not written as/);
  // A key twice: JSON takes the last, and so would say something else than what a person reads first.
  const twice = sound.toString('utf8').replace('{\n', '{\n  "version": "9.9.9",\n');
  assert.match(refusal(Buffer.from(twice)), /^MDL-101 /);
});

test('M2: no path leads out of the package, is hidden, or is the manifest itself', () => {
  const paths = [
    '../x',
    'a/../b',
    '/etc/passwd',
    './x',
    'a//b',
    'a/',
    '',
    '.x',
    'a/.x',
    'a\\b',
    'a\0b',
    'A',
    'a/b/c/d/e',
  ];
  for (const path of [...paths, 'manifest.json', 'manifest.sig', 'a b', 'ä']) {
    assert.match(withChange({ files: [...files, file(path, 1)] }), /^MDL-101 /, path);
  }
  assert.match(withChange({ files: [...files, file('model.onnx/x', 1)] }), /is a file and a folder/);
  assert.match(withChange({ files: [...files, file('model.onnx', 100)] }), /listed twice/);
});

test('M3: files, bytes and the manifest itself are bounded', () => {
  const many = Array.from({ length: packageLimits.files + 1 }, (_, n) => file(`f${n}`, 1));
  assert.match(withChange({ files: many }), /^MDL-101 /);
  assert.match(withChange({ files: [...files, file('big', packageLimits.fileBytes + 1)] }), /^MDL-101 /);
  const large = ['a', 'b', 'c'].map((path) => file(path, packageLimits.fileBytes));
  assert.match(withChange({ files: [...files, ...large] }), /bytes together/);
  assert.match(refusal(Buffer.alloc(packageLimits.manifestBytes + 1, 0x20)), /^MDL-101 .*bytes/);
});

test('M4: golden samples fit the model', () => {
  const [sample] = manifest.golden;
  assert.ok(sample !== undefined);
  const [x] = sample.inputs;
  const [y] = sample.outputs;
  const golden = (change: object) => withChange({ golden: [{ ...sample, ...change }] });
  assert.match(golden({ inputs: [{ ...x, shape: [5] }] }), /another shape than the input/);
  assert.match(golden({ inputs: [{ ...x, file: 'golden/first.y.bin' }] }), /must be a file of 4 bytes/);
  assert.match(
    golden({ inputs: [{ ...x, name: 'z' }] }),
    /has the input z, which the model has not.*lacks the input x/,
  );
  assert.match(golden({ outputs: [{ ...y, file: 'nowhere' }] }), /must be a file of 16 bytes/);
  assert.match(golden({ outputs: [{ ...y, absolute: -1 }] }), /^MDL-101 /);
  assert.match(withChange({ golden: [] }), /^MDL-101 /);
  assert.match(withChange({ model: 'other.onnx' }), /is none of the files/);
});

test('a size that may be any takes every number', () => {
  const inputs = [{ name: 'x', type: 'uint8', shape: ['n'] }];
  assert.ok(manifestSchema.safeParse({ ...whole, inputs }).success);
});

test('a manifest of a newer format is told apart from a damaged one', () => {
  assert.match(withChange({ v: 2 }), /^MDL-102 /);
  assert.match(refusal(Buffer.from('{')), /^MDL-101 /);
  assert.match(refusal(Buffer.from([0xff, 0xfe])), /^MDL-101 /);
});

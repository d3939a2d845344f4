import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readPackage } from '../../../models/package/folder.ts';
import { packageLimits } from '../../../models/package/manifest.ts';
import { sealPackage } from '../../../models/package/seal.ts';
import { verifyPackage } from '../../../models/package/verify.ts';
import { keyPair, makePackage, temporaryDir, trusting } from './making.ts';

const { privateKey, publicKey } = keyPair();
const trusted = trusting({ release: [publicKey] });
const made = (t: TestContext) => makePackage(join(temporaryDir(t), 'add'), { key: privateKey });
const failed = (folder: string) =>
  verifyPackage(readPackage(folder), trusted)
    .checks.filter(({ ok }) => !ok)
    .map(({ id, detail }) => `${id}: ${detail}`);

test('a package that was sealed is verified, and every file has the hash it has', (t) => {
  const folder = made(t);
  const onDisk = readPackage(folder);
  assert.deepEqual(
    onDisk.files.map(({ path }) => path),
    ['golden/first.x.bin', 'golden/first.y.bin', 'model.onnx'],
  );
  for (const { path, bytes, sha256 } of onDisk.files) {
    const content = readFileSync(join(folder, path));
    assert.deepEqual([bytes, sha256], [content.length, createHash('sha256').update(content).digest('hex')]);
  }
  const verdict = verifyPackage(onDisk, trusted);
  assert.ok(verdict.ok);
  assert.equal(verdict.manifest?.id, 'add');
  assert.ok(verdict.checks.every(({ cure }) => cure === null));
});

test('one changed byte anywhere in the package is refused', (t) => {
  const folder = made(t);
  const names = ['model.onnx', 'golden/first.x.bin', 'golden/first.y.bin', 'manifest.json', 'manifest.sig'];
  for (const name of names) {
    const path = join(folder, name);
    const sound = readFileSync(path);
    for (let at = 0; at < sound.length; at += Math.max(1, sound.length >> 5)) {
      const changed = Buffer.from(sound);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      writeFileSync(path, changed);
      const problems = failed(folder);
      assert.ok(problems.length > 0, `${name} at ${at}`);
      assert.match(problems[0] ?? '', /^\w+: MDL-10\d /);
    }
    writeFileSync(path, sound);
  }
  assert.deepEqual(failed(folder), []);
});

test('a file that is missing, longer, or not listed is named', (t) => {
  const folder = made(t);
  writeFileSync(join(folder, 'extra.bin'), 'x');
  appendFileSync(join(folder, 'golden/first.x.bin'), 'x');
  rmSync(join(folder, 'golden/first.y.bin'));
  assert.deepEqual(failed(folder), [
    'files: MDL-103 golden/first.x.bin was changed, golden/first.y.bin is missing, extra.bin is not in the manifest',
  ]);
});

test('links, pipes, folders too deep and files too many or too long are refused, and nothing is followed', (t) => {
  const refused = (change: (folder: string) => void, why: RegExp) => {
    const folder = made(t);
    change(folder);
    assert.throws(() => readPackage(folder), why);
  };
  refused((folder) => symlinkSync('/etc/passwd', join(folder, 'link')), /MDL-100 .*no plain file/);
  refused((folder) => symlinkSync('/etc', join(folder, 'link')), /MDL-100 .*no plain file/);
  refused((folder) => void execFileSync('mkfifo', [join(folder, 'pipe')]), /MDL-100 .*no plain file/);
  refused((folder) => mkdirSync(join(folder, 'a/b/c/d/e'), { recursive: true }), /MDL-100 .*too deep/);
  refused((folder) => {
    for (let n = 0; n <= packageLimits.files; n += 1) writeFileSync(join(folder, `f${n}`), '');
  }, /MDL-100 .*too many/);
  // Sparse: long, and no bytes on the disk.
  refused((folder) => truncateSync(join(folder, 'model.onnx'), packageLimits.fileBytes + 1), /MDL-100 .*more than/);
  refused((folder) => writeFileSync(join(folder, 'manifest.sig'), 'x'.repeat(1000)), /MDL-100 .*more than/);
  refused((folder) => rmSync(join(folder, 'manifest.sig')), /MDL-100 .*ENOENT/);
  refused((folder) => rmSync(folder, { recursive: true }), /MDL-100 .*ENOENT/);
  const folder = made(t);
  symlinkSync(folder, `${folder}-link`);
  assert.throws(() => readPackage(`${folder}-link`), /MDL-100 .*no folder/);
});

test('sealing again after a change makes it whole; what cannot be a package is not sealed', (t) => {
  const folder = made(t);
  writeFileSync(join(folder, 'extra.bin'), 'x');
  sealPackage(folder, 'release', privateKey);
  assert.deepEqual(failed(folder), []);
  rmSync(join(folder, 'model.onnx'));
  assert.throws(() => sealPackage(folder, 'release', privateKey), /MDL-110 .*model.onnx/);
  writeFileSync(join(folder, 'manifest.json'), '[]');
  assert.throws(() => sealPackage(folder, 'release', privateKey), /MDL-110 .*no JSON object/);
});

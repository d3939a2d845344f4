import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DriverError } from '../../../drivers/errors.ts';
import {
  addCertificate,
  fingerprintOf,
  isTrusted,
  listCertificates,
  maxRejected,
  parseFingerprint,
  recordRejected,
  removeCertificate,
} from '../../../drivers/opcua/trust.ts';

const wire = new URL('../../fixtures/wire/', import.meta.url);
const pem = await readFile(new URL('opcua-server.pem', wire), 'utf8');
const der = new X509Certificate(pem).raw;
/** As `openssl x509 -fingerprint -sha256` printed it when the certificate was made. */
const printed = (await readFile(new URL('opcua-server.fingerprint', wire), 'utf8')).trim();
const fingerprint = parseFingerprint(printed);

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-trust-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const withCode = (code: string) => (error: unknown) => error instanceof DriverError && error.entry.code === code;

test('a fingerprint is the SHA-256 that other programs print', () => {
  assert.equal(fingerprintOf(der), fingerprint);
  assert.equal(parseFingerprint(`sha256:${fingerprint.toUpperCase()}`), fingerprint);
  for (const text of ['', 'abc', fingerprint.slice(1), `${fingerprint}0`, 'g'.repeat(64)]) {
    assert.throws(() => parseFingerprint(text), withCode('DRV-202'), text);
  }
});

test('a refused certificate is kept for inspection and not trusted until a person adds it', () =>
  withFolder(async (folder) => {
    const trustDir = join(folder, 'not', 'there', 'yet');
    assert.deepEqual(await listCertificates(trustDir), { trusted: [], rejected: [] });
    await recordRejected(trustDir, der);
    assert.equal(await isTrusted(trustDir, fingerprint), false);
    const { rejected } = await listCertificates(trustDir);
    assert.deepEqual(
      rejected.map(({ fingerprint: one, applicationUri }) => [one, applicationUri]),
      [[fingerprint, 'urn:selvedge:test:server']],
    );

    const added = await addCertificate(trustDir, fingerprint.slice(0, 10));
    assert.equal(added.fingerprint, fingerprint);
    assert.equal(await isTrusted(trustDir, fingerprint), true);
    assert.deepEqual((await listCertificates(trustDir)).rejected, []);

    await removeCertificate(trustDir, fingerprint);
    assert.equal(await isTrusted(trustDir, fingerprint), false);
  }));

test('a certificate can be added from a PEM or a DER file, and by dropping the file into the folder', () =>
  withFolder(async (folder) => {
    const trustDir = join(folder, 'trust');
    await writeFile(join(folder, 'server.der'), der);
    await writeFile(join(folder, 'server.pem'), pem);
    for (const file of ['server.der', 'server.pem']) {
      assert.equal((await addCertificate(trustDir, join(folder, file))).fingerprint, fingerprint);
      assert.equal((await stat(join(trustDir, `${fingerprint}.der`))).mode & 0o777, 0o600);
      await removeCertificate(trustDir, fingerprint);
    }
    await writeFile(join(trustDir, 'by-hand.crt'), pem);
    assert.equal(await isTrusted(trustDir, fingerprint), true);
  }));

test('what is no certificate is never trusted, and says so', () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'note.pem'), 'hello');
    await assert.rejects(addCertificate(folder, join(folder, 'note.pem')), withCode('DRV-203'));
    await assert.rejects(addCertificate(folder, join(folder, 'missing.der')), withCode('DRV-203'));
    await assert.rejects(addCertificate(folder, fingerprint), withCode('DRV-204'));
    await assert.rejects(removeCertificate(folder, fingerprint), withCode('DRV-204'));
    await assert.rejects(recordRejected(folder, Buffer.from('noise')), withCode('DRV-203'));
    assert.deepEqual(await listCertificates(folder), { trusted: [], rejected: [] });
  }));

test('strangers cannot fill the disk with refused certificates: the oldest make room', () =>
  withFolder(async (folder) => {
    const rejectedDir = join(folder, 'rejected');
    await mkdir(rejectedDir, { recursive: true });
    for (let i = 0; i < maxRejected + 8; i += 1) {
      const file = join(rejectedDir, `older-${i}.der`);
      await writeFile(file, der);
      await utimes(file, 1_000_000 + i, 1_000_000 + i);
    }
    await recordRejected(folder, der);
    const left = await readdir(rejectedDir);
    assert.equal(left.length, maxRejected);
    assert.ok(left.includes(`${fingerprint}.der`));
    assert.ok(!left.includes('older-0.der'));
  }));

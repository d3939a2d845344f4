import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  certificateFile,
  certificateTimes,
  finishKeys,
  identityFiles,
  prepareKeys,
  signedRequest,
  signingKeyAt,
  tlsKey,
  writeDurably,
} from '../../../agent/sync/identity.ts';
import { renewalDueMs, renewalRetryMs } from '../../../agent/sync/renewal.ts';
import { requireProgram } from '../../support/peers.ts';

const dayMs = 86_400_000;

function folder(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-identity-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return { dir, files: identityFiles(dir) };
}

function openssl(args: readonly string[], input?: string): string {
  const done = spawnSync('openssl', args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout + done.stderr;
}

/** openssl's own certificate for the key at `path`. */
function certificateOf(path: string): string {
  return openssl(['req', '-x509', '-key', path, '-subj', '/CN=gw-1', '-days', '90']);
}

test('keys are made for the agent’s user alone, once, and a damaged one is told and stays', (t) => {
  const { dir, files } = folder(t);
  const before = process.umask(0);
  try {
    const key = tlsKey(files.nextKey);
    signingKeyAt(files.nextSigningKey);
    for (const path of [files.nextKey, files.nextSigningKey]) assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(dir, 'keys')).mode & 0o777, 0o700);
    assert.ok(tlsKey(files.nextKey).equals(key));
  } finally {
    process.umask(before);
  }
  for (const [path, read] of [
    [files.nextKey, tlsKey],
    [files.nextSigningKey, signingKeyAt],
  ] as const) {
    writeFileSync(path, 'damaged');
    assert.throws(() => read(path), /AGT-\d+ .*keys/);
    assert.equal(readFileSync(path, 'utf8'), 'damaged');
  }
  const drafts = readdirSync(join(dir, 'keys')).filter((name) => name.endsWith('.new'));
  assert.deepEqual(drafts, []);
});

test('openssl reads the request: the name of the gateway, a P-256 key, signed by it; its private half is not in it', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { files } = folder(t);
  const [tls, signing] = [tlsKey(files.nextKey), signingKeyAt(files.nextSigningKey)];
  const { fields, text } = await signedRequest('gw-1', tls, signing);
  const said = openssl(['req', '-verify', '-noout', '-text', '-pubkey'], fields.request);
  assert.match(said, /verify OK/);
  assert.match(said, /Subject: CN ?= ?gw-1\n/);
  assert.match(said, /prime256v1/);
  const publicPem = String(createPublicKey(tls).export({ type: 'spki', format: 'pem' }));
  assert.ok(said.includes(publicPem));
  const { d: secret } = tls.export({ format: 'jwk' });
  const der = Buffer.from(fields.request.split('\n').slice(1, -2).join(''), 'base64');
  assert.ok(!der.includes(Buffer.from(secret ?? '', 'base64url')));
  assert.ok(!JSON.stringify(fields).includes('PRIVATE'));
  // Over gateway, request and key, written out by hand.
  const hash = (of: string) => openssl(['dgst', '-sha256', '-r'], of).slice(0, 64);
  const expected = `selvedge/v1/enrol\ngw-1\n${hash(fields.request)}\n${hash(fields.publicKey)}`;
  assert.equal(text.toString(), expected);
  assert.ok(verify(null, Buffer.from(expected), createPublicKey(fields.publicKey), Buffer.from(fields.sig, 'base64')));
});

test('Y1: certificate and key are one file, which a crash leaves whole', (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, files } = folder(t);
  const key = tlsKey(files.nextKey);
  const certificate = certificateOf(files.nextKey);
  writeDurably(files.certificate, certificateFile(certificate, key), 0o600);
  const pem = readFileSync(files.certificate, 'utf8');
  assert.ok(new X509Certificate(pem).checkPrivateKey(key));
  assert.equal(statSync(files.certificate).mode & 0o777, 0o600);
  // A folder that takes nothing: told, and what was there is there.
  if (process.getuid?.() !== 0) {
    chmodSync(join(dir, 'keys'), 0o500);
    assert.throws(() => writeDurably(files.certificate, 'other', 0o600), /AGT-\d+/);
    chmodSync(join(dir, 'keys'), 0o700);
  }
  assert.throws(() => writeDurably(join('/proc/none', 'x'), 'other', 0o600), /AGT-\d+/);
  assert.equal(readFileSync(files.certificate, 'utf8'), pem);
});

test('Y2, Y3: next keys become the keys with the certificate that is for them, and with no other; a new join file makes new ones', (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { files } = folder(t);
  prepareKeys(files, 'a'.repeat(64));
  const [tls, signing] = [tlsKey(files.nextKey), signingKeyAt(files.nextSigningKey)];
  prepareKeys(files, 'a'.repeat(64));
  assert.ok(tlsKey(files.nextKey).equals(tls) && signingKeyAt(files.nextSigningKey).equals(signing), 'asked again');
  finishKeys(files);
  assert.ok(existsSync(files.nextKey), 'without a certificate nothing is finished');
  const old = join(files.certificate, '../old.key');
  const oldKey = tlsKey(old);
  writeDurably(files.certificate, certificateFile(certificateOf(old), oldKey), 0o600);
  finishKeys(files);
  assert.ok(existsSync(files.nextKey) && !existsSync(files.signingKey), 'another key’s certificate finishes nothing');
  writeDurably(files.certificate, certificateFile(certificateOf(files.nextKey), tls), 0o600);
  finishKeys(files);
  finishKeys(files);
  assert.ok(signingKeyAt(files.signingKey).equals(signing));
  assert.ok(!existsSync(files.nextKey) && !existsSync(files.nextSigningKey));
  prepareKeys(files, 'b'.repeat(64));
  assert.ok(!tlsKey(files.nextKey).equals(tls) && !signingKeyAt(files.nextSigningKey).equals(signing));
  assert.ok(signingKeyAt(files.signingKey).equals(signing), 'the old ones stay until there is a certificate');
});

test('a certificate is renewed after two thirds of its life and well before its end, by each gateway at a moment of its own', () => {
  const unit = fc.double({ min: 0, max: 0.999_999, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_650 }), unit, unit, (days, random, later) => {
      const times = { notBeforeMs: 0, notAfterMs: days * dayMs };
      const due = renewalDueMs(times, random);
      assert.ok(due >= (times.notAfterMs * 2) / 3 && due <= times.notAfterMs * 0.77);
      const retry = renewalRetryMs(times, later);
      // Within what is left there is time for twenty tries at the least.
      assert.ok(retry >= 500 && retry <= 3_600_000 && retry * 20 < times.notAfterMs - due);
    }),
  );
  assert.equal(certificateTimes('nothing'), null);
});

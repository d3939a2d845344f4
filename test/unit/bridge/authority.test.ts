import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Authority } from '../../../cloud-bridge/authority.ts';
import { dataDir, makeDir } from '../../../cloud-bridge/files.ts';
import { requireProgram } from '../../support/peers.ts';
import { temporaryDir } from './making.ts';

const dayMs = 86_400_000;
const now = Date.now();

async function authority(t: TestContext) {
  const dir = dataDir(temporaryDir(t));
  makeDir(dir.root);
  return { dir, authority: await Authority.open(dir, now) };
}

function openssl(args: readonly string[], input?: string) {
  const done = spawnSync('openssl', args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  return { code: done.status, text: `${done.stdout}${done.stderr}` };
}

/** A key and a request of openssl's own. */
function request(
  root: string,
  subject: string,
  key: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
) {
  const keyFile = join(root, 'request.key');
  const made = openssl(['req', '-new', '-nodes', '-newkey', ...key, '-keyout', keyFile, '-subj', subject, '-sha256']);
  assert.equal(made.code, 0, made.text);
  const pem = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----\n/.exec(made.text)?.[0];
  assert.ok(pem !== undefined, made.text);
  return { pem, key: readFileSync(keyFile, 'utf8') };
}

test('K1: whatever a request calls itself, the certificate has the invited name and the key of the request', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, authority: ours } = await authority(t);
  for (const subject of [
    '/CN=gw-1',
    '/CN=gw-2',
    '/CN=bridge',
    '/CN=gw-2/CN=gw-1',
    '/O=x/OU=y',
    '/CN=gw-1\u0000.evil',
  ]) {
    const asked = request(dir.root, subject.replaceAll('\u0000', ''));
    const issued = await ours.certify(asked.pem, 'gw-1', now, dayMs);
    assert.ok(issued !== null);
    const certificate = new X509Certificate(issued.pem);
    assert.equal(certificate.subject, 'CN=gw-1');
    assert.equal(certificate.subjectAltName, undefined);
    assert.ok(certificate.publicKey.equals(createPublicKey(asked.key)));
    assert.equal(certificate.serialNumber.toLowerCase(), issued.serial);
    assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), issued.fingerprint);
    assert.equal(Date.parse(certificate.validTo), Math.floor(issued.notAfterMs / 1_000) * 1_000);
  }
});

test('K2: openssl takes a gateway’s certificate for a client alone, the server’s for a server alone, and lets neither sign', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, authority: ours } = await authority(t);
  const at = (name: string) => join(dir.root, name);
  const asked = request(dir.root, '/CN=x');
  const issued = await ours.certify(asked.pem, 'gw-1', now, dayMs);
  assert.ok(issued !== null);
  writeFileSync(at('gw.pem'), issued.pem);
  writeFileSync(at('gw.key'), asked.key);
  const server = await ours.server(['localhost', '127.0.0.1', 'bridge.example'], now);
  writeFileSync(at('server.pem'), server.cert);
  const verify = (file: string, purpose: string) =>
    openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', dir.authorityCertificate, at(file)]);
  assert.equal(verify('gw.pem', 'sslclient').code, 0, verify('gw.pem', 'sslclient').text);
  assert.notEqual(verify('gw.pem', 'sslserver').code, 0);
  assert.equal(verify('server.pem', 'sslserver').code, 0, verify('server.pem', 'sslserver').text);
  assert.notEqual(verify('server.pem', 'sslclient').code, 0);
  const { subjectAltName } = new X509Certificate(server.cert);
  assert.equal(subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, DNS:bridge.example');

  // A certificate made with a gateway's own: nobody believes the chain.
  const below = request(dir.root, '/CN=gw-2');
  writeFileSync(at('below.csr'), below.pem);
  const signing = ['x509', '-req', '-in', at('below.csr'), '-CA', at('gw.pem'), '-CAkey', at('gw.key'), '-days', '1'];
  const made = openssl([...signing, '-out', at('below.pem')]);
  assert.equal(made.code, 0, made.text);
  const chain = openssl(['verify', '-CAfile', dir.authorityCertificate, '-untrusted', at('gw.pem'), at('below.pem')]);
  assert.notEqual(chain.code, 0);
  assert.match(chain.text, /invalid CA certificate|not allow|path length/i);
});

test('K3: a request that is none, is signed by another key, or is of another kind of key gets nothing', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, authority: ours } = await authority(t);
  const { pem } = request(dir.root, '/CN=gw-1');
  const der = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
  const changedAt = (index: number) => {
    const changed = Buffer.from(der);
    changed[index] = (changed[index] ?? 0) ^ 1;
    return `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  };
  const tried = [
    '',
    'no PEM',
    pem.slice(0, 200),
    pem.repeat(20),
    changedAt(20),
    changedAt(der.length - 40),
    changedAt(der.length - 1),
    request(dir.root, '/CN=gw-1', ['rsa:2048']).pem,
    request(dir.root, '/CN=gw-1', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']).pem,
    request(dir.root, '/CN=gw-1', ['ed25519']).pem,
    String(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })),
  ];
  for (const [index, text] of tried.entries()) {
    assert.equal(await ours.certify(text, 'gw-1', now, dayMs), null, `attempt ${index}`);
  }
});

test('two requests of one key are named by the same hash, one of another key by another', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, authority: ours } = await authority(t);
  const first = request(dir.root, '/CN=x');
  const keyFile = join(dir.root, 'same.key');
  writeFileSync(keyFile, first.key);
  const second = openssl(['req', '-new', '-key', keyFile, '-subj', '/CN=y', '-sha256']).text;
  assert.notEqual(second, first.pem);
  const hashOf = async (pem: string) => (await ours.certify(pem, 'gw-1', now, dayMs))?.keySha256;
  assert.equal(await hashOf(first.pem), await hashOf(second));
  assert.notEqual(await hashOf(first.pem), await hashOf(request(dir.root, '/CN=x').pem));
});

test('the authority is made once; its key is for the bridge’s user alone; a damaged one is told, never replaced', async (t) => {
  const { dir, authority: ours } = await authority(t);
  assert.equal(statSync(dir.authorityKey).mode & 0o777, 0o600);
  assert.equal((await Authority.open(dir, now)).fingerprint, ours.fingerprint);
  const certificate = readFileSync(dir.authorityCertificate, 'utf8');
  for (const path of [dir.authorityKey, dir.authorityCertificate]) {
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, 'damaged');
    await assert.rejects(Authority.open(dir, now), /BRG-116/);
    assert.equal(readFileSync(path, 'utf8'), 'damaged');
    writeFileSync(path, whole);
  }
  // Made half: the key is written last, so both are made anew.
  rmSync(dir.authorityKey);
  assert.notEqual((await Authority.open(dir, now)).pem, certificate);
});

test('openssl reads the list of revoked certificates and holds it against them', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const { dir, authority: ours } = await authority(t);
  const at = (name: string) => join(dir.root, name);
  const [good, bad] = [request(dir.root, '/CN=a'), request(dir.root, '/CN=b')];
  const kept = await ours.certify(good.pem, 'gw-1', now, dayMs);
  const revoked = await ours.certify(bad.pem, 'gw-2', now, dayMs);
  assert.ok(kept !== null && revoked !== null);
  writeFileSync(at('kept.pem'), kept.pem);
  writeFileSync(at('revoked.pem'), revoked.pem);
  const check = (file: string) =>
    openssl(['verify', '-crl_check', '-CRLfile', at('crl.pem'), '-CAfile', dir.authorityCertificate, at(file)]);
  writeFileSync(at('crl.pem'), await ours.revocationList([], now));
  assert.equal(check('revoked.pem').code, 0, check('revoked.pem').text);
  writeFileSync(at('crl.pem'), await ours.revocationList([revoked.serial], now));
  assert.equal(check('kept.pem').code, 0, check('kept.pem').text);
  assert.match(check('revoked.pem').text, /certificate revoked/);
});

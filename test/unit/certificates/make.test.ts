import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { certificateFiles, fingerprintOf, readKept, writePair, type Kept } from '../../../agent/certificates/files.ts';
import { makeAuthority, makeServer, type KeyedCertificate } from '../../../agent/certificates/make.ts';
import { uniqueNames } from '../../../agent/certificates/names.ts';
import { dayMs } from '../../../agent/certificates/plan.ts';
import { initCertificates, renewServer } from '../../../agent/certificates/update.ts';
import { requireProgram } from '../../support/peers.ts';
import { subjectIn, temporaryDir } from './making.ts';

type There<K extends 'authority' | 'server'> = Exclude<Kept[K], string>;

function there(dataDir: string): { readonly authority: There<'authority'>; readonly server: There<'server'> } {
  const { authority, server } = readKept(dataDir);
  if (typeof authority === 'string' || typeof server === 'string') return assert.fail('both should be there');
  return { authority, server };
}

/** What a client says that trusts `ca` and goes to `servername`: null when it is content, or the code of the error. */
async function tried(t: TestContext, { certPem, keyPem }: KeyedCertificate, ca: string | null, servername: string) {
  const server = tls.createServer({ cert: certPem, key: keyPem }, (socket) => {
    socket.on('error', () => undefined);
    socket.end();
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const isName = !/^[\d.]+$/.test(servername);
  return await new Promise<string | null>((resolve) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ...(isName ? { servername } : {}),
      ...(ca === null ? {} : { ca }),
      checkServerIdentity: (_host, cert) => tls.checkServerIdentity(servername, cert),
    });
    socket.on('secureConnect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

test('a client that trusts the authority is content with each name, and with nothing else', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  const { authority, server } = there(dataDir);
  assert.equal(await tried(t, server, authority.certPem, 'gw.local'), null);
  assert.equal(await tried(t, server, authority.certPem, '127.0.0.1'), null);
  assert.equal(await tried(t, server, authority.certPem, 'other.local'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await tried(t, server, null, 'gw.local'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  const stranger = await makeAuthority('gw-1', uniqueNames(['gw.local']), Date.now());
  assert.notEqual(await tried(t, server, stranger.certPem, 'gw.local'), null);
});

test('M1, M2: openssl accepts the chain for a server and its names, and nothing that the authority may not sign', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const dataDir = temporaryDir(t);
  const subject = subjectIn(dataDir, 'gw.local', '192.168.1.5', 'fd00::2', 'gw.factory.example');
  await initCertificates(subject, Date.now(), false);
  const { authority } = there(dataDir);
  const ca = join(dataDir, 'ca.pem');
  writeFileSync(ca, authority.certPem);
  const verify = (path: string, ...options: string[]) => {
    const { status, stderr } = spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', ca, ...options, path], {
      encoding: 'utf8',
    });
    return status === 0 ? null : stderr;
  };
  const { server: path } = certificateFiles(dataDir);
  assert.equal(verify(path, '-purpose', 'sslserver', '-verify_hostname', 'gw.local'), null);
  assert.equal(verify(path, '-purpose', 'sslserver', '-verify_hostname', 'gw.factory.example'), null);
  assert.equal(verify(path, '-purpose', 'sslserver', '-verify_ip', '192.168.1.5'), null);
  assert.equal(verify(path, '-purpose', 'sslserver', '-verify_ip', 'fd00::2'), null);
  assert.match(verify(path, '-purpose', 'sslserver', '-verify_hostname', 'x.local') ?? '', /hostname mismatch/i);
  assert.match(verify(path, '-purpose', 'sslclient') ?? '', /purpose/i);
  // Signed with the key of the authority, for a name it may not sign.
  const bank = await makeServer(authority, uniqueNames(['bank.example']), Date.now());
  const bankPath = join(dataDir, 'bank.pem');
  writePair(bankPath, bank);
  assert.match(verify(bankPath, '-purpose', 'sslserver') ?? '', /permitted subtree violation/i);
  assert.notEqual(await tried(t, bank, authority.certPem, 'bank.example'), null);
  // A certificate below the server's, as if it were an authority.
  const below = await makeServer({ ...there(dataDir).server }, uniqueNames(['gw.local']), Date.now());
  const belowPath = join(dataDir, 'below.pem');
  writePair(belowPath, below);
  assert.match(verify(belowPath, '-untrusted', path) ?? '', /invalid CA|path length|unable to get/i);
});

test('keys are the own user’s alone, serial numbers never the same', async (t) => {
  const dataDir = temporaryDir(t);
  const nowMs = Date.now();
  await initCertificates(subjectIn(dataDir), nowMs, false);
  const files = certificateFiles(dataDir);
  for (const path of Object.values(files)) assert.equal((statSync(path).mode & 0o777).toString(8), '600', path);
  assert.equal((statSync(join(dataDir, 'certificates')).mode & 0o777).toString(8), '700');
  const serials = new Set<string>();
  for (let n = 0; n < 20; n++) {
    const { certPem } = await makeServer(there(dataDir).authority, subjectIn(dataDir).names, nowMs);
    const { serialNumber } = new X509Certificate(certPem);
    assert.ok(serialNumber.length >= 32, serialNumber);
    serials.add(serialNumber);
  }
  assert.equal(serials.size, 20);
});

test('init and renew do nothing twice; other names are another certificate of the same authority', async (t) => {
  const dataDir = temporaryDir(t);
  const nowMs = Date.now();
  assert.deepEqual(await initCertificates(subjectIn(dataDir), nowMs, false), {
    authority: 'missing',
    server: 'missing',
  });
  const first = there(dataDir);
  assert.deepEqual(await initCertificates(subjectIn(dataDir), nowMs, false), { authority: null, server: null });
  assert.equal(await renewServer(subjectIn(dataDir), nowMs), null);
  assert.equal(there(dataDir).server.certPem, first.server.certPem);

  assert.equal(await renewServer(subjectIn(dataDir, 'other.local'), nowMs), 'names');
  assert.equal(there(dataDir).authority.certPem, first.authority.certPem);
  assert.deepEqual(there(dataDir).server.names, ['other.local']);
  assert.equal(await renewServer(subjectIn(dataDir), nowMs + 370 * dayMs), 'names');
  assert.equal(await renewServer(subjectIn(dataDir), nowMs + 740 * dayMs), 'ends-soon');
  assert.equal(fingerprintOf(there(dataDir).authority.certPem), fingerprintOf(first.authority.certPem));

  await assert.rejects(renewServer(subjectIn(dataDir, 'gw.factory.example'), nowMs), /AGT-523 .*may not sign/);
  await assert.rejects(initCertificates(subjectIn(dataDir, 'gw.factory.example'), nowMs, false), /AGT-523/);
  await initCertificates(subjectIn(dataDir, 'gw.factory.example'), nowMs, true);
  assert.notEqual(there(dataDir).authority.certPem, first.authority.certPem);
  assert.equal(there(dataDir).server.ofAuthority, true);
});

test('what a process that was killed has left is removed, what another one is writing is not', async (t) => {
  const dataDir = temporaryDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  const [old, young] = ['server.pem.1.new', 'server.pem.2.new'].map((name) => join(dataDir, 'certificates', name));
  assert.ok(old !== undefined && young !== undefined);
  for (const path of [old, young]) writeFileSync(path, 'half');
  const twoHoursAgoS = Date.now() / 1000 - 7200;
  utimesSync(old, twoHoursAgoS, twoHoursAgoS);
  await renewServer(subjectIn(dataDir, 'other.local'), Date.now());
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
});

test('files that are damaged, or hold a key with another’s certificate, are told and not overwritten', async (t) => {
  const dataDir = temporaryDir(t);
  const files = certificateFiles(dataDir);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  const { authority, server } = there(dataDir);
  writePair(files.server, { certPem: server.certPem, keyPem: authority.keyPem });
  assert.equal(readKept(dataDir).server, 'damaged');
  assert.equal(await renewServer(subjectIn(dataDir), Date.now()), 'damaged');
  for (const text of ['', 'not a certificate', authority.certPem, 'x'.repeat(100_000)]) {
    writeFileSync(files.authority, text);
    assert.equal(readKept(dataDir).authority, 'damaged');
    await assert.rejects(initCertificates(subjectIn(dataDir), Date.now(), false), /AGT-523 .*damaged/);
  }
});

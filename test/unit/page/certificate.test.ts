import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { CertificateKeeper } from '../../../agent/certificates/keeper.ts';
import { derOf, readKept } from '../../../agent/certificates/files.ts';
import { dayMs } from '../../../agent/certificates/plan.ts';
import { initCertificates } from '../../../agent/certificates/update.ts';
import type { PageCertificate } from '../../../agent/page/page.ts';
import { createUserStore } from '../../../agent/page/users.ts';
import { freePort } from '../../support/ports.ts';
import { subjectIn } from '../certificates/making.ts';
import { createFloor, random, realClock } from './floor.ts';
import { call, cheapPasswords, goodPassword, startPage, tempDir, type TestPage } from './harness.ts';

async function pairOf(t: TestContext): Promise<{ readonly pair: PageCertificate; readonly ca: string }> {
  const dataDir = await tempDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  const { authority, server } = readKept(dataDir);
  if (typeof authority === 'string' || typeof server === 'string') return assert.fail();
  return { pair: server, ca: authority.certPem };
}

/** A page off loopback on a port of its own, with an admin unless said otherwise. */
async function startOpen(t: TestContext, given: PageCertificate | 'waits', hasAdmin = true): Promise<TestPage> {
  const dataDir = await tempDir(t);
  const users = createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock });
  if (hasAdmin) await users.add('asha', 'admin', goodPassword);
  return await startPage(t, {
    bind: '0.0.0.0',
    port: await freePort(),
    tls: given,
    dataDir,
    users,
    hostNames: ['gw.local'],
  });
}

const listensOn = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

function secureGet(port: number, path: string, ca: string): Promise<{ status: number; headers: object; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, path, ca, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    request.on('error', reject);
  });
}

test('P4: a page that waits for its certificate is on loopback alone, and moves to its address when it gets one', async (t) => {
  const { page, port } = await startOpen(t, 'waits');
  assert.equal(page.url, `http://127.0.0.1:${port}`);
  assert.equal(await listensOn('127.0.0.2', port), false);
  assert.equal((await call(port, '/api/session')).status, 401);
  const { pair, ca } = await pairOf(t);
  await page.useCertificate(pair);
  assert.equal(page.url, `https://gw.local:${port}`);
  assert.equal(await listensOn('127.0.0.2', port), true);
  assert.equal((await secureGet(port, '/api/session', ca)).status, 401);
  await assert.rejects(call(port, '/api/session'), 'plain HTTP gets no answer');
});

test('P1: while there is no admin a certificate opens nothing', async (t) => {
  const { page, port } = await startOpen(t, 'waits', false);
  await page.useCertificate((await pairOf(t)).pair);
  assert.equal(page.url, `http://127.0.0.1:${port}`);
  assert.equal(await listensOn('127.0.0.2', port), false);
});

test('P4: the first admin of a page that waits stays on loopback', async (t) => {
  const { page, port, links } = await startOpen(t, 'waits', false);
  const token = /#setup=([\w-]{43})$/.exec(links[0] ?? '')?.[1];
  const body = { token, name: 'asha', password: goodPassword };
  const made = await call(port, '/api/session/setup', { method: 'POST', body });
  assert.equal(made.status, 200);
  assert.equal(made.json['movedTo'] ?? null, null);
  const { pair, ca } = await pairOf(t);
  await page.useCertificate(pair);
  assert.equal((await secureGet(port, '/api/session', ca)).status, 401);
});

test('new connections get the renewed certificate; those that are open stay open', async (t) => {
  const dataDir = await tempDir(t);
  await initCertificates(subjectIn(dataDir), Date.now(), false);
  const { page, port } = await startOpen(t, 'waits');
  let nowMs = Date.now();
  const renewed = Promise.withResolvers<void>();
  let count = 0;
  const keeper = new CertificateKeeper({
    ...subjectIn(dataDir),
    nowMs: () => nowMs,
    log: () => undefined,
    onCertificate: (pair) => {
      count += 1;
      void page.useCertificate(pair).then(() => (count === 2 ? renewed.resolve() : undefined));
    },
    lookEveryMs: 20,
  });
  t.after(() => keeper.stop());
  await keeper.start();
  while (page.url?.startsWith('https:') !== true) await new Promise((resolve) => setTimeout(resolve, 10));
  const open = async () => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    t.after(() => socket.destroy());
    return socket;
  };
  const early = await open();
  const before = early.getPeerCertificate().fingerprint256;
  nowMs += 370 * dayMs;
  await renewed.promise;
  const late = await open();
  assert.notEqual(late.getPeerCertificate().fingerprint256, before);
  for (const socket of [early, late]) {
    socket.write(`GET /api/session HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
  }
});

test('a damaged file of users opens nothing, and nothing falls over', async (t) => {
  const { page, port, dataDir } = await startOpen(t, 'waits');
  await writeFile(join(dataDir, 'users.json'), 'damaged');
  await page.useCertificate((await pairOf(t)).pair);
  assert.equal(await listensOn('127.0.0.2', port), false);
});

test('a certificate that cannot be used leaves the one before in service', async (t) => {
  const { pair, ca } = await pairOf(t);
  const { page, port } = await startOpen(t, pair);
  await page.useCertificate({ certPem: 'nonsense', keyPem: pair.keyPem });
  assert.equal((await secureGet(port, '/api/session', ca)).status, 401);
});

test('anybody may fetch the certificate of the authority, and 404 says that there is none', async (t) => {
  const { ca } = await pairOf(t);
  const floor = createFloor();
  const { port, users } = await startPage(t, {}, floor);
  assert.equal((await call(port, '/ca.crt')).status, 403, 'before the page is set up nothing but that answers');
  await users.add('asha', 'admin', goodPassword);
  assert.equal((await call(port, '/ca.crt')).status, 404);
  floor.authority = derOf(ca);
  const { status, headers } = await call(port, '/ca.crt');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/x-x509-ca-cert');
  assert.equal(Number(headers['content-length']), derOf(ca).length);
});

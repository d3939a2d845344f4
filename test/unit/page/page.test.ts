import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { runUser } from '../../../agent/commands/user.ts';
import { addressFile, createPage } from '../../../agent/page/page.ts';
import { createUserStore } from '../../../agent/page/users.ts';
import { requireProgram } from '../../support/peers.ts';
import { freePort } from '../../support/ports.ts';
import { createFloor, random, realClock, silentLog } from './floor.ts';
import { call, cheapPasswords, goodPassword, startPage, tempDir } from './harness.ts';

const tokenOf = (link: string | undefined) => /#setup=([\w-]{43})$/.exec(link ?? '')?.[1] ?? '';

test('while there is no admin a link is given, once, to the terminal alone', async (t) => {
  const lines: string[] = [];
  const note = (data: object, message: string) => lines.push(message + JSON.stringify(data));
  const { links, port, dataDir } = await startPage(t, { log: { info: note, warn: note, error: note } });
  assert.equal(links.length, 1);
  assert.ok(links[0]?.startsWith(`http://127.0.0.1:${port}/#setup=`));
  const token = tokenOf(links[0]);
  assert.equal(token.length, 43);
  const body = { token, name: 'asha', password: goodPassword };
  const made = await call(port, '/api/session/setup', { method: 'POST', body });
  assert.equal(made.status, 200);
  assert.equal(made.json['role'], 'admin');
  assert.ok(made.headers['set-cookie'] !== undefined, 'and the new admin is signed in');
  const again = await call(port, '/api/session/setup', { method: 'POST', body: { ...body, name: 'eve' } });
  assert.equal(again.status, 403);
  for (const name of ['users.json', 'sessions.json', addressFile]) {
    assert.doesNotMatch(await readFile(join(dataDir, name), 'utf8'), new RegExp(token), name);
  }
  assert.doesNotMatch(lines.join(''), new RegExp(token));
});

test('with an admin there is no link', async (t) => {
  const dataDir = await tempDir(t);
  const users = createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock });
  await users.add('asha', 'admin', goodPassword);
  const { links } = await startPage(t, { dataDir, users });
  assert.deepEqual(links, []);
});

test('guessing the set-up token is slowed down', async (t) => {
  const { port, links } = await startPage(t);
  const setup = (token: string) =>
    call(port, '/api/session/setup', { method: 'POST', body: { token, name: 'asha', password: goodPassword } });
  for (let i = 0; i < 5; i += 1) assert.equal((await setup(`guess-${'x'.repeat(30)}${i}`)).status, 403);
  assert.equal((await setup(tokenOf(links[0]))).status, 429);
});

test('plain HTTP off loopback is refused before anything listens', async (t) => {
  for (const bind of ['0.0.0.0', '::', '192.168.1.7', 'gateway.local']) {
    await assert.rejects(startPage(t, { bind }), /AGT-502/, bind);
  }
});

test('a port in use is told in words; at an address that is not there (P5) the page stays on the gateway itself', async (t) => {
  const { port } = await startPage(t);
  await assert.rejects(startPage(t, { port }), /AGT-500/);
  const dataDir = await tempDir(t);
  const users = createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock });
  await users.add('asha', 'admin', goodPassword);
  const foreign = { bind: '192.0.2.1', tls: certificate(t), dataDir, users };
  if (foreign.tls === null) return;
  const told: string[] = [];
  const log = { ...silentLog, error: (data: object) => void told.push(JSON.stringify(data)) };
  const { page } = await startPage(t, { ...foreign, tls: foreign.tls, log });
  assert.match(page.url ?? '', /^http:\/\/127\.0\.0\.1:/);
  assert.match(told.join('\n'), /AGT-501/);
  assert.equal((await call(Number(new URL(page.url ?? '').port), '/api/session')).status, 401, 'it answers there');
});

test('the page goes to its configured address as soon as that is there (P5), over HTTPS alone', async (t) => {
  const tls = certificate(t);
  if (tls === null) return;
  const dataDir = await tempDir(t);
  const users = createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock });
  await users.add('asha', 'admin', goodPassword);
  // Somebody else has the port at one of its addresses, so it cannot be had at all of them.
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.2', resolve));
  t.after(() => other.close());
  const { port } = other.address() as net.AddressInfo;
  const opened = Promise.withResolvers<void>();
  const isOpen = (_: object, message: string) => {
    if (message === 'the page is open to the network') opened.resolve();
  };
  const { page } = await startPage(t, {
    bind: '0.0.0.0',
    port,
    tls,
    dataDir,
    users,
    lookAgainMs: 20,
    log: { ...silentLog, info: isOpen },
  });
  assert.equal(page.url, `http://127.0.0.1:${port}`);
  await new Promise((resolve) => other.close(resolve));
  await opened.promise;
  assert.match(page.url, /^https:/);
  assert.equal((await secureGet(port, '/api/session', tls.certPem)).status, 401);
  await assert.rejects(call(port, '/api/session'), 'plain HTTP gets no answer');
});

/** A self-signed certificate made by openssl, or null when it is missing. */
function certificate(t: TestContext): { keyPem: string; certPem: string } | null {
  if (!requireProgram(t, 'openssl')) return null;
  const args =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=gateway -keyout - -out -';
  const made = spawnSync('openssl', args.split(' '), { encoding: 'utf8' });
  const part = (name: string) =>
    new RegExp(`-----BEGIN ${name}-----[^]*?-----END ${name}-----`).exec(made.stdout)?.[0] ?? '';
  return { keyPem: part('PRIVATE KEY'), certPem: part('CERTIFICATE') };
}

test('off loopback: set-up on loopback first, then HTTPS alone on the configured address', async (t) => {
  const tls = certificate(t);
  if (tls === null) return;
  const reserved = await freePort();
  const { page, port, links } = await startPage(t, { bind: '0.0.0.0', port: reserved, tls });
  assert.ok(page.url?.startsWith('http://127.0.0.1:'), 'P1: before the first admin');
  const listensOnAll = await canConnect('127.0.0.2', port);
  assert.equal(listensOnAll, false, 'only 127.0.0.1 is bound');
  const body = { token: tokenOf(links[0]), name: 'asha', password: goodPassword };
  assert.equal((await call(port, '/api/session/setup', { method: 'POST', body })).status, 200);
  while (page.url?.startsWith('https:') !== true) await new Promise((resolve) => setTimeout(resolve, 20));

  assert.equal(await canConnect('127.0.0.2', port), true);
  await assert.rejects(call(port, '/api/session'), 'plain HTTP gets no answer');
  const answer = await secureGet(port, '/api/session', tls.certPem);
  assert.equal(answer.status, 401);
  assert.match(String(answer.headers['strict-transport-security']), /max-age=/);
});

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function secureGet(
  port: number,
  path: string,
  ca: string,
): Promise<{ status: number; headers: object & Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, ca, agent: false, checkServerIdentity: () => undefined };
    const request = https.get(options, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    request.on('error', reject);
  });
}

test('stop leaves nothing behind, also when it is called twice or before the start', async (t) => {
  const { page, port } = await startPage(t);
  await Promise.all([page.stop(), page.stop()]);
  assert.equal(page.url, null);
  assert.equal(await canConnect('127.0.0.1', port), false);
  const dataDir = await tempDir(t);
  const never = createPage({
    bind: '127.0.0.1',
    port: 0,
    site: () => ({ name: 'x', timeZone: 'UTC', gateway: 'gw' }),
    agentVersion: '0',
    dataDir,
    webDir: null,
    sources: createFloor().sources,
    users: createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock }),
    clock: realClock,
    random,
    log: silentLog,
    onSetupLink: () => undefined,
  });
  await never.stop();
});

test('an aborted signal stops the page', async (t) => {
  const dataDir = await tempDir(t);
  const abort = new AbortController();
  const page = createPage({
    bind: '127.0.0.1',
    port: 0,
    site: () => ({ name: 'x', timeZone: 'UTC', gateway: 'gw' }),
    agentVersion: '0',
    dataDir,
    webDir: null,
    sources: createFloor().sources,
    users: createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock }),
    clock: realClock,
    random,
    log: silentLog,
    onSetupLink: () => undefined,
  });
  await page.start(abort.signal);
  const port = Number(new URL(page.url ?? '').port);
  abort.abort();
  await page.stop();
  assert.equal(await canConnect('127.0.0.1', port), false);
});

/** `selvedge user …` with the first lines of standard input. */
async function user(dataDir: string, args: string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runUser([...args, '--data-dir', dataDir], {
    out: (text) => (out += text),
    err: (text) => (err += text),
    input: Readable.from(input === '' ? [] : [input]),
    store: (dir) => createUserStore({ dataDir: dir, passwords: cheapPasswords(), random, clock: realClock }),
  });
  return { code, out, err };
}

test('selvedge user: add, list, password, remove, with the password from standard input', async (t) => {
  const dir = await tempDir(t);
  assert.equal((await user(dir, ['add', 'asha', '--role', 'admin'], `${goodPassword}\n`)).code, 0);
  assert.equal((await user(dir, ['add', 'omar', '--role', 'maintainer'], `${goodPassword}\r\nrest`)).code, 0);
  const json = join(dir, 'out.json');
  const { out } = await user(dir, ['list', '--json', json]);
  assert.match(out, /asha +admin/);
  const listed = JSON.parse(readFileSync(json, 'utf8')) as { items: { name: string }[] };
  assert.deepEqual(
    listed.items.map((item) => item.name),
    ['asha', 'omar'],
  );
  assert.equal((await user(dir, ['password', 'omar'], 'a different long one\n')).code, 0);
  const users = createUserStore({ dataDir: dir, passwords: cheapPasswords(), random, clock: realClock });
  assert.ok((await users.verify('omar', 'a different long one')) !== null);
  assert.equal((await user(dir, ['remove', 'omar'])).code, 0);
  const last = await user(dir, ['remove', 'asha']);
  assert.deepEqual([last.code, last.err.includes('last admin')], [1, true]);
  const twice = await user(dir, ['add', 'asha', '--role', 'viewer'], `${goodPassword}\n`);
  assert.deepEqual([twice.code, twice.err.includes('already')], [1, true]);
  const weak = await user(dir, ['add', 'lina', '--role', 'viewer'], 'short\n');
  assert.deepEqual([weak.code, weak.err.includes('10 characters')], [1, true]);
});

test('selvedge user: wrong usage says what is right; a password is never an argument', async (t) => {
  const dir = await tempDir(t);
  await assert.rejects(user(dir, ['add', 'asha']), /--role must be one of viewer, maintainer, admin/);
  await assert.rejects(user(dir, ['add', 'asha', 'secret', '--role', 'admin']), /never an argument/);
  await assert.rejects(user(dir, ['add', 'asha', '--role', 'admin']), /no password was given/);
  await assert.rejects(user(dir, ['dance']), /it has add, password/);
});

test('selvedge user setup-link: a new link of the running page replaces the old one', async (t) => {
  const { port, dataDir, links, page } = await startPage(t);
  const { code, out } = await user(dataDir, ['setup-link']);
  assert.equal(code, 0);
  const link = out.split('\n')[0];
  assert.ok(link?.startsWith(`http://127.0.0.1:${port}/#setup=`));
  const setup = (token: string) =>
    call(port, '/api/session/setup', { method: 'POST', body: { token, name: 'asha', password: goodPassword } });
  assert.equal((await setup(tokenOf(links[0]))).status, 403);
  assert.equal((await setup(tokenOf(link))).status, 200);
  assert.equal((await user(dataDir, ['setup-link'])).code, 1, 'there is an admin now');
  await page.stop();
  assert.equal((await user(await tempDir(t), ['setup-link'])).code, 1, 'and where no agent runs there is no link');
});

test('a terminal is asked twice and shows nothing of what is typed', async (t) => {
  const dir = await tempDir(t);
  let shown = '';
  const raw: boolean[] = [];
  const typed = `${goodPassword}x\u007f\r${goodPassword}\r`;
  const input = Object.assign(Readable.from(Array.from(typed).map((key) => Buffer.from(key))), {
    isTTY: true,
    setRawMode: (on: boolean) => raw.push(on),
  });
  const code = await runUser(['add', 'asha', '--role', 'admin', '--data-dir', dir], {
    out: (text) => (shown += text),
    err: (text) => (shown += text),
    input,
    store: (dataDir) => createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock }),
  });
  assert.equal(code, 0);
  assert.deepEqual(raw, [true, false]);
  assert.doesNotMatch(shown, new RegExp(goodPassword));
});

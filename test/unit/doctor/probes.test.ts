import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadPackage, lookUp } from '../../../agent/doctor/children.ts';
import { reach } from '../../../agent/doctor/network.ts';
import {
  bridgeKeyProblem,
  deviceFacts,
  folderFacts,
  gatewayKeyFacts,
  lockedNode,
  lockState,
  portState,
  secretProblem,
} from '../../../agent/doctor/probes.ts';
import { openStore } from '../../../agent/store/open.ts';
import { repository } from '../../check/files.ts';

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-doctor-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

test('the pinned Node is the one that runs here, and there is none for an unknown computer', async () => {
  assert.equal(await lockedNode(process.platform, process.arch, repository), process.versions.node);
  assert.equal(await lockedNode('sunos', 'sparc', repository), null);
  assert.equal(await lockedNode('linux', 'x64', '/nowhere'), null);
});

test('a folder is looked at, or the nearest one above it, and nothing is made', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(join(dir, 'file'), 'x'.repeat(1000));
  symlinkSync(join(dir, 'nothing'), join(dir, 'link'));
  const here = await folderFacts(dir);
  assert.equal(here.problem, null);
  assert.equal(here.usedBytes, 1000);
  assert.ok((here.freeBytes ?? 0) > 0);
  const deep = await folderFacts(join(dir, 'a/b/c'));
  assert.deepEqual([deep.nearest, deep.problem, deep.usedBytes], [dir, null, 0]);
  const below = await folderFacts(join(dir, 'file/a/b'));
  assert.deepEqual([below.nearest, below.problem], [join(dir, 'file'), 'is no folder']);
  assert.match((await folderFacts(join(dir, 'link'))).problem ?? '', /a link to nothing/);
  const kernel = await folderFacts('/proc/selvedge/data');
  assert.deepEqual([kernel.nearest, kernel.problem], ['/proc', 'belongs to the kernel and keeps no files']);
  assert.deepEqual(readdirSync(dir).sort(), ['file', 'link']);
});

test('a running agent is seen by its lock, and one that has ended is not', async (t) => {
  const dir = temporaryDir(t);
  assert.equal(await lockState(dir), 'free');
  assert.deepEqual(readdirSync(dir), []);
  const store = await openStore({ dataDir: dir, clock: { wallMs: () => Date.now() } });
  assert.equal(await lockState(dir), 'held');
  await store.close();
  assert.equal(await lockState(dir), 'free');
  writeFileSync(join(dir, 'lock.db'), 'this is no database, but long enough to be taken for one'.repeat(40));
  assert.deepEqual(await lockState(dir), { problem: `${join(dir, 'lock.db')}: SQLITE_NOTADB` });
});

test('a port is free, in use, or not to be had', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(await portState('127.0.0.1', port), 'in-use');
  assert.equal(await portState('127.0.0.1', 0), 'any');
  server.close();
  await once(server, 'close');
  assert.equal(await portState('127.0.0.1', port), 'free');
  assert.equal(await portState('127.0.0.1', port), 'free');
});

test('keys are told apart from what is none, and nothing of a file is repeated', async (t) => {
  const dir = temporaryDir(t);
  const path = join(dir, 'gateway.key');
  assert.deepEqual(await gatewayKeyFacts(path), { state: 'absent' });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const present = await gatewayKeyFacts(path);
  assert.equal(present.state === 'present' && present.mode & 0o777, 0o600);
  chmodSync(path, 0o644);
  const open = await gatewayKeyFacts(path);
  assert.equal(open.state === 'present' && open.mode & 0o777, 0o644);
  writeFileSync(path, 'hunter2');
  assert.deepEqual(await gatewayKeyFacts(path), { state: 'unusable', why: 'holds no private Ed25519 key' });
  assert.deepEqual(await gatewayKeyFacts(dir), { state: 'unusable', why: 'is no plain file' });

  const bridge = join(dir, 'bridge.pem');
  assert.match((await bridgeKeyProblem(bridge)) ?? '', /bridge\.pem is no file/);
  writeFileSync(bridge, publicKey.export({ type: 'spki', format: 'pem' }));
  assert.equal(await bridgeKeyProblem(bridge), null);
  writeFileSync(bridge, 'hunter2');
  assert.doesNotMatch((await bridgeKeyProblem(bridge)) ?? 'hunter2', /hunter2/);
});

test('a secret resolves or is named by its reference, never by its value; a pipe is not read', async (t) => {
  const dir = temporaryDir(t);
  const file = join(dir, 'password');
  writeFileSync(file, 'hunter2\n');
  writeFileSync(join(dir, 'empty'), '\n');
  assert.equal(await secretProblem(`file:${file}`, {}), null);
  assert.equal(await secretProblem('env:A', { A: 'hunter2' }), null);
  assert.match((await secretProblem('env:A', {})) ?? '', /^env:A is not set or empty$/);
  assert.match((await secretProblem(`file:${dir}/empty`, {})) ?? '', /empty is not set or empty$/);
  assert.match((await secretProblem(`file:${dir}/absent`, {})) ?? '', /absent does not exist$/);
  assert.match((await secretProblem('file:/dev/zero', {})) ?? '', /is no plain file$/);
});

test('a device is one that may be read and written', async (t) => {
  const dir = temporaryDir(t);
  mkdirSync(join(dir, 'by-id'));
  assert.deepEqual(await deviceFacts('/dev/null'), { problem: null });
  assert.deepEqual(await deviceFacts(join(dir, 'ttyUSB0')), { problem: 'missing' });
  assert.deepEqual(await deviceFacts(join(dir, 'by-id')), { problem: 'no-device' });
});

test('a package loads in a process of its own, and one that takes too long is ended', async () => {
  assert.deepEqual(await loadPackage('better-sqlite3'), { name: 'better-sqlite3', problem: null });
  const slow = await loadPackage('better-sqlite3', 1);
  assert.match(slow.problem ?? '', /takes more than/);
});

test('names are looked up elsewhere and in time; an address needs no look-up', async () => {
  const names = lookUp(['localhost', '127.0.0.1', 'localhost'], 10_000);
  assert.deepEqual(await names.of('127.0.0.1'), { addresses: [{ address: '127.0.0.1', family: 4 }] });
  const local = await names.of('localhost');
  assert.ok(
    'addresses' in local && local.addresses.some(({ address }) => address === '127.0.0.1' || address === '::1'),
  );
  await names.ended;
  const hurried = lookUp(['localhost'], 1);
  assert.deepEqual(await hurried.of('localhost'), { code: 'ETIMEDOUT' });
  await hurried.ended;
});

/** Tries a port of this computer, with a second to answer. */
function tryPort(port: number, host = '127.0.0.1') {
  const monotonicMs = () => performance.now();
  const names = {
    of: () => Promise.resolve({ addresses: [{ address: '127.0.0.1', family: 4 }] }),
    ended: Promise.resolve(),
  };
  return reach(host, port, { names, monotonicMs, deadlineMs: monotonicMs() + 1_000 });
}

test('a connection is closed at once and carries no byte; a closed port refuses', async (t) => {
  let bytes = 0;
  const server = createServer((socket) => socket.on('data', (data) => (bytes += data.length)));
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const met = once(server, 'connection');
  assert.equal((await tryPort(port, 'machine.example')).ok, true);
  await met;
  server.close();
  // Closes only when the last connection is gone.
  await once(server, 'close');
  assert.equal(bytes, 0);
  assert.deepEqual(await tryPort(port), { ok: false, why: 'refused', code: 'ECONNREFUSED' });
});

test('who does not answer is given up on', async (t) => {
  // A listener that never accepts, its queue full: the way a machine that hangs looks from here.
  const script = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    require('node:fs').writeSync(1, String(this.address().port) + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const fillers = Array.from({ length: 6 }, () => connect({ host: '127.0.0.1', port }).on('error', () => undefined));
  t.after(() => fillers.forEach((socket) => socket.destroy()));
  await once(fillers[0] ?? child, 'connect');
  const startedMs = performance.now();
  assert.deepEqual(await tryPort(port), { ok: false, why: 'silent', code: 'ETIMEDOUT' });
  assert.ok(performance.now() - startedMs < 3_000);
});

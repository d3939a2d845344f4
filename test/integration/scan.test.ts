/** `selvedge scan` as its user starts it; how fast it asks is measured in `scan-rate.alone.test.ts`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openStore } from '../../agent/store/open.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { compileLibmodbusServer, end, ptyPair, PtyLine, startServer, tempDir } from './modbus-peers.ts';
import type { Report } from './scan-measure.ts';
import { runVerb, startVerb } from './verb.ts';

const scan = (t: TestContext, ...args: readonly string[]) => runVerb<Report>(t, 'scan', ...args);
const units = (report: Report | null) => report?.found.map((one) => one.unit);

async function peer(t: TestContext, framing: 'tcp' | 'rtu' = 'tcp', host?: string, port?: number): Promise<ModbusPeer> {
  const server = new ModbusPeer(framing);
  await server.listen(host, port);
  t.after(() => server.close());
  return server;
}

test('a gateway that hangs up on an unknown unit does not hide the units behind it', async (t) => {
  const server = await peer(t, 'rtu');
  server.set(3, 3, 0, [1]);
  const sockets = createServer((socket) => {
    const behind = connect(server.port, '127.0.0.1');
    socket.on('data', (bytes) => (bytes[0] === 2 ? socket.destroy() : behind.write(bytes)));
    behind.on('data', (bytes) => socket.write(bytes));
    socket.on('close', () => behind.destroy());
    socket.on('error', () => {});
    behind.on('error', () => {});
  });
  await once(sockets.listen(0, '127.0.0.1'), 'listening');
  t.after(() => sockets.close());
  const { port } = sockets.address() as AddressInfo;
  const { code, err, report } = await scan(
    t,
    `modbus+rtu://127.0.0.1:${port}`,
    '--units',
    '1..4',
    '--timeout-ms',
    '200',
  );
  assert.equal(code, 0, err);
  assert.deepEqual(units(report), [1, 3, 4]);
});

test('libmodbus and pymodbus slaves on a serial port', async (t) => {
  if (!requireProgram(t, 'cc') || !requireProgram(t, 'socat')) return;
  const dir = tempDir(t);
  const program = compileLibmodbusServer(dir);
  if (program === null) {
    requireProgram(t, 'libmodbus-dev');
    return;
  }
  const pair = await ptyPair(t, dir);
  await startServer(t, program, ['rtu', pair.far, '7', '0001']);
  const range = `modbus+rtu://${pair.near}?baudRate=19200&parity=none`;
  const { code, err, report } = await scan(t, range, '--units', '5..8', '--timeout-ms', '600');
  assert.equal(code, 0, err);
  assert.deepEqual(report?.found, [{ protocol: 'modbus', endpoint: range, unit: 7, machine: null }]);
  // Who is silent is asked twice.
  assert.equal(report?.requests, 7);

  if (!requirePythonModule(t, 'pymodbus') || !requirePythonModule(t, 'serial_asyncio')) return;
  const other = tempDir(t);
  const second = await ptyPair(t, other);
  const registers = JSON.stringify({ 2: { holding: { 0: [1] } } });
  await startServer(
    t,
    '/usr/bin/python3',
    [join(import.meta.dirname, 'modbus-pymodbus.py'), 'rtu', second.far],
    registers,
  );
  const at = `modbus+rtu://${second.near}?baudRate=19200&parity=none`;
  const python = await scan(t, at, '--units', '1..3', '--timeout-ms', '500');
  assert.deepEqual(units(python.report), [2], python.err);
});

test('a serial port that another process has open or locked is refused without a byte', async (t) => {
  if (!requireProgram(t, 'socat') || !requireProgram(t, 'flock')) return;
  const server = await peer(t, 'rtu');
  server.set(1, 3, 0, [1]);
  for (const command of ['exec 3<>PORT; echo held; read -r _ <&0', "exec flock PORT sh -c 'echo held; read -r _'"]) {
    const line = new PtyLine(join(tempDir(t), 'port'), () => server.port);
    await line.plug();
    t.after(() => line.unplug());
    const holder = spawn('sh', ['-c', command.replace('PORT', line.path)], { stdio: ['pipe', 'pipe', 'ignore'] });
    t.after(() => end(holder));
    await once(holder.stdout, 'data');
    const told = await scan(t, `modbus+rtu://${line.path}?parity=none`, '--units', '1..3');
    assert.equal(told.code, 1, told.out + told.err);
    assert.match(told.err, /^DRV-405 [^\n]*(has it open|has locked it) — do: [^\n]+\n$/);
    assert.equal(told.report, null);
    // flock starts a shell of its own, which has the port open as well: it ends with its input.
    holder.stdin.end();
    if (holder.exitCode === null) await once(holder, 'exit');
  }
  assert.equal(server.requests.length, 0);
});

test('a device server that a process of this computer is connected to is refused; Modbus TCP is not', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('needs /proc/net');
    return;
  }
  for (const [framing, scheme, code] of [
    ['rtu', 'modbus+rtu', 1],
    ['tcp', 'modbus', 0],
  ] as const) {
    const server = await peer(t, framing);
    server.set(1, 3, 0, [1]);
    const other = connect(server.port, '127.0.0.1');
    t.after(() => other.destroy());
    await once(other, 'connect');
    const range = `${scheme}://127.0.0.1:${server.port}`;
    const told = await scan(t, range, '--units', '1');
    assert.equal(told.code, code, told.err);
    assert.equal(server.requests.length, 1 - code);
    if (framing === 'tcp') continue;
    assert.match(told.err, /^DRV-405 127\.0\.0\.1 port \d+: a process of this computer is connected to it — do: /);
    other.destroy();
    await once(other, 'close');
    assert.deepEqual(units((await scan(t, range, '--units', '1')).report), [1]);
  }
});

test('what a running agent reads is refused; when it has stopped, it is not', async (t) => {
  const server = await peer(t);
  const dir = tempDir(t);
  const dataDir = join(dir, 'data');
  const config = join(dir, 'agent.yaml');
  writeFileSync(
    config,
    `version: 1
site: { id: s, name: S, timeZone: UTC }
gateway: { id: g }
dataDir: ${dataDir}
machines:
  - { id: ls-1, profile: sewing-modbus-ref, endpoint: "modbus://127.0.0.1:${server.port}", unit: 1 }
`,
  );
  const args = [`modbus://127.0.0.1..2:${server.port}`, '--units', '1', '--config', config];
  const store = await openStore({ dataDir, clock: { wallMs: () => Date.now() } });
  try {
    const told = await scan(t, ...args);
    assert.equal(told.code, 1);
    assert.match(told.err, /^AGT-600 [^\n]*ls-1 at modbus:\/\/127\.0\.0\.1:\d+ — do: /);
    assert.equal(server.accepted, 0);
    const byName = await scan(t, `modbus://localhost:${server.port}`, '--units', '1', '--config', config);
    assert.match(byName.err, /^AGT-600 /);
    // Another line is free.
    const elsewhere = await scan(t, `modbus://127.0.0.2:${server.port}`, '--units', '1', '--config', config);
    assert.doesNotMatch(elsewhere.err, /AGT-600/);
  } finally {
    await store.close();
  }
  const told = await scan(t, ...args);
  assert.equal(told.code, 0, told.err);
  assert.equal(server.requests.length, 1);
});

test('a profile names the machines it fits, and no others', async (t) => {
  const fixture = new URL('../fixtures/wire/modbus-sewing-ref.json', import.meta.url);
  const { tcp } = JSON.parse(readFileSync(fixture, 'utf8')) as { tcp: { response: string } };
  const words = tcp.response
    .split(' ')
    .slice(6)
    .map((word) => Number.parseInt(word, 16));
  const server = await peer(t);
  server.set(1, 4, 0, words);
  server.set(
    2,
    4,
    0,
    words.map(() => 0),
  );
  server.set(3, 4, 0, words.slice(0, 10));
  server.set(
    4,
    4,
    0,
    words.map(() => 0xffff),
  );
  const at = `modbus://127.0.0.1:${server.port}`;
  const { report, err } = await scan(t, at, '--units', '1..4', '--profile', 'sewing-modbus-ref');
  assert.deepEqual(
    report?.found.map(({ unit, machine }) => [unit, machine]),
    [
      [1, 'sewing-modbus-ref'],
      [2, null],
      [3, null],
      [4, null],
    ],
    err,
  );
  assert.equal(report?.requests, server.requests.length);
  assert.ok(server.requests.every(({ fn }) => fn <= 4));
});

test('Ctrl-C stops a scan at once; what was found is written', async (t) => {
  const server = await peer(t);
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  server.misbehave = ({ unit }) => {
    if (unit < 3) return null;
    resolve();
    return 'ignore';
  };
  const at = `modbus://127.0.0.1:${server.port}`;
  const { child, ended } = startVerb<Report>(t, 'scan', at, '--units', '1..200', '--timeout-ms', '30000');
  await reached;
  const startMs = performance.now();
  child.kill('SIGINT');
  const { code, err, report } = await ended;
  assert.ok(performance.now() - startMs < 2_000);
  assert.equal(code, 1);
  assert.match(err, /^stopped: 2 found, 3 requests/m);
  assert.deepEqual(units(report), [1, 2]);
  assert.equal(report?.requests, 3);
  assert.equal(server.requests.length, 3);
  assert.equal(server.connections, 0);
});

test('wrong use is exit code 2 and reaches nobody', async (t) => {
  const server = await peer(t);
  const at = `modbus://127.0.0.1:${server.port}`;
  for (const args of [
    [],
    ['--units', '1..3'],
    [at],
    [at, '--units', '1..300'],
    ['modbus://127.0.0.0/16', '--units', '1'],
    ['modbus://127.0.0.1..255', '--units', '1..5'],
    ['opc.tcp://127.0.0.1', '--units', '1'],
    ['opc.tcp://127.0.0.1', '--profile', 'sewing-modbus-ref'],
    [at, '--units', '1', '--profile', 'there-is-none'],
    [at, '--units', '1', '--profile', 'sewing-retrofit-csv'],
    [at, '--units', '1', '--endpoints', 'x.json'],
    [at, '--units', '1', '--config', '/there/is/none.yaml'],
  ]) {
    const { code, err } = await scan(t, ...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^(AGT|DRV)-\d+ /);
  }
  assert.equal(server.accepted, 0);
});

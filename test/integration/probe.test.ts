/** `selvedge probe` as its user starts it, on servers others wrote, on our simulator and on machines that behave badly. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseModbusEndpoint } from '../../drivers/modbus/endpoint.ts';
import { connectBus } from '../../drivers/modbus/open-bus.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { compileLibmodbusServer, end, ptyPair, PtyLine, startServer, tempDir } from './modbus-peers.ts';
import { endFloor, startFloor } from './simulators-process.ts';
import { runVerb, startVerb } from './verb.ts';

interface Report {
  readonly unit: number;
  readonly rows: readonly {
    readonly table: string;
    readonly address: number;
    readonly raw: number | null;
    readonly decodings: {
      readonly u16: number;
      readonly i16: number;
      readonly u32: Readonly<Record<string, number | null>>;
      readonly f32: Readonly<Record<string, number | null>>;
    } | null;
    readonly exception?: number;
  }[];
}

const probe = (t: TestContext, ...args: readonly string[]) => runVerb<Report>(t, 'probe', ...args);
const raws = (report: Report | null) => report?.rows.map((row) => row.raw);

const python = '/usr/bin/python3';
const pymodbus = join(import.meta.dirname, 'modbus-pymodbus.py');

async function peer(t: TestContext, framing: 'tcp' | 'rtu' = 'tcp'): Promise<ModbusPeer> {
  const server = new ModbusPeer(framing);
  await server.listen();
  t.after(() => server.close());
  return server;
}

test('a pymodbus server with holes: what is there, what it may mean, and what is not there', async (t) => {
  if (!requirePythonModule(t, 'pymodbus')) return;
  // 1234567 high word first, 23.4 as float low word first, a NaN, and two registers after a hole.
  const units = { 1: { holding: { 0: [0x0012, 0xd687, 0x3333, 0x41bb, 0x7fc0, 0], 20: [65_535, 7] } } };
  const port = await startServer(t, python, [pymodbus, 'tcp'], JSON.stringify(units));
  const { code, out, report } = await probe(t, `modbus://127.0.0.1:${port}`, '--unit', '1', '--holding', '0..24');
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(report ?? {}), ['unit', 'rows']);
  assert.equal(report?.unit, 1);
  const there = new Map([0x0012, 0xd687, 0x3333, 0x41bb, 0x7fc0, 0].entries()).set(20, 65_535).set(21, 7);
  assert.deepEqual(
    raws(report),
    Array.from({ length: 25 }, (_, address) => there.get(address) ?? null),
  );
  const rows = report?.rows ?? [];
  assert.equal(rows[0]?.decodings?.u32['ABCD'], 1_234_567);
  assert.equal(rows[2]?.decodings?.f32['CDAB'], Math.fround(23.4));
  assert.equal(rows[4]?.decodings?.f32['ABCD'], null);
  assert.equal(rows[4]?.decodings?.u32['ABCD'], 0x7fc0_0000);
  assert.deepEqual(rows[5]?.decodings?.u32, { ABCD: null, CDAB: null, BADC: null, DCBA: null });
  assert.equal(rows[20]?.decodings?.i16, -1);
  assert.deepEqual(rows[6], { table: 'holding', address: 6, raw: null, decodings: null, exception: 2 });
  assert.ok(out.split('\n').every((line) => line.length <= 120));
  assert.match(out, /6 +40007 +no such address \(exception 2\)/);
  assert.match(out, /8 of 25 addresses are there/);
});

test('libmodbus over TCP, on a serial port, and RTU over TCP give the same rows', async (t) => {
  if (!requireProgram(t, 'cc') || !requireProgram(t, 'socat')) return;
  const dir = tempDir(t);
  const program = compileLibmodbusServer(dir);
  if (program === null) {
    requireProgram(t, 'libmodbus-dev');
    return;
  }
  const words = ['0003', '0000', '1072', 'ffdd', '8000'];
  const port = await startServer(t, program, ['tcp', ...words]);
  const range = ['--input', '0..7'];
  const tcp = await probe(t, `modbus://127.0.0.1:${port}`, '--unit', '1', ...range);
  assert.deepEqual(raws(tcp.report), [3, 0, 0x1072, 0xffdd, 0x8000, null, null, null]);

  const { near, far } = await ptyPair(t, dir);
  await startServer(t, program, ['rtu', far, '7', ...words]);
  const tty = await probe(t, `modbus+rtu://${near}?baudRate=19200&parity=none`, '--unit', '7', ...range);
  assert.deepEqual(tty.report?.rows, tcp.report?.rows, tty.err);

  const rtu = await peer(t, 'rtu');
  rtu.set(7, 4, 0, [3, 0, 0x1072, 0xffdd, 0x8000]);
  const overTcp = await probe(t, `modbus+rtu://127.0.0.1:${rtu.port}`, '--unit', '7', ...range);
  assert.deepEqual(overTcp.report?.rows, tcp.report?.rows);
});

test('our simulated lockstitch machine, with the numbers of a manual', async (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'endpoints.json');
  const floor = startFloor(['demo', '--healthy', '--hold', '--control', '--endpoints', file]);
  t.after(() => endFloor(floor));
  await floor.event('listening');
  const found = /"(modbus:\/\/[^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const { code, err, report } = await probe(t, found, '--unit', '1', '--input', '30001..30021');
  assert.equal(code, 0, err);
  assert.match(err, /30001\.\.30021 is read as the numbers of a manual: protocol address 0\.\.20\b/);
  assert.equal(report?.rows.length, 21);
  assert.ok(report?.rows.every((row) => row.raw !== null));
});

test('all tables at once, bits with 0 and 1, in blocks of at most 125 registers and 2000 bits, only read', async (t) => {
  const server = await peer(t);
  server.set(
    1,
    3,
    0,
    Array.from({ length: 300 }, (_, i) => i),
  );
  server.set(
    1,
    1,
    0,
    Array.from({ length: 2_010 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  );
  server.set(1, 2, 5, [1]);
  const ranges = ['--holding', '0..299', '--coil', '0..2009', '--discrete', '4..6'];
  const { code, report } = await probe(t, `modbus://127.0.0.1:${server.port}`, ...ranges);
  assert.equal(code, 0);
  const of = (table: string) => report?.rows.filter((row) => row.table === table).map((row) => row.raw);
  assert.deepEqual(
    of('holding'),
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.deepEqual(
    of('coil'),
    Array.from({ length: 2_010 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  );
  assert.deepEqual(of('discrete'), [null, 1, null]);
  assert.equal(server.writes, 0);
  assert.ok(server.requests.every(({ fn, count }) => (fn <= 2 ? count <= 2_000 : count <= 125)));
  assert.equal(server.requests.filter(({ fn }) => fn === 3).length, 3);
});

test('what cannot be read ends as one line with its cure, and exit code 1', async (t) => {
  const server = await peer(t);
  const at = `modbus://127.0.0.1:${server.port}`;
  const expectLine = async (pattern: RegExp, ...args: readonly string[]) => {
    const told = await probe(t, ...args);
    assert.equal(told.code, 1, told.err);
    assert.match(told.err, pattern);
    assert.match(told.err, /^DRV-\d+ [^\n]+ — do: [^\n]+\n$/);
    assert.equal(told.report, null);
  };
  server.misbehave = () => ({ exception: 1 });
  await expectLine(/exception 1, illegal function/, at, '--holding', '0..3');
  server.misbehave = () => ({ exception: 11 });
  await expectLine(/gateway target did not respond/, at, '--holding', '0..3');
  server.misbehave = () => 'ignore';
  await expectLine(/unit 1, holding 0..3 \(function 3\): timeout/, at, '--holding', '0..3', '--timeout-ms', '100');
  await server.close();
  await expectLine(/connection-refused/, at, '--holding', '0..3');
  await expectLine(/device-absent/, 'modbus+rtu:///dev/there-is-no-such-port', '--holding', '0');
});

test('wrong use is exit code 2 and sends nothing', async (t) => {
  const server = await peer(t);
  const at = `modbus://127.0.0.1:${server.port}`;
  for (const args of [
    [],
    [at],
    [at, '--holding', '5..1'],
    [at, '--holding', '0..40', '--unit', '256'],
    [at, '--holding', '0..40', '--unit', 'x'],
    [at, '--coil', '0..20000'],
    [at, '--holding', '0', '--timeout-ms', '1'],
    ['modbus+rtu://127.0.0.1:4001', '--holding', '0', '--unit', '0'],
    ['opc.tcp://127.0.0.1:4840', '--holding', '0'],
  ]) {
    const { code, err } = await probe(t, ...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^(AGT|DRV)-\d+ [^\n]+\n$/);
  }
  assert.equal(server.accepted, 0);
});

test('a port that another process has open is refused without a byte; socat, which makes it, is not its user', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const server = await peer(t, 'rtu');
  server.set(1, 3, 0, [1]);
  const line = new PtyLine(join(tempDir(t), 'port'), () => server.port);
  await line.plug();
  t.after(() => line.unplug());
  const holder = spawn('sh', ['-c', `exec 3<>${line.path}; echo held; read -r _ <&0`], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => end(holder));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const refused = await probe(t, `modbus+rtu://${line.path}?parity=none`, '--holding', '0');
  assert.equal(refused.code, 1);
  assert.match(refused.err, new RegExp(`^DRV-405 .*port: sh \\(process ${holder.pid}\\) has it open — do: `));
  assert.equal(server.requests.length, 0);
  await end(holder);
  const free = await probe(t, `modbus+rtu://${line.path}?parity=none`, '--holding', '0');
  assert.deepEqual(raws(free.report), [1], free.err);
});

test('a port that is locked between the look and the opening is refused by the lock of our own', async (t) => {
  if (!requireProgram(t, 'socat') || !requireProgram(t, 'flock')) return;
  const { near } = await ptyPair(t, tempDir(t));
  const holder = spawn('flock', [near, 'sh', '-c', 'echo held; read -r _'], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => void holder.stdin.end());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const options = { connectTimeoutMs: 1_000, staleAfterMs: 1_000, monotonicMs: () => performance.now() };
  const endpoint = parseModbusEndpoint(`modbus+rtu://${near}?parity=none`);
  await assert.rejects(connectBus(endpoint, options, new AbortController().signal), /DRV-405 .*: device-busy/);
});

test('Ctrl-C ends a probe at once, with the connection closed', async (t) => {
  const server = await peer(t);
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  server.misbehave = () => {
    resolve();
    return 'ignore';
  };
  const at = `modbus://127.0.0.1:${server.port}`;
  const { child, ended } = startVerb<Report>(t, 'probe', at, '--holding', '0', '--timeout-ms', '60000');
  await asked;
  const startMs = performance.now();
  child.kill('SIGINT');
  const { code, err, report } = await ended;
  assert.deepEqual([code, err, report], [1, 'stopped\n', null]);
  assert.ok(performance.now() - startMs < 2_000);
  assert.equal(server.connections, 0);
});

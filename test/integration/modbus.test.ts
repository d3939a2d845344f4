/** The Modbus driver against servers others wrote: pymodbus and libmodbus, over TCP, RTU on a serial port and RTU over TCP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Value } from '../../drivers/contract.ts';
import { createModbusDriver, type ModbusMachine } from '../../drivers/modbus/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { asciiFrame, ModbusPeer, withCrc } from '../unit/drivers/modbus-peer.ts';
import { compileLibmodbusServer, end, output, PtyLine, ptyPair, startServer, tempDir } from './modbus-peers.ts';

interface Fixture {
  readonly tcp: { readonly response: string };
  readonly values: Readonly<Record<string, Value>>;
}
function fixtureOf(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`../fixtures/wire/modbus-${name}.json`, import.meta.url), 'utf8')) as Fixture;
}
const ref = { profile: loadProfile('sewing-modbus-ref', []), fixture: fixtureOf('sewing-ref') };
const silverstar = { profile: loadProfile('sewing-modbus-silverstar', []), fixture: fixtureOf('sewing-silverstar') };

/** The register words of a hand-written response, after header, function and byte count. */
function wordsOf(fixture: Fixture): string[] {
  return fixture.tcp.response.split(' ').slice(6);
}
function numbersOf(fixture: Fixture): number[] {
  return wordsOf(fixture).map((word) => Number.parseInt(word, 16));
}

/** Reads the machines at `endpoint` until each has given every value of its fixture. */
async function expectValues(
  t: TestContext,
  endpoint: string,
  machines: readonly (ModbusMachine & { readonly fixture: Fixture })[],
): Promise<EventLog> {
  const log = new EventLog();
  const driver = createModbusDriver({ endpoint, machines, timeoutMs: 5_000 }, realPorts(log));
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  for (const { machine, fixture } of machines) {
    const count = Object.keys(fixture.values).length;
    await log.until(`values of ${machine}`, 40_000, () => log.goods(machine) >= 3 * count);
    const values = log
      .readings(machine)
      .slice(-count)
      .map((reading) => [reading.signal, reading.value]);
    assert.deepEqual(Object.fromEntries(values), fixture.values);
    assert.deepEqual(
      log.readings(machine).filter((reading) => reading.quality !== 'good'),
      [],
    );
  }
  assertEventInvariants(driver.machines, log.events);
  await driver.stop();
  return log;
}

const lockstitch = { machine: 'ls-1', unit: 1, ...ref };
const overlock = { machine: 'ov-1', unit: 7, ...ref };
const other = { machine: 'ls-2', unit: 2, ...silverstar };
const pymodbus = join(import.meta.dirname, 'modbus-pymodbus.py');
const python = '/usr/bin/python3';

test('two machines of different maps behind one pymodbus server over TCP', async (t) => {
  if (!requirePythonModule(t, 'pymodbus')) return;
  const units = { 1: { input: { 0: numbersOf(ref.fixture) } }, 2: { holding: { 100: numbersOf(silverstar.fixture) } } };
  const port = await startServer(t, python, [pymodbus, 'tcp'], JSON.stringify(units));
  await expectValues(t, `modbus://127.0.0.1:${port}`, [lockstitch, other]);
});

test('RTU on a serial port, answered by pymodbus', async (t) => {
  if (!requireProgram(t, 'socat') || !requirePythonModule(t, 'pymodbus') || !requirePythonModule(t, 'serial_asyncio'))
    return;
  const { near, far } = await ptyPair(t, tempDir(t));
  await startServer(t, python, [pymodbus, 'rtu', far], JSON.stringify({ 7: { input: { 0: numbersOf(ref.fixture) } } }));
  await expectValues(t, `modbus+rtu://${near}?baudRate=19200&parity=none`, [overlock]);
});

test('ASCII on a serial port, answered by pymodbus', async (t) => {
  if (!requireProgram(t, 'socat') || !requirePythonModule(t, 'pymodbus') || !requirePythonModule(t, 'serial_asyncio'))
    return;
  const { near, far } = await ptyPair(t, tempDir(t));
  const units = { 7: { input: { 0: numbersOf(ref.fixture) } }, 2: { holding: { 100: numbersOf(silverstar.fixture) } } };
  await startServer(t, python, [pymodbus, 'ascii', far], JSON.stringify(units));
  await expectValues(t, `modbus+ascii://${near}?baudRate=19200`, [overlock, other]);
});

/** The compiled libmodbus server, or null with the test skipped (failed in CI). */
function libmodbusServer(t: TestContext, dir: string): string | null {
  if (!requireProgram(t, 'cc')) return null;
  const program = compileLibmodbusServer(dir);
  if (program !== null) return program;
  // Names what is missing in the same words as any other missing program.
  requireProgram(t, 'libmodbus-dev');
  return null;
}

test('a libmodbus server over TCP; its exception for a register that is not there costs that signal alone', async (t) => {
  const program = libmodbusServer(t, tempDir(t));
  if (program === null) return;
  const port = await startServer(t, program, ['tcp', ...wordsOf(ref.fixture)]);
  await expectValues(t, `modbus://127.0.0.1:${port}`, [lockstitch]);

  const shorter = await startServer(t, program, ['tcp', ...wordsOf(ref.fixture).slice(0, 20)]);
  const log = new EventLog();
  const driver = createModbusDriver(
    { endpoint: `modbus://127.0.0.1:${shorter}`, machines: [lockstitch] },
    realPorts(log),
  );
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('readings', 15_000, () => log.goods('ls-1') >= 60);
  const bads = log.readings('ls-1').filter((reading) => reading.quality === 'bad');
  assert.deepEqual(new Set(bads.map((reading) => reading.signal)), new Set(['needle.stitches']));
  assert.ok(bads.every((reading) => reading.quality === 'bad' && reading.reason === 'modbus-exception-2'));
  await driver.stop();
});

test('a libmodbus RTU slave on a serial port', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const dir = tempDir(t);
  const program = libmodbusServer(t, dir);
  if (program === null) return;
  const { near, far } = await ptyPair(t, dir);
  await startServer(t, program, ['rtu', far, '7', ...wordsOf(ref.fixture)]);
  await expectValues(t, `modbus+rtu://${near}?baudRate=19200&parity=none`, [overlock]);
});

test('the same slave behind a serial device server: RTU over TCP', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const dir = tempDir(t);
  const program = libmodbusServer(t, dir);
  if (program === null) return;
  const far = join(dir, 'far');
  const server = spawn('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1,reuseaddr', `PTY,link=${far},raw,echo=0`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => end(server));
  const [, port] = await output(server, 'stderr', /listening on .*:(\d+)/);
  // socat makes the port when the driver has connected; the slave begins then.
  const log = new EventLog();
  const driver = createModbusDriver(
    { endpoint: `modbus+rtu://127.0.0.1:${port}`, machines: [overlock], timeoutMs: 2_000 },
    realPorts(log),
  );
  t.after(() => driver.stop());
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  server.stderr.on('data', (chunk: string) => {
    if (chunk.includes('starting data transfer loop')) resolve();
  });
  await driver.start(new AbortController().signal);
  await connected;
  await startServer(t, program, ['rtu', far, '7', ...wordsOf(ref.fixture)]);
  const count = Object.keys(ref.fixture.values).length;
  await log.until('values', 40_000, () => log.goods('ov-1') >= 3 * count);
  const values = log
    .readings('ov-1')
    .slice(-count)
    .map((reading) => [reading.signal, reading.value]);
  assert.deepEqual(Object.fromEntries(values), ref.fixture.values);
  await driver.stop();
});

/** A driver on a pty with the small peer of the unit tests behind it, so that RTU and ASCII on a tty meet the same faults. */
async function ttyRig(dir: string, unit: number, framing: 'rtu' | 'ascii' = 'rtu') {
  const peer = new ModbusPeer(framing);
  peer.set(unit, 4, 0, numbersOf(ref.fixture));
  await peer.listen();
  const line = new PtyLine(join(dir, 'tty'), () => peer.port);
  await line.plug();
  return { peer, line, endpoint: `modbus+${framing}://${line.path}?baudRate=115200&parity=none` };
}

for (const framing of ['rtu', 'ascii'] as const) {
  driverContract({
    name: `modbus ${framing} on a tty`,
    available: (t) => requireProgram(t, 'socat'),
    silenceToGapMs: 3_000,
    recoveryMs: 10_000,
    async create(ports) {
      const dir = mkdtempSync(join(tmpdir(), 'selvedge-modbus-'));
      const { peer, line, endpoint } = await ttyRig(dir, 7, framing);
      const wrong = Buffer.from('0904020001', 'hex');
      // Of another unit; in ASCII a frame without content as well.
      const noise = framing === 'rtu' ? withCrc(wrong) : Buffer.concat([Buffer.from(':\r\n'), asciiFrame(wrong)]);
      const driver = createModbusDriver(
        {
          endpoint,
          machines: [{ ...overlock, polls: { normal: 50 } }],
          timeoutMs: 200,
          backoff: { minMs: 50, maxMs: 200 },
        },
        ports,
      );
      return {
        driver,
        peer: peer.asPeer(noise, { breakLink: () => line.unplug(), restore: () => line.plug() }),
        async dispose() {
          await line.unplug();
          await peer.close();
          rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
        },
      };
    },
  });
}

for (const framing of ['rtu', 'ascii'] as const) {
  test(`${framing}: bytes that were left on a serial line, or come unasked, are never taken for an answer`, async (t) => {
    if (!requireProgram(t, 'socat')) return;
    const { peer, line, endpoint } = await ttyRig(tempDir(t), 7, framing);
    t.after(async () => {
      await line.unplug();
      await peer.close();
    });
    // The right unit, function, length and checksum, with other values: what the last client did not wait for.
    const old = Buffer.concat([Buffer.from('07042a', 'hex'), Buffer.alloc(42, 0x01)]);
    const stale = framing === 'rtu' ? withCrc(old) : asciiFrame(old);
    const log = new EventLog();
    const driver = createModbusDriver(
      { endpoint, machines: [{ ...overlock, polls: { normal: 100 } }], timeoutMs: 2_000 },
      realPorts(log),
    );
    t.after(() => driver.stop());
    peer.misbehave = (_, nth) => {
      // Twice the stale frame behind a good answer: a client that keeps bytes would read it next, and be behind for ever.
      return nth % 4 === 1 ? { raw: (answer) => Buffer.concat([answer, stale, stale]) } : null;
    };
    await driver.start(new AbortController().signal);
    await log.until('readings', 20_000, () => log.goods('ov-1') >= 21 * 12);
    const speeds = log.readings('ov-1').filter((reading) => reading.signal === 'spindle.speed');
    // What falls into a request may cost it; what it may not do is become its answer.
    const believed = new Set(speeds.filter((reading) => reading.quality === 'good').map((reading) => reading.value));
    assert.deepEqual(believed, new Set([4210]));
    assert.ok((driver.health()[0]?.discarded ?? 0) >= 4);
    await driver.stop();
  });
}

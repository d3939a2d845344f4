/** Writes against servers others wrote, over every way there is: what they say reached them, and what is known of it here. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createModbusDriver } from '../../drivers/modbus/driver.ts';
import { profileProblems } from '../../drivers/profiles/check.ts';
import { profileSchema } from '../../drivers/profiles/schema.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { ModbusPeer, type Misbehaviour } from '../unit/drivers/modbus-peer.ts';
import { compileLibmodbusServer, PtyLine, ptyPair, startTelling, tempDir } from './modbus-peers.ts';

const profile = profileSchema.parse({
  profile: 'settable',
  version: 1,
  title: 'Settable',
  kind: 'lockstitch',
  protocol: 'modbus',
  verified: false,
  source: ['a test'],
  polls: { normal: { intervalMs: 50 } },
  signals: { 'spindle.speed': { kind: 'gauge', unit: 'RPM', from: { table: 'holding', address: 0 } } },
  writes: {
    'speed.max': { title: 'Highest speed', unit: 'RPM', table: 'holding', address: 10, range: [200, 5000] },
    'stitch.length': { title: 'Length', table: 'holding', address: 12, type: 'int16', scale: 0.01, range: [-5, 5] },
    'piece.target': { title: 'Target', table: 'holding', address: 14, type: 'uint32', range: [0, 1_000_000] },
    'heat.target': { title: 'Heat', table: 'holding', address: 16, type: 'float32', range: [0, 200] },
    'status.light': { title: 'Light', table: 'coil', address: 3, range: [0, 1] },
  },
  states: [{ state: 'IDLE' }],
});
assert.deepEqual(profileProblems(profile), []);

async function driverAt(t: TestContext, endpoint: string, timeoutMs = 2_000) {
  const log = new EventLog();
  const driver = createModbusDriver(
    { endpoint, machines: [{ machine: 'm', unit: 1, profile, writes: true }], timeoutMs },
    realPorts(log),
  );
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('a reading', 20_000, () => log.goods('m') > 0);
  const write = (name: string, value: number | boolean) => driver.write('m', name, value, performance.now() + 3_000);
  return { driver, log, write };
}

/** 1.5 is 3F C0 00 00 (IEEE 754), 16320 0 as registers; −3.21 is 65215 as a word; 655618 is 10 258. */
async function writeAll(t: TestContext, endpoint: string): Promise<void> {
  const { driver, log, write } = await driverAt(t, endpoint);
  assert.equal(await driver.readSetPoint('m', 'speed.max'), 0);
  assert.deepEqual(await write('speed.max', 3200), { outcome: 'written', readBack: 3200 });
  assert.deepEqual(await write('stitch.length', -3.21), { outcome: 'written', readBack: -3.21 });
  assert.deepEqual(await write('piece.target', 655_618), { outcome: 'written', readBack: 655_618 });
  assert.deepEqual(await write('heat.target', 1.5), { outcome: 'written', readBack: 1.5 });
  assert.deepEqual(await write('status.light', true), { outcome: 'written', readBack: true });
  assert.deepEqual(await write('status.light', false), { outcome: 'written', readBack: false });
  assert.equal((await write('speed.max', 5_001)).outcome, 'not-allowed');
  const goods = log.goods('m');
  await log.until('polls go on', 10_000, () => log.goods('m') > goods + 2);
  assert.ok(log.readings('m').every((reading) => reading.quality === 'good'));
}

const told = [
  'write 6 10 3200',
  'write 6 12 65215',
  'write 16 14 10 258',
  'write 16 16 16320 0',
  'write 5 3 1',
  'write 5 3 0',
];
const pymodbus = join(import.meta.dirname, 'modbus-writes-pymodbus.py');
const python = '/usr/bin/python3';

for (const mode of ['tcp', 'rtu-tcp'] as const) {
  test(`pymodbus over ${mode} gets what the profile lists and nothing else`, async (t) => {
    if (!requirePythonModule(t, 'pymodbus')) return;
    const { port, lines } = await startTelling(t, python, [pymodbus, mode]);
    await writeAll(t, `${mode === 'tcp' ? 'modbus' : 'modbus+rtu'}://127.0.0.1:${port}`);
    assert.deepEqual(lines, told);
  });
}
for (const mode of ['rtu', 'ascii'] as const) {
  test(`pymodbus on a serial port in ${mode} gets what the profile lists and nothing else`, async (t) => {
    if (!requirePythonModule(t, 'pymodbus') || !requireProgram(t, 'socat')) return;
    const { near, far } = await ptyPair(t, tempDir(t));
    const { lines } = await startTelling(t, python, [pymodbus, mode, far]);
    await writeAll(t, `modbus+${mode}://${near}?baudRate=19200&parity=none`);
    assert.deepEqual(lines, told);
  });
}

for (const mode of ['tcp', 'rtu'] as const) {
  test(`libmodbus over ${mode} sees reads, and the functions that write at the addresses listed`, async (t) => {
    if (!requireProgram(t, 'cc') || (mode === 'rtu' && !requireProgram(t, 'socat'))) return;
    const dir = tempDir(t);
    const program = compileLibmodbusServer(dir, 'modbus-writes-libmodbus.c');
    if (program === null) {
      // Names what is missing in the same words as any other missing program.
      requireProgram(t, 'libmodbus-dev');
      return;
    }
    const pair = mode === 'rtu' ? await ptyPair(t, dir) : null;
    const { port, lines } = await startTelling(t, program, pair === null ? ['tcp'] : ['rtu', pair.far]);
    await writeAll(t, pair === null ? `modbus://127.0.0.1:${port}` : `modbus+rtu://${pair.near}?parity=none`);
    const writes = lines.filter((line) => !/^request [1-4] /.test(line));
    assert.deepEqual(
      writes,
      told.map((line) => line.replace(/^write (\d+ \d+) .*/, 'request $1')),
    );
    assert.ok(lines.length > writes.length + 10);
  });
}

for (const framing of ['rtu', 'ascii'] as const) {
  const line = async (t: TestContext, misbehaviour: Misbehaviour) => {
    const peer = new ModbusPeer(framing);
    await peer.listen();
    t.after(() => peer.close());
    peer.set(1, 3, 0, [1000]);
    peer.set(1, 3, 10, [400]);
    peer.misbehave = (request) => (request.fn > 4 ? misbehaviour : null);
    const port = new PtyLine(join(tempDir(t), 'line'), () => peer.port);
    await port.plug();
    t.after(() => port.unplug());
    const rig = await driverAt(t, `modbus+${framing}://${port.path}?parity=none`, 300);
    const reached = () => peer.requests.filter((request) => request.fn > 4).length;
    return { ...rig, peer, port, reached };
  };

  test(`${framing} on a serial port: done without an answer is unknown, and read back`, async (t) => {
    if (!requireProgram(t, 'socat')) return;
    const { write, reached, log } = await line(t, { executeThen: 'silence' });
    assert.deepEqual(await write('speed.max', 3200), { outcome: 'unknown', reason: 'timeout', readBack: 3200 });
    assert.equal(reached(), 1);
    assert.ok(log.readings('m').every((reading) => reading.value === 1000));
  });

  test(`${framing} on a serial port: an answer that comes late is nobody's`, async (t) => {
    if (!requireProgram(t, 'socat')) return;
    const { write, reached, log, peer } = await line(t, { executeThen: (answer) => answer, delayMs: 330 });
    const first = await write('speed.max', 3200);
    assert.deepEqual([first.outcome, 'readBack' in first && first.readBack], ['unknown', 3200]);
    peer.misbehave = () => null;
    assert.deepEqual(await write('speed.max', 900), { outcome: 'written', readBack: 900 });
    assert.equal(reached(), 2);
    const goods = log.goods('m');
    await log.until('polls go on', 10_000, () => log.goods('m') > goods + 5);
    assert.ok(log.readings('m').every((reading) => reading.quality === 'bad' || reading.value === 1000));
  });

  test(`${framing} on a serial port: a refusal, and another value confirmed`, async (t) => {
    if (!requireProgram(t, 'socat')) return;
    const { write, peer } = await line(t, { exception: 3 });
    assert.deepEqual(await write('speed.max', 3200), { outcome: 'refused', exception: 3, readBack: 400 });
    const other = (answer: Buffer): Buffer => Buffer.from([...answer.subarray(0, 3), 0x00, 0x07]);
    peer.misbehave = (request) => (request.fn > 4 ? { executeThen: other } : null);
    const reason = 'other-value-confirmed';
    assert.deepEqual(await write('speed.max', 3300), { outcome: 'unknown', reason, readBack: 3300 });
  });

  test(`${framing} on a serial port: a cable pulled during a write is unknown, and never written again`, async (t) => {
    if (!requireProgram(t, 'socat')) return;
    const { write, port, reached, log } = await line(t, { executeThen: 'silence' });
    const pending = write('speed.max', 3200);
    await port.unplug();
    const result = await pending;
    // Whether it had left the computer before the cable went is the cable's secret.
    assert.ok(result.outcome === 'unknown' || result.outcome === 'not-sent', JSON.stringify(result));
    await port.plug();
    const goods = log.goods('m');
    await log.until('polls again', 20_000, () => log.goods('m') > goods + 3);
    assert.ok(reached() <= 1);
  });
}

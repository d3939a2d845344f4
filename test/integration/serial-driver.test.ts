import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Driver, DriverPorts, LinkEvent } from '../../drivers/contract.ts';
import { DriverError } from '../../drivers/errors.ts';
import { createModbusDriver } from '../../drivers/modbus/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { createLineDriver } from '../../drivers/serial/driver.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram } from '../support/peers.ts';
import { FakeSys } from '../unit/drivers/fake-sys.ts';
import { PtyPair, retrofitLine, TcpLinePeer } from './serial-peer.ts';

const everyMs = 40;
const shipped = loadProfile('sewing-retrofit-csv', []);
/** The shipped profile in a hurry: lines six times as often, so that silence is judged after 300 ms. */
const quick: Profile = {
  ...shipped,
  line: { fields: 7, delimiter: ',', terminator: '\n', maxLineBytes: 128, expectEveryMs: 100 },
};
const backoff = { minMs: 50, maxMs: 200 };

function lineDriver(endpoint: string, ports: DriverPorts): Driver {
  return createLineDriver({ endpoint, machine: 'rt-1', profile: quick, backoff }, ports);
}

function lastLink(log: EventLog): LinkEvent | undefined {
  return log.events.findLast((event): event is LinkEvent => event.kind === 'link');
}

driverContract({
  name: 'line over TCP',
  silenceToGapMs: 2_000,
  create: async (ports) => {
    const peer = new TcpLinePeer(everyMs);
    await peer.listen();
    return {
      driver: lineDriver(peer.endpoint, ports),
      peer: peer.asPeer(),
      dispose: () => peer.dispose(),
    };
  },
});

test('a half-open TCP connection is noticed by its silence and made anew', async () => {
  const peer = new TcpLinePeer(everyMs);
  await peer.listen();
  const log = new EventLog();
  const driver = lineDriver(peer.endpoint, realPorts(log));
  try {
    await driver.start(new AbortController().signal);
    await log.until('a good reading', 5_000, () => log.goods('rt-1') > 0);
    const before = peer.accepted;
    // Half-open: the socket stays, nothing comes, nobody says good-bye.
    peer.fallSilent();
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').at(-1)?.phase === 'opened');
    assert.equal(log.gaps('rt-1').at(-1)?.reason, 'no-data');
    await log.until('a new connection', 5_000, () => peer.accepted > before);
    await peer.restore();
    await log.until('a closed gap', 5_000, () => log.gaps('rt-1').at(-1)?.phase === 'closed');
    assertEventInvariants(['rt-1'], log.events);
  } finally {
    await driver.stop();
    await peer.dispose();
  }
});

test('noise alone is no life: the gap says garbage, and every piece of it is counted', async () => {
  const peer = new TcpLinePeer(everyMs);
  await peer.listen();
  const log = new EventLog();
  const driver = lineDriver(peer.endpoint, realPorts(log));
  // A wrong baud rate looks like this: bytes all the time, never a line of seven fields.
  const babble = setInterval(() => peer.send(Buffer.from([0xf8, 0x1c, 0x0a, 0x2c, 0x33, 0x0a])), 20);
  try {
    peer.fallSilent();
    await driver.start(new AbortController().signal);
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').length > 0);
    assert.equal(log.gaps('rt-1')[0]?.reason, 'garbage');
    assert.equal(log.readings('rt-1').length, 0);
    const reasons = new Set(log.events.flatMap((event) => (event.kind === 'discarded' ? [event.reason] : [])));
    assert.ok(reasons.has('garbage') && reasons.has('bad-length'), [...reasons].join());
  } finally {
    clearInterval(babble);
    await driver.stop();
    await peer.dispose();
  }
});

/** A line every `everyMs`, whether or not the pty is plugged in. */
function sewAt(pty: PtyPair): NodeJS.Timeout {
  let stitches = 0;
  return setInterval(() => {
    stitches += 10;
    pty.send(retrofitLine(stitches)).catch(() => {});
  }, everyMs);
}

test('a serial port is read, its unplugging is a gap at once, and it is read again when it is back', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const pty = new PtyPair(folder);
  const log = new EventLog();
  // The stable name of an adapter is a link that comes and goes with it, as below /dev/serial/by-id.
  const byId = join(folder, 'usb-Selvedge_test_adapter-if00');
  await symlink(pty.device, byId);
  // Loading the native library is no part of what is timed here.
  await import('serialport');
  const driver = lineDriver(`serial://${byId}?baudRate=9600`, realPorts(log));
  const pace = sewAt(pty);
  try {
    await driver.start(new AbortController().signal);
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').length > 0);
    assert.equal(log.gaps('rt-1')[0]?.reason, 'device-absent');
    await pty.plug();
    await log.until('a good reading', 10_000, () => log.goods('rt-1') > 0);
    const plugged = log.gaps('rt-1').length;

    await pty.unplug();
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').length > plugged);
    await log.until('a link that is down', 5_000, () => lastLink(log)?.up === false);
    assert.equal(lastLink(log)?.reason, 'unplugged');
    assert.equal(driver.health()[0]?.connected, false);

    await pty.plug();
    await log.until('a closed gap', 10_000, () => log.gaps('rt-1').at(-1)?.phase === 'closed');
    assertEventInvariants(['rt-1'], log.events);
  } finally {
    clearInterval(pace);
    await driver.stop();
    await pty.unplug();
    await rm(folder, { recursive: true });
  }
});

test('an adapter named by its USB ids is read under whatever tty it gets, and not at all while two have them', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const sys = new FakeSys(t, folder);
  const pty = new PtyPair(folder);
  await pty.plug();
  const log = new EventLog();
  const logged: Record<string, unknown>[] = [];
  const ports = {
    ...realPorts(log),
    log: (_level: unknown, _text: string, fields: Record<string, unknown>) => void logged.push(fields),
  };
  await import('serialport');
  const driver = createLineDriver(
    { endpoint: 'serial://usb/1a86:7523', machine: 'rt-1', profile: quick, backoff, devices: sys.folders },
    ports,
  );
  const pace = sewAt(pty);
  try {
    await driver.start(new AbortController().signal);
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').length > 0);
    assert.equal(log.gaps('rt-1')[0]?.reason, 'device-absent');
    sys.plug('1-1', '1a86:7523', null, 'ttyUSB0');
    await symlink(pty.device, join(folder, 'ttyUSB0'));
    await log.until('a good reading', 10_000, () => log.goods('rt-1') > 0);

    await pty.unplug();
    sys.unplug('ttyUSB0', '1-1');
    await rm(join(folder, 'ttyUSB0'));
    await log.until('an open gap', 5_000, () => log.gaps('rt-1').at(-1)?.phase === 'opened');

    // Two of a kind: neither is opened, though the right one is there.
    await pty.plug();
    sys.plug('1-1', '1a86:7523', null, 'ttyUSB3');
    sys.plug('1-2', '1a86:7523', null, 'ttyUSB4');
    await symlink(pty.device, join(folder, 'ttyUSB3'));
    await log.until('trouble', 5_000, (events) =>
      events.some((e) => e.kind === 'trouble' && e.reason === 'device-ambiguous'),
    );
    const told = String(logged.find(({ reason }) => reason === 'device-ambiguous')?.['detail']);
    assert.ok(told.includes('ttyUSB3') && told.includes('ttyUSB4') && told.includes('DRV-310'), told);
    assert.equal(log.gaps('rt-1').at(-1)?.phase, 'opened');

    sys.unplug('ttyUSB4', '1-2');
    await log.until('a closed gap', 10_000, () => log.gaps('rt-1').at(-1)?.phase === 'closed');
    assertEventInvariants(['rt-1'], log.events);
  } finally {
    clearInterval(pace);
    await driver.stop();
    await pty.unplug();
    await rm(folder, { recursive: true });
  }
});

test('Modbus looks for its adapter as well', async () => {
  const log = new EventLog();
  const machines = [{ machine: 'm-1', unit: 1, profile: loadProfile('sewing-modbus-ref', []) }];
  const driver = createModbusDriver({ endpoint: 'modbus+rtu://usb/fffe:fffd', machines, backoff }, realPorts(log));
  try {
    await driver.start(new AbortController().signal);
    await log.until('an open gap', 10_000, () => log.gaps('m-1').length > 0);
    assert.equal(log.gaps('m-1')[0]?.reason, 'device-absent');
  } finally {
    await driver.stop();
  }
});

test('what a port buffered before it was opened is flushed, never told as a present value', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const pty = new PtyPair(folder);
  await pty.plug();
  // Left behind by a program that died, hours ago for all we know.
  await pty.sendThrough(`\n${retrofitLine(1)}${retrofitLine(2)}`);
  const log = new EventLog();
  const driver = lineDriver(`serial://${pty.device}`, realPorts(log));
  try {
    await driver.start(new AbortController().signal);
    await log.until('an open port', 10_000, (events) => events.some((event) => event.kind === 'link' && event.up));
    await pty.send(`rest of a line\n${retrofitLine(777)}`);
    await log.until('a good reading', 5_000, () => log.goods('rt-1') > 0);
    const told = log.readings('rt-1').flatMap((reading) => (reading.signal === 'stitch.total' ? [reading.value] : []));
    assert.deepEqual(told, [777]);
  } finally {
    await driver.stop();
    await pty.unplug();
    await rm(folder, { recursive: true });
  }
});

test('a profile that is not for lines is refused when the driver is made', () => {
  assert.throws(
    () =>
      createLineDriver(
        { endpoint: 'tcp://127.0.0.1:1', machine: 'ck-1', profile: loadProfile('knit-circular-opcua', []) },
        realPorts(new EventLog()),
      ),
    (error) => error instanceof DriverError && error.entry.code === 'DRV-301',
  );
});

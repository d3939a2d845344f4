/** The EFKA driver at serial ports: the shared suite on a pty, drives written in Python, and an adapter that is plugged in again. */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEfkaDriver } from '../../drivers/efka/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { efkaAnswer, EfkaPeer } from '../unit/drivers/efka-peer.ts';
import { backoff, polls, PtyToPeer, pythonDrive } from './efka-peers.ts';

const profile = loadProfile('sewing-efka-serial', []);
const running = { E3: '00', '02': 'A2', '08': '80', '00': '00', '61': '8CA' };

driverContract({
  name: 'EFKA on a serial port',
  silenceToGapMs: 1_000,
  recoveryMs: 10_000,
  available: (t) => requireProgram(t, 'socat'),
  async create(ports) {
    // Loading the native library is no part of what is timed here.
    await import('serialport');
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
    const peer = new EfkaPeer();
    peer.set(0xf0, running);
    await peer.listen();
    const pty = new PtyToPeer(folder, peer);
    await pty.plug();
    return {
      driver: createEfkaDriver(
        { endpoint: `serial://${pty.device}`, machines: [{ machine: 'm-1', profile, polls }], timeoutMs: 150, backoff },
        ports,
      ),
      peer: peer.asPeer(efkaAnswer(0xf7, '02=FF'), {
        breakLink: () => pty.unplug(),
        async restore() {
          await pty.unplug();
          await pty.plug();
        },
        connections: () => pty.opens(),
        accepted: () => peer.questions.length,
      }),
      async dispose() {
        await pty.unplug();
        await peer.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

test('two drives in Python, on one line, are read by their addresses; nothing is set', async (t) => {
  if (!requireProgram(t, 'socat') || !requirePythonModule(t, 'serial')) return;
  const one = 'F0=E3:00,02:AD,08:40,00:00,61:8CA';
  const other = 'F3=E3:0,02:A2,08:80,00:40,61:7D0';
  const { endpoint, told } = await pythonDrive(t, [one, other]);
  const log = new EventLog();
  const machines = [
    { machine: 'm-1', profile, polls },
    { machine: 'm-2', address: 0xf3, profile, polls },
  ];
  const driver = createEfkaDriver({ endpoint, machines }, realPorts(log));
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('all signals of both', 20_000, () => log.goods('m-1') >= 22 && log.goods('m-2') >= 22);
  await driver.stop();
  const last = (machine: string, signal: string) =>
    log.readings(machine).findLast((reading) => reading.signal === signal)?.value;
  assert.deepEqual(
    ['status.standstill', 'status.speedreached', 'pedal.position', 'link.timeout', 'spindle.speedset'].map((signal) => [
      last('m-1', signal),
      last('m-2', signal),
    ]),
    [
      [true, false],
      [false, true],
      ['neutral', 'forward'],
      [false, true],
      [4500, 4000],
    ],
  );
  assertEventInvariants(driver.machines, log.events);
  const telegrams = told.filter(({ event }) => event === undefined);
  assert.ok(telegrams.length > 10);
  assert.ok(telegrams.every(({ kind }) => kind === 'ask'));
});

test('a drive in Python that says it would stop is asked once', async (t) => {
  if (!requireProgram(t, 'socat') || !requirePythonModule(t, 'serial')) return;
  const { endpoint, told } = await pythonDrive(t, ['F0=E3:32,02:AD']);
  const log = new EventLog();
  const driver = createEfkaDriver({ endpoint, machines: [{ machine: 'm-1', profile, polls }] }, realPorts(log));
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('a gap', 20_000, () => log.gaps('m-1').at(-1)?.reason === 'drive-would-stop-without-polls');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await driver.stop();
  assert.deepEqual(told.slice(1), [{ kind: 'ask', address: 0xf0, text: 'E3' }]);
});

test('an adapter that is plugged in again is read under the same link, whatever tty it got', async (t) => {
  if (!requireProgram(t, 'socat')) return;
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const byId = join(folder, 'usb-by-id');
  const log = new EventLog();
  const driver = createEfkaDriver(
    { endpoint: `serial://${byId}`, machines: [{ machine: 'm-1', profile, polls }], timeoutMs: 150, backoff },
    realPorts(log),
  );
  t.after(() => driver.stop());
  await import('serialport');
  await driver.start(new AbortController().signal);
  await log.until('a gap', 5_000, () => log.gaps('m-1').length > 0);
  assert.equal(log.gaps('m-1')[0]?.reason, 'device-absent');
  for (let i = 0; i < 3; i += 1) {
    const peer = new EfkaPeer();
    peer.set(0xf0, running);
    await peer.listen();
    // Each time another name behind the link, as the kernel gives ttyUSB0 and then ttyUSB1.
    const sub = await mkdtemp(join(folder, 'tty-'));
    const pty = new PtyToPeer(sub, peer);
    await pty.plug();
    await rm(byId, { force: true });
    await symlink(realpathSync(pty.device), byId);
    const goods = log.goods('m-1');
    await log.until('readings', 10_000, () => log.goods('m-1') > goods + 10);
    const gaps = log.gaps('m-1').length;
    await pty.unplug();
    await rm(byId, { force: true });
    await log.until('a gap', 5_000, () => log.gaps('m-1').length > gaps);
    await peer.close();
  }
  await driver.stop();
  assertEventInvariants(['m-1'], log.events);
  await rm(folder, { recursive: true });
});

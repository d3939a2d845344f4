/** EFKA drives over serial ports: the shared suite on a pty, peers written in Python, and our simulator. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../agent/config/load.ts';
import { loadSources } from '../../agent/sources.ts';
import { createEfkaDriver } from '../../drivers/efka/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { scenarioSchema, type ScenarioDisturbance } from '../../simulators/scenario/schema.ts';
import { createEfkaServer, type EfkaServer } from '../../simulators/servers/efka.ts';
import type { Value } from '../../simulators/maps/map.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { efkaAnswer, EfkaPeer } from '../unit/drivers/efka-peer.ts';
import { PtyPair } from './serial-peer.ts';
import { endFloor, startFloor } from './simulators-process.ts';

const profile = loadProfile('sewing-efka-serial', []);
const polls = { normal: 40, slow: 80 };
const backoff = { minMs: 50, maxMs: 200 };
const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'efka-peer.py');
const running = { E3: '00', '02': 'A2', '08': '80', '00': '00', '61': '8CA' };

/** A pty with a TCP peer behind it; pulling it out ends both. */
class PtyToPeer {
  readonly device: string;
  readonly #peer: EfkaPeer;
  #socat: ReturnType<typeof spawn> | null = null;

  constructor(folder: string, peer: EfkaPeer) {
    this.device = join(folder, 'usb-EFKA_test-if00');
    this.#peer = peer;
  }

  async plug(): Promise<void> {
    const { host } = new URL(this.#peer.endpoint);
    const before = this.#peer.accepted;
    this.#socat = spawn('socat', [`pty,raw,echo=0,link=${this.device}`, `TCP:${host},nodelay`], { stdio: 'ignore' });
    const until = performance.now() + 10_000;
    while (!existsSync(this.device) || this.#peer.accepted === before) {
      assert.ok(performance.now() < until, 'socat made no pty');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    if (socat !== null && socat.exitCode === null) {
      socat.kill('SIGKILL');
      await once(socat, 'exit');
    }
    await rm(this.device, { force: true });
  }

  /** How often this process has it open. */
  opens(): number {
    if (!existsSync(this.device)) return 0;
    const device = realpathSync(this.device);
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(join('/proc/self/fd', fd)) === device;
      } catch {
        return false;
      }
    }).length;
  }
}

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

interface Told {
  readonly [key: string]: unknown;
}

/** A pty of whose two ends the agent gets one and a Python drive the other. */
async function pythonDrive(
  t: TestContext,
  drives: readonly string[],
): Promise<{ readonly endpoint: string; readonly told: Told[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const pty = new PtyPair(folder);
  await pty.plug();
  const slave = spawn(python, [script, 'slave', join(folder, 'far'), ...drives], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    if (slave.exitCode === null) {
      slave.kill('SIGKILL');
      await once(slave, 'exit');
    }
    await pty.unplug();
    await rm(folder, { recursive: true });
  });
  const told: Told[] = [];
  const lines = createInterface({ input: slave.stdout });
  const opened = once(lines, 'line');
  lines.on('line', (line) => told.push(JSON.parse(line) as Told));
  await opened;
  return { endpoint: `serial://${pty.device}?baudRate=9600`, told };
}

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

/** What a sewing machine shows; the registers of docs/machines.md. */
const sewing = new Map<string, Value>([
  ['status.standstill', false],
  ['status.speedreached', true],
  ['status.positionreached', false],
  ['status.position2', false],
  ['status.position1', false],
  ['status.ready', true],
  ['status.referencereached', false],
  ['status.synchronised', true],
  ['pedal.position', 'forward'],
  ['link.timeout', false],
  ['spindle.speedset', 4500],
]);

async function simulated(t: TestContext, monitor = 0, port: number | string = 0): Promise<EfkaServer> {
  const server = createEfkaServer({ port, address: 0xf0, monitor, random: Math.random });
  await server.start();
  t.after(() => server.stop());
  server.latch(sewing, 0);
  return server;
}

/** E3 of 2.55 s: a computer that is busy for a moment does not run into it. */
const longestWatch = 255;

/** Asks a control's question every `everyMs`, knowing nothing but the bytes of the manual; the function returned ends it. */
async function otherControl(t: TestContext, endpoint: string, everyMs: number): Promise<() => void> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(endpoint).port) });
  await once(socket, 'connect');
  socket.resume();
  const ask = (): void => void socket.write(Buffer.from('01f002303205', 'hex'));
  ask();
  const timer = setInterval(ask, everyMs);
  const goAway = (): void => {
    clearInterval(timer);
    socket.destroy();
  };
  t.after(goAway);
  return goAway;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a control in Python reads our simulator, over TCP and at a pty', async (t) => {
  if (!requireProgram(t, 'socat') || !requirePythonModule(t, 'serial')) return;
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const pty = new PtyPair(folder);
  await pty.plug();
  t.after(async () => {
    await pty.unplug();
    await rm(folder, { recursive: true });
  });
  const tcp = await simulated(t);
  await simulated(t, 0, join(folder, 'far'));
  for (const port of [tcp.endpoint.replace('tcp:', 'socket:'), pty.device]) {
    const asked = spawn(python, [script, 'master', port, 'F0', '02', '61', '08', 'E3', '7A'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: Told[] = [];
    createInterface({ input: asked.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Told));
    await once(asked, 'close');
    assert.deepEqual(lines.slice(1), [
      { parameter: '02', right: true, text: '02=A2' },
      { parameter: '61', right: true, text: '61=8CA' },
      { parameter: '08', right: true, text: '08=80' },
      { parameter: 'E3', right: true, text: 'E3=00' },
      { parameter: '7A', refused: true },
    ]);
  }
});

test('control: a poller that does not look at E3 stops the simulated drive by going away', async (t) => {
  const server = await simulated(t, longestWatch);
  const goAway = await otherControl(t, server.endpoint, 30);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(server.isStopped, false, 'polled, it goes on');
  goAway();
  await until('the drive stops', () => server.isStopped);
});

test('the agent never stops a drive: not one without a watch by its end, not one with a watch by its question', async (t) => {
  const free = await simulated(t, 0);
  const watched = await simulated(t, longestWatch);
  await otherControl(t, watched.endpoint, 30);
  const log = new EventLog();
  const drivers = [free, watched].map(({ endpoint }, i) =>
    createEfkaDriver({ endpoint, machines: [{ machine: `m-${i}`, profile, polls }], backoff }, realPorts(log)),
  );
  t.after(() => Promise.all(drivers.map((driver) => driver.stop())));
  for (const driver of drivers) await driver.start(new AbortController().signal);
  await log.until('one is read', 5_000, () => log.goods('m-0') > 20);
  await log.until('one is left alone', 5_000, () => log.gaps('m-1').length > 0);
  assert.equal(log.gaps('m-1')[0]?.reason, 'drive-would-stop-without-polls');
  // The agent dies, and both drives have longer than any watch to notice.
  for (const driver of drivers) await driver.stop();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual([free.isStopped, watched.isStopped], [false, false]);
  assert.deepEqual([free.sets, watched.sets], [0, 0]);
  assert.equal(log.readings('m-1').length, 0);
});

test('a simulated drive that its watch stopped says so in parameter 00, stands, and is free again when switched on', async (t) => {
  const server = await simulated(t, longestWatch);
  const goAway = await otherControl(t, server.endpoint, 30);
  goAway();
  await until('the drive stops', () => server.isStopped);
  server.latch(sewing, 0);
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.endpoint).port) });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const ask = async (hex: string): Promise<string> => {
    socket.write(Buffer.from(hex, 'hex'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('latin1', 3, answer.length - 2);
  };
  assert.equal(await ask('01f002303005'), '00=40');
  assert.equal(await ask('01f002303205'), '02=AD');
  server.setLink(false);
  server.setLink(true);
  assert.equal(server.isStopped, false);
});

test('from a scenario to readings: simulate, endpoints file, configuration, driver', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-efka-'));
  t.after(() => rm(folder, { recursive: true }));
  const machine = '{ id: ls-7, kind: lockstitch, map: sewing-efka-serial, protocol: efka-tcp, unit: 241 }';
  writeFileSync(join(folder, 'floor.yaml'), `version: 1\nsite: x\nmachines:\n  - ${machine}\n`);
  writeFileSync(
    join(folder, 'agent.yaml'),
    `version: 1\nsite: { id: x, timeZone: Asia/Dhaka }\ngateway: { id: gw-1 }\nmachines:\n  - { id: ls-7, profile: sewing-efka-serial }\n`,
  );
  const endpoints = join(folder, 'endpoints.json');
  const floor = startFloor([join(folder, 'floor.yaml'), '--endpoints', endpoints]);
  t.after(() => endFloor(floor));
  await floor.event('listening');
  const config = loadConfig(join(folder, 'agent.yaml'), { endpoints });
  assert.equal(config.machines[0]?.unit, 241);
  const watched = config.machines.map((one) => ({ config: one, profile }));
  const makeSources = await loadSources(watched);
  const log = new EventLog();
  const ports = realPorts(log);
  const [driver] = makeSources(watched, { dataDir: folder, ports, identified: () => {}, secret: () => '' });
  assert.ok(driver !== undefined);
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('all signals', 20_000, () => new Set(log.readings('ls-7').map(({ signal }) => signal)).size === 11);
  assert.equal(log.readings('ls-7').filter(({ quality }) => quality !== 'good').length, 0);
});

function disturbance(verb: string, extra: Record<string, unknown> = {}): ScenarioDisturbance {
  const [parsed] = scenarioSchema.parse({
    version: 1,
    site: 'x',
    machines: [{ id: 'm', kind: 'lockstitch', map: 'sewing-efka-serial', protocol: 'efka-tcp' }],
    disturbances: [{ machine: 'm', verb, atS: 0, ...extra }],
  }).disturbances;
  return parsed ?? assert.fail('no disturbance');
}

const verbs: readonly (readonly [verb: string, extra: Record<string, unknown>, reason: string | null])[] = [
  ['drop', { count: 5 }, null],
  ['delay', { count: 5, params: { delayMs: 60 } }, null],
  ['late_reply', { count: 3, params: { delayMs: 180 } }, 'late'],
  ['wrong_unit', { count: 3 }, 'wrong-unit'],
  ['exception', { count: 3, params: { code: 9 } }, null],
  ['garbage', { count: 10, params: { bytes: 20 } }, null],
  ['restart', { forS: 0.2 }, null],
];
for (const [verb, extra, reason] of verbs) {
  test(`the simulator's ${verb}: no wrong value, and the drive is read again`, async (t) => {
    const server = await simulated(t);
    const log = new EventLog();
    const machines = [{ machine: 'm-1', profile, polls }];
    const driver = createEfkaDriver({ endpoint: server.endpoint, machines, timeoutMs: 150, backoff }, realPorts(log));
    t.after(() => driver.stop());
    await driver.start(new AbortController().signal);
    await log.until('good readings', 5_000, () => log.goods('m-1') > 20);
    server.disturb(disturbance(verb, extra));
    if (reason !== null)
      await log.until(reason, 5_000, (events) => events.some((e) => e.kind === 'discarded' && e.reason === reason));
    if (verb === 'restart') await log.until('a gap', 5_000, () => log.gaps('m-1').length > 0);
    const goods = log.goods('m-1');
    await log.until('readings go on', 8_000, () => log.goods('m-1') > goods + 100);
    await driver.stop();
    assertEventInvariants(['m-1'], log.events);
    for (const reading of log.readings('m-1')) {
      if (reading.quality === 'good')
        assert.deepEqual([reading.signal, reading.value], [reading.signal, sewing.get(reading.signal)]);
      else if (reading.quality === 'bad') assert.equal(reading.reason, 'efka-test-not-enabled');
    }
  });
}

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

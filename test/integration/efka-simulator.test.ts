/** Our simulated EFKA drive: read by a control in Python and by the agent, stopped by its watch, and disturbed in every way it knows. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../agent/config/load.ts';
import { loadSources } from '../../agent/sources.ts';
import { createEfkaDriver } from '../../drivers/efka/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Value } from '../../simulators/maps/map.ts';
import type { DisturbanceVerb } from '../../simulators/scenario/schema.ts';
import { createEfkaServer, type EfkaServer } from '../../simulators/servers/efka.ts';
import { assertEventInvariants, EventLog, realPorts } from '../contract/driver.ts';
import { disturbance } from '../support/disturbance.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { backoff, polls, pythonControl } from './efka-peers.ts';
import { PtyPair } from './serial-peer.ts';
import { endFloor, startFloor } from './simulators-process.ts';

const profile = loadProfile('sewing-efka-serial', []);

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
    const lines = await pythonControl(port, 'F0', ['02', '61', '08', 'E3', '7A']);
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

const verbs: readonly (readonly [verb: DisturbanceVerb, extra: Record<string, unknown>, reason: string | null])[] = [
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

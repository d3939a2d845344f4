/** What the knit floor driver does with callers and with what they say; the machines by hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { DriverPorts } from '../../../drivers/contract.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { bindProblem, parseFloorEndpoint } from '../../../drivers/knit-floor/endpoint.ts';
import { createKnitFloorDriver, type KnitFloorDriver } from '../../../drivers/knit-floor/driver.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { assertEventInvariants, EventLog, realPorts } from '../../contract/driver.ts';

const profile = loadProfile('knit-circular-kf4-tcp', []);

interface Floor {
  readonly driver: KnitFloorDriver;
  readonly log: EventLog;
  readonly warnings: Record<string, unknown>[];
  readonly call: () => Promise<Socket>;
}

async function listening(t: TestContext, ...units: number[]): Promise<Floor> {
  const log = new EventLog();
  const warnings: Record<string, unknown>[] = [];
  const ports: DriverPorts = {
    ...realPorts(log),
    log: (level, _message, fields) => void (level === 'warn' && warnings.push(fields)),
  };
  const machines = units.map((unit) => ({ machine: `ck-${unit}`, unit, profile }));
  const driver = createKnitFloorDriver({ endpoint: 'knit-floor+tcp-listen://127.0.0.1:0', machines }, ports);
  await driver.start(new AbortController().signal);
  t.after(async () => {
    await driver.stop();
    assertEventInvariants(driver.machines, log.events);
  });
  return {
    driver,
    log,
    warnings,
    async call() {
      const socket = connect({ host: '127.0.0.1', port: driver.port ?? 0, noDelay: true });
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
  };
}

const values = (log: EventLog, machine: string, signal: string): unknown[] =>
  log.readings(machine).flatMap((one) => (one.signal === signal ? [one.value] : []));
const has = (log: EventLog, machine: string, signal: string, value: unknown) => (): boolean =>
  values(log, machine, signal).includes(value);

test('two machines on one port are two machines, also where number and messages come in one packet', async (t) => {
  const { call, log } = await listening(t, 7, 12);
  const [seven, twelve] = [await call(), await call()];
  seven.write('731');
  twelve.write('12');
  await log.until('the lamp of 7', 3000, has(log, 'ck-7', 'lamp.green', true));
  await log.until('a sign of 12', 3000, has(log, 'ck-12', 'status.alive', true));
  twelve.write('2170035');
  await log.until('the speed of 12', 3000, has(log, 'ck-12', 'cylinder.speed', 35));
  assert.deepEqual(values(log, 'ck-12', 'lamp.red'), [true]);
  assert.deepEqual(values(log, 'ck-7', 'lamp.red'), []);
  assert.deepEqual(values(log, 'ck-12', 'revolution.count'), [1]);
});

test('a number nobody has is refused, counted and told, and nothing of it becomes a value', async (t) => {
  const { call, log, driver, warnings } = await listening(t, 7, 12);
  const stranger = await call();
  stranger.resume();
  stranger.write('13\n31');
  await once(stranger, 'close');
  const talker = await call();
  talker.resume();
  talker.write('GET / HTTP/1.1\r\n\r\n');
  await once(talker, 'close');
  assert.deepEqual(log.readings('ck-7'), []);
  assert.deepEqual(
    log.events.flatMap((event) => (event.kind === 'discarded' ? [event.reason] : [])),
    ['wrong-unit', 'wrong-unit'],
  );
  assert.equal(driver.health()[0]?.discarded, 2);
  assert.deepEqual(
    warnings.map(({ code, text }) => [code, text]),
    [['DRV-333', '13?31']],
  );
});

test('a lamp that goes on and off within a packet ends off, and its times rise', async (t) => {
  const { call, log } = await listening(t, 7);
  const seven = await call();
  seven.write('7\n');
  seven.write('31303130');
  await log.until('four lamps', 3000, () => values(log, 'ck-7', 'lamp.green').length === 4);
  const times = log.readings('ck-7').flatMap((one) => (one.signal === 'lamp.green' ? [one.sourceTimeMs] : []));
  assert.deepEqual(values(log, 'ck-7', 'lamp.green'), [true, false, true, false]);
  assert.ok(times.every((ms, i) => i === 0 || ms > (times[i - 1] ?? Infinity)));
});

test('a speed the machine cannot have is bad, and the count of rounds is uncertain until the next one', async (t) => {
  const { call, log } = await listening(t, 7);
  const seven = await call();
  seven.write('7\n70027');
  await log.until('a round', 3000, has(log, 'ck-7', 'cylinder.speed', 27));
  seven.write('79131');
  await log.until('a bad speed', 3000, () => log.readings('ck-7').some((one) => one.quality === 'bad'));
  seven.write('70028');
  await log.until('the next round', 3000, has(log, 'ck-7', 'cylinder.speed', 28));
  assert.deepEqual(
    log.readings('ck-7').flatMap((one) => {
      if (one.signal === 'revolution.count') return [[one.value, one.quality]];
      return one.quality === 'bad' ? [[one.signal, one.reason]] : [];
    }),
    [
      // Nobody knows what was missed before the machine called.
      [1, 'uncertain'],
      ['cylinder.speed', 'out-of-range'],
      [2, 'uncertain'],
      [3, 'uncertain'],
    ],
  );
  seven.write('70028');
  await log.until('one more', 3000, () => values(log, 'ck-7', 'revolution.count').length === 4);
  assert.equal(log.readings('ck-7').findLast((one) => one.signal === 'revolution.count')?.quality, 'good');
});

test('a machine that calls again is heard on the new connection alone', async (t) => {
  const { call, log } = await listening(t, 7);
  const old = await call();
  old.resume();
  old.write('7\n');
  await log.until('a sign', 3000, has(log, 'ck-7', 'status.alive', true));
  const fresh = await call();
  fresh.write('7\n');
  await once(old, 'close');
  fresh.write('41');
  await log.until('the check', 3000, has(log, 'ck-7', 'quality.check', true));
  assert.deepEqual(log.gaps('ck-7'), [], 'it was here all the time');
});

test('a port that is in use is told with its cure, and had when it is free', async (t) => {
  const holder = createServer();
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  assert.ok(typeof address === 'object' && address !== null);
  const log = new EventLog();
  const driver = createKnitFloorDriver(
    {
      endpoint: `knit-floor+tcp-listen://127.0.0.1:${address.port}`,
      machines: [{ machine: 'ck-7', unit: 7, profile }],
      backoff: { minMs: 20, maxMs: 50 },
    },
    realPorts(log),
  );
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  assert.equal(log.gaps('ck-7')[0]?.reason, 'port-in-use');
  assert.equal(driver.port, null);
  holder.close();
  const until = performance.now() + 5000;
  while (driver.port === null && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  const seven = connect({ host: '127.0.0.1', port: address.port });
  t.after(() => seven.destroy());
  seven.write('7\n9');
  await log.until('a closed gap', 3000, () => log.gaps('ck-7').at(-1)?.phase === 'closed');
});

test('an endpoint says where it listens; all addresses at once are refused', () => {
  assert.deepEqual(parseFloorEndpoint('knit-floor+tcp-listen://127.0.0.1:2004'), {
    kind: 'listen',
    host: '127.0.0.1',
    port: 2004,
  });
  assert.deepEqual(parseFloorEndpoint('tcp://10.0.0.9:2004'), { kind: 'tcp', host: '10.0.0.9', port: 2004 });
  for (const host of ['0.0.0.0', '::', '0:0::', 'floor.local', '']) assert.notEqual(bindProblem(host), null, host);
  for (const host of ['127.0.0.1', '192.168.10.2', '::1', 'fd00::2']) assert.equal(bindProblem(host), null, host);
  for (const wrong of ['knit-floor+tcp-listen://0.0.0.0:2004', 'knit-floor+tcp-listen://127.0.0.1', 'modbus://x']) {
    assert.throws(
      () => parseFloorEndpoint(wrong),
      (error) => error instanceof DriverError && error.entry.code === 'DRV-330',
      wrong,
    );
  }
});

test('machines that cannot be told apart are refused when the driver is made', () => {
  const ports = realPorts(new EventLog());
  const make =
    (endpoint: string, ...units: (number | null)[]) =>
    () =>
      createKnitFloorDriver(
        { endpoint, machines: units.map((unit, i) => ({ machine: `ck-${i}`, unit, profile })) },
        ports,
      );
  const isRefused = (error: unknown): boolean => error instanceof DriverError && error.entry.code === 'DRV-331';
  assert.throws(make('knit-floor+tcp-listen://127.0.0.1:2004', 7, 7), isRefused);
  assert.throws(make('knit-floor+tcp-listen://127.0.0.1:2004', null), isRefused);
  assert.throws(make('tcp://127.0.0.1:2004', 1, 2), isRefused);
});

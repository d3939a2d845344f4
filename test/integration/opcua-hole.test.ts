/** What becomes of the time in which an OPC UA server was not connected, or did not send. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConditionEvent, ReadingsEvent } from '../../drivers/contract.ts';
import { createOpcuaDriver, type OpcuaDriver, type OpcuaDriverOptions } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { ownCertificate } from '../../drivers/opcua/own-certificate.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { assertEventInvariants, EventLog, realPorts } from '../contract/driver.ts';
import { OpcuaEater } from './opcua-eater.ts';
import { freePort, requireAsyncua, startOddPeer } from './opcua-peer.ts';
import { startPlainServer } from './opcua-plain-server.ts';
import { TcpProxy } from './opcua-proxy.ts';

const generic = loadProfile('opcua-machinery', []);
const machine = 'm-1';
const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-hole-'));
const pkiDir = join(folder, 'own');
after(() => rm(folder, { recursive: true }));

async function started(port: number, log: EventLog, more: Partial<OpcuaDriverOptions> = {}): Promise<OpcuaDriver> {
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const driver = createOpcuaDriver(
    {
      endpoint: `opc.tcp://127.0.0.1:${port}/odd`,
      machines: [{ machine, profile: generic }],
      security: { mode: 'None', iKnowThisIsNotSecure: true },
      trustDir: join(folder, 'trust'),
      pkiDir,
      backoff: { minMs: 50, maxMs: 200 },
      heartbeatMs: 200,
      timeoutMs: 30_000,
      ...more,
    },
    realPorts(log),
  );
  await driver.start(new AbortController().signal);
  return driver;
}

const pastOf = (log: EventLog) =>
  log.events.filter((event): event is ReadingsEvent => event.kind === 'readings' && event.past !== undefined);
const valuesOf = (log: EventLog, signal: string) =>
  log.readings(machine).flatMap((one) => (one.signal === signal && one.quality === 'good' ? [one.value] : []));
const gapIs = (log: EventLog, phase: 'opened' | 'closed') => log.gaps(machine).at(-1)?.phase === phase;
/** Without what repeats itself. */
const steps = (values: readonly unknown[]) => values.filter((value, i) => value !== values[i - 1]);

for (const clockS of [0, -5 * 3600]) {
  test(`what the server recorded while it was away comes before what is true now; its clock is ${clockS} s off`, async (t) => {
    if (!requireAsyncua(t)) return;
    const port = await freePort();
    const peer = await startOddPeer({ port, history: true, clockS });
    const proxy = new TcpProxy(port);
    await proxy.listen();
    const log = new EventLog();
    const driver = await started(proxy.port, log);
    try {
      await log.until('a value', 60_000, () => valuesOf(log, 'monitoring.temp.main').length > 2);
      await proxy.cut();
      await log.until('a gap', 30_000, () => gapIs(log, 'opened'));
      const beganMs = Date.now();
      for (const value of [50, 51, 52]) {
        await peer.order({ set: { 'Temp/Main': value, Revolutions: 1000 + value } });
        // Of values recorded within one millisecond one is read.
        await delay(5);
      }
      const endedMs = Date.now();
      await proxy.restore();
      await log.until('the last value', 60_000, () => valuesOf(log, 'monitoring.temp.main').at(-1) === 52);
      await log.until('the present', 30_000, () => log.events.at(-1)?.kind === 'readings');
      assert.deepEqual(steps(valuesOf(log, 'monitoring.temp.main')), [41.5, 50, 51, 52]);
      assert.deepEqual(steps(valuesOf(log, 'revolution.count')), [1000, 1050, 1051, 1052]);
      const past = pastOf(log);
      const readings = past.flatMap((event) => event.readings);
      assert.deepEqual([...new Set(readings.map((one) => one.signal))].sort(), [
        'monitoring.temp.main',
        'revolution.count',
      ]);
      for (const { sourceTimeMs } of readings) {
        // Five hours are corrected to within what a read of the server's clock, which ticks once a second, can tell.
        const toleranceMs = clockS === 0 ? 100 : 2_000;
        assert.ok(
          sourceTimeMs > beganMs - toleranceMs && sourceTimeMs < endedMs + toleranceMs,
          'in the time of the hole',
        );
      }
      const times = readings.map((one) => one.sourceTimeMs);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      const gap = log.gaps(machine).at(-1);
      assert.ok(gap?.phase === 'closed' && past[0]?.past?.fromMs === gap.fromMs, 'the gap tells the span all the same');
      const offsetMs = driver.health()[0]?.clockOffsetMs;
      assert.ok(typeof offsetMs === 'number' && Math.abs(offsetMs - clockS * 1000) < 2_000);
      assertEventInvariants([machine], log.events);
    } finally {
      await driver.stop();
      await proxy.cut();
      await peer.stop();
    }
  });
}

test('without history the hole stays a hole', async (t) => {
  if (!requireAsyncua(t)) return;
  const port = await freePort();
  let peer = await startOddPeer({ port });
  const log = new EventLog();
  const driver = await started(port, log);
  try {
    await log.until('a value', 60_000, () => valuesOf(log, 'monitoring.temp.main').length > 2);
    // Another process knows nothing of what this one has queued.
    await peer.stop();
    await log.until('a gap', 30_000, () => gapIs(log, 'opened'));
    peer = await startOddPeer({ port });
    await peer.order({ set: { 'Temp/Main': 52 } });
    await log.until('the last value', 60_000, () => valuesOf(log, 'monitoring.temp.main').at(-1) === 52);
    assert.deepEqual(steps(valuesOf(log, 'monitoring.temp.main')), [41.5, 52]);
    assert.deepEqual(pastOf(log), []);
  } finally {
    await driver.stop();
    await peer.stop();
  }
});

test('a subscription is taken over after a break, with all that was queued meanwhile, and is deleted at the stop', async () => {
  const port = await freePort();
  const server = await startPlainServer(port, ['Level']);
  const proxy = new TcpProxy(port);
  await proxy.listen();
  const log = new EventLog();
  const driver = await started(proxy.port, log, {
    security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
    serverFingerprint: server.fingerprint,
  });
  try {
    await log.until('a value', 60_000, () => valuesOf(log, 'monitoring.level').length > 2);
    await proxy.cut();
    await log.until('a gap', 30_000, () => gapIs(log, 'opened'));
    for (const value of [1, 2, 3]) {
      server.set('Level', value);
      // Slower than the server samples.
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await proxy.restore();
    await log.until('the last value', 60_000, () => valuesOf(log, 'monitoring.level').at(-1) === 3);
    assert.deepEqual(steps(valuesOf(log, 'monitoring.level')), [0, 1, 2, 3]);
    assert.ok(pastOf(log).length > 0, 'told as the past');
    assert.equal(server.subscriptions(), 1, 'the same subscription');
    server.set('Level', 4);
    await log.until('what comes later', 30_000, () => valuesOf(log, 'monitoring.level').at(-1) === 4);
    assertEventInvariants([machine], log.events);
    await driver.stop();
    assert.equal(server.subscriptions(), 0);
  } finally {
    await driver.stop();
    await proxy.cut();
    await server.stop();
  }
});

for (const kind of ['asyncua', 'node-opcua'] as const) {
  test(`a message that is lost on the way is asked for again, and keeps its place: ${kind}`, async (t) => {
    if (kind === 'asyncua' && !requireAsyncua(t)) return;
    const port = await freePort();
    const signal = kind === 'asyncua' ? 'cylinder.speed' : 'monitoring.level';
    const peer = kind === 'asyncua' ? await startOddPeer({ port }) : await startPlainServer(port, ['Level']);
    const set = async (value: number) => {
      if ('order' in peer) await peer.order({ set: { CYLINDER_SPEED: value } });
      else peer.set('Level', value);
    };
    const eater = new OpcuaEater(port);
    const log = new EventLog();
    // A heartbeat so slow that no read tells what only the lost message told.
    const driver = await started(await eater.listen(), log, { heartbeatMs: 2_000 });
    try {
      await log.until('a value', 60_000, () => valuesOf(log, signal).length > 2);
      eater.eat(1);
      await set(11);
      const began = performance.now();
      while (eater.eaten === 0) {
        assert.ok(performance.now() - began < 10_000, 'a message was lost');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await set(12);
      await log.until('what came after it', 30_000, () => valuesOf(log, signal).at(-1) === 12);
      assert.deepEqual(steps(valuesOf(log, signal)).slice(-2), [11, 12]);
      assert.deepEqual(
        log.events.filter((event) => event.kind === 'gap' && event.reason === 'messages-lost'),
        [],
      );
    } finally {
      await driver.stop();
      await eater.end();
      await peer.stop();
    }
  });
}

test('a server that answers and sends nothing is told of as such, is read meanwhile, and it returns', async (t) => {
  if (!requireAsyncua(t)) return;
  const port = await freePort();
  const peer = await startOddPeer({ port });
  const log = new EventLog();
  const driver = await started(port, log);
  const conditions = () => log.events.filter((event): event is ConditionEvent => event.kind === 'condition');
  try {
    await log.until('a value', 60_000, () => valuesOf(log, 'cylinder.speed').length > 2);
    await peer.order({ silent: true });
    await log.until('the condition', 60_000, () => conditions().at(-1)?.active === true);
    assert.equal(conditions().at(-1)?.name, 'connection.no_data');
    await log.until('a gap of that reason', 30_000, () => log.gaps(machine).some((gap) => gap.reason === 'no-data'));
    await peer.order({ set: { CYLINDER_SPEED: 44 } });
    await log.until('it is read all the same', 30_000, () => valuesOf(log, 'cylinder.speed').at(-1) === 44);
    assert.equal(conditions().length, 1, 'it holds on, whatever is read');
    await peer.order({ silent: false });
    await log.until('its end', 60_000, () => conditions().at(-1)?.active === false);
    assertEventInvariants([machine], log.events);
  } finally {
    await driver.stop();
    await peer.stop();
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { DriverPorts } from '../../drivers/contract.ts';
import { DriverError } from '../../drivers/errors.ts';
import { createOpcuaDriver, type OpcuaDriver, type OpcuaDriverOptions } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { ownCertificate } from '../../drivers/opcua/own-certificate.ts';
import { addCertificate, listCertificates } from '../../drivers/opcua/trust.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { freePort, requireAsyncua, startPeer, type OpcuaPeer } from './opcua-peer.ts';
import { TcpProxy } from './opcua-proxy.ts';

const profile = loadProfile('knit-circular-opcua', []);
const machine = 'ck-1';

/** What all tests share: the folder with everybody's keys, and one server that starts when it is first needed. */
const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-'));
const pkiDir = join(folder, 'own');
let shared: Promise<{ readonly peer: OpcuaPeer; readonly port: number }> | null = null;

function sharedPeer() {
  shared ??= (async () => {
    // Loading the library and making a key are no part of what is timed in the tests.
    await ownCertificate(await loadOpcuaLibrary(), pkiDir);
    const port = await freePort();
    return { peer: await startPeer(port, folder), port };
  })();
  return shared;
}

after(async () => {
  await (await shared)?.peer.stop();
  await rm(folder, { recursive: true });
});

function optionsFor(peer: OpcuaPeer, port: number, more: Partial<OpcuaDriverOptions> = {}): OpcuaDriverOptions {
  return {
    endpoint: `opc.tcp://127.0.0.1:${port}/knit`,
    machines: [{ machine, profile }],
    security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
    serverFingerprint: peer.fingerprint ?? undefined,
    trustDir: join(folder, 'trust'),
    pkiDir,
    backoff: { minMs: 50, maxMs: 200 },
    heartbeatMs: 200,
    // What is late here is late because the machine that runs the tests is busy.
    timeoutMs: 30_000,
    ...more,
  };
}

interface Rig {
  readonly driver: OpcuaDriver;
  readonly log: EventLog;
  readonly peer: OpcuaPeer;
  readonly port: number;
  readonly logged: { readonly message: string; readonly fields: Record<string, unknown> }[];
}

/** A started driver on the shared server; stopped at the end, and its events checked. */
async function withDriver(
  t: TestContext,
  more: Partial<OpcuaDriverOptions>,
  body: (rig: Rig) => Promise<void>,
): Promise<void> {
  if (!requireAsyncua(t)) return;
  const { peer, port } = await sharedPeer();
  const log = new EventLog();
  const logged: Rig['logged'] = [];
  const ports: DriverPorts = {
    ...realPorts(log),
    log: (level, message, fields) => {
      if (level !== 'debug') logged.push({ message, fields });
    },
  };
  const driver = createOpcuaDriver(optionsFor(peer, port, more), ports);
  try {
    await driver.start(new AbortController().signal);
    await body({ driver, log, peer, port, logged });
    assertEventInvariants([machine], log.events);
  } finally {
    await driver.stop();
  }
}

function last(log: EventLog, signal: string) {
  return log.readings(machine).findLast((reading) => reading.signal === signal);
}

driverContract({
  name: 'OPC UA, asyncua server, SignAndEncrypt',
  available: requireAsyncua,
  noiseless: true,
  silenceToGapMs: 5_000,
  recoveryMs: 60_000,
  create: async (ports) => {
    const { peer, port } = await sharedPeer();
    const proxy = new TcpProxy(port);
    await proxy.listen();
    return {
      driver: createOpcuaDriver(optionsFor(peer, proxy.port), ports),
      peer: {
        breakLink: () => proxy.cut(),
        fallSilent: () => proxy.hold(),
        restore: () => proxy.restore(),
        connections: () => proxy.connections,
        accepted: () => proxy.acceptedCount,
        writes: () => peer.changes(),
      },
      dispose: () => proxy.cut(),
    };
  },
});

test('control: the peer counts a write, even one that it refuses', async (t) => {
  if (!requireAsyncua(t)) return;
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-opcua-write-'));
  const peer = await startPeer(await freePort(), folder, 'none');
  t.after(async () => {
    await peer.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  const { OPCUAClient, AttributeIds, DataType } = await import('node-opcua-client');
  const client = OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
  await client.connect(peer.endpoint);
  const session = await client.createSession();
  assert.equal(await peer.changes(), 0);
  const value = { value: { dataType: DataType.Double, value: 1 } };
  await session.write({ nodeId: 'ns=0;i=2267', attributeId: AttributeIds.Value, value });
  assert.equal(await peer.changes(), 1);
  await session.close();
  await client.disconnect();
});

test('every signal of the circular knitting machine is read by its name, encrypted, with its identification', (t) =>
  withDriver(t, {}, async ({ driver, log }) => {
    await log.until('all signals', 60_000, () => new Set(log.readings(machine).map((one) => one.signal)).size === 12);
    const values = Object.fromEntries(log.readings(machine).map((one) => [one.signal, one.value]));
    assert.deepEqual(values, {
      'item.state': 'Executing',
      'operation.mode': 'Processing',
      'stop.cause': 'none',
      'cylinder.speed': 30,
      'yarn.tension': 4.5,
      'power.active': 2200,
      'cam.temp': 41.5,
      'oil.level': 80,
      'revolution.count': 1000,
      'fabric.length': 53300,
      'roll.count': 7,
      'energy.total': 123456,
    });
    assert.deepEqual(driver.identification(machine), {
      Manufacturer: 'Selvedge test works',
      Model: 'CK-30',
      SerialNumber: '0042',
      ProductInstanceUri: 'urn:selvedge:test:knit:0042',
      SoftwareRevision: '1.2.3',
    });
  }));

test('a counter that stands still gets fresh good readings, though the server has nothing to notify', (t) =>
  withDriver(t, {}, async ({ log }) => {
    const rolls = () => log.readings(machine).filter((one) => one.signal === 'roll.count' && one.quality === 'good');
    await log.until('four readings of the standing counter', 60_000, () => rolls().length >= 4);
    const times = rolls().map((one) => one.sourceTimeMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 0, 'the times go on');
  }));

test('a status becomes a quality with its reason, and a wild source time is not let through', (t) =>
  withDriver(t, {}, async ({ log, peer }) => {
    await log.until('a good reading', 60_000, () => log.goods(machine) > 0);
    await peer.order({ status: { 'Monitoring/YarnTension': 'BadSensorFailure' } });
    await log.until('a bad reading', 30_000, () => last(log, 'yarn.tension')?.quality === 'bad');
    const badReading = last(log, 'yarn.tension');
    assert.ok(badReading?.quality === 'bad');
    assert.equal(badReading.reason, 'bad-sensor-failure');
    await peer.order({ set: { 'Monitoring/YarnTension': 4.5 } });
    await log.until('a good one again', 30_000, () => last(log, 'yarn.tension')?.quality === 'good');

    await peer.order({ stamp: { 'Monitoring/CamTemperature': [55, 3_600] } });
    await log.until('the new temperature', 30_000, () => last(log, 'cam.temp')?.value === 55);
    for (const reading of log.readings(machine)) {
      assert.ok(reading.sourceTimeMs <= reading.receivedTimeMs + 2_000, 'no source time from the future');
    }
    await peer.order({ set: { 'Monitoring/CamTemperature': 41.5 } });
  }));

test('a path that leads nowhere is a bad reading, and the other signals are read', (t) => {
  const missing: Profile = structuredClone(profile);
  missing.signals['motor.temp'] = {
    kind: 'gauge',
    unit: 'CEL',
    scale: 1,
    offset: 0,
    notANumber: [],
    poll: 'normal',
    deadband: 0,
    heartbeatS: 60,
    summarise: true,
    from: { path: ['Monitoring', 'NotThere'] },
  };
  return withDriver(t, { machines: [{ machine, profile: missing }] }, async ({ log }) => {
    await log.until(
      'a reading of both',
      60_000,
      () => last(log, 'motor.temp') !== undefined && last(log, 'oil.level') !== undefined,
    );
    const reading = last(log, 'motor.temp');
    assert.ok(reading?.quality === 'bad' && reading.reason === 'unknown-node');
    assert.equal(last(log, 'oil.level')?.quality, 'good');
  });
});

test('a session that the server drops is a gap, and everything is resolved anew', (t) =>
  withDriver(t, {}, async ({ driver, log, peer }) => {
    await log.until('a good reading', 60_000, () => log.goods(machine) > 0);
    await peer.order({ drop: true });
    await log.until('an open gap', 30_000, () => log.gaps(machine).at(-1)?.phase === 'opened');
    await log.until('a closed gap', 60_000, () => log.gaps(machine).at(-1)?.phase === 'closed');
    assert.ok((driver.health()[0]?.reconnects ?? 0) >= 1);
  }));

test('a stranger is refused, told of once with the cure, kept for inspection, and read as soon as a person trusts it', (t) => {
  const trustDir = join(folder, 'trust-of-a-careful-agent');
  return withDriver(t, { serverFingerprint: undefined, trustDir }, async ({ log, peer, logged }) => {
    await log.until('an open gap', 60_000, () => log.gaps(machine).length > 0);
    assert.equal(log.gaps(machine)[0]?.reason, 'server-certificate-not-trusted');
    assert.equal(log.readings(machine).length, 0);
    const { trusted, rejected } = await listCertificates(trustDir);
    assert.deepEqual(trusted, []);
    assert.deepEqual(
      rejected.map((one) => one.fingerprint),
      [peer.fingerprint],
    );
    assert.ok(peer.fingerprint !== null);
    await addCertificate(trustDir, peer.fingerprint);
    await log.until('a good reading', 60_000, () => log.goods(machine) > 0);
    const complaints = logged.filter((entry) => 'fingerprint' in entry.fields);
    assert.equal(complaints.length, 1);
    assert.equal(complaints[0]?.fields['fingerprint'], peer.fingerprint);
    assert.ok(
      String(complaints[0]?.fields['cure']).endsWith(`selvedge trust add ${peer.fingerprint} --trust-dir ${trustDir}`),
    );
    assert.deepEqual(await readdir(join(trustDir, 'rejected')), []);
  });
});

test('a wrong fingerprint trusts nobody', (t) =>
  withDriver(t, { serverFingerprint: 'ab'.repeat(32), trustDir: join(folder, 'empty') }, async ({ log }) => {
    await log.until('an open gap', 60_000, () => log.gaps(machine).length > 0);
    assert.equal(log.gaps(machine)[0]?.reason, 'server-certificate-not-trusted');
    assert.equal(log.readings(machine).length, 0);
  }));

test('a server that does not offer encryption is not talked to, unless None was asked for by name', async (t) => {
  if (!requireAsyncua(t)) return;
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const port = await freePort();
  const peer = await startPeer(port, folder, 'none');
  try {
    const careful = new EventLog();
    const secure = createOpcuaDriver(optionsFor(peer, port), realPorts(careful));
    await secure.start(new AbortController().signal);
    await careful.until('an open gap', 60_000, () => careful.gaps(machine).length > 0);
    await secure.stop();
    assert.equal(careful.gaps(machine)[0]?.reason, 'security-not-offered');

    const open = new EventLog();
    const none = createOpcuaDriver(
      optionsFor(peer, port, { security: { mode: 'None', iKnowThisIsNotSecure: true } }),
      realPorts(open),
    );
    await none.start(new AbortController().signal);
    await open.until('a good reading', 60_000, () => open.goods(machine) > 0);
    await none.stop();
  } finally {
    await peer.stop();
  }
});

test('a server that is restarted is read again on the same address', async (t) => {
  if (!requireAsyncua(t)) return;
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const port = await freePort();
  let peer = await startPeer(port, folder);
  const log = new EventLog();
  const driver = createOpcuaDriver(optionsFor(peer, port), realPorts(log));
  try {
    await driver.start(new AbortController().signal);
    await log.until('a good reading', 60_000, () => log.goods(machine) > 0);
    await peer.stop();
    await log.until('an open gap', 30_000, () => log.gaps(machine).at(-1)?.phase === 'opened');
    peer = await startPeer(port, folder);
    await log.until('a closed gap', 60_000, () => log.gaps(machine).at(-1)?.phase === 'closed');
    assertEventInvariants([machine], log.events);
  } finally {
    await driver.stop();
    await peer.stop();
  }
});

test('options that cannot work are refused when the driver is made', () => {
  const good: OpcuaDriverOptions = {
    endpoint: 'opc.tcp://127.0.0.1:4840',
    machines: [{ machine, profile }],
    security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
    trustDir: folder,
    pkiDir,
  };
  const wrong: readonly (readonly [string, Partial<OpcuaDriverOptions>])[] = [
    ['DRV-200', { endpoint: 'http://127.0.0.1' }],
    ['DRV-201', { machines: [] }],
    ['DRV-201', { machines: [{ machine, profile: loadProfile('sewing-retrofit-csv', []) }] }],
    ['DRV-202', { serverFingerprint: 'abc' }],
    ['DRV-206', { security: { mode: 'None', iKnowThisIsNotSecure: true }, user: { name: 'a', password: 'b' } }],
  ];
  for (const [code, more] of wrong) {
    assert.throws(
      () => createOpcuaDriver({ ...good, ...more }, realPorts(new EventLog())),
      (error) => error instanceof DriverError && error.entry.code === code,
      code,
    );
  }
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { ConditionEvent } from '../../drivers/contract.ts';
import { createOpcuaDriver, type OpcuaDriver, type OpcuaDriverOptions } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { ownCertificate } from '../../drivers/opcua/own-certificate.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile, SignalSpec } from '../../drivers/profiles/schema.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { freePort, requireAsyncua, startOddPeer, type OddMachine, type OddPeer } from './opcua-peer.ts';
import { TcpProxy } from './opcua-proxy.ts';

const generic = loadProfile('opcua-machinery', []);
const machine = 'odd-1';
const machinery = 'http://opcfoundation.org/UA/Machinery/';
const own = 'urn:selvedge:test:odd';

const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-odd-'));
const pkiDir = join(folder, 'own');
after(() => rm(folder, { recursive: true }));

function optionsFor(port: number, more: Partial<OpcuaDriverOptions> = {}): OpcuaDriverOptions {
  return {
    endpoint: `opc.tcp://127.0.0.1:${port}/odd`,
    machines: [{ machine, profile: generic }],
    security: { mode: 'None', iKnowThisIsNotSecure: true },
    trustDir: join(folder, 'trust'),
    pkiDir,
    backoff: { minMs: 50, maxMs: 200 },
    heartbeatMs: 200,
    timeoutMs: 30_000,
    ...more,
  };
}

interface Rig {
  readonly driver: OpcuaDriver;
  readonly log: EventLog;
  readonly peer: OddPeer;
  readonly proxy: TcpProxy;
  readonly discovered: Map<string, Readonly<Record<string, SignalSpec>>>;
}

async function withOdd(
  t: TestContext,
  built: Omit<OddMachine, 'port'>,
  more: Partial<OpcuaDriverOptions>,
  body: (rig: Rig) => Promise<void>,
): Promise<void> {
  if (!requireAsyncua(t)) return;
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const port = await freePort();
  const peer = await startOddPeer({ port, ...built });
  const proxy = new TcpProxy(port);
  await proxy.listen();
  const log = new EventLog();
  const discovered: Rig['discovered'] = new Map();
  const options = optionsFor(proxy.port, {
    onDiscovered: (who, signals) => {
      assert.ok(
        Object.keys(signals).every((signal) => log.readings(who).every((one) => one.signal !== signal)) ||
          discovered.has(who),
        'a signal is told of before its first reading',
      );
      discovered.set(who, signals);
    },
    ...more,
  });
  const driver = createOpcuaDriver(options, realPorts(log));
  try {
    await driver.start(new AbortController().signal);
    await body({ driver, log, peer, proxy, discovered });
    assertEventInvariants(driver.machines, log.events);
  } finally {
    await driver.stop();
    await proxy.cut();
    await peer.stop();
  }
}

function last(log: EventLog, signal: string, of = machine) {
  return log.readings(of).findLast((reading) => reading.signal === signal);
}
const good = (log: EventLog, signal: string, of = machine) => {
  const reading = last(log, signal, of);
  return reading?.quality === 'good' ? reading.value : undefined;
};
const conditions = (log: EventLog) => log.events.filter((event): event is ConditionEvent => event.kind === 'condition');

driverContract({
  name: 'OPC UA, found by names, with alarms, jobs and history',
  available: requireAsyncua,
  noiseless: true,
  silenceToGapMs: 5_000,
  recoveryMs: 60_000,
  create: async (ports) => {
    await ownCertificate(await loadOpcuaLibrary(), pkiDir);
    const port = await freePort();
    const peer = await startOddPeer({ port, events: 'server', jobs: true, history: true });
    const proxy = new TcpProxy(port);
    await proxy.listen();
    const driver = createOpcuaDriver(optionsFor(proxy.port), ports);
    return {
      driver,
      peer: {
        breakLink: () => proxy.cut(),
        fallSilent: () => proxy.hold(),
        restore: () => proxy.restore(),
        connections: () => proxy.connections,
        accepted: () => proxy.acceptedCount,
        writes: () => peer.changes(),
      },
      dispose: async () => {
        await proxy.cut();
        await peer.stop();
      },
    };
  },
});

/** What every one of these machines shows, whatever its house is built like. */
const shown: Readonly<Record<string, unknown>> = {
  'item.state': 'Executing',
  'operation.mode': 'Processing',
  'monitoring.temp.main': 41.5,
  'cylinder.speed': 30,
  'power.active': 2200,
  'revolution.count': 1000,
  'monitoring.lubricated': true,
  'monitoring.recipe': 'Jersey 7',
  'monitoring.gear': 'fast',
  'operation.power_on_time': 3_600_000,
};

for (const [how, built] of [
  ['blocks below the machine', { blocks: 'direct' }],
  [
    'blocks below MachineryBuildingBlocks, namespaces the other way round',
    { blocks: 'folder', namespaces: [own, 'urn:x', machinery] },
  ],
  ['blocks below folders of the maker', { blocks: 'deep', namespaces: ['urn:a', 'urn:b', machinery, own] }],
] as const) {
  test(`a machine is found with nothing but an address: ${how}`, (t) =>
    withOdd(t, built, {}, async ({ log, discovered }) => {
      await log.until('all signals', 60_000, () =>
        Object.keys(shown).every((signal) => good(log, signal) !== undefined),
      );
      assert.deepEqual(Object.fromEntries(Object.keys(shown).map((signal) => [signal, good(log, signal)])), shown);
      const signals = discovered.get(machine) ?? {};
      const temperature = signals['monitoring.temp.main'];
      assert.ok(temperature?.kind === 'gauge');
      assert.equal(temperature.unit, 'CEL');
      assert.deepEqual(temperature.range, [-100, 200], 'a normal range, and its width on both sides');
      assert.equal(signals['power.active']?.unit, 'WTT', 'kilowatts became watts');
      const revolutions = signals['revolution.count'];
      assert.ok(revolutions?.kind === 'counter' && revolutions.wrapsAt === 4294967296);
      assert.equal(signals['monitoring.spectrum'], undefined, 'an array is no signal');
      assert.equal(last(log, 'monitoring.not_yet')?.quality, 'bad');
    }));
}

test('a state is named by its node, not by the text of the house, and follows it', (t) =>
  withOdd(t, {}, {}, async ({ log, peer }) => {
    await log.until('the state', 60_000, () => good(log, 'item.state') === 'Executing');
    await peer.order({ set: { MachineryItemState: 'OutOfService' } });
    await log.until('the other state', 30_000, () => good(log, 'item.state') === 'OutOfService');
  }));

test('alarms of the machine and of the server hold until they end, also those that began before we came', async (t) => {
  for (const events of ['server', 'machine'] as const) {
    await withOdd(t, { events }, {}, async ({ log, peer, proxy }) => {
      await log.until('a reading', 60_000, () => log.goods(machine) > 0);
      await peer.order({ alarm: ['Door', true, 800, 'Safety door open'] });
      await log.until('the alarm', 30_000, () => conditions(log).length === 1);
      const [door] = conditions(log);
      assert.ok(door?.active === true && door.text === 'Safety door open');
      assert.match(door.name, /^condition\.high\.[a-z0-9_]*door$/);
      await peer.order({ alarm: ['Door', false, 800, 'Safety door closed'] });
      await log.until('its end', 30_000, () => conditions(log).at(-1)?.active === false);
      // While nobody listens one more begins; the refresh after the next connect tells of it.
      await proxy.cut();
      await log.until('a gap', 30_000, () => log.gaps(machine).at(-1)?.phase === 'opened');
      await peer.order({ alarm: ['Oil', true, 400, 'Oil is low'], quietly: true });
      await proxy.restore();
      await log.until('the other alarm', 60_000, () => conditions(log).at(-1)?.active === true);
      assert.match(conditions(log).at(-1)?.name ?? '', /^condition\.medium\.[a-z0-9_]*oil$/);
    });
  }
});

test('the job that runs is read out of the job lists, with what it has made', (t) =>
  withOdd(t, { jobs: true }, {}, async ({ log, peer }) => {
    await log.until('no job', 60_000, () => good(log, 'job.order') === '');
    await peer.order({
      job: [
        ['4710', 'Ended'],
        ['4711', 'Running'],
        ['4712', 'AllowedToStart'],
      ],
    });
    await peer.order({
      answer: [
        ['4710', 'Ended', 90, 100],
        ['4711', 'Running', 12, 14],
      ],
    });
    await log.until('the job', 30_000, () => good(log, 'job.produced_quantity') === 14);
    assert.equal(good(log, 'job.order'), '4711');
    assert.equal(good(log, 'job.state'), 'Running');
    assert.equal(good(log, 'job.good_quantity'), 12);
  }));

test('one profile serves two machines of a server, each found by the name in its configuration', (t) =>
  withOdd(
    t,
    { machines: ['Left', 'Right'] },
    {
      machines: [
        { machine, profile: generic, browseName: 'Left' },
        { machine: 'odd-2', profile: generic, browseName: 'Right' },
      ],
    },
    async ({ log, peer }) => {
      await log.until(
        'both',
        60_000,
        () => good(log, 'cylinder.speed') === 30 && good(log, 'cylinder.speed', 'odd-2') === 30,
      );
      await peer.order({ set: { CYLINDER_SPEED: 31 } });
      await log.until('one of them', 30_000, () => good(log, 'cylinder.speed') === 31);
      assert.equal(good(log, 'cylinder.speed', 'odd-2'), 30);
    },
  ));

test('a node named with its namespace is found again when a restart gives the namespace another number', async (t) => {
  if (!requireAsyncua(t)) return;
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const port = await freePort();
  const profile: Profile = { ...structuredClone(generic), profile: 'explicit', opcua: undefined, signals: {} };
  const flag = {
    unit: 'C62',
    scale: 1,
    offset: 0,
    notANumber: [],
    poll: 'normal',
    deadband: 0,
    heartbeatS: 60,
    summarise: true,
  };
  const named = (node: string): SignalSpec => ({ ...flag, kind: 'gauge', from: { node } });
  profile.signals = {
    'hidden.tag': named(`nsu=${own};s=Odd1.Hidden.Tag`),
    'other.tag': named(`nsu=${own};s=Nowhere`),
    'strange.tag': named('nsu=urn:nobody;i=7'),
    'server.level': named('i=2267'),
  };
  const log = new EventLog();
  const driver = createOpcuaDriver(optionsFor(port, { machines: [{ machine, profile }] }), realPorts(log));
  let peer = await startOddPeer({ port, namespaces: [machinery, own] });
  try {
    await driver.start(new AbortController().signal);
    const reasonOf = (signal: string) => {
      const reading = last(log, signal);
      return reading?.quality === 'bad' ? reading.reason : null;
    };
    await log.until('the node', 60_000, () => good(log, 'hidden.tag') === 17 && good(log, 'server.level') === 255);
    await log.until('what is nowhere', 30_000, () => reasonOf('other.tag') === 'unknown-node');
    assert.equal(reasonOf('strange.tag'), 'unknown-namespace');
    await peer.stop();
    await log.until('a gap', 30_000, () => log.gaps(machine).at(-1)?.phase === 'opened');
    peer = await startOddPeer({ port, namespaces: ['urn:one', 'urn:two', own, machinery] });
    await peer.order({ set: { Hidden: 23 } });
    await log.until('the node again', 60_000, () => good(log, 'hidden.tag') === 23);
  } finally {
    await driver.stop();
    await peer.stop();
  }
});

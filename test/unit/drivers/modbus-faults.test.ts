/** The driver against a peer that misbehaves: nothing wrong is ever delivered, everything thrown away is counted. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Driver, DiscardedEvent } from '../../../drivers/contract.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { createModbusDriver } from '../../../drivers/modbus/driver.ts';
import { profileSchema, type Profile } from '../../../drivers/profiles/schema.ts';
import { assertEventInvariants, EventLog, realPorts } from '../../contract/driver.ts';
import { ModbusPeer, withCrc } from './modbus-peer.ts';

/** Signals `r.<address>`, each one holding register of that address; block by block as `limits` allow. */
function profileOf(addresses: readonly number[], modbus: Record<string, unknown> = {}): Profile {
  return profileSchema.parse({
    profile: 'test',
    version: 1,
    title: 'test',
    kind: 'other',
    protocol: 'modbus',
    verified: false,
    source: ['test'],
    modbus,
    signals: Object.fromEntries(
      addresses.map((address) => [`r.${address}`, { kind: 'gauge', unit: 'C62', from: { table: 'holding', address } }]),
    ),
    states: [{ state: 'IDLE' }],
  });
}

interface Rig {
  readonly peer: ModbusPeer;
  readonly log: EventLog;
  readonly driver: Driver;
}

/** A running driver with units 1 … n named m-1 … m-n; register a of unit u is 1000·u + a. */
async function rigOf(
  t: TestContext,
  framing: 'tcp' | 'rtu',
  profile: Profile,
  options: { readonly units?: number; readonly timeoutMs?: number; readonly intervalMs?: number } = {},
  prepare: (peer: ModbusPeer) => void = () => {},
): Promise<Rig> {
  const peer = new ModbusPeer(framing);
  const units = Array.from({ length: options.units ?? 1 }, (_, i) => i + 1);
  for (const unit of units) {
    for (const spec of Object.values(profile.signals)) {
      const address = 'table' in spec.from ? Number(spec.from.address) : 0;
      peer.set(unit, 3, address, [1000 * unit + address]);
    }
  }
  prepare(peer);
  await peer.listen();
  const log = new EventLog();
  const driver = createModbusDriver(
    {
      endpoint: `${framing === 'tcp' ? 'modbus' : 'modbus+rtu'}://127.0.0.1:${peer.port}`,
      machines: units.map((unit) => ({
        machine: `m-${unit}`,
        unit,
        profile,
        polls: { normal: options.intervalMs ?? 50 },
      })),
      timeoutMs: options.timeoutMs ?? 1_000,
      backoff: { minMs: 50, maxMs: 200 },
    },
    realPorts(log),
  );
  t.after(async () => {
    await driver.stop();
    await peer.close();
    assertEventInvariants(driver.machines, log.events);
    for (const reading of driver.machines.flatMap((machine) => log.readings(machine))) {
      if (reading.quality !== 'good') continue;
      const expected = 1000 * Number(reading.machine.slice(2)) + Number(reading.signal.slice(2));
      assert.equal(reading.value, expected, `${reading.machine} ${reading.signal} has the value of its own register`);
    }
    assert.equal(peer.writes, 0);
  });
  await driver.start(new AbortController().signal);
  return { peer, log, driver };
}

function discards(log: EventLog, reason: DiscardedEvent['reason']): number {
  return log.events.reduce(
    (sum, event) => sum + (event.kind === 'discarded' && event.reason === reason ? event.count : 0),
    0,
  );
}
const within = 10_000;

for (const framing of ['tcp', 'rtu'] as const) {
  test(`${framing}: a reply after its time-out is discarded as late and never taken for another register`, async (t) => {
    // Two blocks of the same length, so that only the transaction id or the drained bus can tell their replies apart.
    const profile = profileOf([0, 50]);
    const { peer, log } = await rigOf(t, framing, profile, { timeoutMs: 600, intervalMs: 20 });
    await log.until('readings', within, () => log.goods('m-1') >= 4);
    let slow = 0;
    peer.misbehave = (_, nth) => (nth % 5 === 0 && slow++ < 4 ? { delayMs: 650 } : null);
    await log.until('late replies', within, () => discards(log, 'late') >= 2);
    const goods = log.goods('m-1');
    await log.until('readings go on', within, () => log.goods('m-1') > goods + 4);
  });

  test(`${framing}: a reply that comes twice is discarded as duplicate`, async (t) => {
    const { peer, log } = await rigOf(t, framing, profileOf([0, 50]));
    peer.misbehave = (_, nth) => (nth % 2 === 0 ? { raw: (answer) => [answer, answer] } : null);
    await log.until('duplicates', within, () => discards(log, 'duplicate') >= 3);
    await log.until('readings', within, () => log.goods('m-1') >= 6);
  });

  test(`${framing}: a reply of another unit or function is no answer; the right one behind it is`, async (t) => {
    const { peer, log } = await rigOf(t, framing, profileOf([0, 1]));
    const at = framing === 'tcp' ? 6 : 0;
    const forge = (answer: Buffer, offset: number, value: number): Buffer => {
      const forged = Buffer.from(answer);
      forged[offset] = value;
      return framing === 'tcp' ? forged : withCrc(forged.subarray(0, -2));
    };
    peer.misbehave = () => ({ raw: (answer) => [forge(answer, at, 9), forge(answer, at + 1, 4), answer] });
    await log.until('wrong units', within, () => discards(log, 'wrong-unit') >= 2);
    await log.until('wrong functions', within, () => discards(log, 'wrong-function') >= 2);
    await log.until('readings', within, () => log.goods('m-1') >= 4);
  });

  test(`${framing}: a truncated reply is counted, repeated once, and costs no gap`, async (t) => {
    const { peer, log } = await rigOf(t, framing, profileOf([0, 1]));
    peer.misbehave = (_, nth) => (nth === 2 ? { raw: (answer) => answer.subarray(0, answer.length - 3) } : null);
    await log.until('the truncated reply', within, () => discards(log, 'truncated') + discards(log, 'garbage') >= 1);
    const goods = log.goods('m-1');
    await log.until('readings go on', within, () => log.goods('m-1') > goods + 4);
    assert.deepEqual(log.gaps('m-1'), []);
  });

  test(`${framing}: garbage before a frame costs at most that frame`, async (t) => {
    const { peer, log } = await rigOf(t, framing, profileOf([0, 1]));
    const noise = Buffer.from('ffaa5501deadbeef', 'hex');
    peer.misbehave = (_, nth) => (nth % 3 === 1 ? { raw: (answer) => Buffer.concat([noise, answer]) } : null);
    await log.until('garbage', within, () => discards(log, 'garbage') >= 3);
    await log.until('readings', within, () => log.goods('m-1') >= 10);
    assert.deepEqual(log.gaps('m-1'), []);
  });

  test(`${framing}: a refused address makes its own signal bad and no other, and is asked rarely`, async (t) => {
    const addresses = [0, 1, 2, 3, 4, 5, 6, 7];
    const { peer, log } = await rigOf(t, framing, profileOf(addresses), {}, (peer) => peer.cells.delete('1/3/5'));
    await log.until('readings of all others', within, () => log.goods('m-1') >= 7 * 4);
    const bads = log.readings('m-1').filter((reading) => reading.quality === 'bad');
    assert.deepEqual(
      new Set(bads.map((reading) => `${reading.signal} ${reading.reason}`)),
      new Set(['r.5 modbus-exception-2']),
    );
    const asked = peer.requests.filter((r) => r.address <= 5 && r.address + r.count > 5 && r.count === 1).length;
    assert.equal(asked, 1, 'the refused register is left alone for a time');
    assert.deepEqual(log.gaps('m-1'), []);
  });

  test(`${framing}: a machine that answers every read with an exception has a gap with its reason, and comes back`, async (t) => {
    const { peer, log } = await rigOf(t, framing, profileOf([0, 1, 2]));
    await log.until('readings', within, () => log.goods('m-1') >= 3);
    peer.misbehave = () => ({ exception: 4 });
    await log.until('a gap', within, () => log.gaps('m-1').at(-1)?.phase === 'opened');
    assert.equal(log.gaps('m-1').at(-1)?.reason, 'modbus-exception-4');
    peer.misbehave = () => null;
    await log.until('the end of the gap', within, () => log.gaps('m-1').at(-1)?.phase === 'closed');
  });

  test(`${framing}: a unit that is dead from the start costs the others on the bus few polls`, async (t) => {
    const { peer, log } = await rigOf(
      t,
      framing,
      profileOf([0]),
      { units: 4, timeoutMs: 600, intervalMs: 50 },
      (peer) => {
        peer.misbehave = (request) => (request.unit === 2 ? 'ignore' : null);
      },
    );
    await log.until('a gap of the dead unit', within, () => log.gaps('m-2').length > 0);
    for (const machine of ['m-1', 'm-3', 'm-4']) {
      await log.until('readings of the others', within, () => log.goods(machine) >= 30);
      assert.deepEqual(log.gaps(machine), []);
    }
    const share = peer.requests.filter((request) => request.unit === 2).length / peer.requests.length;
    assert.ok(share < 0.15, `the dead unit takes ${share} of the requests`);
    peer.misbehave = () => null;
    await log.until('the dead unit speaks', 4 * within, () => log.goods('m-2') > 0);
  });
}

test('rtu: a late reply that is taken for the repeated request does not shift the replies behind it', async (t) => {
  const { peer, log } = await rigOf(t, 'rtu', profileOf([0, 50]), { timeoutMs: 600, intervalMs: 20 });
  await log.until('readings', within, () => log.goods('m-1') >= 4);
  const first = peer.requests.length;
  // The first reply comes when the request has been repeated, the reply to the repetition when the other block would be asked.
  peer.misbehave = (_, nth) => (nth === first ? { delayMs: 900 } : nth === first + 1 ? { delayMs: 550 } : null);
  await log.until('the reply too many', within, () => discards(log, 'late') + discards(log, 'duplicate') >= 1);
  const goods = log.goods('m-1');
  await log.until('readings go on', within, () => log.goods('m-1') > goods + 4);
  const [asked, repeated, next] = peer.requests.slice(first);
  assert.deepEqual(repeated, asked);
  assert.notEqual(next?.address, asked?.address);
});

test('a refused address that is there later is read again with one request for all', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { peer, log } = await rigMocked(t);
  await advanceUntil(t, log, () => log.goods('m-1') >= 6);
  peer.set(1, 3, 1, [1001]);
  await advanceUntil(t, log, () => log.readings('m-1').some((r) => r.signal === 'r.1' && r.quality === 'good'), 40_000);
  const from = peer.requests.length;
  await advanceUntil(t, log, () => peer.requests.length > from + 3);
  assert.deepEqual(
    peer.requests.slice(from + 1).map((r) => r.count),
    peer.requests.slice(from + 1).map(() => 3),
  );
});

/** A rig on mocked timers and a clock that follows them, for what takes half a minute. */
async function rigMocked(t: TestContext): Promise<Rig & { readonly peer: ModbusPeer }> {
  const profile = profileOf([0, 1, 2]);
  const peer = new ModbusPeer('tcp');
  peer.set(1, 3, 0, [1000]);
  peer.set(1, 3, 2, [1002]);
  await peer.listen();
  const log = new EventLog();
  const driver = createModbusDriver(
    {
      endpoint: `modbus://127.0.0.1:${peer.port}`,
      machines: [{ machine: 'm-1', unit: 1, profile, polls: { normal: 1_000 } }],
      timeoutMs: 60_000,
    },
    { ...realPorts(log), clock: { wallMs: () => mockedMs, monotonicMs: () => mockedMs } },
  );
  mockedMs = 0;
  t.after(async () => {
    await driver.stop();
    await peer.close();
  });
  await driver.start(new AbortController().signal);
  return { peer, log, driver };
}
let mockedMs = 0;

/** Lets mocked time pass in steps of 100 ms, each followed by real I/O, until `holds`. */
async function advanceUntil(t: TestContext, log: EventLog, holds: () => boolean, forMs = 20_000): Promise<void> {
  const endMs = mockedMs + forMs;
  while (!holds()) {
    assert.ok(mockedMs < endMs, `not within ${forMs} ms: ${JSON.stringify(log.events.slice(-3))}`);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    mockedMs += 100;
    t.mock.timers.tick(100);
  }
}

test('a connection that stays open but brings nothing is made anew', async (t) => {
  const { peer, log } = await rigOf(t, 'tcp', profileOf([0]), { timeoutMs: 100 });
  await log.until('readings', within, () => log.goods('m-1') >= 2);
  const before = peer.accepted;
  peer.misbehave = () => 'ignore';
  await log.until('the link given up', within, (events) =>
    events.some((event) => event.kind === 'link' && !event.up && event.reason === 'no-data'),
  );
  peer.misbehave = () => null;
  await log.until('readings on a new connection', within, () => log.gaps('m-1').at(-1)?.phase === 'closed');
  assert.ok(peer.accepted > before);
});

const make = (machines: Parameters<typeof createModbusDriver>[0]['machines'], endpoint = 'modbus+rtu://h:1') =>
  createModbusDriver({ endpoint, machines }, realPorts(new EventLog()));

test('machines that cannot be polled are named all at once', () => {
  const profile = profileOf([0]);
  assert.throws(
    () =>
      make([
        { machine: 'a', unit: 0, profile },
        { machine: 'b', unit: 3, profile, polls: { fast: 100, normal: 5 } },
        { machine: 'b', unit: 3, profile: { ...profile, protocol: 'line' } },
      ]),
    (error) => {
      assert.ok(error instanceof DriverError);
      for (const part of [
        'unit 0',
        'no poll class fast',
        'below 20 ms',
        'b is there twice',
        'not for Modbus',
        'belongs to b',
      ]) {
        assert.ok(error.message.includes(part), part);
      }
      return true;
    },
  );
  assert.throws(() => make([]), /no machine/);
});

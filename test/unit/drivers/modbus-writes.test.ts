/** What a machine does with a write, what is known of it afterwards, and that polls do not suffer from it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Driver, Writable, WriteResult } from '../../../drivers/contract.ts';
import { createModbusDriver } from '../../../drivers/modbus/driver.ts';
import { profileProblems } from '../../../drivers/profiles/check.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { assertEventInvariants, EventLog, realPorts } from '../../contract/driver.ts';
import { ModbusPeer, type Misbehaviour, type PeerRequest } from './modbus-peer.ts';
import { light, profileOf, speed } from './modbus-writes-profile.ts';

const timeoutMs = 150;

interface Rig {
  readonly driver: Driver & Writable;
  readonly peer: ModbusPeer;
  readonly log: EventLog;
  /** Requests of functions that write, as they reached the peer. */
  readonly reached: () => PeerRequest[];
  readonly write: (value: number | boolean, name?: string, withinMs?: number) => Promise<WriteResult>;
}

async function rig(
  t: TestContext,
  framing: 'tcp' | 'rtu',
  options: { writes?: boolean; unit?: number; machines?: number; connected?: boolean; profile?: Profile } = {},
): Promise<Rig> {
  const { writes = true, unit = 1, machines = 1, connected = true } = options;
  const profile = options.profile ?? profileOf({ 'speed.max': speed, 'status.light': light });
  assert.deepEqual(profileProblems(profile), []);
  const peer = new ModbusPeer(framing);
  await peer.listen();
  for (let at = unit; at < unit + machines; at += 1) {
    peer.set(at, 3, 0, [1000]);
    peer.set(at, 3, 10, [400, 0]);
    peer.set(at, 1, 3, [0]);
  }
  const log = new EventLog();
  const scheme = framing === 'tcp' ? 'modbus' : 'modbus+rtu';
  const driver = createModbusDriver(
    {
      endpoint: `${scheme}://127.0.0.1:${peer.port}`,
      machines: Array.from({ length: machines }, (_, i) => ({ machine: `m${i + 1}`, unit: unit + i, profile, writes })),
      timeoutMs,
      backoff: { minMs: 20, maxMs: 60 },
    },
    realPorts(log),
  );
  t.after(async () => {
    await driver.stop();
    await peer.close();
    assertEventInvariants(driver.machines, log.events);
  });
  await driver.start(new AbortController().signal);
  if (connected) await log.until('a reading', 5_000, () => log.goods('m1') > 0);
  return {
    driver,
    peer,
    log,
    reached: () => peer.requests.filter((request) => request.fn > 4),
    write: (value, name = 'speed.max', withinMs = 2_000) =>
      driver.write('m1', name, value, performance.now() + withinMs),
  };
}

const onWrites =
  (what: Misbehaviour) =>
  (request: PeerRequest): Misbehaviour | null =>
    request.fn > 4 ? what : null;

for (const framing of ['tcp', 'rtu'] as const) {
  test(`${framing}: what the machine confirms and then has is written`, async (t) => {
    const { driver, peer, reached, write } = await rig(t, framing);
    assert.equal(await driver.readSetPoint('m1', 'speed.max'), 400);
    assert.deepEqual(await write(3200), { outcome: 'written', readBack: 3200 });
    assert.deepEqual(await write(true, 'status.light'), { outcome: 'written', readBack: true });
    assert.equal(peer.cells.get('1/3/10'), 3200);
    assert.equal(peer.cells.get('1/1/3'), 1);
    assert.deepEqual(
      reached().map(({ fn, address }) => [fn, address]),
      [
        [6, 10],
        [5, 3],
      ],
    );
  });

  test(`${framing}: a machine that does it and does not answer is unknown, and what it has is told`, async (t) => {
    const { peer, reached, write } = await rig(t, framing);
    peer.misbehave = onWrites({ executeThen: 'silence' });
    assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'timeout', readBack: 3200 });
    assert.equal(reached().length, 1, 'never repeated');
  });

  test(`${framing}: a write that is lost is unknown, with the old value read back`, async (t) => {
    const { peer, reached, write } = await rig(t, framing);
    peer.misbehave = onWrites('ignore');
    assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'timeout', readBack: 400 });
    assert.equal(reached().length, 1, 'never repeated');
  });

  test(`${framing}: a refusal is told with its exception`, async (t) => {
    const { peer, write } = await rig(t, framing);
    peer.misbehave = onWrites({ exception: 4 });
    assert.deepEqual(await write(3200), { outcome: 'refused', exception: 4, readBack: 400 });
    for (const exception of [5, 11]) {
      peer.misbehave = onWrites({ exception });
      const reason = `modbus-exception-${exception}`;
      assert.deepEqual(await write(3200), { outcome: 'unknown', reason, readBack: 400 }, 'it may have done it');
    }
  });

  test(`${framing}: another value confirmed than was sent is unknown`, async (t) => {
    const { peer, reached, write } = await rig(t, framing);
    peer.misbehave = onWrites({ executeThen: (answer) => Buffer.from([...answer.subarray(0, 3), 0x00, 0x07]) });
    assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'other-value-confirmed', readBack: 3200 });
    peer.misbehave = onWrites({ executeThen: (answer) => Buffer.from([answer[0] ?? 0, 0, 11, ...answer.subarray(3)]) });
    assert.deepEqual(await write(3300), { outcome: 'unknown', reason: 'other-value-confirmed', readBack: 3300 });
    assert.equal(reached().length, 2);
  });

  test(`${framing}: a machine that confirms and keeps its old value is unknown`, async (t) => {
    const { peer, write } = await rig(t, framing);
    peer.misbehave = (request) => {
      if (request.fn <= 4) return null;
      queueMicrotask(() => peer.set(1, 3, 10, [400]));
      return null;
    };
    assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'other-value-read-back', readBack: 400 });
  });

  test(`${framing}: a late answer to a write is nobody's answer`, async (t) => {
    const { peer, log, write, reached } = await rig(t, framing);
    // Late by less than a second time-out, in the midst of polls and of the next write.
    peer.misbehave = (request) =>
      request.fn > 4 && reached().length === 1 ? { executeThen: (answer) => answer, delayMs: timeoutMs + 40 } : null;
    const first = await write(3200);
    assert.equal(first.outcome, 'unknown');
    assert.equal('readBack' in first ? first.readBack : null, 3200);
    assert.deepEqual(await write(900), { outcome: 'written', readBack: 900 });
    await log.until('the late answer', 2_000, (events) => events.some((event) => event.kind === 'discarded'));
    const values = new Set(log.readings('m1').map((one) => (one.quality === 'bad' ? one.reason : one.value)));
    assert.ok(
      [...values].every((value) => value === 1000 || value === false),
      `polls read ${[...values].join()}`,
    );
    assert.equal(reached().length, 2);
  });

  test(`${framing}: a link lost on the way is unknown, and read back when it is there again`, async (t) => {
    const { peer, reached, write } = await rig(t, framing);
    peer.misbehave = onWrites({ executeThen: 'hang-up' });
    assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'connection-lost', readBack: 3200 });
    assert.equal(reached().length, 1, 'never repeated, not after the connection came back either');
  });

  test(`${framing}: without a connection nothing leaves, not even later`, async (t) => {
    const { peer, log, reached, write } = await rig(t, framing);
    await peer.close();
    await log.until('the gap', 3_000, () => log.gaps('m1').length > 0);
    assert.deepEqual(await write(3200), { outcome: 'not-sent', reason: 'not-connected' });
    await peer.listen();
    const goods = log.goods('m1');
    await log.until('readings again', 5_000, () => log.goods('m1') > goods + 10);
    assert.deepEqual(reached(), []);
  });

  test(`${framing}: what had no turn in time does not leave`, async (t) => {
    const { peer, reached, write } = await rig(t, framing);
    // Every read is slow: the write waits for the one under way longer than it may.
    await new Promise<void>((resolve) => {
      peer.misbehave = (request) => {
        if (request.fn <= 4) resolve();
        return request.fn <= 4 ? { delayMs: 100 } : null;
      };
    });
    const result = await write(3200, 'speed.max', 5);
    assert.deepEqual(result, { outcome: 'not-sent', reason: 'no-turn-in-time' });
    assert.deepEqual(reached(), []);
  });

  test(`${framing}: one write of a machine at a time`, async (t) => {
    const { peer, write, reached } = await rig(t, framing);
    peer.misbehave = onWrites({ executeThen: (answer) => answer, delayMs: 50 });
    const both = await Promise.all([write(3200), write(3300)]);
    assert.deepEqual(both[1], { outcome: 'not-sent', reason: 'another-write' });
    assert.equal(both[0].outcome, 'written');
    assert.equal(reached().length, 1);
  });

  test(`${framing}: 50 polls a second go on beside writes`, async (t) => {
    const machines = framing === 'tcp' ? 5 : 1;
    const { driver, peer, log, reached } = await rig(t, framing, { machines });
    const polls = () => log.events.filter((event) => event.kind === 'readings' && event.machine === 'm1').length;
    const pollsIn = async (forMs: number, meanwhile: () => Promise<void>): Promise<number> => {
      const [before, startMs] = [polls(), performance.now()];
      while (performance.now() - startMs < forMs) await meanwhile();
      return ((polls() - before) * 1000) / (performance.now() - startMs);
    };
    // What the computer of the test can do at this moment is the measure.
    const alonePerS = await pollsIn(1_500, () => new Promise((resolve) => setTimeout(resolve, 10)));
    let written = 0;
    const besidePerS = await pollsIn(3_000, async () => {
      const value = 200 + ((written * 7) % 4000);
      const result = await driver.write('m1', 'speed.max', value, performance.now() + 1_000);
      assert.deepEqual(result, { outcome: 'written', readBack: value });
      written += 1;
      await new Promise((resolve) => setTimeout(resolve, 15));
    });
    t.diagnostic(`${written} writes; polls/s ${alonePerS.toFixed(1)} alone, ${besidePerS.toFixed(1)} beside them`);
    assert.ok(written > 50);
    assert.equal(reached().length, written);
    assert.equal(log.gaps('m1').length, 0);
    assert.ok(log.readings('m1').every((reading) => reading.quality === 'good'));
    // A busy computer takes some from both; a write that held up polls would take one of each two.
    assert.ok(besidePerS >= alonePerS * 0.9, `${besidePerS} polls/s beside writes, ${alonePerS} alone`);
    assert.equal(driver.health()[0]?.failures, 0, 'no poll was without an answer');
    assert.equal(peer.requests.filter((one) => one.fn > 4 && one.fn !== 6).length, 0);
  });
}

test('nothing is written where the configuration does not say so, whatever the profile lists', async (t) => {
  const { driver, reached, write } = await rig(t, 'tcp', { writes: false });
  assert.deepEqual(driver.setPoints('m1'), []);
  assert.equal((await write(3200)).outcome, 'not-allowed');
  assert.equal(await driver.readSetPoint('m1', 'speed.max'), null);
  assert.deepEqual(reached(), []);
});

test('nothing is written to unit 0, which is everybody behind a gateway', async (t) => {
  const { reached, write } = await rig(t, 'tcp', { unit: 0 });
  assert.deepEqual(await write(3200), { outcome: 'not-allowed', reason: 'unit-0-is-everybody' });
  assert.deepEqual(reached(), []);
});

test('names and machines that are none, and names of the language, write nothing', async (t) => {
  const { driver, reached } = await rig(t, 'tcp');
  for (const name of ['', 'spindle.speed', '__proto__', 'constructor', 'toString']) {
    assert.equal((await driver.write('m1', name, 300, performance.now() + 500)).outcome, 'not-allowed');
  }
  assert.equal((await driver.write('m2', 'speed.max', 300, performance.now() + 500)).outcome, 'not-allowed');
  assert.deepEqual(driver.setPoints('m2'), []);
  assert.deepEqual(reached(), []);
});

test('a signal that shows the value elsewhere verifies it', async (t) => {
  const profile = profileOf({ 'speed.max': { ...speed, verify: 'spindle.speed' } });
  const { peer, write } = await rig(t, 'tcp', { profile });
  assert.deepEqual(await write(3200), { outcome: 'unknown', reason: 'other-value-read-back', readBack: 1000 });
  peer.set(1, 3, 0, [3300]);
  assert.deepEqual(await write(3300), { outcome: 'written', readBack: 3300 });
});

test('stopping in the midst of a write ends it', async (t) => {
  const { driver, peer, write } = await rig(t, 'tcp');
  peer.misbehave = onWrites('ignore');
  const pending = write(3200);
  await driver.stop();
  assert.deepEqual(await pending, { outcome: 'unknown', reason: 'connection-lost', readBack: null });
});

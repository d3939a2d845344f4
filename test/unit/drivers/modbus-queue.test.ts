/** Order and pace of what is asked on one bus. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createModbusDriver, type ModbusDriverOptions } from '../../../drivers/modbus/driver.ts';
import { OwedReplies } from '../../../drivers/modbus/owed.ts';
import { BusQueue } from '../../../drivers/modbus/queue.ts';
import { profileSchema } from '../../../drivers/profiles/schema.ts';
import { EventLog, realPorts } from '../../contract/driver.ts';
import { ModbusPeer } from './modbus-peer.ts';

const waiting = (unit: number, deadlineMs: number) => ({
  request: { unit, fn: 3 as const, address: 0, count: 1 },
  deadlineMs,
});

test('the earliest deadline is asked first, and of equal ones the one that came first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 40 }), (deadlines) => {
      const queue = new BusQueue<ReturnType<typeof waiting>>(null);
      deadlines.forEach((deadlineMs, unit) => queue.push(waiting(unit, deadlineMs)));
      const taken: ReturnType<typeof waiting>[] = [];
      for (let turn = queue.take(0); turn !== null && 'waiting' in turn; turn = queue.take(0)) taken.push(turn.waiting);
      const expected = deadlines
        .map((deadlineMs, unit) => waiting(unit, deadlineMs))
        .toSorted((a, b) => a.deadlineMs - b.deadlineMs || a.request.unit - b.request.unit);
      assert.deepEqual(taken, expected);
    }),
  );
});

test('what may not be asked yet does not hold up what may', () => {
  const owed = new OwedReplies();
  owed.owe({ unit: 1, fn: 3, address: 9, count: 1 }, 0, 100);
  const queue = new BusQueue<ReturnType<typeof waiting>>(null);
  queue.push(waiting(1, 0));
  queue.push(waiting(2, 5));
  assert.deepEqual(queue.take(10, owed), { waiting: waiting(2, 5) });
  assert.deepEqual(queue.take(10, owed), { waitMs: 190 });
  assert.deepEqual(queue.take(200, owed), { waiting: waiting(1, 0) });
});

test('no two requests are closer than the pace allows, and a pause makes no burst', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 1000, noNaN: true }), fc.array(fc.nat(300)), (pace, pausesMs) => {
      const queue = new BusQueue<ReturnType<typeof waiting>>(pace);
      let nowMs = 0;
      let lastMs = Number.NEGATIVE_INFINITY;
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        queue.push(waiting(1, nowMs));
        const turn = queue.take(nowMs);
        assert.ok(turn !== null);
        if ('waitMs' in turn) {
          nowMs += turn.waitMs;
          assert.ok('waiting' in (queue.take(nowMs + 1e-6) ?? {}), 'after the wait it is asked');
        }
        assert.ok(nowMs - lastMs >= 1000 / pace - 1e-3);
        lastMs = nowMs;
      }
    }),
  );
});

const profile = profileSchema.parse({
  profile: 'test',
  version: 1,
  title: 'test',
  kind: 'other',
  protocol: 'modbus',
  verified: false,
  source: ['test'],
  signals: { 'a.b': { kind: 'gauge', unit: 'C62', from: { table: 'holding', address: 0 } } },
  states: [{ state: 'IDLE' }],
});

async function run(
  t: TestContext,
  framing: 'tcp' | 'rtu',
  units: number,
  intervalMs: number,
  options: Partial<ModbusDriverOptions>,
  prepare: (peer: ModbusPeer) => void = () => {},
) {
  const peer = new ModbusPeer(framing);
  for (let unit = 1; unit <= units; unit += 1) peer.set(unit, 3, 0, [unit]);
  prepare(peer);
  await peer.listen();
  const log = new EventLog();
  const driver = createModbusDriver(
    {
      endpoint: `${framing === 'tcp' ? 'modbus' : 'modbus+rtu'}://127.0.0.1:${peer.port}`,
      machines: Array.from({ length: units }, (_, i) => ({
        machine: `m-${i + 1}`,
        unit: i + 1,
        profile,
        polls: { normal: intervalMs },
      })),
      ...options,
    },
    realPorts(log),
  );
  t.after(async () => {
    await driver.stop();
    await peer.close();
  });
  await driver.start(new AbortController().signal);
  return { peer, log, driver };
}

for (const framing of ['tcp', 'rtu'] as const) {
  test(`${framing}: machines of one bus share its requests a second fairly`, async (t) => {
    const times: number[] = [];
    const { log } = await run(t, framing, 4, 20, { maxRequestsPerS: 40 }, (peer) => {
      peer.misbehave = () => {
        times.push(performance.now());
        return null;
      };
    });
    await log.until('readings', 10_000, () => log.goods('m-1') >= 12);
    // Timers and the network move single requests; the ceiling is that of the whole span.
    const spanS = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    assert.ok(times.length - 1 <= 40 * spanS + 1, `${times.length} requests in ${spanS} s`);
    const goods = [1, 2, 3, 4].map((unit) => log.goods(`m-${unit}`));
    assert.ok(Math.max(...goods) - Math.min(...goods) <= 2, goods.join(' '));
  });
}

test('one dead slave of ten on an RTU line: the others keep 99 % of their polls', async (t) => {
  const intervalMs = 500;
  const seen = new Map<number, number>();
  let isDead = false;
  const { log } = await run(t, 'rtu', 10, intervalMs, { timeoutMs: 800 }, (peer) => {
    peer.misbehave = ({ unit }) => {
      seen.set(unit, (seen.get(unit) ?? 0) + 1);
      // About what 19200 bit/s take.
      return isDead && unit === 4 ? 'ignore' : { delayMs: 10 };
    };
  });
  await log.until('readings', 10_000, () => log.goods('m-10') >= 4);
  seen.clear();
  isDead = true;
  const fromMs = performance.now();
  // Finding out that it is dead delays the others once, by less than a poll each: in a minute that is within the percent.
  const polls = 120;
  const others = [1, 2, 3, 5, 6, 7, 8, 9, 10];
  await log.until('polls of the others', 90_000, () => performance.now() - fromMs >= polls * intervalMs);
  const kept = others.reduce((sum, unit) => sum + (seen.get(unit) ?? 0), 0);
  const due = Math.floor((performance.now() - fromMs) / intervalMs) * others.length;
  assert.ok(kept >= 0.99 * due, `${kept} of ${due}: ${JSON.stringify([...seen])}`);
  assert.ok((seen.get(4) ?? 0) <= 10, `the dead one is asked ${seen.get(4)} times`);
  assert.equal(log.gaps('m-4').length, 1);
  for (const unit of others) assert.deepEqual(log.gaps(`m-${unit}`), []);
});

/** What a scan may be asked for, and how fast it asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DriverError } from '../../../drivers/errors.ts';
import { foundServers } from '../../../drivers/scan/opcua.ts';
import { Pace } from '../../../drivers/scan/pace.ts';
import { maxTargets, parseUnits, planScan } from '../../../drivers/scan/targets.ts';

const isRefused = (error: unknown) => error instanceof DriverError && error.entry.code === 'DRV-401';
const texts = (range: string, units: string | null) => planScan(range, units).targets.map(({ text }) => text);

test('ranges name their hosts', () => {
  assert.deepEqual(texts('modbus://192.0.2.10..12', '1'), [
    'modbus://192.0.2.10:502',
    'modbus://192.0.2.11:502',
    'modbus://192.0.2.12:502',
  ]);
  assert.equal(texts('modbus://192.0.2.0/28:502', '1..3').length, 14);
  assert.deepEqual(texts('modbus://192.0.2.6/30:1502', '1'), ['modbus://192.0.2.5:1502', 'modbus://192.0.2.6:1502']);
  assert.equal(texts('modbus://192.0.2.6/31', '1').length, 2);
  assert.deepEqual(texts('modbus://192.0.2.6/32', '1'), ['modbus://192.0.2.6:502']);
  assert.deepEqual(texts('modbus+rtu://192.0.2.254..192.0.3.1:4001', '1').slice(1, 3), [
    'modbus+rtu://192.0.2.255:4001',
    'modbus+rtu://192.0.3.0:4001',
  ]);
  assert.deepEqual(texts('modbus+rtu:///dev/ttyUSB0?baudRate=9600', '1..20'), [
    'modbus+rtu:///dev/ttyUSB0?baudRate=9600',
  ]);
  assert.deepEqual(texts('opc.tcp://192.0.2.10..11:4840/knit', null), [
    'opc.tcp://192.0.2.10:4840/knit',
    'opc.tcp://192.0.2.11:4840/knit',
  ]);
  assert.deepEqual(texts('opc.tcp://knit-1.example', null), ['opc.tcp://knit-1.example:4840']);
  assert.deepEqual(texts('modbus://[2001:db8::1]:502', '1'), ['modbus://[2001:db8::1]:502']);
});

test('nothing is asked that is not named, and not too much', () => {
  for (const range of [
    '',
    'modbus://',
    'modbus://:502',
    'modbus:///28',
    'modbus://192.0.2',
    'modbus://192.0.2.300',
    'modbus://192.0.2.1..',
    'modbus://192.0.2.9..1',
    'modbus://192.0.2.0/33',
    'modbus://name/28',
    'modbus://a..b',
    'modbus://192.0.2.1:0',
    'modbus://192.0.2.1:70000',
    'modbus://192.0.2.1/path',
    'modbus://user@192.0.2.1',
    'modbus+rtu://192.0.2.1',
    'http://192.0.2.1',
    'modbus://0.0.0.0/0',
    'modbus://192.0.0.0/21',
    '*',
  ]) {
    assert.throws(() => planScan(range, '1'), isRefused, range);
  }
  assert.throws(() => planScan('modbus://192.0.2.1', null), isRefused);
  assert.throws(() => planScan('opc.tcp://192.0.2.1', '1'), isRefused);
  for (const units of ['', '0..300', '3..1', '-1', '1..', 'a', '1,,2', '248']) {
    assert.throws(() => planScan('modbus+rtu:///dev/ttyUSB0', units), isRefused, units);
  }
  assert.deepEqual(parseUnits('3,1..2,2', 1, 247), [3, 1, 2]);
});

test('a plan has at most 1024 targets or is refused, and exactly the addresses of its span', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.integer({ min: 1, max: 50 }),
      (from, more, units) => {
        const to = Math.min(0xffff_ffff, from + more);
        const dotted = (address: number) => {
          const bytes = Buffer.alloc(4);
          bytes.writeUInt32BE(address);
          return [...bytes].join('.');
        };
        const make = () => planScan(`modbus://${dotted(from)}..${dotted(to)}:502`, `1..${units}`);
        const count = to - from + 1;
        if (count * units > maxTargets) {
          assert.throws(make, isRefused);
          return;
        }
        const plan = make();
        assert.ok(plan.protocol === 'modbus');
        assert.deepEqual(
          plan.targets.map(({ text }) => text),
          Array.from({ length: count }, (_, i) => `modbus://${dotted(from + i)}:502`),
        );
        assert.ok(plan.targets.every((target) => target.units.length === units));
      },
    ),
  );
});

/** A clock that stands still but for waits, whose timers may fire early or late. */
function fakeTime(slips: readonly number[]) {
  let nowMs = 0;
  let turn = 0;
  return {
    monotonicMs: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
    delay: async (ms: number, signal: AbortSignal): Promise<void> => {
      if (signal.aborted) return;
      const slip = slips[turn % slips.length] ?? 0;
      turn += 1;
      nowMs += Math.max(0.1, ms + slip);
    },
  };
}

test('turns are never closer than the spacing, in the order they were asked for', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.double({ min: -2, max: 30, noNaN: true }), { minLength: 1 }),
    fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 40 }),
    async (slips, pauses) => {
      const time = fakeTime(slips);
      const pace = new Pace(225, time);
      const signal = new AbortController().signal;
      const given: number[] = [];
      const order: number[] = [];
      const turns: Promise<void>[] = [];
      for (const [at, pauseMs] of pauses.entries()) {
        // Some ask at once, others after a while.
        if (pauseMs > 300) {
          await Promise.all(turns);
          time.pass(pauseMs);
        }
        const turn = pace.turn(signal).then((isMine) => {
          assert.ok(isMine);
          given.push(time.monotonicMs());
          order.push(at);
        });
        turns.push(turn);
      }
      await Promise.all(turns);
      assert.deepEqual(
        order,
        pauses.map((_, at) => at),
      );
      assert.ok(given.every((at, i) => i === 0 || at - (given[i - 1] ?? 0) >= 225 - 1e-6));
      for (const at of given) assert.ok(given.filter((other) => other >= at && other <= at + 1_000).length <= 5);
      assert.equal(pace.turns, pauses.length);
    },
  );
  await fc.assert(property);
});

test('after the signal no turn is given', async () => {
  const pace = new Pace(225, fakeTime([0]));
  const abort = new AbortController();
  assert.equal(await pace.turn(abort.signal), true);
  const waiting = [pace.turn(abort.signal), pace.turn(abort.signal)];
  abort.abort();
  assert.deepEqual(await Promise.all(waiting), [false, false]);
  assert.equal(pace.turns, 1);
});

test('an OPC UA server is found where it answered, with the path and the name it gives', () => {
  const target = { host: '192.0.2.10', port: 4840, text: 'opc.tcp://192.0.2.10:4840' };
  const one = (discoveryUrls: readonly string[], name: string | null = 'Knit 1') => ({
    name,
    isServer: true,
    discoveryUrls,
  });
  const endpoints = (...servers: Parameters<typeof foundServers>[1]) =>
    foundServers(target, servers).map(({ endpoint, machine }) => `${endpoint} ${machine}`);
  assert.deepEqual(endpoints(one(['opc.tcp://gateway.local:4840/knit'])), ['opc.tcp://192.0.2.10:4840/knit Knit 1']);
  // Behind a forwarded port the server believes in another one.
  assert.deepEqual(endpoints(one(['opc.tcp://10.0.0.1:48010/knit'])), ['opc.tcp://192.0.2.10:4840/knit Knit 1']);
  assert.deepEqual(endpoints(one(['https://192.0.2.10/ua'])), ['opc.tcp://192.0.2.10:4840 Knit 1']);
  assert.deepEqual(endpoints(), ['opc.tcp://192.0.2.10:4840 null']);
  const discovery = { name: 'LDS', isServer: false, discoveryUrls: ['opc.tcp://192.0.2.10:4840'] };
  assert.deepEqual(endpoints(discovery, one(['opc.tcp://192.0.2.10:48010/a'], 'A'), one(['opc.tcp://h:48011'], 'B')), [
    'opc.tcp://192.0.2.10:48010/a A',
    'opc.tcp://h:48011 B',
  ]);
  assert.equal(foundServers(target, [one([], 'x'.repeat(5_000))])[0]?.machine?.length, 200);
  assert.ok(
    foundServers(
      target,
      Array.from({ length: 999 }, (_, i) => one([`opc.tcp://h:${i + 1}`])),
    ).length <= 64,
  );
});

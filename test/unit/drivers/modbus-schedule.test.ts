/** Due times, lateness and addresses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DriverError } from '../../../drivers/errors.ts';
import { parseModbusEndpoint } from '../../../drivers/modbus/endpoint.ts';
import { LatenessWindow, nextDueMs } from '../../../drivers/modbus/schedule.ts';
import { silentIntervalMs } from '../../../drivers/modbus/tty-bus.ts';

test('the next poll is on the grid, after now, and a stall is not made up for', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 5_000 }), fc.integer({ min: -10_000, max: 100_000 }), (interval, passed) => {
      const next = nextDueMs(1_000, interval, 1_000 + passed);
      assert.equal((next - 1_000) % interval, 0);
      assert.ok(next > 1_000 + passed);
      assert.ok(next - Math.max(1_000, 1_000 + passed) <= interval);
    }),
  );
});

test('lateness is by nearest rank over the last minute', () => {
  const window = new LatenessWindow();
  assert.equal(window.percentiles(0), null);
  window.record(0, 5_000);
  for (let i = 1; i <= 100; i += 1) window.record(60_001 + i, i);
  assert.deepEqual(window.percentiles(60_200), { p50Ms: 50, p99Ms: 99 });
  for (let i = 0; i < 10_000; i += 1) window.record(70_000, 7);
  assert.deepEqual(window.percentiles(70_000), { p50Ms: 7, p99Ms: 7 });
  assert.equal(window.percentiles(200_000), null);
});

test('the window of lateness grows to hold a minute of any class, and says what a list of all polls says', () => {
  const polls = fc.array(
    fc.tuple(fc.constantFrom(20, 100, 1_000, 30_000, 70_000), fc.nat({ max: 500 }), fc.nat({ max: 300 })),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(polls, (spans) => {
      const window = new LatenessWindow();
      const all: { readonly atMs: number; readonly lateMs: number }[] = [];
      let nowMs = 0;
      for (const [intervalMs, count, lateMs] of spans) {
        for (let i = 0; i < count; i += 1) {
          nowMs += intervalMs;
          all.push({ atMs: nowMs, lateMs: lateMs + (i % 7) });
          window.record(nowMs, lateMs + (i % 7));
        }
      }
      const recent = all.filter(({ atMs }) => nowMs - atMs <= 60_000).map(({ lateMs }) => lateMs);
      recent.sort((a, b) => a - b);
      const rank = (share: number) => recent[Math.ceil(share * recent.length) - 1];
      const expected = recent.length === 0 ? null : { p50Ms: rank(0.5), p99Ms: rank(0.99) };
      assert.deepEqual(window.percentiles(nowMs), expected);
    }),
  );
});

test('endpoints', () => {
  assert.deepEqual(parseModbusEndpoint('modbus://10.0.0.5'), { kind: 'tcp', host: '10.0.0.5', port: 502 });
  assert.deepEqual(parseModbusEndpoint('modbus://[::1]:1502'), { kind: 'tcp', host: '::1', port: 1502 });
  assert.deepEqual(parseModbusEndpoint('modbus+rtu://moxa-3:4001'), { kind: 'rtu-tcp', host: 'moxa-3', port: 4001 });
  assert.deepEqual(parseModbusEndpoint('modbus+rtu:///dev/serial/by-id/usb-1?baudRate=9600&parity=none&stopBits=2'), {
    kind: 'rtu-tty',
    path: '/dev/serial/by-id/usb-1',
    settings: { baudRate: 9600, parity: 'none', stopBits: 2 },
  });
  assert.deepEqual(parseModbusEndpoint('modbus+ascii:///dev/ttyS1?dataBits=8'), {
    kind: 'ascii-tty',
    path: '/dev/ttyS1',
    settings: { baudRate: 19_200, parity: 'even', stopBits: 1, dataBits: 8 },
  });
  for (const wrong of [
    'modbus+ascii://host:4001',
    'modbus+ascii:///dev/ttyS1?dataBits=9',
    'modbus+rtu:///dev/ttyS1?dataBits=7',
    'modbus://',
    'modbus+rtu://host',
    'http://x',
    '',
    'modbus+rtu:///dev/x?baudRate=fast',
    'modbus+rtu:///',
    'modbus://h:0',
  ]) {
    assert.throws(
      () => parseModbusEndpoint(wrong),
      (error) => error instanceof DriverError && error.entry.code === 'DRV-110',
      wrong,
    );
  }
});

test('the silent interval between RTU frames is 3.5 characters, fixed above 19200 bit/s', () => {
  assert.equal(silentIntervalMs(9_600), 5);
  assert.equal(silentIntervalMs(19_200), 3);
  assert.equal(silentIntervalMs(115_200), 2);
});

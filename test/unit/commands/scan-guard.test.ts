/** What a running agent reads is not scanned. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchedOf } from '../../../agent/commands/scan-guard.ts';
import { parseEndpoint } from '../../../agent/config/endpoint.ts';
import { planScan } from '../../../drivers/scan/targets.ts';

function machine(id: string, endpoint: string) {
  const address = parseEndpoint(endpoint);
  assert.ok(!('problem' in address));
  return { id, endpoint, address };
}
const machines = [
  machine('ls-1', 'modbus://192.0.2.11:502'),
  machine('ov-1', 'modbus+rtu:///dev/serial/by-id/usb-A?baudRate=9600'),
  machine('rt-1', 'serial:///dev/ttyUSB1?baudRate=9600'),
  machine('rt-2', 'tcp://192.0.2.20:4001'),
  machine('ck-1', 'opc.tcp://KNIT.example:4840/knit'),
];
const real = (path: string) => (path === '/dev/serial/by-id/usb-A' ? '/dev/ttyUSB0' : path);
const addressesOf = (host: string) => (host.toLowerCase() === 'knit.example' ? ['2001:db8::7', '192.0.2.30'] : [host]);
const watched = (range: string, units: string | null) =>
  watchedOf(planScan(range, units), machines, { realPath: real, addressesOf }).map((text) => text.split(' ')[0]);

test('the same line is found by whatever name and protocol it is configured', () => {
  assert.deepEqual(watched('modbus://192.0.2.10..12:502', '1'), ['ls-1']);
  assert.deepEqual(watched('modbus://192.0.2.10..12:1502', '1'), []);
  assert.deepEqual(watched('modbus+rtu:///dev/ttyUSB0', '1'), ['ov-1']);
  assert.deepEqual(watched('modbus+rtu:///dev/ttyUSB1', '1'), ['rt-1']);
  assert.deepEqual(watched('modbus+rtu:///dev/ttyUSB2', '1'), []);
  assert.deepEqual(watched('modbus+rtu://192.0.2.20:4001', '1'), ['rt-2']);
  assert.deepEqual(watched('opc.tcp://knit.example', null), ['ck-1']);
  assert.deepEqual(watched('opc.tcp://192.0.2.29..30', null), ['ck-1']);
  assert.deepEqual(watched('opc.tcp://[2001:db8::7]:4840', null), ['ck-1']);
});

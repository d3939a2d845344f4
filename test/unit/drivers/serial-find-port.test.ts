import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriverError } from '../../../drivers/errors.ts';
import { parseModbusEndpoint } from '../../../drivers/modbus/endpoint.ts';
import { parseLineEndpoint } from '../../../drivers/serial/endpoint.ts';
import { findPort, findPortNow } from '../../../drivers/serial/find-port.ts';
import { reasonOf } from '../../../drivers/serial/transport.ts';
import { FakeSys } from './fake-sys.ts';

const refusal =
  (code: string, ...words: string[]) =>
  (error: unknown): boolean =>
    error instanceof DriverError && error.entry.code === code && words.every((word) => error.message.includes(word));

test('an adapter is found by its ids, whatever tty it has', async (t) => {
  const sys = new FakeSys(t);
  sys.plug('1-1', '0403:6001', 'A50285BI', 'ttyUSB0');
  sys.plug('1-2', '1a86:7523', null, 'ttyUSB1');
  sys.plug('1-3', '2341:0043', 'X1', 'ttyACM0');
  assert.equal(await findPort('usb/1a86:7523', sys.folders), '/dev/ttyUSB1');
  assert.equal(await findPort('usb/1A86:7523', sys.folders), '/dev/ttyUSB1');
  assert.equal(await findPort('usb/0403:6001/A50285BI', sys.folders), '/dev/ttyUSB0');
  assert.equal(findPortNow('usb/2341:0043', sys.folders), '/dev/ttyACM0');
  sys.unplug('ttyUSB1', '1-2');
  await assert.rejects(findPort('usb/1a86:7523', sys.folders), refusal('DRV-313', 'usb/1a86:7523'));
  sys.plug('1-4', '1a86:7523', null, 'ttyUSB7');
  assert.equal(await findPort('usb/1a86:7523', sys.folders), '/dev/ttyUSB7');
});

test('two adapters of one kind are refused with both names; a serial number tells them apart', async (t) => {
  const sys = new FakeSys(t);
  sys.plug('1-1', '0403:6001', 'A1', 'ttyUSB0');
  sys.plug('1-2', '0403:6001', 'A2', 'ttyUSB1');
  const both = refusal('DRV-310', '/dev/ttyUSB0 (serial A1)', '/dev/ttyUSB1 (serial A2)');
  await assert.rejects(findPort('usb/0403:6001', sys.folders), both);
  assert.throws(() => findPortNow('usb/0403:6001', sys.folders), both);
  assert.equal(await findPort('usb/0403:6001/A2', sys.folders), '/dev/ttyUSB1');
  await assert.rejects(findPort('usb/0403:6001/A3', sys.folders), refusal('DRV-313'));
  const found = await findPort('usb/0403:6001', sys.folders).then(
    () => '',
    (error: unknown) => reasonOf(error),
  );
  assert.equal(found, 'device-ambiguous');
});

test('an adapter with two ports is two, and refused', async (t) => {
  const sys = new FakeSys(t);
  sys.plug('1-1', '0403:6010', 'B1', 'ttyUSB0', 'ttyUSB1');
  await assert.rejects(findPort('usb/0403:6010/B1', sys.folders), refusal('DRV-310', '/dev/ttyUSB0', '/dev/ttyUSB1'));
});

test('a path is taken as it is, and nothing is looked up for it', async () => {
  const nowhere = { sys: '/nowhere', dev: '/nowhere' };
  for (const path of ['/dev/ttyUSB0', '/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0', 'COM3'])
    assert.equal(await findPort(path, nowhere), path);
  await assert.rejects(findPort('usb/1a86:7523', nowhere), refusal('DRV-313'));
});

test('the ids stand in the address where the host would', () => {
  const line = parseLineEndpoint('serial://usb/1a86:7523?baudRate=4800');
  assert.deepEqual(
    [line.kind === 'serial' && line.path, line.kind === 'serial' && line.settings.baudRate],
    ['usb/1a86:7523', 4800],
  );
  const rtu = parseModbusEndpoint('modbus+rtu://usb/0403:6001/A50285BI?parity=none');
  assert.deepEqual(['path' in rtu && rtu.path, rtu.kind], ['usb/0403:6001/A50285BI', 'rtu-tty']);
  const ascii = parseModbusEndpoint('modbus+ascii://usb/0403:6001');
  assert.deepEqual(['path' in ascii && ascii.path, ascii.kind], ['usb/0403:6001', 'ascii-tty']);
  // A host that is called so stays one.
  assert.equal(parseModbusEndpoint('modbus+rtu://usb:4001').kind, 'rtu-tcp');
  for (const wrong of [
    'serial://usb/1a86',
    'serial://usb/1a86:75234',
    'serial://usb/',
    'serial://usb/zzzz:7523',
    'serial://other/1a86:7523',
    'serial://',
  ])
    assert.throws(() => parseLineEndpoint(wrong), refusal('DRV-300'), wrong);
  assert.throws(() => parseModbusEndpoint('modbus+ascii://usb/1a86'), refusal('DRV-110'));
});

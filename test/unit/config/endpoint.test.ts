import { test } from 'node:test';
import assert from 'node:assert/strict';
import { endpointText, parseEndpoint, type Endpoint } from '../../../agent/config/endpoint.ts';
import { parseFloorEndpoint } from '../../../drivers/knit-floor/endpoint.ts';
import { parseModbusEndpoint } from '../../../drivers/modbus/endpoint.ts';
import { parseLineEndpoint } from '../../../drivers/serial/endpoint.ts';
import { parseStollEndpoint } from '../../../drivers/stoll/endpoint.ts';

const rtuLine = { baudRate: 19200, dataBits: 8, parity: 'even', stopBits: 1 } as const;

const good: readonly [text: string, endpoint: Endpoint][] = [
  ['modbus://10.0.0.5', { transport: 'modbus-tcp', host: '10.0.0.5', port: 502 }],
  ['modbus://plc-7.local:1502/', { transport: 'modbus-tcp', host: 'plc-7.local', port: 1502 }],
  ['modbus://[fe80::1]:502', { transport: 'modbus-tcp', host: 'fe80::1', port: 502 }],
  ['modbus+rtu://10.0.0.6:4001', { transport: 'modbus-rtu-tcp', host: '10.0.0.6', port: 4001 }],
  ['modbus+rtu:///dev/ttyUSB0', { transport: 'modbus-rtu-serial', path: '/dev/ttyUSB0', line: rtuLine }],
  [
    'modbus+rtu:///dev/ttyUSB0?baudRate=9600&parity=none&stopBits=2',
    {
      transport: 'modbus-rtu-serial',
      path: '/dev/ttyUSB0',
      line: { ...rtuLine, baudRate: 9600, parity: 'none', stopBits: 2 },
    },
  ],
  [
    'modbus+ascii:///dev/ttyUSB0?dataBits=8&parity=none',
    { transport: 'modbus-ascii-serial', path: '/dev/ttyUSB0', line: { ...rtuLine, parity: 'none' } },
  ],
  [
    'modbus+ascii:///dev/ttyUSB0',
    { transport: 'modbus-ascii-serial', path: '/dev/ttyUSB0', line: { ...rtuLine, dataBits: 7 } },
  ],
  ['tcp://10.0.0.7:4001', { transport: 'line-tcp', host: '10.0.0.7', port: 4001 }],
  [
    'serial:///dev/serial/by-id/usb-1a86%20x?dataBits=7',
    {
      transport: 'line-serial',
      path: '/dev/serial/by-id/usb-1a86 x',
      line: { baudRate: 9600, dataBits: 7, parity: 'none', stopBits: 1 },
    },
  ],
  [
    'serial://usb/1A86:7523',
    {
      transport: 'line-serial',
      path: 'usb/1a86:7523',
      line: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    },
  ],
  [
    'modbus+rtu://usb/0403:6001/A50285BI',
    { transport: 'modbus-rtu-serial', path: 'usb/0403:6001/A50285BI', line: rtuLine },
  ],
  ['modbus+rtu://usb:4001', { transport: 'modbus-rtu-tcp', host: 'usb', port: 4001 }],
  ['opc.tcp://10.0.0.8:4840/path', { transport: 'opcua', url: 'opc.tcp://10.0.0.8:4840/path' }],
  ['knit-floor+tcp-listen://192.168.10.2:2004', { transport: 'knit-floor-listen', host: '192.168.10.2', port: 2004 }],
  ['knit-floor+tcp-listen://[fd00::2]:2004', { transport: 'knit-floor-listen', host: 'fd00::2', port: 2004 }],
  ['file:///var/lib/knit/hall%202.jsonl', { transport: 'stoll-file', path: '/var/lib/knit/hall 2.jsonl' }],
];

test('every kind of endpoint is read, with the defaults of its protocol', () => {
  for (const [text, endpoint] of good) assert.deepEqual(parseEndpoint(text), endpoint, text);
});

test('an endpoint written out is read as the same endpoint', () => {
  for (const [text, endpoint] of good) assert.deepEqual(parseEndpoint(endpointText(endpoint)), endpoint, text);
});

test('the driver of an endpoint takes it as it is written out', () => {
  for (const [text, endpoint] of good) {
    const written = endpointText(endpoint);
    const { transport } = endpoint;
    if (transport.startsWith('modbus')) assert.doesNotThrow(() => parseModbusEndpoint(written), text);
    if (transport.startsWith('line')) assert.doesNotThrow(() => parseLineEndpoint(written), text);
    if (transport.startsWith('knit-floor')) assert.doesNotThrow(() => parseFloorEndpoint(written), text);
    if (endpoint.transport === 'stoll-file') {
      assert.deepEqual(parseStollEndpoint(written), { kind: 'file', path: endpoint.path });
    }
  }
});

test('what is no endpoint is told with what would be right', () => {
  for (const text of [
    '',
    'modbus',
    '10.0.0.5:502',
    'modbus:10.0.0.5',
    'modbus://',
    'modbus://10.0.0.5:0',
    'modbus://10.0.0.5:70000',
    'modbus://10.0.0.5/unit/3',
    'modbus://10.0.0.5?unit=3',
    'modbus+rtu://10.0.0.5',
    'modbus+rtu:///',
    'modbus+rtu:///dev/ttyUSB0?baudRate=fast',
    'modbus+rtu:///dev/ttyUSB0?dataBits=7',
    'modbus+rtu:///dev/ttyUSB0?baud=9600',
    'serial://ttyUSB0',
    'serial:///dev/ttyUSB0?parity=mark',
    'tcp://10.0.0.5',
    'opc.tcp:///x',
    'http://10.0.0.5',
    'file://floor/events.jsonl',
    'file:///',
    'file:///events.jsonl?from=0',
    'knit-floor+tcp-listen://0.0.0.0:2004',
    'knit-floor+tcp-listen://[::]:2004',
    'knit-floor+tcp-listen://gateway.local:2004',
    'knit-floor+tcp-listen://127.0.0.1',
    'knit-floor+tcp-listen:///2004',
  ]) {
    const result = parseEndpoint(text);
    assert.ok('problem' in result && result.right !== '', text);
  }
});

test('credentials in an endpoint are refused and not repeated', () => {
  for (const text of ['modbus://u:hunter2@10.0.0.5', 'opc.tcp://u:hunter2@10.0.0.5:4840']) {
    const result = parseEndpoint(text);
    assert.ok('problem' in result, text);
    assert.doesNotMatch(JSON.stringify(result), /hunter2/);
  }
});

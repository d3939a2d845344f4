/** Types, word orders, scaling and disbelief of the decoder, from bytes and values worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { profileSchema, wordOrders } from '../../../drivers/profiles/schema.ts';

function decode(hex: string, signal: Record<string, unknown>, modbus: Record<string, unknown> = {}) {
  const profile = profileSchema.parse({
    profile: 'p',
    version: 1,
    title: 'p',
    kind: 'other',
    protocol: 'modbus',
    verified: false,
    source: ['test'],
    modbus,
    signals: { 'a.b': { kind: 'gauge', unit: 'C62', ...signal } },
    states: [{ state: 'IDLE' }],
  });
  const [item] = signalItems(profile);
  assert.ok(item !== undefined);
  return item.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0);
}
const good = (value: unknown) => ({ quality: 'good', value });
const bad = (reason: string) => ({ quality: 'bad', reason });
const holding = (type: string, more: object = {}) => ({ from: { table: 'holding', address: 0, type, ...more } });

test('each type in each word order', () => {
  const table: readonly (readonly [string, string, number, Partial<Record<(typeof wordOrders)[number], string>>])[] = [
    ['uint32', 'ABCD', 0x12345678, { ABCD: '1234 5678', CDAB: '5678 1234', BADC: '3412 7856', DCBA: '7856 3412' }],
    ['int32', 'ABCD', -2, { ABCD: 'ffff fffe', CDAB: 'fffe ffff', BADC: 'ffff feff', DCBA: 'feff ffff' }],
    ['float32', 'ABCD', 1.5, { ABCD: '3fc0 0000', CDAB: '0000 3fc0', BADC: 'c03f 0000', DCBA: '0000 c03f' }],
    [
      'float64',
      'ABCD',
      -2.5,
      {
        ABCD: 'c004 0000 0000 0000',
        CDAB: '0000 0000 0000 c004',
        BADC: '04c0 0000 0000 0000',
        DCBA: '0000 0000 0000 04c0',
      },
    ],
    [
      'uint64',
      'ABCD',
      0x1_0203_0405,
      {
        ABCD: '0000 0001 0203 0405',
        CDAB: '0405 0203 0001 0000',
        BADC: '0000 0100 0302 0504',
        DCBA: '0504 0302 0100 0000',
      },
    ],
    ['int64', 'ABCD', -3, { ABCD: 'ffff ffff ffff fffd', CDAB: 'fffd ffff ffff ffff' }],
    ['bcd32', 'ABCD', 12_345_678, { ABCD: '1234 5678', CDAB: '5678 1234' }],
  ];
  for (const [type, , value, bytes] of table) {
    for (const order of wordOrders) {
      const hex = bytes[order];
      if (hex === undefined) continue;
      assert.deepEqual(
        decode(hex, holding(type), { wordOrder: order }),
        good(value),
        `${type} ${order} by the profile`,
      );
      assert.deepEqual(decode(hex, holding(type, { wordOrder: order })), good(value), `${type} ${order} by the signal`);
    }
  }
});

test('a single register is big-endian whatever the word order of the profile, unless the signal itself says otherwise', () => {
  for (const wordOrder of wordOrders) assert.deepEqual(decode('0102', holding('uint16'), { wordOrder }), good(258));
  assert.deepEqual(decode('0102', holding('uint16', { wordOrder: 'BADC' })), good(513));
  assert.deepEqual(decode('ffdd', holding('int16')), good(-35));
  assert.deepEqual(decode('9999', holding('bcd16')), good(9999));
});

test('bits, coils and texts', () => {
  const bit = (n: number) => ({ kind: 'flag', ...holding('uint16', { bit: n }) });
  assert.deepEqual(decode('8001', bit(0)), good(true));
  assert.deepEqual(decode('8001', bit(15)), good(true));
  assert.deepEqual(decode('8001', bit(7)), good(false));
  assert.deepEqual(decode('01', { kind: 'flag', from: { table: 'coil', address: 3 } }), good(true));
  assert.deepEqual(decode('4a41 434b 0041', { kind: 'text', ...holding('string', { registers: 3 }) }), good('JACK'));
  assert.deepEqual(
    decode('414a 4b43', { kind: 'text', ...holding('string', { registers: 2, wordOrder: 'BADC' }) }),
    good('JACK'),
  );
  assert.deepEqual(decode('4a01', { kind: 'text', ...holding('string', { registers: 1 }) }), bad('garbage'));
});

test('what cannot be believed is bad with its reason, never a number', () => {
  assert.deepEqual(decode('7fc0 0000', holding('float32')), bad('not-a-number'));
  assert.deepEqual(decode('7f80 0000', holding('float32')), bad('not-a-number'));
  assert.deepEqual(decode('12fa', holding('bcd16')), bad('not-a-number'));
  assert.deepEqual(decode('ffff', { ...holding('uint16'), notANumber: [65535] }), bad('not-a-number'));
  assert.deepEqual(decode('03e9', { ...holding('uint16'), range: [0, 1000] }), bad('out-of-range'));
  assert.deepEqual(decode('ffff ffff ffff ffff', holding('uint64')), bad('out-of-range'));
  assert.deepEqual(
    decode('2710', { kind: 'counter', wrapsAt: 10_000, maxRatePerS: 1, ...holding('uint16') }),
    bad('out-of-range'),
  );
  assert.deepEqual(decode('12', holding('uint16')), bad('bad-length'));
});

const firstAddress = (addressBase: number) =>
  signalItems(
    profileSchema.parse({
      profile: 'p',
      version: 1,
      title: 'p',
      kind: 'other',
      protocol: 'modbus',
      verified: false,
      source: ['t'],
      modbus: { addressBase },
      signals: { 'a.b': { kind: 'gauge', unit: 'C62', from: { table: 'holding', address: 101 } } },
      states: [{ state: 'IDLE' }],
    }),
  )[0]?.address;

test('addressBase 1 counts the first register as 1', () => {
  assert.equal(firstAddress(1), 100);
  assert.equal(firstAddress(0), 101);
});

test('decimal scales give clean decimals for every register', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_535 }), fc.constantFrom(1, 2, 3), (raw, digits) => {
      const hex = raw.toString(16).padStart(4, '0');
      const scale = Number(`1e-${digits}`);
      const expected = Number(`${raw}e-${digits}`);
      assert.deepEqual(decode(hex, { ...holding('uint16'), scale }), good(expected));
      const shifted = decode(hex, { ...holding('uint16'), scale: 0.1, offset: -40 });
      assert.deepEqual(shifted, good(Number(`${raw - 400}e-1`)));
    }),
  );
});

/** Types, word orders, scaling and disbelief of the decoder, from bytes and values worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { longOrders, wordOrders } from '../../../drivers/profiles/modbus.ts';
import { profileSchema } from '../../../drivers/profiles/schema.ts';

function decoderOf(signal: Record<string, unknown>, modbus: Record<string, unknown> = {}) {
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
  return item;
}
function decode(hex: string, signal: Record<string, unknown>, modbus: Record<string, unknown> = {}) {
  return decoderOf(signal, modbus).decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0);
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
  assert.deepEqual(decode('ffff ffff ffff ffff', holding('uint64')), bad('not-exact'));
  assert.deepEqual(
    decode('2710', { kind: 'counter', wrapsAt: 10_000, maxRatePerS: 1, ...holding('uint16') }),
    bad('out-of-range'),
  );
  assert.deepEqual(decode('12', holding('uint16')), bad('bad-length'));
});

const itemOf = (from: Record<string, unknown>, modbus: Record<string, unknown>) =>
  signalItems(
    profileSchema.parse({
      profile: 'p',
      version: 1,
      title: 'p',
      kind: 'other',
      protocol: 'modbus',
      verified: false,
      source: ['t'],
      modbus,
      signals: { 'a.b': { kind: 'gauge', unit: 'C62', from } },
      states: [{ state: 'IDLE' }],
    }),
  )[0];

test('addresses on the wire: counted from 0, from 1, and as manuals write them', () => {
  const table: readonly (readonly [string, unknown, object, number])[] = [
    ['holding', 101, { addressBase: 0 }, 101],
    ['holding', 101, { addressBase: 1 }, 100],
    ['holding', 65_536, { addressBase: 1 }, 65_535],
    ['holding', 40_001, { notation: '4xxxx' }, 0],
    ['holding', '40101', { notation: '4xxxx' }, 100],
    ['holding', 40_101, { notation: '4xxxx', addressBase: 1 }, 100],
    ['holding', 400_101, { notation: '4xxxx' }, 100],
    ['holding', 465_536, { notation: '4xxxx' }, 65_535],
    ['input', 30_005, { notation: '4xxxx' }, 4],
    ['discrete', 10_017, { notation: '4xxxx' }, 16],
    ['coil', '00017', { notation: '4xxxx' }, 16],
    ['coil', 17, { notation: '4xxxx' }, 16],
    ['coil', '010017', { notation: '4xxxx' }, 10_016],
  ];
  for (const [name, address, modbus, expected] of table) {
    const item = itemOf({ table: name, address }, { ...modbus });
    assert.deepEqual([item?.table, item?.address], [name, expected], String(address));
  }
});

test('bytes, bits and words of a register', () => {
  assert.deepEqual(decode('12fe', holding('uint8')), good(0xfe));
  assert.deepEqual(decode('12fe', holding('uint8', { byte: 'high' })), good(0x12));
  assert.deepEqual(decode('12fe', holding('int8', { byte: 'low' })), good(-2));
  assert.deepEqual(decode('80fe', holding('int8', { byte: 'high' })), good(-128));
  assert.deepEqual(decode('12fe', { ...holding('int8'), scale: 0.5, offset: 1 }), good(0));
  assert.deepEqual(decode('12ff', { ...holding('uint8'), notANumber: [255] }), bad('not-a-number'));
  assert.deepEqual(decode('12', holding('uint8', { byte: 'low' })), bad('bad-length'));
  assert.deepEqual(decode('abcd', holding('uint16', { bits: [4, 7] })), good(0xc));
  assert.deepEqual(decode('abcd', holding('uint16', { bits: [8, 15] })), good(0xab));
  assert.deepEqual(decode('abcd', holding('uint16', { bits: [0, 15] })), good(0xabcd));
  assert.deepEqual(decode('abcd', holding('uint16', { bits: [0, 0] })), good(1));
  assert.deepEqual(decode('abcd', holding('uint16', { bits: [4, 7], wordOrder: 'BADC' })), good(0xa));
  assert.deepEqual(decode('abcd', { ...holding('uint16', { bits: [4, 7] }), range: [0, 9] }), bad('out-of-range'));
  assert.deepEqual(decode('0000 0000 1234 5678', holding('bcd64')), good(12_345_678));
  assert.deepEqual(decode('9007 1992 5474 0991', holding('bcd64')), good(9_007_199_254_740_991));
  assert.deepEqual(decode('9007 1992 5474 0992', holding('bcd64')), bad('not-exact'));
  assert.deepEqual(decode('', { kind: 'flag', from: { table: 'coil', address: 3 } }), bad('bad-length'));
});

test('a number with a word for it is the word; one without stays visible', () => {
  const words = { 0: 'standing', 1: 'sewing', '-1': 'unknown' };
  const mode = (hex: string, more: object = {}) => decode(hex, { kind: 'code', words, ...holding('int16'), ...more });
  assert.deepEqual(mode('0001'), good('sewing'));
  assert.deepEqual(mode('ffff'), good('unknown'));
  assert.deepEqual(mode('0007'), good('7'));
  assert.deepEqual(mode('7fff', { notANumber: [32_767] }), bad('not-a-number'));
  assert.deepEqual(mode('0110', holding('uint16', { bits: [4, 5] })), good('sewing'));
});

test('64 bits: each order of four registers, and nothing that is not exact', () => {
  const table: Readonly<Record<(typeof longOrders)[number], string>> = {
    ABCDEFGH: '0001 0203 0405 0607',
    GHEFCDAB: '0607 0405 0203 0001',
    BADCFEHG: '0100 0302 0504 0706',
    HGFEDCBA: '0706 0504 0302 0100',
    CDABGHEF: '0203 0001 0607 0405',
    EFGHABCD: '0405 0607 0001 0203',
    DCBAHGFE: '0302 0100 0706 0504',
    FEHGBADC: '0504 0706 0100 0302',
  };
  for (const order of longOrders) {
    assert.deepEqual(decode(table[order], holding('uint64', { wordOrder: order })), good(0x1_0203_0405_0607), order);
  }
  const unsigned = (hex: string) => decode(hex, holding('uint64'));
  const signed = (hex: string) => decode(hex, holding('int64'));
  assert.deepEqual(unsigned('001f ffff ffff ffff'), good(9_007_199_254_740_991));
  assert.deepEqual(unsigned('0020 0000 0000 0000'), bad('not-exact'));
  assert.deepEqual(unsigned('0020 0000 0000 0001'), bad('not-exact'));
  assert.deepEqual(signed('ffe0 0000 0000 0001'), good(-9_007_199_254_740_991));
  assert.deepEqual(signed('ffe0 0000 0000 0000'), bad('not-exact'));
  assert.deepEqual(signed('ffdf ffff ffff ffff'), bad('not-exact'));
  assert.deepEqual(
    decode('ffff ffff ffff ffff', { ...holding('uint64'), notANumber: [2 ** 64 - 1] }),
    bad('not-a-number'),
  );
  const counter = { kind: 'counter', wrapsAt: 2 ** 64, maxRatePerS: 1e9, ...holding('uint64') };
  assert.deepEqual(decode('001f ffff ffff ffff', counter), good(9_007_199_254_740_991));
  assert.deepEqual(decode('001f ffff ffff ffff', { ...counter, scale: 1000 }), bad('not-exact'));
});

/** The bytes of a whole number, most significant first, by BigInt alone. */
function bytesOf(value: bigint, size: number): number[] {
  const unsigned = value < 0n ? value + (1n << BigInt(8 * size)) : value;
  return Array.from({ length: size }, (_, i) => Number((unsigned >> BigInt(8 * (size - 1 - i))) & 0xffn));
}
/** The letters name the bytes, A the first; an order of four is repeated register by register as the profile's rule says. */
function laidOut(bytes: readonly number[], order: string): number[] {
  if (order.length === bytes.length) return order.split('').map((letter) => bytes[letter.charCodeAt(0) - 65] ?? 0);
  const words: number[][] = [];
  for (let i = 0; i < bytes.length; i += 2) words.push(bytes.slice(i, i + 2));
  if (order === 'CDAB' || order === 'DCBA') words.reverse();
  return words.flatMap((word) => (order === 'BADC' || order === 'DCBA' ? word.toReversed() : word));
}
const hexOf = (bytes: readonly number[]) => Buffer.from(bytes).toString('hex');

test('whole numbers of every size come back exactly, or are not exact', () => {
  const whole = fc.constantFrom(8, 16, 32, 64).chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      isSigned: fc.boolean(),
      raw: fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
      small: fc.nat(60),
      order: fc.constantFrom(...wordOrders, ...(bits === 64 ? longOrders : [])),
    }),
  );
  fc.assert(
    fc.property(whole, ({ bits, isSigned, raw, small, order }) => {
      // Small ones too: a random number of 64 bits is hardly ever exact.
      const unsigned = bits === 64 ? raw >> BigInt(small) : raw;
      const value = isSigned ? BigInt.asIntN(bits, unsigned) : unsigned;
      const isExact = value <= 9_007_199_254_740_991n && value >= -9_007_199_254_740_991n;
      const type = `${isSigned ? 'int' : 'uint'}${bits}`;
      const wire = bits === 8 ? [0xee, ...bytesOf(value, 1)] : laidOut(bytesOf(value, bits / 8), order);
      const more = bits === 8 ? {} : { wordOrder: order };
      assert.deepEqual(decode(hexOf(wire), holding(type, more)), isExact ? good(Number(value)) : bad('not-exact'));
    }),
    { numRuns: 2_000 },
  );
});

test('floats, decimal digits and texts come back as they were', () => {
  const order = fc.constantFrom(...wordOrders);
  fc.assert(
    fc.property(fc.float({ noDefaultInfinity: true, noNaN: true }), order, (value, wordOrder) => {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatBE(value);
      const decoded = decode(hexOf(laidOut([...bytes], wordOrder)), holding('float32', { wordOrder }));
      assert.deepEqual(decoded, Math.abs(value) < 2 ** 53 ? good(value) : bad('not-exact'));
    }),
  );
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), order, (value, wordOrder) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      const decoded = decode(hexOf(laidOut([...bytes], wordOrder)), holding('float64', { wordOrder }));
      assert.deepEqual(decoded, Math.abs(value) < 2 ** 53 ? good(value) : bad('not-exact'));
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(16, 32, 64), fc.bigInt({ min: 0n, max: 9_999_999_999_999_999n }), (bits, any) => {
      const digits = String(any)
        .padStart(16, '0')
        .slice(-bits / 4);
      const isExact = BigInt(digits) <= 9_007_199_254_740_991n;
      assert.deepEqual(decode(digits, holding(`bcd${bits}`)), isExact ? good(Number(digits)) : bad('not-exact'));
    }),
  );
  const text = fc.string({
    unit: fc.constantFrom('A', 'B', 'x', 'Z', '0', '9', '-', '_', 'ü'),
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(text, order, (value, wordOrder) => {
      const registers = 10;
      const bytes = Array.from({ length: registers * 2 }, (_, i) => value.charCodeAt(i) || 0);
      const signal = { kind: 'text', ...holding('string', { registers, wordOrder }) };
      assert.deepEqual(decode(hexOf(laidOut(bytes, wordOrder)), signal), good(value));
    }),
  );
});

test('scale, offset, range and codes for no value apply to each type', () => {
  const table: readonly (readonly [string, object])[] = [
    ['0005', holding('uint8')],
    ['0005', holding('int16')],
    ['0000 0005', holding('uint32')],
    ['0000 0000 0000 0005', holding('int64')],
    ['40a0 0000', holding('float32')],
    ['4014 0000 0000 0000', holding('float64')],
    ['0005', holding('bcd16')],
    ['0050', holding('uint16', { bits: [4, 7] })],
  ];
  for (const [hex, from] of table) {
    assert.deepEqual(decode(hex, { ...from, scale: 0.1, offset: -2 }), good(-1.5));
    assert.deepEqual(decode(hex, { ...from, range: [6, 9] }), bad('out-of-range'));
    assert.deepEqual(decode(hex, { ...from, notANumber: [5] }), bad('not-a-number'));
  }
});

test('decimal scales and offsets give clean decimals for every register, near nought too', () => {
  for (const digits of [1, 2, 3]) {
    for (const offset of [0, -40, 273.15, -1000]) {
      const item = decoderOf({ ...holding('uint16'), scale: Number(`1e-${digits}`), offset });
      const register = Buffer.alloc(2);
      for (let raw = 0; raw <= 65_535; raw += 1) {
        register.writeUInt16BE(raw);
        const thousandths = raw * 10 ** (3 - digits) + Math.round(offset * 1000);
        const decoded = item.decode(register, 0);
        // A deepEqual for each of 786,432 registers would take a minute.
        if (decoded.quality !== 'good' || !Object.is(decoded.value, thousandths / 1000)) {
          assert.deepEqual(decoded, good(thousandths / 1000), `raw ${raw}, ${digits} digits, offset ${offset}`);
        }
      }
    }
  }
});

/** What a probe promises: ranges as they are meant, holes found exactly, decodings as an independent reader sees them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { manualNumber, parseAddressRange, type AddressRange } from '../../../drivers/modbus/address-range.ts';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { parseProfile } from '../../../drivers/profiles/load.ts';
import type { ReadRequest, Reply } from '../../../drivers/modbus/pdu.ts';
import { decodingsOf, probeSpans, rowsOf, spansOf } from '../../../drivers/modbus/probe.ts';
import { DriverError } from '../../../drivers/errors.ts';

const table = fc.constantFrom('holding' as const, 'input' as const, 'coil' as const, 'discrete' as const);
const word = fc.integer({ min: 0, max: 0xffff });
const refused = (code: string) => (error: unknown) => error instanceof DriverError && error.entry.code === code;

test('ranges are read as they are meant', () => {
  const rows: readonly [AddressRange['table'], string, number, number, boolean][] = [
    ['holding', '0..40', 0, 40, false],
    ['holding', '7', 7, 7, false],
    ['holding', '40001..40041', 0, 40, true],
    ['holding', '400001..465536', 0, 65_535, true],
    ['holding', '0x9C41..0x9C42', 40_001, 40_002, false],
    ['holding', '30001..30002', 30_001, 30_002, false],
    ['input', '30005', 4, 4, true],
    ['discrete', '10017', 16, 16, true],
    ['coil', '00017..00018', 16, 17, true],
    ['coil', '17', 17, 17, false],
    ['input', '65535', 65_535, 65_535, false],
  ];
  for (const [of, text, from, to, isTold] of rows) {
    const range = parseAddressRange(of, text);
    assert.deepEqual([range.from, range.to, range.note !== null], [from, to, isTold], `${of} ${text}`);
  }
  assert.match(parseAddressRange('holding', '40001..40041').note ?? '', /protocol address 0\.\.40\b.*0x9C41\.\.0x9C69/);
  for (const text of [
    '',
    '..',
    '1..',
    '..2',
    '5..4',
    '1..2..3',
    '-1',
    '1.5',
    '65536',
    '0x10000',
    'a',
    '40000',
    '40001..7',
  ]) {
    assert.throws(() => parseAddressRange('holding', text), refused('DRV-400'), text);
  }
});

test('the number of a manual leads back to the address', () => {
  fc.assert(
    fc.property(table, word, (of, address) => {
      const range = parseAddressRange(of, manualNumber(of, address));
      assert.deepEqual([range.from, range.to], [address, address]);
    }),
  );
});

const someRange = fc
  .tuple(table, fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 300 }))
  .map(([of, from, more]): AddressRange => ({ table: of, from, to: from + more, note: null }));

/** A machine with these addresses and a limit of its own, that remembers what it was asked. */
function machine(cells: ReadonlyMap<string, number>, longest: number) {
  const requests: ReadRequest[] = [];
  const ask = async (request: ReadRequest): Promise<Reply> => {
    requests.push(request);
    const { fn, address, count } = request;
    if (count > (fn <= 2 ? longest * 16 : longest)) return { kind: 'exception', code: 3 };
    const data = new Uint8Array(fn <= 2 ? Math.ceil(count / 8) : count * 2);
    const view = new DataView(data.buffer);
    for (let i = 0; i < count; i += 1) {
      const cell = cells.get(`${fn} ${address + i}`);
      if (cell === undefined) return { kind: 'exception', code: 2 };
      if (fn > 2) view.setUint16(i * 2, cell);
      else data[i >> 3] = (data[i >> 3] ?? 0) | ((cell & 1) << (i & 7));
    }
    return { kind: 'data', data };
  };
  return { requests, ask };
}
const functions = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

test('every address ends as what the machine has there or as absent; no read leaves the ranges or is too long', async () => {
  const property = fc.asyncProperty(
    fc.array(someRange, { minLength: 1, maxLength: 4 }),
    fc.func(fc.option(word, { freq: 8 })),
    fc.integer({ min: 1, max: 125 }),
    async (ranges, cellAt, longest) => {
      const wanted = new Map<string, number | undefined>();
      for (const { table: of, from, to } of ranges) {
        for (let address = from; address <= to; address += 1) {
          const bits = of === 'coil' || of === 'discrete';
          const value = cellAt(of, address);
          wanted.set(`${functions[of]} ${address}`, value === null ? undefined : bits ? value & 1 : value);
        }
      }
      const there = new Map(
        [...wanted].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
      );
      const { requests, ask } = machine(there, longest);
      const cells = await probeSpans(1, spansOf(ranges), ask);
      const got = new Map(cells.map((cell) => [`${functions[cell.table]} ${cell.address}`, cell.value ?? undefined]));
      assert.deepEqual(got, wanted);
      assert.equal(cells.length, wanted.size);
      assert.ok(cells.every((cell) => (cell.value === null) === (cell.exception !== null)));
      for (const { fn, address, count } of requests) {
        assert.ok(count >= 1 && count <= (fn <= 2 ? 2_000 : 125));
        for (let i = 0; i < count; i += 1) assert.ok(wanted.has(`${fn} ${address + i}`));
      }
      assert.ok(requests.length <= 2 * wanted.size);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('addresses come in the order of their tables and numbers, and one hole costs few reads', async () => {
  const cells = new Map(
    Array.from({ length: 100 }, (_, i) => [`3 ${i}`, i] as const).filter(([key]) => key !== '3 41'),
  );
  const { requests, ask } = machine(cells, 125);
  const probed = await probeSpans(1, spansOf([parseAddressRange('holding', '0..99')]), ask);
  assert.deepEqual(
    probed.map((cell) => cell.address),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.deepEqual(probed[41], { table: 'holding', address: 41, value: null, exception: 2 });
  assert.ok(requests.length <= 15, `${requests.length} reads`);
});

test('a second half begins at an even address, where values of two registers mostly do', async () => {
  const { requests, ask } = machine(new Map([['3 0', 1]]), 125);
  await probeSpans(1, spansOf([parseAddressRange('holding', '0..40')]), ask);
  assert.ok(requests.filter(({ count }) => count > 1).every(({ address }) => address % 2 === 0));
});

test('what is spoiled is asked once more; other trouble ends the probe with its code', async () => {
  const span = spansOf([parseAddressRange('holding', '0..1')]);
  const answers = (...replies: readonly Reply[]) => {
    const left = [...replies];
    return async (): Promise<Reply> => left.shift() ?? { kind: 'failed', reason: 'nobody-asked-for-this' };
  };
  const data: Reply = { kind: 'data', data: Uint8Array.of(0, 1, 0, 2) };
  for (const spoiled of [
    { kind: 'failed', reason: 'timeout' },
    { kind: 'failed', reason: 'bad-checksum' },
    { kind: 'exception', code: 6 },
  ] as const) {
    assert.equal((await probeSpans(1, span, answers(spoiled, data))).length, 2);
    const code = spoiled.kind === 'failed' ? 'DRV-403' : 'DRV-404';
    await assert.rejects(probeSpans(1, span, answers(spoiled, spoiled)), refused(code));
  }
  await assert.rejects(probeSpans(1, span, answers({ kind: 'failed', reason: 'connection-lost' })), refused('DRV-403'));
  for (const code of [1, 4, 10, 11]) {
    await assert.rejects(probeSpans(1, span, answers({ kind: 'exception', code })), refused('DRV-404'));
  }
});

test('overlapping ranges ask each address once, and 10 000 addresses are the most', () => {
  const spans = spansOf([parseAddressRange('holding', '0..130'), parseAddressRange('holding', '100..140')]);
  assert.deepEqual(
    spans.map(({ address, count }) => [address, count]),
    [
      [0, 125],
      [125, 6],
      [131, 10],
    ],
  );
  assert.equal(spansOf([parseAddressRange('coil', '0..9999')]).length, 5);
  assert.throws(() => spansOf([parseAddressRange('coil', '0..10000')]), refused('DRV-400'));
});

test('decodings are what a reader of bytes sees', () => {
  fc.assert(
    fc.property(word, word, (raw, next) => {
      const [a, b, c, d] = [raw >> 8, raw & 0xff, next >> 8, next & 0xff];
      const bytes = { ABCD: [a, b, c, d], CDAB: [c, d, a, b], BADC: [b, a, d, c], DCBA: [d, c, b, a] };
      const all = decodingsOf(raw, next);
      assert.equal(all.u16, Buffer.from([a, b]).readUInt16BE());
      assert.equal(all.i16, Buffer.from([a, b]).readInt16BE());
      for (const order of ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const) {
        const buffer = Buffer.from(bytes[order]);
        assert.equal(all.u32[order], buffer.readUInt32BE());
        assert.equal(all.i32[order], buffer.readInt32BE());
        assert.equal(all.f32[order], buffer.readFloatBE());
      }
    }),
  );
});

test('decodings are what a profile with the same word order gives', () => {
  const orders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
  const profileOf = (order: string) =>
    parseProfile(
      `profile: both
version: 1
title: Both
kind: other
protocol: modbus
verified: false
source: [test]
modbus: { wordOrder: ${order} }
signals:
  a.u32: { kind: gauge, unit: C62, from: { table: holding, address: 0, type: uint32 } }
  a.f32: { kind: gauge, unit: C62, from: { table: holding, address: 0, type: float32 } }
states: [{ state: IDLE }]
`,
      'both.yaml',
    );
  const items = orders.map((order) => [order, signalItems(profileOf(order))] as const);
  fc.assert(
    fc.property(word, word, (raw, next) => {
      const all = decodingsOf(raw, next);
      const data = Uint8Array.of(raw >> 8, raw & 0xff, next >> 8, next & 0xff);
      for (const [order, [u32, f32]] of items) {
        assert.deepEqual(u32?.decode(data, 0), { quality: 'good', value: all.u32[order] });
        const float = f32?.decode(data, 0);
        if (float?.quality === 'good') assert.equal(float.value, all.f32[order]);
        // A profile believes no number beyond 2^53, a probe shows it.
        else assert.ok(!(Math.abs(all.f32[order] ?? 0) <= Number.MAX_SAFE_INTEGER));
      }
    }),
  );
});

test('known values: 1234567 in two registers, 23.4 as float, a number that is none', () => {
  assert.equal(decodingsOf(0x0012, 0xd687).u32.ABCD, 1_234_567);
  assert.equal(decodingsOf(0xd687, 0x0012).u32.CDAB, 1_234_567);
  assert.equal(decodingsOf(0x1200, 0x87d6).u32.BADC, 1_234_567);
  assert.equal(decodingsOf(0x87d6, 0x1200).u32.DCBA, 1_234_567);
  assert.equal(decodingsOf(0x41bb, 0x3333).f32.ABCD, Math.fround(23.4));
  assert.equal(decodingsOf(0xfffe, null).i16, -2);
  assert.equal(JSON.parse(JSON.stringify(decodingsOf(0x7fc0, 0))).f32.ABCD, null);
});

test('a row has the register after it only where that was read and is there', () => {
  const cell = { table: 'holding', exception: null } as const;
  const rows = rowsOf([
    { ...cell, address: 1, value: 1 },
    { ...cell, address: 2, value: 2 },
    { ...cell, address: 3, value: null, exception: 2 },
    { ...cell, address: 5, value: 5 },
    { ...cell, table: 'coil', address: 3, value: 1 },
    { ...cell, table: 'input', address: 6, value: 6 },
  ]);
  assert.equal(rows[0]?.decodings?.u32.ABCD, 65_538);
  const nothing = { ABCD: null, CDAB: null, BADC: null, DCBA: null };
  for (const at of [1, 3, 5]) assert.deepEqual(rows[at]?.decodings?.f32, nothing);
  assert.deepEqual(rows[2], { table: 'holding', address: 3, raw: null, decodings: null, exception: 2 });
  assert.deepEqual(rows[4], { table: 'coil', address: 3, raw: 1, decodings: null });
});

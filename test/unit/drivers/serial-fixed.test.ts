import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseProfile, ProfileInvalid } from '../../../drivers/profiles/load.ts';
import type { FixedFormat } from '../../../drivers/profiles/serial.ts';
import { FixedFramer, fixedDecoder } from '../../../drivers/serial/fixed.ts';
import type { Framed } from '../../../drivers/serial/framer.ts';
import { lineProfileText } from './serial-profile.ts';

const ascii: FixedFormat = { bytes: 12, start: '02', end: '03' };
const binary: FixedFormat = { bytes: 8, start: 'AA', checksum: { kind: 'crc16-modbus', at: 6, from: 0 } };

function pushAll(format: FixedFormat, parts: readonly Uint8Array[]): Framed {
  const framer = new FixedFramer(format);
  const all = parts.map((part) => framer.push(part));
  return {
    lines: all.flatMap((one) => one.lines),
    discards: [...all.flatMap((one) => one.discards), ...framer.reset()],
  };
}

function cutAt(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...cuts, whole.length].map((end, index) => whole.subarray(index === 0 ? 0 : (cuts[index - 1] ?? 0), end));
}

/** CRC-16 of Modbus, bit by bit from its definition; of 01 04 00 00 00 15 it is 31 C5. */
function crc(bytes: Uint8Array): [low: number, high: number] {
  let value = 0xffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let i = 0; i < 8; i += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0xa001 : value >>> 1;
  }
  return [value & 0xff, value >>> 8];
}

const asciiFrame = fc
  .stringMatching(/^[0-9A-Z .-]{10}$/)
  .map((text) => Buffer.concat([Buffer.from([2]), Buffer.from(text), Buffer.from([3])]));
// The start byte stands in no other place: where it may, two frames can be cut in a third way, and no format could tell.
const binaryFrame = fc
  .uint8Array({ minLength: 5, maxLength: 5 })
  .map((data) => Buffer.from([0xaa, ...data.map((byte) => (byte === 0xaa ? 0 : byte))]))
  .map((body) => Buffer.from([...body, ...crc(body)]))
  .filter((frame) => frame[6] !== 0xaa && frame[7] !== 0xaa);

const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 });

for (const [name, format, frame] of [
  ['ASCII between start and end', ascii, asciiFrame],
  ['binary with a CRC', binary, binaryFrame],
] as const) {
  const frames = fc.array(frame, { minLength: 3, maxLength: 10 });

  test(`${name}: frames come out as they were sent, in any cut`, () => {
    fc.assert(
      fc.property(frames, places, (sent, cuts) => {
        const got = pushAll(format, cutAt(Buffer.concat(sent), cuts));
        assert.deepEqual(got, { lines: sent.map((one) => one.toString('latin1')), discards: [] });
      }),
    );
  });

  test(`${name}: a byte changed, put in or lost costs at most one frame, and none is made of it`, () => {
    const trouble = fc.record({
      kind: fc.constantFrom('change', 'insert', 'remove'),
      at: fc.nat({ max: 5_000 }),
      byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(2, 3, 0xaa)),
    });
    fc.assert(
      fc.property(frames, trouble, (sent, { kind, at, byte }) => {
        const stream = Buffer.concat(sent);
        const place = at % stream.length;
        // Printable text may be changed to other text without anybody noticing; a format with a checksum notices.
        if (kind === 'change' && format === ascii && byte >= 0x20) return;
        const put = kind === 'remove' ? [] : [byte];
        const behind = place + (kind === 'insert' ? 0 : 1);
        const disturbed = Buffer.concat([stream.subarray(0, place), Buffer.from(put), stream.subarray(behind)]);
        const { lines } = pushAll(format, [disturbed]);
        const wanted = sent.map((one) => one.toString('latin1'));
        assert.ok(lines.length >= wanted.length - 1, `${wanted.length - lines.length} frames lost`);
        const strangers = lines.filter((line) => !wanted.includes(line));
        // A control character inside the text is a frame still; its column is then bad.
        if (format === binary) assert.deepEqual(strangers, []);
        else assert.ok(strangers.length <= 1);
      }),
      { numRuns: 1_000 },
    );
  });

  test(`${name}: every byte ends in a frame, a counted discard or the bounded rest`, () => {
    const noise = fc.array(fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(2, 3, 0xaa)), { maxLength: 300 });
    fc.assert(
      fc.property(noise, frame, places, (bytes, whole, cuts) => {
        const stream = Buffer.concat([Buffer.from(bytes), whole]);
        const framer = new FixedFramer(format);
        let told = 0;
        for (const part of cutAt(stream, cuts)) {
          const { lines, discards } = framer.push(part);
          told += lines.length * format.bytes + discards.reduce((sum, one) => sum + one.bytes, 0);
          assert.ok(framer.pendingBytes <= 2 * format.bytes);
        }
        assert.equal(told + framer.pendingBytes, stream.length);
        const rest = framer.reset().reduce((sum, one) => sum + one.bytes, 0);
        assert.equal(told + rest, stream.length);
        assert.equal(framer.pendingBytes, 0);
        const whole1 = pushAll(format, [stream]);
        assert.deepEqual(pushAll(format, cutAt(stream, cuts)).lines, whole1.lines);
      }),
    );
  });
}

test('a wrong checksum is told as one', () => {
  for (const [kind, right, wrong] of [
    ['xor8', '01020300', '01020301'],
    ['sum8', '01020306', '01020307'],
  ] as const) {
    const format: FixedFormat = { bytes: 4, checksum: { kind, at: 3, from: 0 } };
    assert.equal(pushAll(format, [Buffer.from(right, 'hex')]).lines.length, 1);
    const { lines, discards } = pushAll(format, [Buffer.from(wrong, 'hex')]);
    assert.equal(lines.length, 0);
    assert.equal(discards[0]?.reason, 'bad-checksum');
  }
});

test('bytes and characters are read where the profile says', () => {
  const bytes = parseProfile(
    lineProfileText(
      'fixed: { bytes: 14, start: "AA55", checksum: { kind: sum8, at: 13 } }',
      `  spindle.speed: { kind: gauge, unit: RPM, from: { at: 2, type: uint16 } }
  motor.temp: { kind: gauge, unit: CEL, scale: 0.1, range: [-40, 200], from: { at: 4, type: int16, order: little } }
  stitch.total: { kind: counter, unit: C62, wrapsAt: 4294967296, maxRatePerS: 100, from: { at: 6, type: uint32 } }
  status.running: { kind: flag, from: { at: 10, bit: 3 } }
  head.name: { kind: text, from: { columns: [11, 12] } }`,
    ),
    'bytes',
  );
  const decode = (hex: string): Record<string, unknown> => {
    const decoded = fixedDecoder(bytes).decode(Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1'));
    if (decoded.kind !== 'values') assert.fail();
    return Object.fromEntries(
      decoded.values.map(({ signal, decoded: one }) => [
        signal,
        one.quality === 'bad' ? `bad ${one.reason}` : one.value,
      ]),
    );
  };
  assert.deepEqual(decode('AA55 1068 CEFF 00000100 08 4137 00'), {
    'spindle.speed': 4200,
    'motor.temp': -5,
    'stitch.total': 256,
    'status.running': true,
    'head.name': 'A7',
  });
  assert.deepEqual(decode('AA55 0000 FF7F FFFFFFFF F7 0041 00'), {
    'spindle.speed': 0,
    'motor.temp': 'bad out-of-range',
    'stitch.total': 4294967295,
    'status.running': false,
    'head.name': 'bad garbage',
  });
});

test('a format that cannot tell a whole frame from a torn one is refused, as is a place outside', () => {
  const cases: readonly (readonly [line: string, signal: string, message: RegExp])[] = [
    ['fixed: { bytes: 8 }', '{ at: 1 }', /cannot tell a whole frame from a torn one/],
    ['fixed: { bytes: 8, start: "AA" }', '{ at: 1 }', /cannot tell a whole frame/],
    ['fixed: { bytes: 2, start: "AA", end: "55" }', '{ at: 1 }', /leaves no byte/],
    ['fixed: { bytes: 8, checksum: { kind: crc16-modbus, at: 7 } }', '{ at: 1 }', /outside the frame/],
    ['fixed: { bytes: 8, checksum: { kind: xor8, at: 3, from: 3 } }', '{ at: 1 }', /not before the checksum/],
    ['fixed: { bytes: 8, checksum: { kind: xor8, at: 7 } }', '{ at: 6, type: uint32 }', /reaches beyond the frame/],
    ['fixed: { bytes: 8, checksum: { kind: xor8, at: 7 } }', '{ columns: [6, 8] }', /reaches beyond the frame/],
    ['fixed: { bytes: 8, checksum: { kind: xor8, at: 7 } }', '{ field: 0 }', /is a field, but/],
    ['fields: 3', '{ at: 1 }', /is a place in a frame, but/],
    ['fields: 3, pattern: "(?<a>.)"', '{ field: 1 }', /has fields and pattern/],
    ['maxLineBytes: 64', '{ field: 1 }', /says not how a line is built/],
  ];
  for (const [line, from, message] of cases) {
    assert.throws(
      () => parseProfile(lineProfileText(line, `  a.b: { kind: gauge, unit: C62, from: ${from} }`), 'x'),
      (error) => error instanceof ProfileInvalid && message.test(error.message),
      line,
    );
  }
});

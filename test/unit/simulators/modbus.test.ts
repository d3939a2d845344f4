import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  answerPdu,
  asciiFrame,
  crc16,
  lrc,
  rtuFrame,
  takeAsciiRequests,
  takeRtuRequests,
  takeTcpRequests,
  tcpFrame,
  type ModbusRequest,
  type RegisterImage,
  type TakenRequests,
} from '../../../simulators/servers/modbus-frame.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const image: RegisterImage = { functionCode: 4, firstAddress: 0, words: Uint16Array.of(0x1122, 0x3344, 0xfffe) };

test('the checksum of the serial line specification: 01 04 00 00 00 15 is followed by 31 C5', () => {
  assert.equal(hex(rtuFrame(1, bytes('04 0000 0015'))), '01040000001531c5');
  // The published example: 02 07 is followed by 41 12.
  assert.equal(hex(rtuFrame(2, bytes('07'))), '02074112');
  assert.equal(crc16(bytes('02074112')), 0);
});

test('a read answers with the registers, high byte first', () => {
  assert.equal(hex(answerPdu(bytes('04 0001 0002'), image)), '04043344fffe');
  assert.equal(hex(tcpFrame(0xabcd, 7, answerPdu(bytes('04 0000 0001'), image))), 'abcd000000050704021122');
});

test('an address that is not there answers exception 2, a count out of bounds exception 3, any other function exception 1', () => {
  assert.equal(hex(answerPdu(bytes('04 0002 0002'), image)), '8402');
  assert.equal(hex(answerPdu(bytes('04 ffff 0001'), image)), '8402');
  assert.equal(hex(answerPdu(bytes('04 0000 0000'), image)), '8403');
  assert.equal(hex(answerPdu(bytes('04 0000 007e'), image)), '8403');
  assert.equal(hex(answerPdu(bytes('03 0000 0001'), image)), '8301');
  const second: RegisterImage = { ...image, functionCode: 3, firstAddress: 100 };
  assert.equal(hex(answerPdu(bytes('03 0064 0001'), second)), '03021122');
  assert.equal(hex(answerPdu(bytes('03 0063 0001'), second)), '8302');
});

test('M3 nothing is ever written: every writing function answers exception 1', () => {
  for (const request of [
    '05 0000 ff00',
    '06 0000 0001',
    '0f 0000 0001 01 01',
    '10 0000 0001 02 0001',
    '16 0000 0000 0000',
    '17 0000 0001 0000 0001 02 0001',
  ]) {
    const pdu = bytes(request);
    assert.equal(hex(answerPdu(pdu, image)), hex(Uint8Array.of((pdu[0] ?? 0) | 0x80, 1)));
  }
});

/** Feeds a stream cut at random places and collects what comes out. */
function feed(
  stream: Uint8Array,
  cuts: readonly number[],
  take: (bytes: Uint8Array) => TakenRequests,
): ModbusRequest[] {
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  const requests: ModbusRequest[] = [];
  let rest: Uint8Array = new Uint8Array();
  let at = 0;
  for (const place of [...places, stream.length]) {
    const taken = take(Uint8Array.from([...rest, ...stream.subarray(at, place)]));
    requests.push(...taken.requests);
    rest = taken.rest;
    at = place;
  }
  return requests;
}

const read = fc.record({
  transaction: fc.nat(0xffff),
  unit: fc.integer({ min: 1, max: 247 }),
  address: fc.nat(200),
  quantity: fc.integer({ min: 1, max: 125 }),
});
const readPdu = (r: { address: number; quantity: number }): Uint8Array =>
  Uint8Array.of(4, r.address >> 8, r.address & 255, 0, r.quantity);

test('M1 however a TCP stream is cut, the same requests come out', () => {
  fc.assert(
    fc.property(fc.array(read, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(500)), (reads, cuts) => {
      const stream = Buffer.concat(reads.map((r) => tcpFrame(r.transaction, r.unit, readPdu(r))));
      const requests = feed(stream, cuts, takeTcpRequests);
      assert.deepEqual(
        requests.map((r) => [r.transaction, r.unit, hex(r.pdu)]),
        reads.map((r) => [r.transaction, r.unit, hex(readPdu(r))]),
      );
    }),
  );
});

test('M1 however an RTU stream is cut, and whatever noise stands before it, the same requests come out', () => {
  fc.assert(
    fc.property(
      fc.array(read, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(500)),
      fc.uint8Array({ maxLength: 12 }),
      (reads, cuts, noise) => {
        // Noise that happens to be a frame by itself is a frame: leave that case out.
        fc.pre(takeRtuRequests(noise).requests.length === 0);
        const frames = reads.map((r) => rtuFrame(r.unit, readPdu(r)));
        const requests = feed(Buffer.concat([noise, ...frames]), cuts, takeRtuRequests);
        const wanted = reads.map((r) => [r.unit, hex(readPdu(r))]);
        assert.deepEqual(requests.map((r) => [r.unit, hex(r.pdu)]).slice(-wanted.length), wanted);
      },
    ),
  );
});

test('a stream that is not Modbus TCP is given up, not guessed at', () => {
  assert.equal(takeTcpRequests(bytes('474554202f20485454502f312e31')).broken, true);
  assert.equal(takeTcpRequests(bytes('0001 0000 ffff 01')).broken, true);
});

test('a frame with a wrong checksum is no request', () => {
  assert.equal(takeRtuRequests(bytes('01040000001531c6')).requests.length, 0);
});

test('a flood of noise is not kept', () => {
  const taken = takeRtuRequests(new Uint8Array(10_000).fill(0xff));
  assert.ok(taken.rest.length <= 256);
});

test('ASCII: the frame of the specification, cut anywhere, between noise, and never with a wrong check', () => {
  // Read input registers 0–20 of unit 7: 07 + 04 + 15h = 20h, so the check is E0.
  const request = Buffer.from(':070400000015E0\r\n');
  assert.equal(lrc(bytes('070400000015')), 0xe0);
  assert.equal(Buffer.from(asciiFrame(7, bytes('0400000015'))).toString(), request.toString());
  const noisy = Buffer.concat([
    Buffer.from('\xff:0704', 'latin1'),
    request,
    Buffer.from('\r\n:0704\r\n:07zz\r\n'),
    request,
  ]);
  for (let cut = 0; cut <= noisy.length; cut += 1) {
    const first = takeAsciiRequests(noisy.subarray(0, cut));
    const second = takeAsciiRequests(Uint8Array.from([...first.rest, ...noisy.subarray(cut)]));
    const all = [...first.requests, ...second.requests];
    assert.deepEqual(
      all.map(({ unit, pdu }) => [unit, hex(pdu)]),
      [
        [7, '0400000015'],
        [7, '0400000015'],
      ],
    );
  }
  assert.deepEqual(takeAsciiRequests(Buffer.from(':070400000015E1\r\n')).requests, []);
  assert.ok(takeAsciiRequests(Buffer.alloc(5000, 0x3a)).rest.length <= 513);
});

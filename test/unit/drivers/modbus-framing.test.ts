/** Framing of Modbus TCP and RTU under noise, cuts and wrong frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MbapFramer } from '../../../drivers/modbus/mbap.ts';
import { answerOf, type ReadRequest } from '../../../drivers/modbus/pdu.ts';
import { describe, RtuReceiver } from '../../../drivers/modbus/rtu.ts';
import { withCrc } from './modbus-peer.ts';

const request: ReadRequest = { unit: 7, fn: 4, address: 0, count: 2 };
const answer = withCrc(Buffer.from('070404000a0014', 'hex'));

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, i) => bytes.subarray(at[i - 1] ?? 0, end));
}

function tcpFrame(transaction: number, unit: number, pdu: Uint8Array): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, pdu]);
}

test('TCP frames come out whole and in order however the stream is cut', () => {
  const frame = fc.record(
    {
      transaction: fc.integer({ min: 0, max: 65_535 }),
      unit: fc.integer({ min: 0, max: 255 }),
      pdu: fc.uint8Array({ minLength: 2, maxLength: 253 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(2_000)), (frames, cuts) => {
      const stream = Buffer.concat(frames.map((f) => tcpFrame(f.transaction, f.unit, f.pdu)));
      const framer = new MbapFramer(() => false);
      const seen = cut(stream, cuts).flatMap((chunk) => {
        const pushed = framer.push(chunk);
        assert.equal(pushed.garbageBytes, 0);
        return pushed.frames.map((f) => ({ ...f, pdu: new Uint8Array(f.pdu) }));
      });
      assert.deepEqual(seen, frames);
      assert.equal(framer.heldBytes, 0);
    }),
  );
});

test('every byte of a TCP stream is a frame, garbage or held, and no more than a frame is held', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_500 }), fc.array(fc.nat(2_000)), (noise, cuts) => {
      const framer = new MbapFramer((transaction) => transaction % 3 === 0);
      let accounted = 0;
      for (const chunk of cut(Buffer.from(noise), cuts)) {
        const { frames, garbageBytes } = framer.push(chunk);
        accounted += garbageBytes + frames.reduce((sum, f) => sum + f.pdu.length + 7, 0);
        assert.ok(framer.heldBytes <= 260);
      }
      assert.equal(accounted + framer.heldBytes, noise.length);
    }),
  );
});

test('garbage before a TCP frame costs nothing but itself', () => {
  const framer = new MbapFramer((transaction) => transaction === 5);
  const { frames, garbageBytes } = framer.push(
    Buffer.concat([Buffer.from('ff00aa55deadbeef01', 'hex'), tcpFrame(5, 1, Buffer.from('0402000a', 'hex'))]),
  );
  assert.equal(garbageBytes, 9);
  assert.deepEqual(
    frames.map((f) => f.transaction),
    [5],
  );
});

const judged = (hex: string) => answerOf(Buffer.from(hex, 'hex'), request);

test('an answer is believed only with its function and its length', () => {
  assert.deepEqual(judged('0404000a0014').kind, 'data');
  assert.deepEqual(judged('8402'), { kind: 'exception', code: 2 });
  assert.deepEqual(judged('0304000a0014'), { kind: 'mismatch', reason: 'wrong-function' });
  assert.deepEqual(judged('0402000a'), { kind: 'mismatch', reason: 'bad-length' });
  assert.deepEqual(judged('0404000a00'), { kind: 'mismatch', reason: 'bad-length' });
  assert.deepEqual(judged('84'), { kind: 'mismatch', reason: 'bad-length' });
  assert.deepEqual(judged('8302'), { kind: 'mismatch', reason: 'wrong-function' });
});

test('an RTU answer is found behind any noise and in any cut, and the noise is counted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(200)), (noise, cuts) => {
      const receiver = new RtuReceiver(request);
      const stream = Buffer.concat([noise, answer]);
      for (const chunk of cut(stream, cuts)) {
        const received = receiver.push(chunk);
        if (received === null) continue;
        assert.deepEqual(received.answer, { kind: 'data', data: new Uint8Array([0, 10, 0, 20]) });
        assert.equal(
          received.discards.reduce((sum, d) => sum + d.bytes, 0),
          noise.length,
        );
        return;
      }
      assert.fail('the answer was not found');
    }),
  );
});

test('no flipped bit of an RTU answer is believed', () => {
  for (let bit = 0; bit < answer.length * 8; bit += 1) {
    const broken = Buffer.from(answer);
    broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const receiver = new RtuReceiver(request);
    assert.equal(receiver.push(broken), null, `bit ${bit}`);
    assert.notEqual(receiver.giveUp().reason, 'timeout');
  }
});

const reasonOf = (bytes: Buffer): string => {
  const receiver = new RtuReceiver(request);
  assert.equal(receiver.push(bytes), null);
  return receiver.giveUp().reason;
};

test('what an RTU bus brings instead of the answer is named', () => {
  assert.equal(reasonOf(withCrc(Buffer.from('080404000a0014', 'hex'))), 'wrong-unit');
  assert.equal(reasonOf(withCrc(Buffer.from('070304000a0014', 'hex'))), 'wrong-function');
  assert.equal(reasonOf(withCrc(Buffer.from('070402000a', 'hex'))), 'bad-length');
  assert.equal(reasonOf(answer.subarray(0, 6)), 'truncated');
  assert.equal(reasonOf(Buffer.concat([answer.subarray(0, 8), Buffer.from([0])])), 'bad-checksum');
  assert.equal(reasonOf(Buffer.from('ffffff', 'hex')), 'garbage');
  assert.equal(reasonOf(Buffer.alloc(0)), 'timeout');
});

test('an exception of the asked unit is an answer, and a repeated answer is a duplicate', () => {
  const refused = new RtuReceiver(request).push(withCrc(Buffer.from('078402', 'hex')));
  assert.deepEqual(refused?.answer, { kind: 'exception', code: 2 });
  const twice = new RtuReceiver(request).push(Buffer.concat([answer, answer]));
  assert.deepEqual(twice?.discards, [{ reason: 'duplicate', bytes: answer.length }]);
  assert.deepEqual(describe(answer, request), [{ reason: 'late', bytes: answer.length }]);
});

test('a talker that never stops is held in bounds and counted', () => {
  const receiver = new RtuReceiver(request);
  for (let i = 0; i < 100; i += 1) assert.equal(receiver.push(Buffer.alloc(200, 0x55)), null);
  const { discards } = receiver.giveUp();
  assert.equal(
    discards.reduce((sum, d) => sum + d.bytes, 0),
    20_000,
  );
  assert.equal(discards[0]?.reason, 'overflow');
});

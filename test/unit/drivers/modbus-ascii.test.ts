/** Framing of Modbus ASCII under noise, cuts and wrong frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { describeAscii, lrc, receiveAscii } from '../../../drivers/modbus/ascii.ts';
import type { ReadRequest } from '../../../drivers/modbus/pdu.ts';
import { asciiFrame } from './modbus-peer.ts';

const request: ReadRequest = { unit: 7, fn: 4, address: 0, count: 2 };
const frame = (hex: string) => asciiFrame(Buffer.from(hex, 'hex'));
const answer = frame('070404000a0014');
const data = { kind: 'data', data: new Uint8Array([0, 10, 0, 20]) };
const received = (...parts: readonly (Buffer | string)[]) => receiveAscii(joined(parts), request);
const joined = (parts: readonly (Buffer | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
const answerIn = (...parts: readonly (Buffer | string)[]) => {
  const { answer: found } = received(...parts);
  return found?.kind === 'data' ? { kind: 'data', data: new Uint8Array(found.data) } : found;
};
const reasons = (...parts: readonly (Buffer | string)[]) => received(...parts).discards.map((one) => one.reason);

test('a frame worked out by hand', () => {
  // 07+04+04+00+0A+00+14 = 2D; 100 − 2D = D3.
  assert.equal(answer.toString('latin1'), ':070404000A0014D3\r\n');
  assert.equal(lrc(new Uint8Array([7, 4, 4, 0, 10, 0, 20])), 0xd3);
  assert.deepEqual(answerIn(answer), data);
  assert.deepEqual(answerIn(answer.toString('latin1').toLowerCase()), data);
  assert.deepEqual(answerIn(frame('078402')), { kind: 'exception', code: 2 });
});

test('an answer is found behind any noise, and every byte beside it is counted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), (before, behind) => {
      const all = Buffer.concat([before, answer, behind]);
      const { discards } = receiveAscii(all, request);
      assert.deepEqual(answerIn(all), data);
      const counted = discards.reduce((sum, one) => sum + one.bytes, 0);
      assert.equal(counted, before.length + behind.length);
    }),
  );
});

test('what an ASCII line brings instead of the answer is named', () => {
  assert.deepEqual(reasons(frame('080404000a0014')), ['wrong-unit']);
  assert.deepEqual(reasons(frame('070304000a0014')), ['wrong-function']);
  assert.deepEqual(reasons(frame('070402000a')), ['bad-length']);
  assert.deepEqual(reasons(answer.subarray(0, 9)), ['truncated']);
  assert.deepEqual(reasons(answer.subarray(0, 9), answer), ['truncated']);
  assert.deepEqual(reasons(':070404000A0014D4\r\n'), ['bad-checksum']);
  assert.deepEqual(reasons(':\r\n'), ['bad-checksum']);
  assert.deepEqual(reasons('noise', answer), ['garbage']);
  assert.deepEqual(reasons(answer, answer), ['duplicate']);
  assert.deepEqual(reasons(answer, frame('070404000b0014')), ['late']);
  assert.deepEqual(
    describeAscii(joined([answer, frame('0704020001')]), request).map((one) => one.reason),
    ['late', 'bad-length'],
  );
});

test('a character that is no digit is never taken for 0', () => {
  const zero = frame('07040400000000').toString('latin1');
  assert.notEqual(answerIn(zero), null);
  for (let at = 1; at < zero.length - 2; at += 1) {
    for (const letter of 'G/@`g \0') {
      assert.equal(answerIn(`${zero.slice(0, at)}${letter}${zero.slice(at + 1)}`), null, `${letter} at ${at}`);
    }
  }
});

test('no changed character of an answer is believed', () => {
  const text = answer.toString('latin1');
  for (let at = 0; at < text.length; at += 1) {
    for (let code = 0; code < 256; code += 1) {
      const other = String.fromCharCode(code);
      if (other.toUpperCase() === text[at]) continue;
      assert.equal(answerIn(`${text.slice(0, at)}${other}${text.slice(at + 1)}`), null, `${code} at ${at}`);
    }
  }
});

/**
 * A million and a quarter mutated frames through the receivers: no crash, no hang, no leak, and no wrong value called good.
 *
 * What a checksum promises is demanded without exception: up to three wrong bits, or one burst of 16, are never believed
 * (CRC-16), as long as the frame keeps its length. Bytes lost or put in between, or an answer that looks like a shorter refusal, give
 * another frame, which fits by chance once in 65536. Modbus TCP has no checksum: there everything but the values themselves is
 * mutated.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiveAscii } from '../../../drivers/modbus/ascii.ts';
import { MbapFramer } from '../../../drivers/modbus/mbap.ts';
import { answerOf, type ReadFunction, type ReadRequest } from '../../../drivers/modbus/pdu.ts';
import { RtuReceiver } from '../../../drivers/modbus/rtu.ts';
import { heapBytes } from '../../support/heap.ts';
import { asciiFrame, withCrc } from './modbus-peer.ts';
import { Random, runs, seed } from './modbus-random.ts';

interface Asked {
  readonly request: ReadRequest;
  /** Unit and PDU of the right answer. */
  readonly answer: Buffer;
  readonly isException: boolean;
}

function ask(random: Random): Asked {
  const fn = random.of<ReadFunction>(1, 2, 3, 4);
  const count = 1 + random.below(random.chance(0.1) ? 125 : 12);
  const request = { unit: 1 + random.below(3), fn, address: random.below(100), count };
  const isException = random.chance(0.1);
  if (isException) return { request, isException, answer: Buffer.from([request.unit, fn | 0x80, 1 + random.below(8)]) };
  const length = fn <= 2 ? Math.ceil(count / 8) : count * 2;
  const answer = Buffer.alloc(3 + length);
  answer.set([request.unit, fn, length]);
  for (let i = 3; i < answer.length; i += 1) answer[i] = random.below(256);
  return { request, answer, isException };
}

function noise(random: Random, most: number): Buffer {
  const bytes = Buffer.alloc(random.below(most + 1));
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = random.chance(0.3) ? random.below(5) : random.below(256);
  return bytes;
}

function* cut(random: Random, bytes: Buffer): Generator<Buffer> {
  let at = 0;
  while (at < bytes.length) {
    const end = random.chance(0.6) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(20));
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** Whether what was believed is the right answer. */
function isRight(found: { kind: string; data?: Uint8Array; code?: number }, { answer, isException }: Asked): boolean {
  if (isException) return found.kind === 'exception' && found.code === answer[2];
  return found.kind === 'data' && found.data !== undefined && answer.subarray(3).equals(found.data);
}

function flip(bytes: Buffer, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
}

/** A frame that is not the answer, with a right checksum: another unit, function, length or a refusal of another. */
function stranger(random: Random, { request: { unit, fn, count } }: Asked): Buffer {
  const other = Buffer.alloc(3 + 2 * (1 + random.below(10)));
  other.set([unit, fn, other.length - 3]);
  for (let i = 3; i < other.length; i += 1) other[i] = random.below(256);
  const length = fn <= 2 ? Math.ceil(count / 8) : count * 2;
  const isOfOtherUnit = random.chance(0.5) || other.length - 3 === length;
  const isOfOtherFunction = random.chance(0.5);
  if (isOfOtherUnit) other[0] = unit + 1 + random.below(20);
  else if (isOfOtherFunction) other[1] = (fn % 4) + 1;
  return withCrc(other);
}

test('half a million mutated RTU frames', { timeout: 120_000 }, (t) => {
  const random = new Random(seed);
  const before = heapBytes();
  let believed = 0;
  let chance = 0;
  const count = runs(500_000);
  for (let i = 0; i < count; i += 1) {
    const asked = ask(random);
    const frame = withCrc(asked.answer);
    let stream: Buffer;
    /** The checksum promises nothing here. */
    let isByChance = false;
    switch (random.below(7)) {
      case 0: {
        const at = random.below(frame.length * 8);
        flip(frame, at);
        if (random.chance(0.5)) flip(frame, (at + 1 + random.below(frame.length * 8 - 1)) % (frame.length * 8));
        stream = frame;
        break;
      }
      case 1: {
        const from = random.below(frame.length * 8 - 16);
        flip(frame, from);
        for (let bit = 1; bit < 16; bit += 1) if (random.chance(0.5)) flip(frame, from + bit);
        stream = frame;
        break;
      }
      case 2:
        stream = frame.subarray(0, random.below(frame.length));
        break;
      case 3: {
        const at = random.below(frame.length);
        stream = Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1), noise(random, 3)]);
        isByChance = true;
        break;
      }
      case 4: {
        const at = random.below(frame.length);
        stream = Buffer.concat([frame.subarray(0, at), noise(random, 4), frame.subarray(at)]);
        isByChance = true;
        break;
      }
      case 5:
        stream = Buffer.concat([stranger(random, asked), random.chance(0.5) ? frame : Buffer.alloc(0)]);
        break;
      default:
        stream = Buffer.concat([noise(random, 20), frame, noise(random, 20)]);
        isByChance = true;
    }
    const receiver = new RtuReceiver(asked.request);
    let bytes = 0;
    let found = null;
    for (const chunk of cut(random, stream)) {
      const received = receiver.push(chunk);
      bytes += chunk.length;
      if (received === null) continue;
      found = received.answer;
      const discarded = received.discards.reduce((sum, one) => sum + one.bytes, 0);
      const length = found.kind === 'data' ? found.data.length + 5 : 5;
      if (discarded + length !== bytes) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
      break;
    }
    if (found === null) {
      const discarded = receiver.giveUp().discards.reduce((sum, one) => sum + one.bytes, 0);
      if (discarded !== bytes) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
    } else if (isRight(found, asked)) believed += 1;
    else if (isByChance || (found.kind === 'exception') !== asked.isException) chance += 1;
    else assert.fail(`run ${i} of seed ${seed}: believed ${JSON.stringify(found)} in ${stream.toString('hex')}`);
  }
  assert.ok(believed > count / 10, `${believed} right answers were found`);
  assert.ok(chance <= 5 + (20 * count) / 65_536 / 10, `${chance} frames fit by chance`);
  assert.ok(heapBytes() - before < 4_000_000, 'nothing is kept');
  t.diagnostic(`${count} frames, seed ${seed}: ${believed} believed, ${chance} fit by chance`);
});

test('half a million mutated TCP frames', { timeout: 120_000 }, (t) => {
  const random = new Random(seed + 1);
  const count = runs(500_000);
  let transaction = 0;
  const framer = new MbapFramer((id) => id === transaction);
  const before = heapBytes();
  let believed = 0;
  for (let i = 0; i < count; i += 1) {
    const asked = ask(random);
    transaction = (transaction + 1) & 0xffff;
    const frame = tcpFrame(transaction, asked.answer);
    let stream: Buffer;
    switch (random.below(6)) {
      case 0:
        // Header, unit, function or byte count.
        flip(frame, random.below((asked.isException ? 8 : 9) * 8));
        stream = frame;
        break;
      case 1:
        stream = frame.subarray(0, random.below(frame.length));
        break;
      case 2:
        stream = Buffer.concat([tcpFrame((transaction + 1 + random.below(9)) & 0xffff, asked.answer), frame]);
        break;
      case 3:
        stream = Buffer.concat([tcpFrame(transaction, stranger(random, asked).subarray(0, -2)), frame]);
        break;
      case 4:
        stream = Buffer.concat([frame, frame, noise(random, 8)]);
        break;
      default:
        stream = Buffer.concat([noise(random, 20), frame]);
    }
    let bytes = framer.heldBytes;
    let accounted = 0;
    let isAnswered = false;
    for (const chunk of cut(random, stream)) {
      bytes += chunk.length;
      const { frames, garbageBytes } = framer.push(chunk);
      accounted += garbageBytes;
      for (const one of frames) {
        accounted += one.pdu.length + 7;
        if (isAnswered || one.transaction !== transaction || one.unit !== asked.request.unit) continue;
        const found = answerOf(one.pdu, asked.request);
        if (found.kind === 'mismatch') continue;
        if (!isRight(found, asked)) {
          assert.fail(`run ${i} of seed ${seed}: believed ${JSON.stringify(found)} in ${stream.toString('hex')}`);
        }
        isAnswered = true;
        believed += 1;
      }
      if (framer.heldBytes > 260) assert.fail(`run ${i} of seed ${seed}: holds ${framer.heldBytes} bytes`);
    }
    if (accounted + framer.heldBytes !== bytes) assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
    // The time-out of the request: what is held is nobody's any more.
    if (framer.giveUp() > 0 && framer.heldBytes !== 0) assert.fail('held after giving up');
  }
  assert.ok(believed > count / 4, `${believed} right answers were found`);
  assert.ok(heapBytes() - before < 4_000_000, 'nothing is kept');
  t.diagnostic(`${count} frames, seed ${seed}: ${believed} believed`);
});

function tcpFrame(transaction: number, answer: Buffer): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(answer.length, 4);
  return Buffer.concat([header, answer]);
}

test('a quarter of a million mutated ASCII frames', { timeout: 120_000 }, (t) => {
  const random = new Random(seed + 2);
  const count = runs(250_000);
  const before = heapBytes();
  let believed = 0;
  for (let i = 0; i < count; i += 1) {
    const asked = ask(random);
    const frame = asciiFrame(asked.answer);
    let stream: Buffer;
    switch (random.below(4)) {
      case 0:
        frame[random.below(frame.length)] = random.below(256);
        stream = frame;
        break;
      case 1:
        stream = frame.subarray(0, random.below(frame.length));
        break;
      case 2:
        stream = Buffer.concat([asciiFrame(stranger(random, asked).subarray(0, -2)), frame]);
        break;
      default:
        stream = Buffer.concat([noise(random, 20), frame, noise(random, 20)]);
    }
    const { answer, discards } = receiveAscii(stream, asked.request);
    const discarded = discards.reduce((sum, one) => sum + one.bytes, 0);
    if (discarded + (answer === null ? 0 : frame.length) !== stream.length) {
      assert.fail(`run ${i} of seed ${seed}: bytes are lost`);
    }
    if (answer === null) continue;
    if (!isRight(answer, asked)) assert.fail(`run ${i} of seed ${seed}: believed ${stream.toString('latin1')}`);
    believed += 1;
  }
  assert.ok(believed > count / 4, `${believed} right answers were found`);
  assert.ok(heapBytes() - before < 4_000_000, 'nothing is kept');
  t.diagnostic(`${count} frames, seed ${seed}: ${believed} believed`);
});

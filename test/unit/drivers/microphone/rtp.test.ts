import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseRtp, RtpReceiver, type RtpOptions } from '../../../../drivers/microphone/rtp.ts';
import { Random, runs, seed } from '../modbus-random.ts';

interface Fields {
  readonly payloadType?: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc?: number;
  readonly payload: Buffer;
}

/** RFC 3550, section 5.1. */
function packet({ payloadType = 97, sequence, timestamp, ssrc = 7, payload }: Fields): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(0x80, 0);
  head.writeUInt8(payloadType, 1);
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(timestamp >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  return Buffer.concat([head, payload]);
}

/** Ten frames whose samples are their own number. */
function numbered(index: number): Buffer {
  const payload = Buffer.alloc(20);
  for (let i = 0; i < 10; i += 1) payload.writeUInt16BE((index * 10 + i) & 0xffff, i * 2);
  return payload;
}

class Rig {
  readonly told: (number | string)[] = [];
  readonly receiver: RtpReceiver;
  nowMs = 0;
  constructor(options: Partial<RtpOptions> = {}) {
    this.receiver = new RtpReceiver(
      { rateHz: 48_000, channels: 1, payloadType: null, ...options },
      {
        onPcm: (bytes) => {
          for (let at = 0; at < bytes.length; at += 2) this.told.push(bytes.readUInt16BE(at));
        },
        onGap: (samples) => this.told.push(`gap ${samples}`),
      },
    );
  }
  /** Packet `index` of a stream that began with these numbers. */
  send(index: number, { sequence = 0, timestamp = 0, ...fields }: Partial<Fields> = {}, address = 'a'): void {
    const payload = fields.payload ?? numbered(index);
    const numbers = { sequence: sequence + index, timestamp: timestamp + index * 10 };
    this.receiver.push(packet({ ...fields, ...numbers, payload }), address, this.nowMs);
  }
  wait(ms: number): void {
    this.nowMs += ms;
    this.receiver.pass(this.nowMs);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => (from + i) & 0xffff);

test('P1: any order, any repeats, any start: once each, in order, though both numbers wrap', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff),
      fc.nat(0xffffffff),
      fc.array(fc.nat(4), { minLength: 40, maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      (sequence, timestamp, delays, twice) => {
        const rig = new Rig();
        const order = delays
          .map((delay, index) => ({ index, at: index + delay }))
          // The first says where the stream begins.
          .toSorted((a, b) => (a.index === 0 ? -1 : b.index === 0 ? 1 : a.at - b.at));
        for (const { index } of order) {
          rig.send(index, { sequence, timestamp });
          if (twice[index] === true) rig.send(index, { sequence, timestamp });
        }
        assert.deepEqual(rig.told, range(0, 400));
        const { duplicates, late, lostSamples } = rig.receiver.counts;
        assert.deepEqual([duplicates, late, lostSamples], [twice.filter(Boolean).length, 0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});

test('P2, P3: a hole is told after its wait as a gap of its length, and a packet that comes after that is late', () => {
  const rig = new Rig();
  rig.send(0);
  rig.send(3);
  rig.wait(40);
  rig.send(4);
  assert.deepEqual(rig.told, range(0, 10), 'it waits');
  rig.wait(30);
  assert.deepEqual(rig.told, [...range(0, 10), 'gap 20', ...range(30, 50)]);
  rig.send(1);
  assert.equal(rig.receiver.counts.late, 1);
  assert.equal(rig.receiver.counts.lostSamples, 20);
  rig.send(5);
  assert.deepEqual(rig.told.slice(-10), range(50, 60));
});

test('P3: no more packets wait than the depth', () => {
  const rig = new Rig({ depth: 4 });
  rig.send(0);
  for (const index of [2, 3, 4]) rig.send(index);
  assert.deepEqual(rig.told, range(0, 10));
  rig.send(5);
  assert.deepEqual(rig.told, [...range(0, 10), 'gap 10', ...range(20, 60)]);
});

test('a sender that is silent for a while and goes on in its numbers has a gap by its timestamps', () => {
  const rig = new Rig();
  rig.send(0);
  rig.send(1, { timestamp: 4_800 });
  assert.deepEqual(rig.told, [...range(0, 10), 'gap 4800', ...range(10, 20)]);
});

test('P4: another sender, kind or address is refused and counted, until the one that was heard is silent', () => {
  const rig = new Rig();
  rig.send(0);
  rig.send(1, { ssrc: 8 });
  rig.send(1, { payloadType: 98 });
  rig.send(1, { payloadType: 0 });
  rig.send(1, {}, 'b');
  assert.deepEqual(rig.told, range(0, 10));
  assert.equal(rig.receiver.counts.foreign, 4);
  rig.wait(1_900);
  rig.send(1, { ssrc: 8 });
  assert.equal(rig.receiver.counts.foreign, 5);
  rig.wait(200);
  rig.send(1, { ssrc: 8, sequence: 999, timestamp: 123_456 });
  assert.deepEqual(rig.told, [...range(0, 10), 'gap null', ...range(10, 20)]);
});

test('P4: numbers that jump far are a sender that began again', () => {
  const rig = new Rig();
  rig.send(0);
  rig.send(1, { sequence: 30_000, timestamp: 0x7000_0000 });
  rig.send(2, { sequence: 30_000, timestamp: 0x7000_0000 });
  assert.deepEqual(rig.told, [...range(0, 10), 'gap null', ...range(10, 30)]);
});

test('P4: a sender that began again with other sequence numbers is heard from its second packet on, a stray packet is not', () => {
  const rig = new Rig();
  for (let index = 0; index < 3; index += 1) rig.send(index, { sequence: 40_000 });
  rig.send(3, { sequence: 10_000 });
  rig.send(3, { sequence: 40_000 });
  assert.deepEqual(rig.told, range(0, 40));
  for (let index = 4; index < 8; index += 1) rig.send(index, { sequence: 20_000 });
  assert.deepEqual(rig.told, [...range(0, 40), 'gap null', ...range(50, 80)]);
  assert.equal(rig.receiver.counts.late, 2);
});

test('the kinds of RFC 3551 are taken where they are what the address says', () => {
  for (const [payloadType, rateHz, channels, isTaken] of [
    [11, 44_100, 1, true],
    [10, 44_100, 2, true],
    [11, 48_000, 1, false],
    [10, 44_100, 1, false],
    [96, 48_000, 1, true],
    [8, 48_000, 1, false],
  ] as const) {
    const rig = new Rig({ rateHz, channels });
    rig.send(0, { payloadType });
    assert.equal(rig.told.length > 0, isTaken, `${payloadType} ${rateHz} ${channels}`);
  }
  const strict = new Rig({ payloadType: 100 });
  strict.send(0, { payloadType: 97 });
  strict.send(0, { payloadType: 100 });
  assert.deepEqual([strict.told.length, strict.receiver.counts.foreign], [10, 1]);
});

test('contributors, an extension and padding are left out; what is cut within them is no packet', () => {
  const payload = Buffer.from('00010002', 'hex');
  const plain = packet({ sequence: 1, timestamp: 2, payload });
  const odd = Buffer.concat([
    plain.subarray(0, 12),
    Buffer.from('aaaaaaaabbbbbbbbbede0001cccccccc', 'hex'),
    payload,
    Buffer.from('000003', 'hex'),
  ]);
  odd.writeUInt8(0x80 | 0x20 | 0x10 | 2, 0);
  const parsed = parseRtp(odd);
  assert.ok(typeof parsed !== 'string');
  assert.equal(parsed.payload.toString('hex'), '00010002');
  for (let length = 0; length < 28; length += 1) assert.equal(typeof parseRtp(odd.subarray(0, length)), 'string');
  const rig = new Rig({ channels: 2 });
  rig.receiver.push(packet({ sequence: 0, timestamp: 0, payload: Buffer.alloc(6) }), 'a', 0);
  rig.receiver.push(packet({ sequence: 0, timestamp: 0, payload: Buffer.alloc(0) }), 'a', 0);
  assert.equal(rig.receiver.counts.malformed, 2);
});

test('P5: any bytes, and packets changed anyhow, make no sound that was not sent and never throw', () => {
  const random = new Random(seed);
  const rig = new Rig();
  const count = runs(4_000);
  for (let run = 0; run < count; run += 1) {
    const bytes = packet({ sequence: run, timestamp: run * 10, payload: numbered(run) });
    for (let change = random.below(4); change > 0; change -= 1) {
      bytes.writeUInt8(random.of(0, 255, random.below(256)), random.below(random.chance(0.7) ? 12 : bytes.length));
    }
    const before = rig.told.filter((told) => typeof told === 'number').length;
    rig.receiver.push(bytes.subarray(0, random.chance(0.2) ? random.below(bytes.length + 1) : bytes.length), 'a', run);
    const { packets } = rig.receiver.counts;
    assert.equal(packets, run + 1);
    const after = rig.told.filter((told) => typeof told === 'number').length;
    assert.ok(after - before <= 33 * 16, 'no more than waited');
    if (run % 100 === 0) rig.told.length = 0;
  }
  const { foreign, malformed } = rig.receiver.counts;
  assert.ok(foreign > 0 && malformed > 0);
});

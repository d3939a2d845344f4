import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PcmFormat } from '../../../../drivers/microphone/sound.ts';
import { WavStream, type WavRefusal } from '../../../../drivers/microphone/wav-stream.ts';
import { chunk, formatChunk, wavBytes, wavOf } from '../../../support/wav.ts';
import { Random, runs, seed } from '../modbus-random.ts';
import { cut } from './pieces.ts';

interface Heard {
  readonly formats: readonly PcmFormat[];
  readonly pcm: string;
  readonly refusal: WavRefusal | null;
}

function hear(pieces: readonly Buffer[], ends = true): Heard {
  const formats: PcmFormat[] = [];
  const pcm: Buffer[] = [];
  const wav = new WavStream({ onFormat: (format) => formats.push(format), onPcm: (bytes) => pcm.push(bytes) });
  let refusal: WavRefusal | null = null;
  for (const piece of pieces) {
    const now = wav.push(piece);
    // W3: once refused, always refused, and for the same reason.
    if (refusal !== null) assert.deepEqual(now, refusal);
    refusal = now;
  }
  if (ends) refusal ??= wav.end();
  return { formats, pcm: Buffer.concat(pcm).toString('hex'), refusal };
}

const mono = { kind: 'pcm', bits: 16, channels: 1, rateHz: 48_000 } as const;
const sound = Buffer.from('0102030405060708', 'hex');
/** A file whose sound says that it has so many bytes. */
function saying(length: number, behind: Buffer = Buffer.alloc(0)): Buffer {
  const data = chunk('data', sound);
  data.writeUInt32LE(length, 4);
  return wavBytes([formatChunk(mono), Buffer.concat([data, behind])]);
}

test('all forms of samples, plain and extensible, with chunks in any order before the sound', () => {
  for (const [kind, bits, encoding] of [
    ['pcm', 8, 'u8'],
    ['pcm', 16, 's16le'],
    ['pcm', 24, 's24le'],
    ['pcm', 32, 's32le'],
    ['float', 32, 'f32le'],
    ['float', 64, 'f64le'],
  ] as const) {
    for (const isExtensible of [false, true]) {
      const format = formatChunk({ kind, bits, channels: 2, rateHz: 44_100, isExtensible });
      const list = chunk('LIST', Buffer.from('odd'));
      for (const before of [
        [format, list],
        [list, format],
        [list, format, chunk('fact', Buffer.alloc(4))],
      ]) {
        const { formats, pcm, refusal } = hear([wavBytes([...before, chunk('data', sound)])]);
        assert.equal(refusal, null);
        assert.deepEqual(formats, [{ encoding, channels: 2, rateHz: 44_100 }]);
        assert.equal(pcm, sound.toString('hex'));
      }
    }
  }
});

test('W1: however the bytes are cut, all is the same', () => {
  const whole = wavBytes([
    chunk('LIST', Buffer.from('odd')),
    formatChunk({ ...mono, isExtensible: true }),
    chunk('data', sound),
    chunk('note', Buffer.alloc(30)),
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 30 }), fc.nat(whole.length), (cuts, length) => {
      const bytes = whole.subarray(0, length);
      assert.deepEqual(hear(cut(bytes, cuts)), hear([bytes]));
    }),
    { numRuns: 500 },
  );
});

test('W4: a length that nobody can know means to the end; any other is held to', () => {
  const more = Buffer.from('090a', 'hex');
  for (const length of [0, 0x7fffffff, 0x7ffff000, 0x80000000, 0xffffffff]) {
    const { pcm, refusal } = hear([saying(length, more)]);
    assert.deepEqual([pcm, refusal], [Buffer.concat([sound, more]).toString('hex'), null], String(length));
  }
  assert.equal(hear([saying(9)]).refusal?.reason, 'truncated');
  assert.equal(hear([saying(8)]).refusal, null);
  const lied = hear([saying(4)]);
  assert.deepEqual([lied.pcm, lied.refusal?.reason], ['01020304', 'length-wrong']);
  assert.equal(hear([saying(8, chunk('LIST', Buffer.alloc(5)))]).refusal, null, 'notes may follow');
  assert.equal(hear([Buffer.alloc(0)]).refusal?.reason, 'no-wav');
});

test('W3: what is not plain PCM at a rate that is heard is refused with the reason', () => {
  const patched = (at: number, value: number, bytes = 2) => {
    const file = wavOf([0, 0.5], mono);
    file.writeUIntLE(value, at, bytes);
    return file;
  };
  const cases: readonly (readonly [Buffer, string, RegExp])[] = [
    [patched(0, 0x1234), 'no-wav', /does not begin/],
    [Buffer.from('HTTP/1.1 404 not found'), 'no-wav', /does not begin/],
    [patched(20, 85), 'format-refused', /kind 85/],
    [patched(22, 0), 'format-refused', /0 channels/],
    [patched(22, 9), 'format-refused', /9 channels/],
    [patched(24, 8_000, 4), 'format-refused', /8000 samples a second/],
    [patched(24, 0xffffffff, 4), 'format-refused', /4294967295 samples/],
    [patched(32, 3), 'format-refused', /blocks of 3 bytes/],
    [patched(34, 12), 'format-refused', /12 bits/],
    [patched(16, 12, 4), 'format-refused', /does not say/],
    [patched(16, 0x7fffffff, 4), 'format-refused', /does not say/],
    [wavBytes([chunk('data', sound)]), 'format-refused', /does not say/],
    [wavBytes([formatChunk(mono), formatChunk(mono), chunk('data', sound)]), 'format-refused', /twice/],
  ];
  for (const [bytes, reason, detail] of cases) {
    const { refusal, pcm } = hear([bytes], false);
    assert.equal(refusal?.reason, reason);
    assert.match(refusal.detail, detail);
    assert.equal(pcm, '');
  }
});

test('W2: a header without an end is given up', () => {
  const endless = chunk('junk', Buffer.alloc(70_000));
  const wav = new WavStream({ onFormat: () => assert.fail(), onPcm: () => assert.fail() });
  wav.push(wavBytes([]));
  let pushed = 0;
  while (wav.push(endless) === null) {
    pushed += 1;
    assert.ok(pushed < 20, 'more than a megabyte');
  }
  assert.ok(pushed > 10);
});

test('any change to a header is read within its bytes or refused, and never throws', () => {
  const random = new Random(seed);
  const files = [
    wavOf([0, 0.5, -0.5], mono),
    wavOf([0, 0.5, -0.5], { kind: 'float', bits: 32, channels: 2, rateHz: 44_100, isExtensible: true }),
  ] as const;
  let refused = 0;
  const count = runs(4_000);
  for (let run = 0; run < count; run += 1) {
    const bytes = Buffer.from(random.of(...files));
    for (let change = random.below(6); change >= 0; change -= 1) {
      bytes.writeUInt8(random.of(0, 1, 255, random.below(256)), random.below(bytes.length));
    }
    const { pcm, formats, refusal } = hear(
      cut(bytes.subarray(0, random.chance(0.3) ? random.below(bytes.length) : bytes.length), [
        random.below(bytes.length),
        random.below(bytes.length),
      ]),
    );
    assert.ok(pcm.length / 2 <= bytes.length && formats.length <= 1);
    assert.ok(formats.length === 1 || pcm === '');
    for (const { rateHz, channels } of formats) assert.ok(rateHz >= 16_000 && rateHz <= 96_000 && channels <= 8);
    if (refusal !== null) refused += 1;
  }
  assert.ok(refused > count / 10 && refused < count, `${refused} of ${count} refused`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ModelError } from '../../../models/errors.ts';
import { readWav } from '../../../models/voiceprint/wav.ts';
import { chunk, formatChunk, wavOf, wavBytes, type WavKind } from '../../support/wav.ts';

const refused = (error: unknown) => error instanceof ModelError && error.entry.code === 'MDL-210';
const depths: readonly { readonly kind: WavKind; readonly bits: number }[] = [
  { kind: 'pcm', bits: 8 },
  { kind: 'pcm', bits: 16 },
  { kind: 'pcm', bits: 24 },
  { kind: 'pcm', bits: 32 },
  { kind: 'float', bits: 32 },
  { kind: 'float', bits: 64 },
];

test('V1: the first of many channels is read back in every depth, plain or extensible', () => {
  const values = [0, 0.5, -0.5, -1, 0.25, 63 / 64];
  for (const { kind, bits } of depths) {
    for (const channels of [1, 2, 8]) {
      for (const isExtensible of [false, true]) {
        const { samples, rateHz } = readWav(wavOf(values, { kind, bits, channels, rateHz: 44_100, isExtensible }), 'x');
        assert.equal(rateHz, 44_100);
        assert.deepEqual([...samples], values, `${kind} ${bits} ${channels}`);
      }
    }
  }
});

test('V1: integers are value / 2^(bits − 1), the lowest and the highest too', () => {
  const bytes = wavBytes([
    formatChunk({ kind: 'pcm', bits: 16, channels: 1, rateHz: 8000 }),
    chunk('data', Buffer.from([0, 128, 255, 127, 1, 0])),
  ]);
  assert.deepEqual([...readWav(bytes, 'x').samples], [-1, 32_767 / 32_768, 1 / 32_768]);
  const small = wavBytes([
    formatChunk({ kind: 'pcm', bits: 8, channels: 1, rateHz: 8000 }),
    chunk('data', Buffer.from([0, 128, 255])),
  ]);
  assert.deepEqual([...readWav(small, 'x').samples], [-1, 0, 127 / 128]);
});

test('chunks come in any order, others between them and of odd length', () => {
  const sound = chunk('data', Buffer.from([1, 0, 2, 0]));
  const format = formatChunk({ kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 });
  const words = chunk('LIST', Buffer.from('odd'));
  for (const order of [
    [format, sound],
    [sound, format],
    [words, format, words, sound, words],
    [words, sound, words, format],
  ]) {
    assert.deepEqual([...readWav(wavBytes(order), 'x').samples], [1 / 32_768, 2 / 32_768]);
  }
});

test('V2: a file cut short anywhere is refused', () => {
  const whole = wavOf([0.5, 0.25, -0.25], { kind: 'pcm', bits: 24, channels: 2, rateHz: 48_000 });
  for (let length = 0; length < whole.length; length += 1) {
    assert.throws(() => readWav(whole.subarray(0, length), 'x'), refused, `${length} of ${whole.length}`);
  }
});

test('notes behind the sound may be cut short, those before it may not', () => {
  const [format, sound] = [
    formatChunk({ kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 }),
    chunk('data', Buffer.from([1, 0, 2, 0])),
  ];
  const notes = chunk('LIST', Buffer.from('a remark')).subarray(0, 11);
  assert.equal(readWav(wavBytes([format, sound, notes]), 'x').samples.length, 2);
  assert.throws(() => readWav(wavBytes([format, notes, sound]), 'x'), refused);
});

test('V2: a length that is not yet known means to the end; any other wrong one is refused', () => {
  const options = { kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 } as const;
  const whole = wavOf([0.5, 0.25], options);
  const at = whole.indexOf('data') + 4;
  for (const [said, isRead] of [
    [0xffffffff, true],
    [4, true],
    [6, false],
    [0x7fffffff, false],
    [3, false],
  ] as const) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(said, at);
    if (isRead) assert.equal(readWav(bytes, 'x').samples.length, 2);
    else assert.throws(() => readWav(bytes, 'x'), refused, String(said));
  }
});

test('what is not plain PCM is refused with the reason', () => {
  const sound = chunk('data', Buffer.alloc(24));
  const format = (change: (bytes: Buffer) => void, options: { kind?: WavKind; bits?: number } = {}) => {
    const one = formatChunk({ kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000, ...options });
    change(one);
    return wavBytes([one, sound]);
  };
  const nan = Buffer.alloc(4);
  nan.writeFloatLE(Number.NaN);
  for (const [bytes, pattern] of [
    [Buffer.alloc(0), /is empty/],
    [Buffer.from('RIFX____WAVE'), /is no WAV/],
    [wavBytes([sound]), /does not say how/],
    [wavBytes([formatChunk({ kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 })]), /has no sound/],
    [format((one) => one.writeUInt16LE(2, 8)), /kind 2/],
    [format((one) => one.writeUInt16LE(0, 10)), /0 channels/],
    [format((one) => one.writeUInt32LE(0, 12)), /0 samples a second/],
    [format((one) => one.writeUInt32LE(4_000_000, 12)), /4000000 samples/],
    [format((one) => one.writeUInt16LE(12, 22)), /12 bits/],
    [format((one) => one.writeUInt16LE(16, 22), { kind: 'float', bits: 32 }), /16 bits/],
    [format((one) => one.writeUInt16LE(7, 20)), /blocks of 7/],
    [
      wavBytes([formatChunk({ kind: 'float', bits: 32, channels: 1, rateHz: 16_000 }), chunk('data', nan)]),
      /no numbers/,
    ],
  ] as const) {
    assert.throws(
      () => readWav(bytes, 'x'),
      (error: unknown) => refused(error) && pattern.test((error as ModelError).message),
      String(pattern),
    );
  }
});

test('V3: whatever is changed in a file, it is read within its bytes or refused', () => {
  const change = fc.record({ at: fc.nat(120), value: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.constantFrom(...depths),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.nat(200),
      (depth, changes, cut) => {
        const whole = wavOf([0.5, -0.25, 0.125, 0, 1 / 64], { ...depth, channels: 2, rateHz: 16_000 });
        const bytes = Buffer.from(whole.subarray(0, Math.max(12, whole.length - (cut < 100 ? 0 : cut - 100))));
        for (const { at, value } of changes) bytes[at % bytes.length] = value;
        try {
          const { samples, rateHz } = readWav(bytes, 'x');
          assert.ok(samples.length <= bytes.length && rateHz >= 4000 && rateHz <= 192_000);
          assert.ok(samples.every(Number.isFinite));
        } catch (error) {
          assert.ok(refused(error), String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('V3: bytes at random never do anything but being refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
      const bytes = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), Buffer.from(tail)]);
      assert.throws(() => readWav(bytes, 'x'), refused);
    }),
  );
});

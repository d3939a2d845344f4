import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesOf, PcmDecoder } from '../../../../drivers/microphone/pcm.ts';
import { pcmEncodings, type PcmFormat } from '../../../../drivers/microphone/sound.ts';
import { cut, joined } from './pieces.ts';

const decode = (format: PcmFormat, pieces: readonly Buffer[]) => {
  const decoder = new PcmDecoder(format);
  const blocks = pieces.map((piece) => {
    const block = decoder.push(piece);
    assert.ok(decoder.pendingBytes < bytesOf[format.encoding] * format.channels, 'M4');
    return block;
  });
  return joined(blocks, format.channels);
};

test('M1: however the bytes are cut, the samples and the holes are the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...pcmEncodings),
      fc.integer({ min: 1, max: 8 }),
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.nat(400), { maxLength: 20 }),
      (encoding, channels, bytes, cuts) => {
        const format = { encoding, channels, rateHz: 48_000 };
        assert.deepEqual(decode(format, cut(Buffer.from(bytes), cuts)), decode(format, [Buffer.from(bytes)]));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('M2: each form is read as it is written, bytes from the standards and not from the decoder', () => {
  const cases: readonly (readonly [PcmFormat['encoding'], string, readonly number[]])[] = [
    ['u8', '00 80 ff', [-1, 0, 127 / 128]],
    ['s16le', '0080 0000 ff7f 0100', [-1, 0, 32_767 / 32_768, 1 / 32_768]],
    ['s16be', '8000 0000 7fff 0001', [-1, 0, 32_767 / 32_768, 1 / 32_768]],
    ['s24le', '000080 000000 ffff7f 010000', [-1, 0, 8_388_607 / 8_388_608, 1 / 8_388_608]],
    ['s32le', '00000080 00000000 00000040', [-1, 0, 0.5]],
    ['f32le', '0000803f 000080bf 0000003e', [1, -1, 0.125]],
    ['f64le', '000000000000f03f 000000000000e0bf', [1, -0.5]],
  ];
  for (const [encoding, hex, expected] of cases) {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const { channels } = decode({ encoding, channels: 1, rateHz: 48_000 }, [bytes]);
    assert.deepEqual(channels[0], expected.map(Math.fround), encoding);
  }
});

test('channels are told apart, and those that are not kept are skipped', () => {
  const bytes = Buffer.from('0010 0020 0030 0011 0021 0031'.replaceAll(' ', ''), 'hex');
  const decoder = new PcmDecoder({ encoding: 's16be', channels: 3, rateHz: 48_000 }, 2);
  const { channels } = decoder.push(bytes);
  assert.deepEqual(
    channels.map((samples) => [...samples].map((value) => value * 32_768)),
    [
      [0x10, 0x11],
      [0x20, 0x21],
    ],
  );
});

test('M3: what is no number is a hole in all channels, and never a sound', () => {
  const bytes = Buffer.alloc(7 * 8);
  const left = [0.5, NaN, Infinity, 0.25, 0.125, 1e30, 0.5];
  for (const [i, value] of left.entries()) {
    bytes.writeFloatLE(value, i * 8);
    bytes.writeFloatLE(i === 4 ? -Infinity : 0.5, i * 8 + 4);
  }
  const { channels, holes } = decode({ encoding: 'f32le', channels: 2, rateHz: 48_000 }, [bytes]);
  assert.deepEqual(holes, [
    { from: 1, to: 3 },
    { from: 4, to: 6 },
  ]);
  assert.deepEqual(channels, [
    [0.5, 0, 0, 0.25, 0, 0, 0.5],
    [0.5, 0, 0, 0.5, 0, 0, 0.5],
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PgmStream } from '../../../drivers/camera/pgm.ts';

function read(pieces: readonly Uint8Array[], maxPixels = 10_000) {
  const images: { size: string; pixels: string }[] = [];
  const stream = new PgmStream(maxPixels, ({ width, height, pixels }) =>
    images.push({ size: `${width}x${height}`, pixels: Buffer.from(pixels).toString('hex') }),
  );
  const isSound = pieces.map((piece) => stream.push(piece)).every(Boolean);
  return { images, isSound };
}

test('two pictures, as ffmpeg writes them', () => {
  const bytes = Buffer.concat([
    Buffer.from('P5\n3 2\n255\n'),
    Buffer.from('000102ff0a50', 'hex'),
    Buffer.from('P5\n1 1\n255\n\x80', 'latin1'),
  ]);
  assert.deepEqual(read([bytes]), {
    images: [
      { size: '3x2', pixels: '000102ff0a50' },
      { size: '1x1', pixels: '80' },
    ],
    isSound: true,
  });
});

test('G2: what is no such stream, or too large, ends it before memory is taken', () => {
  const others = [
    'P6\n1 1\n255\nx',
    'P5\n1 1\n65535\nxx',
    'P5\n0 4\n255\n',
    'P5\n4 0\n255\n',
    'P5\n101 100\n255\n',
    'P5\n9999999 1\n255\n',
    'P5 1 1 255 x',
    'frame= 1',
    '\0',
    'P5\n# c\n1 1\n255\nx',
  ];
  for (const text of others) {
    assert.deepEqual(
      read([Buffer.from(text), Buffer.from('P5\n1 1\n255\nx')]),
      { images: [], isSound: false },
      JSON.stringify(text),
    );
    assert.deepEqual(read(Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte))).images, []);
  }
});

test('G1: any pictures, however they are cut', () => {
  const image = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(image, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 }),
      (images, sizes) => {
        const bytes = Buffer.concat(
          images.map(([w, h, v]) => Buffer.concat([Buffer.from(`P5\n${w} ${h}\n255\n`), Buffer.alloc(w * h, v)])),
        );
        const pieces: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        const got = read([...pieces, bytes.subarray(at)]);
        assert.deepEqual(
          got.images,
          images.map(([w, h, v]) => ({ size: `${w}x${h}`, pixels: Buffer.alloc(w * h, v).toString('hex') })),
        );
        assert.ok(got.isSound);
      },
    ),
  );
});

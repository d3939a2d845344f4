import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage, imageLimits, isImageName, readImageFile } from '../../../drivers/camera/image-file.ts';
import { heldBytes } from '../../support/heap.ts';
import { seeded } from '../../../models/statistics/split.ts';

const folder = mkdtempSync(join(tmpdir(), 'selvedge-images-'));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A PNG by the standard's own words (ISO/IEC 15948): signature, IHDR, IDAT, IEND; grey, no filter. */
function png(width: number, height: number, depth: 8 | 16, rows: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  const bytesPerRow = Math.max((width * depth) / 8, 1);
  const raw = Buffer.alloc((bytesPerRow + 1) * Math.ceil(rows.length / bytesPerRow));
  for (let at = 0, y = 0; at < rows.length; at += bytesPerRow, y += 1) {
    raw.set(rows.subarray(at, at + bytesPerRow), y * (bytesPerRow + 1) + 1);
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
function chunk(name: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(name, 'latin1'), body]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(body.length, 0);
  typed.copy(framed, 4);
  framed.writeUInt32BE(crcOf(typed), typed.length + 4);
  return framed;
}

const gradient = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i * 7) % 256);
const good = png(64, 48, 8, gradient);

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test('a grey PNG of 8 bits comes out byte by byte', async () => {
  const image = await readImageFile(write('grey.png', good));
  assert.deepEqual([image.width, image.height], [64, 48]);
  assert.deepEqual([...image.pixels], [...gradient]);
});

test('colour becomes grey of the same size, with or without transparency', async () => {
  for (const channels of [3, 4] as const) {
    const raw = Buffer.alloc(40 * 30 * channels, 200);
    const bytes = await sharp(raw, { raw: { width: 40, height: 30, channels } })
      .png()
      .toBuffer();
    const { pixels } = await decodeImage(bytes, 'colour');
    assert.equal(pixels.length, 40 * 30);
    assert.ok(pixels.every((value) => Math.abs(value - 200) <= 1));
  }
});

test('what is no plain picture of 8 bits is refused with its own code', async () => {
  const raw = { raw: { width: 40, height: 30, channels: 3 as const } };
  const rgb = Buffer.alloc(40 * 30 * 3, 90);
  const cmyk = await sharp(rgb, raw).toColourspace('cmyk').jpeg().toBuffer();
  const jpeg = await sharp(rgb, raw).jpeg().toBuffer();
  const cases: [string, Uint8Array, RegExp][] = [
    ['deep.png', png(40, 30, 16, new Uint8Array(40 * 30 * 2).fill(7)), /DRV-513 .*more than 8 bits/],
    ['cmyk.jpg', cmyk, /DRV-513 .*cmyk/],
    ['empty.png', new Uint8Array(0), /DRV-514 .*is empty/],
    ['jpeg.png', jpeg, /DRV-514 .*holds jpeg/],
    ['text.png', Buffer.from('no picture at all'), /DRV-514/],
    ['zero.png', png(0, 48, 8, gradient), /DRV-511/],
    ['half.png', good.subarray(0, good.length >> 1), /DRV-511/],
    ['half.jpg', jpeg.subarray(0, jpeg.length - 40), /DRV-511/],
    ['short.png', png(64, 48, 8, gradient.subarray(0, 64 * 20)), /DRV-511/],
  ];
  for (const [name, bytes, code] of cases) {
    await assert.rejects(readImageFile(write(name, bytes)), code, name);
  }
  await assert.rejects(readImageFile(join(folder, 'absent.png')), /DRV-510/);
});

test('a picture that claims more pixels than the limit is not unpacked', async () => {
  // 30000 × 30000 zeros are 900 MB unpacked and under a megabyte packed.
  const bomb = png(30_000, 30_000, 8, new Uint8Array(0));
  const before = process.memoryUsage().rss;
  await assert.rejects(readImageFile(write('bomb.png', bomb)), /DRV-512/);
  const real = deflateSync(Buffer.alloc(30_001 * 3000));
  const packed = Buffer.concat([bomb.subarray(0, 33), chunk('IDAT', real), chunk('IEND', Buffer.alloc(0))]);
  await assert.rejects(readImageFile(write('bomb2.png', packed)), /DRV-512/);
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
  await assert.rejects(readImageFile(write('long.png', good), { ...imageLimits, maxFileBytes: 100 }), /DRV-512/);
  await assert.rejects(decodeImage(good, 'many', { ...imageLimits, maxPixels: 1000 }), /DRV-512/);
});

test('a thousand damaged files are refused with a code or decoded whole, and nothing is kept', async () => {
  const random = seeded(Number(process.env['SELVEDGE_SEED'] ?? 1));
  const jpeg = await sharp(Buffer.from(gradient), { raw: { width: 64, height: 48, channels: 1 } })
    .jpeg()
    .toBuffer();
  const webp = await sharp(Buffer.from(gradient), { raw: { width: 64, height: 48, channels: 1 } })
    .webp()
    .toBuffer();
  const originals = [good, jpeg, webp];
  let refused = 0;
  const memory: number[] = [];
  for (let i = 0; i < 1000; i += 1) {
    const bytes = Buffer.from(originals[i % 3] ?? good);
    const flips = 1 + Math.floor(random() * 8);
    for (let f = 0; f < flips; f += 1) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const cut = random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
    try {
      const image = await decodeImage(cut, `mutant ${i}`);
      assert.equal(image.pixels.length, image.width * image.height);
      assert.ok(image.pixels.length <= imageLimits.maxPixels);
    } catch (error) {
      assert.match(error instanceof Error ? error.message : '', /^DRV-51[1-4] /);
      refused += 1;
    }
    if (i % 500 === 499) memory.push(heldBytes());
  }
  assert.ok(refused > 300, `${refused} refused`);
  // The pixels of the second half alone, were they kept, would be 1.5 MB.
  assert.ok((memory[1] ?? 0) - (memory[0] ?? 0) < 1_000_000, `${(memory[1] ?? 0) - (memory[0] ?? 0)} bytes more`);
});

test('only names of images are taken from a folder', () => {
  assert.deepEqual(
    ['a.png', 'b.PNG', 'c.jpeg', 'd.jpg', 'e.webp', 'f.txt', 'g', 'h.svg', 'i.tif'].filter(isImageName),
    ['a.png', 'b.PNG', 'c.jpeg', 'd.jpg', 'e.webp'],
  );
});

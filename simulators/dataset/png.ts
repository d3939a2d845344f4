/** Grey PNGs that say of themselves that they are simulated, and by which generator: training reads that and refuses b. */
import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/** Key of the text chunk (PNG, 11.3.4.3 tEXt) that names the generator; its text is `a` or `b`. */
export const generatorKey = 'selvedge-generator';

/** A grey image of 8 bits as PNG, with text chunks of Latin-1. */
export async function greyPng(
  pixels: Uint8Array,
  widthPx: number,
  heightPx: number,
  texts: Readonly<Record<string, string>>,
): Promise<Buffer> {
  const png = await sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
  // After the signature (8 bytes) and IHDR (25 bytes), before the image.
  const at = 33;
  const chunks = Object.entries(texts).map(([key, text]) => chunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1')));
  return Buffer.concat([png.subarray(0, at), ...chunks, png.subarray(at)]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}

/**
 * One image file → grey pixels, within limits. A file comes from a camera, a stick or a share and may be anything: what is not a
 * plain picture of 8 bits is refused with a code, never guessed at, and nothing of it is kept.
 *
 * Invariants (test/unit/drivers/image-file.test.ts, test/integration/image-files.test.ts):
 *  F1  No file makes more than `maxPixels` bytes of pixels, whatever its header or its compressed data claim.
 *  F2  What is returned has exactly width × height bytes; a truncated or damaged file is refused, not shown in part.
 *  F3  A grey file of 8 bits comes out byte by byte as it was stored.
 */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp from 'sharp';
import { DriverError } from '../errors.ts';

/** One byte a pixel, row by row from the top left. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface ImageLimits {
  readonly maxFileBytes: number;
  readonly maxPixels: number;
}

/** An 8k line camera's frame of 8192 × 4096, and its file uncompressed. */
export const imageLimits: ImageLimits = { maxFileBytes: 64 * 1024 * 1024, maxPixels: 8192 * 4096 };

/** Which formats are decoded, by the names their files carry. */
const formats = { png: ['.png'], jpeg: ['.jpg', '.jpeg'], webp: ['.webp'] } as const;
type Format = keyof typeof formats;

/** Whether a file of this name is taken for an image. */
export function isImageName(name: string): boolean {
  return Object.values(formats).some((endings) => (endings as readonly string[]).includes(extname(name).toLowerCase()));
}

/** @throws DriverError `imageUnreadable`, `imageDamaged`, `imageTooLarge`, `imageKindRefused`, `imageMislabelled` */
export async function readImageFile(path: string, limits: ImageLimits = imageLimits): Promise<GreyImage> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > limits.maxFileBytes) throw new DriverError('imageTooLarge', `${path}: ${size} bytes`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof DriverError) throw error;
    throw new DriverError('imageUnreadable', `${path}: ${textOf(error)}`, { cause: error });
  }
  const format = formatOf(bytes);
  if (format === null || !(formats[format] as readonly string[]).includes(extname(path).toLowerCase())) {
    const what = bytes.length === 0 ? 'is empty' : `holds ${format ?? 'no image of a known kind'}`;
    throw new DriverError('imageMislabelled', `${path}: ${what}`);
  }
  return decodeImage(bytes, path, limits);
}

/**
 * @param name how the image is called in messages
 * @throws DriverError as `readImageFile`
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  limits: ImageLimits = imageLimits,
): Promise<GreyImage> {
  if (bytes.length > limits.maxFileBytes) throw new DriverError('imageTooLarge', `${name}: ${bytes.length} bytes`);
  if (formatOf(bytes) === null) throw new DriverError('imageMislabelled', `${name}: no image of a known kind`);
  try {
    const image = sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'warning', sequentialRead: true });
    const { space, depth, pages, width, height } = await image.metadata();
    // The limit is tried on the header first: a picture that claims a gigapixel is not even begun.
    if (width * height > limits.maxPixels)
      throw new DriverError('imageTooLarge', `${name}: ${width} × ${height} pixels`);
    if (depth !== 'uchar') throw new DriverError('imageKindRefused', `${name}: more than 8 bits a channel`);
    if (space !== 'b-w' && space !== 'srgb') throw new DriverError('imageKindRefused', `${name}: colours as ${space}`);
    if ((pages ?? 1) > 1) throw new DriverError('imageKindRefused', `${name}: ${pages} pictures in one file`);
    const grey = image.removeAlpha().toColourspace('b-w').raw({ depth: 'uchar' });
    const { data, info } = await grey.toBuffer({ resolveWithObject: true });
    if (info.channels !== 1 || data.length !== info.width * info.height) {
      throw new DriverError('imageDamaged', `${name}: ${data.length} bytes for ${info.width} × ${info.height} pixels`);
    }
    return {
      width: info.width,
      height: info.height,
      pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    if (error instanceof DriverError) throw error;
    const text = textOf(error);
    const tooLarge = /exceeds pixel limit/i.test(text);
    throw new DriverError(tooLarge ? 'imageTooLarge' : 'imageDamaged', `${name}: ${text}`, { cause: error });
  }
}

/** By the first bytes: PNG (ISO/IEC 15948 §5.2), JPEG (ITU-T T.81 §B.1.1.3: SOI, then a marker), WebP (RIFF … WEBP). */
function formatOf(bytes: Uint8Array): Format | null {
  const starts = (at: number, ...wanted: readonly number[]) => wanted.every((byte, i) => bytes[at + i] === byte);
  if (starts(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (starts(0, 0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return 'webp';
  return null;
}

const textOf = (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));

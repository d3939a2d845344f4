/**
 * A minute of sound as a picture for people: time to the right, frequency upwards, above how loud each band was, below how much that differs
 * from what was taught. 64 bands, twice a second: nothing of speech can be had from it.
 *
 * Invariant (test/unit/senses/ear-picture.test.ts): the picture of a minute fits into `maxPictureBytes`, and what is louder than taught is
 * red where it is louder and nowhere else.
 */
import sharp from 'sharp';
import { historyBands, historyColumns, type HistoryColumn } from './history.ts';
import { across, gapPx, halfPx, heightPx, up, widthPx } from './picture-axis.ts';
import { maxPictureBytes } from './settings.ts';

/** Loudest less this is black, dB. */
const rangeDb = 60;
/** So much above or below what was taught is full colour, dB. */
const fullDb = 12;

type Colour = readonly [red: number, green: number, blue: number];

/** Raw pixels, three bytes each. */
export function drawn(columns: readonly HistoryColumn[]): { width: number; height: number; pixels: Uint8Array } {
  const [width, half, height] = [widthPx, halfPx, heightPx];
  const pixels = new Uint8Array(width * height * 3).fill(24);
  const loudest = Math.max(...columns.map(({ levels }) => Math.max(...levels)));
  for (const [i, { levels, off }] of columns.entries()) {
    // The newest at the right edge.
    const left = (historyColumns - columns.length + i) * across;
    for (let band = 0; band < historyBands; band += 1) {
      const above = (historyBands - 1 - band) * up;
      fill(pixels, width, left, above, heat(1 + ((levels[band] ?? 0) - loudest) / rangeDb));
      if (off !== null) fill(pixels, width, left, half + gapPx + above, difference((off[band] ?? 0) / fullDb));
    }
  }
  return { width, height, pixels };
}

/** WebP; null where it cannot be made small enough. */
export async function pictureOf(columns: readonly HistoryColumn[]): Promise<Uint8Array<ArrayBuffer> | null> {
  if (columns.length === 0) return null;
  const { width, height, pixels } = drawn(columns);
  for (const quality of [80, 50, 25]) {
    const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .webp({ quality })
      .toBuffer();
    if (bytes.length <= maxPictureBytes) return Uint8Array.from(bytes);
  }
  return null;
}

function fill(pixels: Uint8Array, width: number, left: number, above: number, colour: Colour): void {
  for (let y = above; y < above + up; y += 1) {
    for (let x = left; x < left + across; x += 1) pixels.set(colour, (y * width + x) * 3);
  }
}

/** Black, violet, orange, white. @param share 0 … 1, cut */
function heat(share: number): Colour {
  const s = Math.min(1, Math.max(0, share));
  return [
    Math.round(255 * Math.min(1, 1.6 * s)),
    Math.round(255 * s ** 2),
    Math.round(255 * (s < 0.5 ? s : 2 * (s - 0.5) ** 2 + 0.5 * (1 - s))),
  ];
}

/** Red is louder than taught, blue quieter. @param share −1 … 1, cut */
function difference(share: number): Colour {
  const s = Math.min(1, Math.max(-1, share));
  const rest = Math.round(235 * (1 - Math.abs(s)));
  return s >= 0 ? [235, rest, rest] : [rest, rest, 235];
}

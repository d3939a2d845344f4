/**
 * What a frame says about its camera, measured on a part of its pixels: brightness, sharpness, profiles for its edges, and how the cloth
 * in it lies (`weave.ts`). Pure, some ms at most.
 */
import type { Frame } from './frame.ts';
import { weaveOf } from './weave.ts';

export interface FrameMeasure {
  /** Share of the pixels that are as good as black or white; what the privacy mask covers does not count. */
  readonly blackShare: number;
  readonly whiteShare: number;
  /**
   * Energy of the finest detail by that of all detail: it falls when a lens goes out of focus, and stays when the light changes. 0 of an
   * even picture.
   */
  readonly sharpness: number;
  /** Mean brightness of up to 256 columns and rows; NaN where the mask covers all of one. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  /** From one thread or wale to the next along the rows, in pixels; null where none stands out. */
  readonly pitchPx: number | null;
  /** How far threads or wales lean, pixels to the right for one down; null where none stands out. */
  readonly lean: number | null;
  /** Of all pixels looked at: the same for the same picture. */
  readonly hash: number;
}

const [blackest, whitest] = [16, 250];
/** Rows that are looked at, spread over the picture. */
const maxRows = 96;
const maxBins = 256;
/** Columns whose brightness makes the profile along the rows: of these every row, for courses would alias in fewer. */
const profileColumns = 64;

export type Picture = Pick<Frame, 'width' | 'height' | 'pixels' | 'masked'>;

export function measureFrame(picture: Picture): FrameMeasure {
  const { width, height, pixels, masked } = picture;
  const step = Math.max(1, Math.ceil(height / maxRows));
  const bins = Math.min(width, maxBins);
  const columns = { sums: new Float64Array(bins), counts: new Uint32Array(bins) };
  let [count, black, white, sum, squares, fine, fineCount] = [0, 0, 0, 0, 0, 0, 0];
  // FNV-1a, on the pixels looked at.
  let hash = 0x811c9dc5;
  // Written out, column by column of a bin: it looks at a hundred thousand pixels of every picture.
  for (let at = 0; at < width * height; at += step * width) {
    for (let bin = 0; bin < bins; bin += 1) {
      const to = Math.floor(((bin + 1) * width) / bins);
      let [binSum, binCount] = [0, 0];
      for (let x = Math.floor((bin * width) / bins); x < to; x += 1) {
        if (masked !== null && masked[at + x] === 1) continue;
        const value = pixels[at + x] ?? 0;
        binSum += value;
        binCount += 1;
        squares += value * value;
        if (value <= blackest) black += 1;
        else if (value >= whitest) white += 1;
        hash = Math.imul(hash ^ value, 0x01000193);
        if (x === 0 || x === width - 1) continue;
        if (masked !== null && (masked[at + x - 1] === 1 || masked[at + x + 1] === 1)) continue;
        const detail = value - ((pixels[at + x - 1] ?? 0) + (pixels[at + x + 1] ?? 0)) / 2;
        fine += detail * detail;
        fineCount += 1;
      }
      columns.sums[bin] = (columns.sums[bin] ?? 0) + binSum;
      columns.counts[bin] = (columns.counts[bin] ?? 0) + binCount;
      sum += binSum;
      count += binCount;
    }
  }
  const mean = count === 0 ? 0 : sum / count;
  const variance = count === 0 ? 0 : squares / count - mean * mean;
  return {
    blackShare: count === 0 ? 0 : black / count,
    whiteShare: count === 0 ? 0 : white / count,
    sharpness: fineCount === 0 || variance < 1 ? 0 : fine / fineCount / variance,
    columns: meansOf(columns),
    rows: rowsOf(picture),
    ...weaveOf(picture),
    hash: hash >>> 0,
  };
}

function meansOf({ sums, counts }: { readonly sums: Float64Array; readonly counts: Uint32Array }): readonly number[] {
  return Array.from(sums, (sum, at) => sum / (counts[at] ?? 0));
}

function rowsOf({ width, height, pixels, masked }: Picture): readonly number[] {
  const bins = Math.min(height, maxBins);
  const rows = { sums: new Float64Array(bins), counts: new Uint32Array(bins) };
  const stride = Math.max(1, Math.floor(width / profileColumns));
  for (let y = 0; y < height; y += 1) {
    const bin = Math.floor((y * bins) / height);
    let [sum, count] = [0, 0];
    for (let at = y * width + (stride >> 1); at < (y + 1) * width; at += stride) {
      if (masked !== null && masked[at] === 1) continue;
      sum += pixels[at] ?? 0;
      count += 1;
    }
    rows.sums[bin] = (rows.sums[bin] ?? 0) + sum;
    rows.counts[bin] = (rows.counts[bin] ?? 0) + count;
  }
  return meansOf(rows);
}

/**
 * What a frame says about its camera, measured on a part of its pixels: brightness, sharpness, where its edges are. Pure, some ms at most.
 */
import type { Frame } from './frame.ts';

export interface FrameMeasure {
  /** Share of the pixels that are as good as black or white; what the privacy mask covers does not count. */
  readonly blackShare: number;
  readonly whiteShare: number;
  /**
   * Energy of the finest detail by that of all detail: it falls when a lens goes out of focus, and stays when the light changes. 0 of an
   * even picture.
   */
  readonly sharpness: number;
  /** Mean brightness of up to 256 columns and rows. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  /** From one thread or wale to the next along the rows, in pixels; null where none stands out. */
  readonly pitchPx: number | null;
  /** Of all pixels looked at: the same for the same picture. */
  readonly hash: number;
}

const [blackest, whitest] = [16, 250];
/** Rows that are looked at, spread over the picture. */
const maxRows = 96;
const maxColumns = 256;

export function measureFrame({
  width,
  height,
  pixels,
  masked,
}: Pick<Frame, 'width' | 'height' | 'pixels' | 'masked'>): FrameMeasure {
  const step = Math.max(1, Math.ceil(height / maxRows));
  const bins = Math.min(width, maxColumns);
  const columns = { sums: new Float64Array(bins), counts: new Uint32Array(bins) };
  const rows = { sums: new Float64Array(Math.ceil(height / step)), counts: new Uint32Array(Math.ceil(height / step)) };
  let [count, black, white, sum, squares, fine, fineCount] = [0, 0, 0, 0, 0, 0, 0];
  // FNV-1a, on the pixels looked at.
  let hash = 0x811c9dc5;
  // Written out, column by column of a bin: it looks at a hundred thousand pixels of every picture.
  for (let row = 0; row < rows.sums.length; row += 1) {
    const at = row * step * width;
    let [rowSum, rowCount] = [0, 0];
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
      rowSum += binSum;
      rowCount += binCount;
    }
    rows.sums[row] = rowSum;
    rows.counts[row] = rowCount;
    sum += rowSum;
    count += rowCount;
  }
  const mean = count === 0 ? 0 : sum / count;
  const variance = count === 0 ? 0 : squares / count - mean * mean;
  return {
    blackShare: count === 0 ? 0 : black / count,
    whiteShare: count === 0 ? 0 : white / count,
    sharpness: fineCount === 0 || variance < 1 ? 0 : fine / fineCount / variance,
    columns: meansOf(columns, mean),
    rows: meansOf(rows, mean),
    pitchPx: pitchOf(pixels, masked, width, height),
    hash: hash >>> 0,
  };
}

/** @param otherwise of a column or row that the mask covers */
function meansOf(
  { sums, counts }: { readonly sums: Float64Array; readonly counts: Uint32Array },
  otherwise: number,
): readonly number[] {
  return Array.from(sums, (sum, at) => ((counts[at] ?? 0) === 0 ? otherwise : sum / (counts[at] ?? 1)));
}

const pitchRows = 16;
const pitchColumns = 1024;
const [leastPitchPx, mostPitchPx] = [3, 64];
/** Of the energy of a row, what comes back a pitch further. */
const leastEcho = 0.2;

/** The first peak of the autocorrelation of some rows, to a part of a pixel. */
function pitchOf(pixels: Uint8Array, masked: Uint8Array | null, width: number, height: number): number | null {
  const length = Math.min(width, pitchColumns);
  if (length < 4 * mostPitchPx || height < 2) return null;
  const left = (width - length) >> 1;
  const echo = new Float64Array(mostPitchPx + 2);
  const row = new Float64Array(length);
  for (let n = 0; n < pitchRows; n += 1) {
    const at = Math.floor(((n + 0.5) * height) / pitchRows) * width + left;
    // A row that is blanked in part has edges that are none of the cloth's.
    if (masked !== null && masked.subarray(at, at + length).includes(1)) continue;
    // Differences, so that light which falls off to one side has no part in it.
    for (let x = 1; x < length; x += 1) row[x] = (pixels[at + x] ?? 0) - (pixels[at + x - 1] ?? 0);
    for (let lag = 0; lag < echo.length; lag += 1) {
      let sum = 0;
      for (let x = lag + 1; x < length; x += 1) sum += (row[x] ?? 0) * (row[x - lag] ?? 0);
      echo[lag] = (echo[lag] ?? 0) + sum / (length - lag - 1);
    }
  }
  const own = echo[0] ?? 0;
  for (let lag = leastPitchPx; lag <= mostPitchPx; lag += 1) {
    const [before, here, after] = [echo[lag - 1] ?? 0, echo[lag] ?? 0, echo[lag + 1] ?? 0];
    if (here < leastEcho * own || here < before || here <= after) continue;
    // The top of the parabola through the three.
    return lag + (before - after) / (2 * (before - 2 * here + after));
  }
  return null;
}

/** A tenth of the picture: further a camera is not moved, it shows another scene. */
const maxShiftShare = 0.1;
/** Of the contrast that was taught: less is another scene. */
const fadedShare = 0.3;

/**
 * By how much of its length a profile is shifted against the one that was taught, and how much alike the two are then (normalised
 * correlation, 1: the same). Null where nothing can be said: other lengths, or a profile without any edge.
 */
export function shiftBetween(
  taught: readonly number[],
  now: readonly number[],
  flat: number,
): { readonly share: number; readonly likeness: number } | null {
  if (taught.length !== now.length || taught.length < 16 || deviation(taught) < flat) return null;
  // A scene that faded from the profile keeps its form long after; light that changes leaves the contrast as it was.
  if (contrast(now) < contrast(taught) * fadedShare) return { share: 0, likeness: 0 };
  const most = Math.max(1, Math.round(taught.length * maxShiftShare));
  let best = { shift: 0, likeness: -1 };
  for (let shift = -most; shift <= most; shift += 1) {
    const value = correlation(taught, now, shift);
    // Of equals the smaller shift.
    if (value > best.likeness + 1e-9 || (value > best.likeness - 1e-9 && Math.abs(shift) < Math.abs(best.shift))) {
      best = { shift, likeness: Math.max(value, best.likeness) };
    }
  }
  return { share: best.shift / taught.length, likeness: best.likeness };
}

const contrast = (values: readonly number[]) => deviation(values) / Math.max(1, meanOf(values));
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Of `taught[i]` with `now[i + shift]`, where both are. */
function correlation(taught: readonly number[], now: readonly number[], shift: number): number {
  let [n, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (let at = Math.max(0, -shift); at < Math.min(taught.length, taught.length - shift); at += 1) {
    const [x, y] = [taught[at] ?? 0, now[at + shift] ?? 0];
    n += 1;
    a += x;
    b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const [varianceA, varianceB] = [aa - (a * a) / n, bb - (b * b) / n];
  return varianceA <= 0 || varianceB <= 0 ? 0 : (ab - (a * b) / n) / Math.sqrt(varianceA * varianceB);
}

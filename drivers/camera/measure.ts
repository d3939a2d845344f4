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
  /** Of all pixels looked at: the same for the same picture. */
  readonly hash: number;
}

const [blackest, whitest] = [16, 250];
/** Rows that are looked at, spread over the picture. */
const maxRows = 256;
const maxColumns = 256;

export function measureFrame({
  width,
  height,
  pixels,
  masked,
}: Pick<Frame, 'width' | 'height' | 'pixels' | 'masked'>): FrameMeasure {
  const bins = Math.min(width, maxColumns);
  const columns = new Means(bins);
  const step = Math.max(1, Math.ceil(height / maxRows));
  const rows = new Means(Math.ceil(height / step));
  let [count, black, white, sum, squares, fine, fineCount] = [0, 0, 0, 0, 0, 0, 0];
  // FNV-1a, on the pixels looked at.
  let hash = 0x811c9dc5;
  for (let y = 0; y < height; y += step) {
    const row = y / step;
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      if (masked !== null && masked[at] === 1) continue;
      const value = pixels[at] ?? 0;
      count += 1;
      sum += value;
      squares += value * value;
      if (value <= blackest) black += 1;
      else if (value >= whitest) white += 1;
      columns.add(Math.floor((x * bins) / width), value);
      rows.add(row, value);
      hash = Math.imul(hash ^ value, 0x01000193);
      const [left, right] = [pixels[at - 1], pixels[at + 1]];
      const isInside = x > 0 && x < width - 1 && (masked === null || (masked[at - 1] === 0 && masked[at + 1] === 0));
      if (!isInside || left === undefined || right === undefined) continue;
      const detail = value - (left + right) / 2;
      fine += detail * detail;
      fineCount += 1;
    }
  }
  const mean = count === 0 ? 0 : sum / count;
  const variance = count === 0 ? 0 : squares / count - mean * mean;
  return {
    blackShare: count === 0 ? 0 : black / count,
    whiteShare: count === 0 ? 0 : white / count,
    sharpness: fineCount === 0 || variance < 1 ? 0 : fine / fineCount / variance,
    columns: columns.all(mean),
    rows: rows.all(mean),
    hash: hash >>> 0,
  };
}

class Means {
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;

  constructor(size: number) {
    this.#sums = new Float64Array(size);
    this.#counts = new Uint32Array(size);
  }

  add(bin: number, value: number): void {
    this.#sums[bin] = (this.#sums[bin] ?? 0) + value;
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
  }

  /** @param otherwise of a bin that is covered by the mask or was not looked at */
  all(otherwise: number): readonly number[] {
    return Array.from(this.#sums, (sum, bin) =>
      (this.#counts[bin] ?? 0) === 0 ? otherwise : sum / (this.#counts[bin] ?? 1),
    );
  }
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

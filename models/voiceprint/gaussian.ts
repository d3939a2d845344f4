/**
 * How the clips of one machine lie: their mean, and how much they differ from it in every direction. The distance is that of Mahalanobis,
 * which counts a difference against how much the machine differs from itself there. There are fewer clips than directions, so the
 * covariance is shrunk: a small part of it is replaced by the same variance in all directions. Pure.
 *
 * Invariants (test/unit/models/voiceprint-gaussian.test.ts):
 *  G1  whitening · whiteningᵀ is the inverse of the shrunk covariance.
 *  G2  The distance by the whitening and the one by substitution are the same, whatever the clips.
 *  G3  Clips that are all alike give a distance, not a division by zero.
 *  G4  What is lent says how clips differ and moves no middle.
 */
import { choleskyOf, invertLower } from '../statistics/cholesky.ts';

/**
 * Share of the covariance replaced. Directions no enrolled clip went in have this variance alone, and a fault is mostly a direction the
 * machine never went in: little says so clearest (docs/models/voiceprint.md has the figures for other shares).
 */
export const shrinkage = 0.02;
/** Variance in dB² that any machine is granted. */
const leastVariance = 1e-3;

export interface Gaussian {
  readonly size: number;
  readonly middle: Float64Array;
  /** The lower Cholesky factor of the shrunk covariance, row by row. */
  readonly factor: Float64Array;
}

/** How rows differ from their mean: sums of products, of which the lower triangle counts. */
export interface Scatter {
  readonly rows: number;
  readonly middle: Float64Array;
  readonly sums: Float64Array;
}

/** @param rows of one length */
export function scatterOf(rows: readonly Float64Array[]): Scatter {
  const size = rows[0]?.length ?? 0;
  const middle = new Float64Array(size);
  for (const row of rows) for (let i = 0; i < size; i += 1) middle[i] = (middle[i] ?? 0) + (row[i] ?? 0) / rows.length;
  const sums = new Float64Array(size * size);
  const apart = new Float64Array(size);
  for (const row of rows) {
    for (let i = 0; i < size; i += 1) apart[i] = (row[i] ?? 0) - (middle[i] ?? 0);
    for (let i = 0; i < size; i += 1) {
      const own = apart[i] as number;
      const at = i * size;
      for (let j = 0; j <= i; j += 1) sums[at + j] = (sums[at + j] as number) + own * (apart[j] as number);
    }
  }
  return { rows: rows.length, middle, sums };
}

/**
 * @param rows at least two, of one length
 * @param lent how clips of other speeds of the machine differ from the mean of their own speed
 */
export function gaussianOf(rows: readonly Float64Array[], share = shrinkage, lent: readonly Scatter[] = []): Gaussian {
  const { middle, sums } = scatterOf(rows);
  const size = middle.length;
  const count = lent.reduce((sum, other) => sum + other.rows, rows.length);
  const covariance = sums.map((value, at) => {
    const all = lent.reduce((sum, other) => sum + (other.sums[at] as number), value);
    return ((1 - share) * all) / count;
  });
  let trace = 0;
  for (let i = 0; i < size; i += 1) trace += (covariance[i * size + i] ?? 0) / (1 - share);
  const added = Math.max((share * trace) / size, leastVariance);
  for (let i = 0; i < size; i += 1) covariance[i * size + i] = (covariance[i * size + i] ?? 0) + added;
  return { size, middle, factor: choleskyOf(covariance, size) };
}

/** Mean over all directions of the squared distance. */
export function distanceOf({ size, middle, factor }: Gaussian, row: Float64Array): number {
  const white = new Float64Array(size);
  let sum = 0;
  for (let i = 0; i < size; i += 1) {
    let value = (row[i] ?? 0) - (middle[i] ?? 0);
    const at = i * size;
    for (let j = 0; j < i; j += 1) value -= (factor[at + j] as number) * (white[j] as number);
    white[i] = value / (factor[at + i] ?? 1);
    sum += (white[i] as number) ** 2;
  }
  return sum / size;
}

/** What (row − middle) is multiplied by from the right to be white: the inverse factor, turned over. */
export function whiteningOf({ size, factor }: Gaussian): Float64Array {
  const inverse = invertLower(factor, size);
  return Float64Array.from(inverse, (_, at) => inverse[(at % size) * size + Math.floor(at / size)] ?? 0);
}

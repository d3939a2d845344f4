/**
 * A worn needle makes the same wale otherwise in every course. In one picture that is next to nothing to see, and it is as long as the
 * picture; held against the hundreds of other wales it is plain: the mean of a column over many rows takes out yarn and loops, and what
 * is left are the needles. The mean of the middle four of eight such means, from top to bottom, takes out what
 * lies on the cloth in one place. So the wales of a machine are a crowd, and what is looked for is the one that is none of it.
 *
 * A wale is how the light goes across it and both its neighbours, in quarters of a wale against the light around: before a tube a wale is four or
 * five pixels wide, and what is finer than a pixel is where the pixels lie and not how the needle knits. How far it is off is
 * its Mahalanobis distance from the crowd of the last hundred pictures; from which distance on it is odd the crowd itself says. Nothing was
 * taught and nothing is known of how a fault looks. A crowd that is all alike in its fault has no odd one.
 *
 * Invariants (test/unit/models/odd-wales.test.ts):
 *  O1  An odd wale is found wherever in the picture it stands, it or the one beside it; in an even crowd none is.
 *  O2  How light it is, how much lighter on one side, and what shade the yarn has changes nothing.
 *  O3  Before the crowd is known nothing is odd.
 *  O4  What is odd in a quarter of the height and no more, such as a thread or a hole, is next to nothing.
 *  O5  The same wale is off the same way wherever it lies between the pixels.
 */
import { choleskyOf } from '../statistics/cholesky.ts';
import { ColumnSums } from './column-sums.ts';
import type { Box, Grey } from './grey.ts';
import { columnAmong } from './wale-line.ts';

/** Parts of a wale, and wales to each side, in what is compared. */
const parts = 4;
const beside = 1;
const size = parts * (2 * beside + 1);
/** Parts of the height, each with a mean of its own. */
const bands = 8;
/** Whole wales to each side that the light is taken from. */
const lightWales = 6.5;
/** A wale nearer to an edge of the cloth is not judged: too little light around it is known. */
const edgeWales = 4;
/** Added to every direction, as a share of the mean variance: what a camera cannot see is no evidence. */
const ridge = 0.05;
/** What was seen fades by this with every picture, and so many wales have to be in it. */
const fading = 0.99;
const leastCrowd = 400;
/** Distances of the last wales, and how many say what is usual. */
const keptDistances = 4096;
const leastDistances = 500;
/** Of distances: middle, and the hundredth that is largest, 2.33 standard deviations above it. */
const far = { share: 0.99, sigmas: 2.326 };
/** A wale is looked at from here on, in standard deviations of the distances above their middle, and odd by itself from there. */
const seenFrom = 5.3;
const oddFrom = 5.9;

/** One wale of a picture. */
export interface WaleLook {
  /** Its middle by the beat of the wales, px from the left edge of the picture. */
  readonly xPx: number;
  /** Where a line would stand if this wale had one (`wale-line.ts`); null: too near to an edge. */
  readonly linePx: number | null;
  /** How the light goes across it and both its neighbours: in all of the height, and in its upper and its lower half. */
  readonly values: Float32Array;
  readonly halves: readonly [upper: Float32Array, lower: Float32Array];
}

/** It may be the wale beside it that is odd. */
export interface OddWale extends Pick<WaleLook, 'xPx' | 'linePx'> {
  /** 1 and more: odd by itself. Less: it is so only if it is seen again. */
  readonly oddness: number;
}

export class WaleCrowd {
  readonly #pitchPx: number;
  #weight = 0;
  readonly #sums = new Float64Array(size);
  readonly #products = new Float64Array(size * size);
  #last: readonly { readonly xPx: number; readonly look: Float32Array; readonly distance: number }[] = [];
  #seen: readonly WaleLook[] = [];
  #white: ((values: Float32Array) => Float32Array) | null = null;
  /** Distance from which on a wale was odd in the last picture; null: not known yet. */
  #odd: number | null = null;
  readonly #distances = new Float32Array(keptDistances);
  #count = 0;

  /** @param pitchPx distance of the wales, px */
  constructor(pitchPx: number) {
    this.#pitchPx = pitchPx;
  }

  /** Takes in one picture. @param box the cloth in it, px; @returns the odd wales, from left to right */
  look(picture: Grey, box: Box): readonly OddWale[] {
    const pitchPx = this.#pitchPx;
    const columns = new Columns(picture, box);
    const wales = columns.wales(pitchPx).map((xPx) => ({
      xPx,
      linePx: columns.lineAt(xPx, pitchPx),
      ...columns.valuesAt(xPx, pitchPx),
    }));
    const crowd = this.#weight >= leastCrowd ? this.#whitening() : null;
    this.#seen = wales;
    this.#white = crowd;
    if (crowd === null) {
      for (const { values } of wales) this.#add(values);
      this.#fade();
      this.#last = [];
      return [];
    }
    const seen = wales.map((wale) => {
      const look = crowd(wale.values);
      return { ...wale, look, distance: Math.sqrt(look.reduce((sum, value) => sum + value * value, 0)) };
    });
    this.#last = seen;
    const limits = this.#limits();
    this.#odd = limits?.odd ?? null;
    for (const { values, distance } of seen) {
      this.#distances[this.#count % keptDistances] = distance;
      this.#count += 1;
      if (limits === null || distance < limits.odd) this.#add(values);
    }
    this.#fade();
    if (limits === null) return [];
    const near = 2.5 * pitchPx;
    return seen
      .filter(({ distance }) => distance >= limits.seen)
      .filter((one, _, all) => !all.some((other) => other !== one && isBefore(other, one, near)))
      .map(({ xPx, linePx, distance }) => ({ xPx, linePx, oddness: distance / limits.odd }));
  }

  /** The wales of the last picture. */
  get wales(): readonly WaleLook[] {
    return this.#seen;
  }

  /** From the values of a wale to standard deviations of the crowd as it is now; null: it is not known yet. */
  get whitening(): ((values: Float32Array) => Float32Array) | null {
    return this.#white;
  }

  /**
   * How the wale nearest to a column of the last picture is off, in standard deviations; the same needle is off the same way a revolution
   * later. Of nothing, which is like nothing, where that is not known. */
  lookAt(xPx: number): Float32Array {
    return this.#nearest(xPx)?.look ?? new Float32Array(size);
  }

  /** How odd the wale nearest to a column of the last picture is; null where that is not known. */
  oddnessAt(xPx: number): number | null {
    const nearest = this.#nearest(xPx);
    return this.#odd === null || nearest === undefined ? null : nearest.distance / this.#odd;
  }

  /** Near the edges no wale is judged, so none is near enough there. */
  #nearest(xPx: number) {
    return this.#last
      .filter((one) => Math.abs(one.xPx - xPx) <= this.#pitchPx)
      .toSorted((a, b) => Math.abs(a.xPx - xPx) - Math.abs(b.xPx - xPx))[0];
  }

  #add(values: Float32Array): void {
    this.#weight += 1;
    for (let i = 0; i < size; i += 1) {
      const value = values[i] ?? 0;
      this.#sums[i] = (this.#sums[i] ?? 0) + value;
      for (let j = 0; j <= i; j += 1) {
        this.#products[i * size + j] = (this.#products[i * size + j] ?? 0) + value * (values[j] ?? 0);
      }
    }
  }

  #fade(): void {
    this.#weight *= fading;
    for (let i = 0; i < size; i += 1) this.#sums[i] = (this.#sums[i] ?? 0) * fading;
    for (let i = 0; i < size * size; i += 1) this.#products[i] = (this.#products[i] ?? 0) * fading;
  }

  /** Distances from which on a wale is looked at, and is odd; null before enough were seen. */
  #limits(): { readonly seen: number; readonly odd: number } | null {
    const count = Math.min(this.#count, keptDistances);
    if (count < leastDistances) return null;
    const sorted = this.#distances.slice(0, count).sort();
    const middle = sorted[Math.floor(count / 2)] ?? 0;
    const sigma = ((sorted[Math.floor(count * far.share)] ?? 0) - middle) / far.sigmas;
    return { seen: middle + seenFrom * sigma, odd: middle + oddFrom * sigma };
  }

  /** From values to standard deviations, none of which says anything about another: L⁻¹ (values − mean), L Lᵀ the covariance. */
  #whitening(): (values: Float32Array) => Float32Array {
    const mean = this.#sums.map((sum) => sum / this.#weight);
    const matrix = new Float64Array(size * size);
    let trace = 0;
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j <= i; j += 1) {
        matrix[i * size + j] = (this.#products[i * size + j] ?? 0) / this.#weight - (mean[i] ?? 0) * (mean[j] ?? 0);
      }
      trace += matrix[i * size + i] ?? 0;
    }
    const added = Math.max((ridge * trace) / size, 1e-12);
    for (let i = 0; i < size; i += 1) matrix[i * size + i] = (matrix[i * size + i] ?? 0) + added;
    const lower = choleskyOf(matrix, size);
    return (values) => {
      const white = new Float32Array(size);
      for (let i = 0; i < size; i += 1) {
        let sum = (values[i] ?? 0) - (mean[i] ?? 0);
        for (let k = 0; k < i; k += 1) sum -= (lower[i * size + k] ?? 0) * (white[k] ?? 0);
        white[i] = sum / (lower[i * size + i] ?? 1);
      }
      return white;
    };
  }
}

/** Of neighbours the oddest stands for all: a wale makes those beside it look odd. */
function isBefore(
  other: { readonly xPx: number; readonly distance: number },
  one: { readonly xPx: number; readonly distance: number },
  nearPx: number,
): boolean {
  if (Math.abs(other.xPx - one.xPx) > nearPx) return false;
  return other.distance > one.distance || (other.distance === one.distance && other.xPx < one.xPx);
}

/** How alike two wales are off: 1 the same way, 0 in nothing. */
export function likeness(a: Float32Array, b: Float32Array): number {
  let [both, own, others] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    both += (a[i] ?? 0) * (b[i] ?? 0);
    own += (a[i] ?? 0) ** 2;
    others += (b[i] ?? 0) ** 2;
  }
  return own > 0 && others > 0 ? both / Math.sqrt(own * others) : 0;
}

/** Mean brightness of the columns of a piece of picture, band by band from top to bottom. */
class Columns {
  readonly #left: number;
  readonly #right: number;
  readonly #bands: readonly ColumnSums[];
  readonly #all: ColumnSums;

  constructor({ width, pixels }: Grey, { left, top, right, bottom }: Box) {
    this.#left = left;
    this.#right = right;
    const all = new Float64Array(Math.max(0, right - left));
    this.#bands = Array.from({ length: bands }, (_, band) => {
      const means = new Float64Array(all.length);
      const from = top + Math.floor((band * (bottom - top)) / bands);
      const to = top + Math.floor(((band + 1) * (bottom - top)) / bands);
      for (let y = from; y < to; y += 1) {
        const row = y * width + left;
        for (let x = 0; x < means.length; x += 1) means[x] = (means[x] ?? 0) + (pixels[row + x] ?? 0);
      }
      for (let x = 0; x < means.length; x += 1) {
        all[x] = (all[x] ?? 0) + (means[x] ?? 0);
        means[x] = (means[x] ?? 0) / Math.max(1, to - from);
      }
      return new ColumnSums(means);
    });
    this.#all = new ColumnSums(all);
  }

  /** Middles of the wales that have enough of others beside them, by the beat of light and dark of some wales around each. */
  wales(pitchPx: number): number[] {
    const margin = edgeWales * pitchPx;
    const middles: number[] = [];
    for (let guess = margin; guess <= this.#right - this.#left - margin; guess += pitchPx) {
      const phase = this.#all.phaseAt(guess, pitchPx);
      const xPx = this.#left + phase + pitchPx * Math.round((guess - phase) / pitchPx);
      const last = middles.at(-1);
      if (last === undefined || xPx - last > pitchPx / 2) middles.push(xPx);
    }
    return middles;
  }

  lineAt(xPx: number, pitchPx: number): number | null {
    const at = xPx - this.#left;
    const found = columnAmong(this.#all, at - pitchPx / 2, at + pitchPx / 2, pitchPx);
    return found === null ? null : this.#left + found;
  }

  /** Light in each part of a wale and of those beside it, over the light around: the mean of the middle half of all bands, and of each half. */
  valuesAt(xPx: number, pitchPx: number): Pick<WaleLook, 'values' | 'halves'> {
    const at = xPx - this.#left;
    const step = pitchPx / parts;
    const first = at - (size / 2) * step;
    const around = this.#bands.map((band) => band.mean(at - lightWales * pitchPx, at + lightWales * pitchPx));
    const values = new Float32Array(size);
    const [upper, lower] = [new Float32Array(size), new Float32Array(size)];
    const own = new Float64Array(bands);
    for (let i = 0; i < size; i += 1) {
      for (let band = 0; band < bands; band += 1) {
        const light = around[band] ?? 0;
        own[band] = light > 0 ? (this.#bands[band]?.mean(first + i * step, first + (i + 1) * step) ?? 0) / light : 0;
      }
      upper[i] = mean(own, 0, bands / 2);
      lower[i] = mean(own, bands / 2, bands);
      values[i] = mean(own.sort(), bands / 4, (3 * bands) / 4);
    }
    return { values, halves: [upper, lower] };
  }
}

function mean(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += values[i] ?? 0;
  return sum / (to - from);
}

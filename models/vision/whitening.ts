/**
 * What the weave itself looks like, and the kernel that takes it out. The mean power spectrum of good cloth has narrow peaks where
 * the weave repeats; dividing by its root makes all cloth look alike, as white noise, and what is not weave stands out. Pure.
 *
 * Invariants (test/unit/models/whitening.test.ts):
 *  W1  Cloth filtered with its kernel has a flat spectrum but for what the kernel is too short to resolve.
 *  W2  The kernel is symmetric and answers an even grey with zero.
 */
import { planOf, transformSquare } from './fourier.ts';

/** Blocks of the spectrum, in pixels of the flattened image (half resolution): fine enough for the peaks of a weave. */
export const blockPx = 128;
/** Side of the kernel in pixels of the flattened image; odd. */
export const kernelPx = 25;
/** Frequencies with less power than this share of the median are not raised further: they are noise of the camera. */
const floorShare = 1e-3;
/** Conjugate gradients need some twenty. */
const maxIterations = 80;
const plan = planOf(blockPx);

/** A flattened image, row by row, and the columns and rows of it that are cloth. */
export interface Flat {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  readonly cloth: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
}

/** Adds up power spectra of blocks of good cloth. */
export class Spectrum {
  readonly #power = new Float64Array(blockPx * blockPx);
  readonly #window = Float64Array.from(
    { length: blockPx },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / blockPx),
  );
  readonly #re = new Float64Array(blockPx * blockPx);
  readonly #im = new Float64Array(blockPx * blockPx);
  #blocks = 0;

  get blocks(): number {
    return this.#blocks;
  }

  /** Every block of cloth, half over the one before it. */
  add(flat: Flat): void {
    const { left, right, top, bottom } = flat.cloth;
    const places: [number, number][] = [];
    for (const y of startsOf(top, bottom)) for (const x of startsOf(left, right)) places.push([x, y]);
    // Two real blocks are one complex one: the powers of both add up in what is even of its spectrum.
    for (let i = 0; i < places.length; i += 2) {
      this.#re.fill(0);
      this.#im.fill(0);
      this.#load(flat, places[i], this.#re);
      this.#load(flat, places[i + 1], this.#im);
      transformSquare(plan, this.#re, this.#im);
      this.#collect();
    }
    this.#blocks += places.length;
  }

  #load(flat: Flat, place: readonly [number, number] | undefined, into: Float64Array): void {
    if (place === undefined) return;
    const [left, top] = place;
    let mean = 0;
    for (let y = 0; y < blockPx; y += 1) {
      for (let x = 0; x < blockPx; x += 1) mean += flat.values[(top + y) * flat.width + left + x] ?? 0;
    }
    mean /= blockPx * blockPx;
    for (let y = 0; y < blockPx; y += 1) {
      for (let x = 0; x < blockPx; x += 1) {
        const value = (flat.values[(top + y) * flat.width + left + x] ?? 0) - mean;
        into[y * blockPx + x] = value * (this.#window[y] ?? 0) * (this.#window[x] ?? 0);
      }
    }
  }

  /** |Z(f)|² + |Z(−f)|² over two is the sum of both powers. */
  #collect(): void {
    for (let y = 0; y < blockPx; y += 1) {
      for (let x = 0; x < blockPx; x += 1) {
        const at = y * blockPx + x;
        const opposite = ((blockPx - y) % blockPx) * blockPx + ((blockPx - x) % blockPx);
        const a = (this.#re[at] ?? 0) ** 2 + (this.#im[at] ?? 0) ** 2;
        const b = (this.#re[opposite] ?? 0) ** 2 + (this.#im[opposite] ?? 0) ** 2;
        this.#power[at] = (this.#power[at] ?? 0) + (a + b) / 2;
      }
    }
  }

  /** Mean power by frequency, scaled so that white noise of variance 1 gives 1. */
  power(): Float64Array {
    // Mean square of the window along one side is 3/8.
    const scale = 1 / (Math.max(this.#blocks, 1) * blockPx * blockPx * (3 / 8) ** 2);
    return this.#power.map((value) => value * scale);
  }
}

/** Where blocks begin on a stretch of cloth; none where it is shorter than a block. */
function startsOf(from: number, to: number): number[] {
  const starts: number[] = [];
  for (let at = from; at + blockPx <= to; at += blockPx / 2) starts.push(at);
  return starts;
}

/**
 * The whitening kernel of a power spectrum: of all kernels of `kernelPx` × `kernelPx` the one whose output on this cloth is nearest to
 * that of the ideal filter 1/√power, that is the least of Σ power · |kernel − 1/√power|² over all frequencies. The inverse transform
 * cut to the same size leaves a third of what comes out in the peaks of the weave; this one leaves nothing to speak of.
 * The normal equations are solved by conjugate gradients, with the transform for the products.
 * @param power as `Spectrum.power` gives it
 * @returns kernelPx × kernelPx weights
 */
export function whiteningKernel(power: Float64Array): Float32Array {
  const sorted = power.toSorted();
  const floor = Math.max(floorShare * (sorted[sorted.length >> 1] ?? 0), 1e-9);
  const weight = power.map((value) => Math.max(value, floor));
  const target = weight.map((value) => 1 / Math.sqrt(value));
  // No answer to an even grey: the light is not the cloth.
  target[0] = 0;
  weight[0] = 10 * Math.max(sorted.at(-1) ?? 0, floor);
  const size = kernelPx * kernelPx;
  const meanWeight = weight.reduce((sum, value) => sum + value, 0) / weight.length;
  const product = (kernel: Float64Array) => {
    const filtered = filterKernel(kernel, weight);
    return filtered.map((value, at) => value + 1e-6 * meanWeight * (kernel[at] ?? 0));
  };
  const rest = centreOf(weight.map((value, at) => value * (target[at] ?? 0)));
  const kernel = new Float64Array(size);
  const direction = rest.slice();
  let error = dot(rest, rest);
  const enough = 1e-8 * error;
  for (let i = 0; i < maxIterations && error > enough; i += 1) {
    const image = product(direction);
    const step = error / dot(direction, image);
    for (let at = 0; at < size; at += 1) {
      kernel[at] = (kernel[at] ?? 0) + step * (direction[at] ?? 0);
      rest[at] = (rest[at] ?? 0) - step * (image[at] ?? 0);
    }
    const next = dot(rest, rest);
    for (let at = 0; at < size; at += 1) direction[at] = (rest[at] ?? 0) + (next / error) * (direction[at] ?? 0);
    error = next;
  }
  const mean = kernel.reduce((sum, value) => sum + value, 0) / size;
  return Float32Array.from(kernel, (value) => value - mean);
}

/** A kernel through a filter given by frequency, cut to the kernel's size again. */
function filterKernel(kernel: Float64Array, weight: Float64Array): Float64Array {
  const re = new Float64Array(blockPx * blockPx);
  const im = new Float64Array(blockPx * blockPx);
  for (let at = 0; at < kernel.length; at += 1) re[blockPlace(at)] = kernel[at] ?? 0;
  transformSquare(plan, re, im);
  for (let at = 0; at < re.length; at += 1) {
    re[at] = (re[at] ?? 0) * (weight[at] ?? 0);
    im[at] = (im[at] ?? 0) * (weight[at] ?? 0);
  }
  // Kernel and weight are even, so forwards and backwards are the same but for the scale.
  transformSquare(plan, re, im);
  return Float64Array.from(kernel, (_, at) => (re[blockPlace(at)] ?? 0) / (blockPx * blockPx));
}

/** The inverse transform of an even real spectrum, where the kernel lies. */
function centreOf(spectrum: Float64Array): Float64Array {
  const re = spectrum.slice();
  transformSquare(plan, re, new Float64Array(re.length));
  return Float64Array.from({ length: kernelPx * kernelPx }, (_, at) => (re[blockPlace(at)] ?? 0) / (blockPx * blockPx));
}

/** Where in a block a weight of the kernel lies, its middle at 0, 0. */
function blockPlace(at: number): number {
  const half = (kernelPx - 1) / 2;
  const x = (at % kernelPx) - half;
  const y = Math.floor(at / kernelPx) - half;
  return ((y + blockPx) % blockPx) * blockPx + ((x + blockPx) % blockPx);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

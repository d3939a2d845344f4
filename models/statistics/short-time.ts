/**
 * Levels of sound by frequency from one short frame to the next. Pure.
 *
 * Invariant (test/unit/models/short-time.test.ts): a sine below `topHz` is the loudest in its own bin, at any rate, and one above it in none.
 */

export interface Looked {
  /** Below this. */
  readonly topHz: number;
  /** A frame lasts about so long (a power of two of samples), and the next begins so much later. */
  readonly frameS: number;
  readonly hopS: number;
}

/** Levels of frames, dB, by bins from 0 Hz on. */
export interface Spectra {
  readonly binHz: number;
  readonly frames: readonly Float32Array[];
}

/** Levels of the sound below `topHz`, of frames that lie over one another; none where it is shorter than a frame. */
export function spectraOf(samples: Float32Array, rateHz: number, { topHz, frameS, hopS }: Looked): Spectra {
  const by = Math.max(1, Math.floor(rateHz / (2.5 * topHz)));
  const lowHz = rateHz / by;
  const size = 2 ** Math.round(Math.log2(frameS * lowHz));
  if (samples.length < size * by) return { binHz: lowHz / size, frames: [] };
  const low = decimated(samples, by);
  const hop = Math.round(hopS * lowHz);
  const bins = Math.min(size / 2, Math.floor((topHz / lowHz) * size));
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const transform = fourier(size);
  const frames: Float32Array[] = [];
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let from = 0; from + size <= low.length; from += hop) {
    for (let i = 0; i < size; i += 1) re[i] = (window[i] ?? 0) * (low[from + i] ?? 0);
    im.fill(0);
    transform(re, im);
    const frame = new Float32Array(bins);
    for (let k = 0; k < bins; k += 1) {
      const [r, m] = [re[k] ?? 0, im[k] ?? 0];
      frame[k] = 10 * Math.log10(r * r + m * m + 1e-12);
    }
    frames.push(frame);
  }
  return { binHz: lowHz / size, frames };
}

/** Every `by`th sample, without what would fold back below `topHz`. */
function decimated(samples: Float32Array, by: number): Float32Array {
  if (by === 1) return samples;
  const half = 6 * by;
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (0.8 * Math.PI * (i - half)) / by;
    return (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos((Math.PI * (i - half)) / (half + 1)));
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  const low = new Float32Array(Math.max(0, Math.floor((samples.length - 2 * half) / by)));
  for (let k = 0; k < low.length; k += 1) {
    let sum = 0;
    for (let i = 0; i < taps.length; i += 1) sum += (taps[i] ?? 0) * (samples[k * by + i] ?? 0);
    low[k] = sum / gain;
  }
  return low;
}

/** The Fourier transform of so many numbers, a power of two, in place (Cooley and Tukey). */
export function fourier(size: number): (re: Float64Array, im: Float64Array) => void {
  const cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size));
  return (re, im) => transform(re, im, cosines, sines);
}

function transform(re: Float64Array, im: Float64Array, cosines: Float64Array, sines: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const r = re[i] ?? 0;
    re[i] = re[j] ?? 0;
    re[j] = r;
    const m = im[i] ?? 0;
    im[i] = im[j] ?? 0;
    im[j] = m;
  }
  for (let half = 1; half < size; half *= 2) {
    const step = size / (2 * half);
    for (let from = 0; from < size; from += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const cos = cosines[k * step] ?? 0;
        const sin = sines[k * step] ?? 0;
        const at = from + k;
        const other = at + half;
        const r = (re[other] ?? 0) * cos - (im[other] ?? 0) * sin;
        const m = (re[other] ?? 0) * sin + (im[other] ?? 0) * cos;
        re[other] = (re[at] ?? 0) - r;
        im[other] = (im[at] ?? 0) - m;
        re[at] = (re[at] ?? 0) + r;
        im[at] = (im[at] ?? 0) + m;
      }
    }
  }
}

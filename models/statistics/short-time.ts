/**
 * Levels of sound by frequency from one short frame to the next. Pure.
 *
 * Invariant (test/unit/models/short-time.test.ts): a sine below `topHz` is the loudest in its own bin, at any rate, and one above it in none.
 */

import { Spectrum } from './fourier.ts';

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
  const { spectrum, window } = tablesOf(size);
  const windowed = (from: number): Float64Array => {
    const stretch = new Float64Array(size);
    if (from + size <= low.length) {
      for (let i = 0; i < size; i += 1) stretch[i] = (window[i] as number) * (low[from + i] as number);
    }
    return stretch;
  };
  const frames: Float32Array[] = [];
  for (let from = 0; from + size <= low.length; from += 2 * hop) {
    // Two in one transform; of an odd number the last goes with silence.
    const [one, other] = spectrum.powersOf(windowed(from), windowed(from + hop));
    frames.push(levelsOf(one, bins));
    if (from + hop + size <= low.length) frames.push(levelsOf(other, bins));
  }
  return { binHz: lowHz / size, frames };
}

function levelsOf(powers: Float64Array, bins: number): Float32Array {
  const levels = new Float32Array(bins);
  for (let k = 0; k < bins; k += 1) levels[k] = 10 * Math.log10((powers[k] as number) + 1e-12);
  return levels;
}

interface Tables {
  readonly spectrum: Spectrum;
  readonly window: Float64Array;
}

/** By length: microphones have few rates. */
const tables = new Map<number, Tables>();

function tablesOf(size: number): Tables {
  const known = tables.get(size);
  if (known !== undefined) return known;
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const made = { spectrum: new Spectrum(size), window };
  tables.set(size, made);
  return made;
}

/** Every `by`th sample, without what would fold back below `topHz`. */
function decimated(samples: Float32Array, by: number): Float32Array {
  if (by === 1) return samples;
  const half = 6 * by;
  const taps = tapsOf(by, half);
  const low = new Float32Array(Math.max(0, Math.floor((samples.length - 2 * half) / by)));
  for (let k = 0; k < low.length; k += 1) {
    let sum = 0;
    // The low-pass is the same to both sides.
    for (let i = 0; i < half; i += 1) {
      sum += (taps[i] as number) * ((samples[k * by + i] as number) + (samples[k * by + 2 * half - i] as number));
    }
    low[k] = sum + (taps[half] as number) * (samples[k * by + half] as number);
  }
  return low;
}

const filters = new Map<number, Float64Array>();

/** A windowed sinc of gain 1, of which the first half and the middle are used. */
function tapsOf(by: number, half: number): Float64Array {
  const known = filters.get(by);
  if (known !== undefined) return known;
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (0.8 * Math.PI * (i - half)) / by;
    return (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos((Math.PI * (i - half)) / (half + 1)));
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  const made = taps.map((tap) => tap / gain);
  filters.set(by, made);
  return made;
}

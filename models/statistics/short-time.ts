/**
 * Levels of sound by frequency from one short frame to the next. Pure.
 *
 * Invariant (test/unit/models/short-time.test.ts): a sine below `topHz` is the loudest in its own bin, at any rate, and one above it in none.
 */

import { inDecibels } from './decibels.ts';
import { Spectrum, type Powers } from './fourier.ts';

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
  const { spectrum, window, one, other, powers } = tablesOf(size);
  const cut = (from: number, stretch: Float64Array): void => {
    if (from + size > low.length) stretch.fill(0);
    else for (let i = 0; i < size; i += 1) stretch[i] = (window[i] as number) * (low[from + i] as number);
  };
  const frames: Float32Array[] = [];
  for (let from = 0; from + size <= low.length; from += 2 * hop) {
    // Two in one transform; of an odd number the last goes with silence.
    cut(from, one);
    cut(from + hop, other);
    spectrum.powersOf(one, other, powers);
    frames.push(levelsOf(powers[0], bins));
    if (from + hop + size <= low.length) frames.push(levelsOf(powers[1], bins));
  }
  return { binHz: lowHz / size, frames };
}

function levelsOf(powers: Float64Array, bins: number): Float32Array {
  const levels = new Float32Array(bins);
  for (let k = 0; k < bins; k += 1) levels[k] = (powers[k] as number) + 1e-12;
  inDecibels(levels);
  return levels;
}

/** Of a length; the stretches and their powers are written over each time. */
interface Tables {
  readonly spectrum: Spectrum;
  readonly window: Float64Array;
  readonly one: Float64Array;
  readonly other: Float64Array;
  readonly powers: Powers;
}

/** By length: microphones have few rates. */
const tables = new Map<number, Tables>();

function tablesOf(size: number): Tables {
  const known = tables.get(size);
  if (known !== undefined) return known;
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const spectrum = new Spectrum(size);
  const [one, other] = [new Float64Array(size), new Float64Array(size)];
  const made = { spectrum, window, one, other, powers: spectrum.powers() };
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
    const first = k * by;
    const last = first + 2 * half;
    // The low-pass is the same to both sides. Two sums, so that one addition need not wait for the other; `half` is even.
    let even = 0;
    let odd = 0;
    for (let i = 0; i < half; i += 2) {
      even += (taps[i] as number) * ((samples[first + i] as number) + (samples[last - i] as number));
      odd += (taps[i + 1] as number) * ((samples[first + i + 1] as number) + (samples[last - i - 1] as number));
    }
    low[k] = even + odd + (taps[half] as number) * (samples[first + half] as number);
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

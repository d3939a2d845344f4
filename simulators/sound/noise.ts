/**
 * Noise and second-order filters of the simulated sound: white numbers fast enough for tens of thousands of seconds, and a bank of
 * octave filters that gives them a spectrum. Pure; every array is the caller's.
 */
import type { Random } from '../random.ts';

/** Middles of the octaves in which a spectrum is given; the last reaches to the top of what is heard. */
export const octavesHz: readonly number[] = [125, 250, 500, 1000, 2000, 4000, 8000];

/** Level of each octave of `octavesHz`, dB. */
export type Spectrum = readonly number[];

/** Fills with white noise of standard deviation 1: a counter mixed by the rounds of murmur3, two 16-bit numbers a draw. */
export function fillWhite(random: Random, samples: Float32Array): void {
  let state = Math.floor(random() * 0x1_0000_0000) | 0;
  // The sum of two uniforms of width w has the variance w² / 6.
  const scale = Math.sqrt(6) / 0x1_0000;
  for (let i = 0; i < samples.length; i += 1) {
    state = (state + 0x6d2b79f5) | 0;
    let h = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    samples[i] = ((h & 0xffff) + (h >>> 16) - 0xffff) * scale;
  }
}

/** A filter of second order: b0, b1, b2, a1, a2 with a0 = 1. */
export interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

export type FilterKind = 'low' | 'high' | 'band';

/** The filters of R. Bristow-Johnson's audio cookbook; the band filter has 0 dB at its middle. */
export function biquadOf(kind: FilterKind, rateHz: number, hz: number, q: number): Biquad {
  const w = (2 * Math.PI * Math.min(hz, 0.47 * rateHz)) / rateHz;
  const cos = Math.cos(w);
  const alpha = Math.sin(w) / (2 * q);
  const a0 = 1 + alpha;
  const shared = { a1: (-2 * cos) / a0, a2: (1 - alpha) / a0 };
  switch (kind) {
    case 'low':
      return { b0: (1 - cos) / 2 / a0, b1: (1 - cos) / a0, b2: (1 - cos) / 2 / a0, ...shared };
    case 'high':
      return { b0: (1 + cos) / 2 / a0, b1: -(1 + cos) / a0, b2: (1 + cos) / 2 / a0, ...shared };
    case 'band':
      return { b0: alpha / a0, b1: 0, b2: -alpha / a0, ...shared };
  }
}

/** Filters in place. */
export function filterBy(filter: Biquad, samples: Float32Array): void {
  filterOf(filter)(samples);
}

/** The same for sound that comes in pieces. */
export function filterOf({ b0, b1, b2, a1, a2 }: Biquad): (samples: Float32Array) => void {
  let kept1 = 0;
  let kept2 = 0;
  return (samples) => {
    let s1 = kept1;
    let s2 = kept2;
    for (let i = 0; i < samples.length; i += 1) {
      const x = samples[i] as number;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      samples[i] = y;
    }
    kept1 = s1;
    kept2 = s2;
  };
}

/** One band of a coloured noise. */
export interface Band {
  readonly filter: Biquad;
  readonly gain: number;
}

/** Filters side by side that give white noise of deviation 1 a spectrum and, all bands together, the power 1. */
export function bankOf(rateHz: number, spectrum: Spectrum): Band[] {
  const powers = spectrum.map((db) => 10 ** (db / 10));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const bands: Band[] = [];
  for (const [i, power] of powers.entries()) {
    const hz = octavesHz[i] ?? 0;
    // Octaves that add less than a ten-thousandth are not worth their time.
    if (power < 1e-4 * total || hz > 0.45 * rateHz) continue;
    const filter = biquadOf('band', rateHz, hz, 1.2);
    bands.push({ filter, gain: Math.sqrt(power / total / noisePowerOf(filter)) });
  }
  return bands;
}

/** A noise that lies between two frequencies. */
export function bandBank(rateHz: number, fromHz: number, toHz: number): Band[] {
  const hz = Math.sqrt(fromHz * toHz);
  const filter = biquadOf('band', rateHz, hz, hz / (toHz - fromHz));
  return [{ filter, gain: 1 / Math.sqrt(noisePowerOf(filter)) }];
}

/** What a band filter leaves of white noise's power: the sum of the squares of its response. */
function noisePowerOf(filter: Biquad): number {
  const response = new Float32Array(4096);
  response[0] = 1;
  filterBy(filter, response);
  return response.reduce((sum, value) => sum + value * value, 0);
}

/** Adds the bands of `white` to `into`, which starts empty. */
export function colour(white: Float32Array, bands: readonly Band[], into: Float32Array): void {
  for (const { filter, gain } of bands) {
    const { b0, b2, a1, a2 } = filter;
    let s1 = 0;
    let s2 = 0;
    for (let i = 0; i < white.length; i += 1) {
      const x = white[i] as number;
      const y = b0 * x + s1;
      // The band filter has no b1.
      s1 = s2 - a1 * y;
      s2 = b2 * x - a2 * y;
      into[i] = (into[i] as number) + gain * y;
    }
  }
}

/** Root of the mean square of a part. */
export function rmsOf(samples: Float32Array, counts: (index: number) => boolean = () => true): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < samples.length; i += 1) {
    if (!counts(i)) continue;
    sum += (samples[i] as number) ** 2;
    count += 1;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/**
 * Sound at another rate: every new sample is what a windowed sinc makes of those around it. For the rates L/M in lowest terms there are
 * L different places between two samples, so the weights of each are made once. Pure.
 *
 * Invariants (test/unit/models/voiceprint-resample.test.ts):
 *  W1  A sine below `keptShare` of the lower Nyquist rate comes out as the same sine, to 0.1 dB.
 *  W2  One that the new rate cannot carry, or an image of one, is 60 dB down.
 *  W3  n samples become ⌈n · L/M⌉, and sample 0 stays sample 0.
 */
import type { Sound } from './wav.ts';

/** Zero crossings of the sinc on each side. */
const sideTaps = 32;
/** Of the Kaiser window: 70 dB. */
const beta = 6.8;
/** The middle of the slope, as a share of the lower Nyquist rate. */
const cutoff = 0.965;
/** Up to here the slope takes no 0.1 dB. */
export const keptShare = 0.91;

/** Rates that have little in common have more places between two samples; the nearest of so many is 60 dB right. */
const mostPhases = 4096;

interface Plan {
  readonly up: number;
  readonly down: number;
  /** Places between two samples. */
  readonly phases: number;
  readonly taps: number;
  /** phases × taps. */
  readonly weights: Float64Array;
}

let lastPlan: { readonly key: string; readonly plan: Plan } | null = null;

/** The same sound at another rate; itself where it has that rate already. */
export function resample(sound: Sound, rateHz: number): Sound {
  if (sound.rateHz === rateHz) return sound;
  const { up, down, phases, taps, weights } = planFor(sound.rateHz, rateHz);
  const { samples } = sound;
  const before = taps / 2 - 1;
  // Silence on both sides, so that the inner loop asks for no borders.
  const padded = new Float64Array(samples.length + 2 * taps);
  padded.set(samples, taps);
  const made = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let i = 0; i < made.length; i += 1) {
    const position = i * down;
    const from = Math.floor(position / up) - before + taps;
    const row = Math.floor(((position % up) * phases) / up) * taps;
    // Two sums, so that one addition need not wait for the other; taps are even.
    let even = 0;
    let odd = 0;
    for (let k = 0; k < taps; k += 2) {
      even += (weights[row + k] as number) * (padded[from + k] as number);
      odd += (weights[row + k + 1] as number) * (padded[from + k + 1] as number);
    }
    made[i] = even + odd;
  }
  return { rateHz, samples: made };
}

function planFor(from: number, to: number): Plan {
  const key = `${from} ${to}`;
  if (lastPlan?.key === key) return lastPlan.plan;
  const divisor = greatestDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  // Downwards the sinc is wider by as much as the rate is lower.
  const width = Math.max(1, down / up);
  const reach = sideTaps * width;
  const taps = 2 * Math.ceil(reach);
  const phases = Math.min(up, mostPhases);
  const weights = new Float64Array(phases * taps);
  for (let phase = 0; phase < phases; phase += 1) {
    let sum = 0;
    for (let k = 0; k < taps; k += 1) {
      const distance = k - (taps / 2 - 1) - phase / phases;
      const weight = (sinc((cutoff * distance) / width) * kaiser(distance / reach) * cutoff) / width;
      weights[phase * taps + k] = weight;
      sum += weight;
    }
    // Every place answers a constant with the same constant.
    for (let k = 0; k < taps; k += 1) weights[phase * taps + k] = (weights[phase * taps + k] ?? 0) / sum;
  }
  const plan = { up, down, phases, taps, weights };
  lastPlan = { key, plan };
  return plan;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const kaiser = (x: number) => (Math.abs(x) >= 1 ? 0 : bessel(beta * Math.sqrt(1 - x * x)) / bessel(beta));

/** Modified Bessel function of the first kind and order 0, by its series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * What goes into the ear's graph: sound at its rate, in whole hops; and which of its mel bands a recording can fill. The graph does the rest
 * (models/training/voiceprint/build.py, which has the same numbers). Pure.
 *
 * Invariants (test/unit/models/voiceprint-ear.test.ts):
 *  M1  A band counts only if a recording of that rate has sound in the whole of it: above, the resampler left nothing, and nothing
 *      has no covariance.
 *  M2  Windows are of one length, of whole hops, and all of the clip is in them but less than a hop for each, and one.
 */
import { ModelError } from '../errors.ts';
import { hzOf, melOf } from './mel.ts';
import { keptShare, resample } from './resample.ts';
import type { Sound } from './wav.ts';

export const modelRateHz = 48_000;
export const hopSamples = 1024;
export const bands = 128;
const highestHz = 20_000;

/**
 * A longer clip is cut: what happens in it once should not be lost among what happens all the time. Much shorter windows tell less of a
 * machine that does something once a second (docs/models/voiceprint.md).
 */
const longestWindowS = 15;
/** Of less sound the spread over time says nothing. */
const leastHops = 23;

/** Windows of one length, one after another: samples × windows numbers. */
export interface Windows {
  readonly count: number;
  readonly samples: number;
  readonly pcm: Float32Array;
}

/**
 * @param name how the sound is called in messages
 * @throws ModelError `soundTooShort`, `soundEmpty`
 */
export function windowsOf(sound: Sound, name: string): Windows {
  const [first = 0] = sound.samples;
  if (sound.samples.every((value) => value === first)) throw new ModelError('soundEmpty', name);
  const { samples } = resample(sound, modelRateHz);
  const hops = Math.floor(samples.length / hopSamples);
  if (hops < leastHops) throw new ModelError('soundTooShort', `${name}: ${samples.length / modelRateHz} s`);
  const count = Math.ceil(hops / Math.floor((longestWindowS * modelRateHz) / hopSamples));
  const length = Math.floor(hops / count) * hopSamples;
  return { count, samples: length, pcm: samples.subarray(0, count * length) };
}

/** How many bands, from the lowest, a recording of this rate fills. */
export function bandsHeard(rateHz: number): number {
  const heardHz = keptShare * (Math.min(rateHz, modelRateHz) / 2);
  const step = melOf(highestHz) / (bands + 1);
  let count = 0;
  // Band i ends at point i + 2 of the scale.
  while (count < bands && hzOf((count + 2) * step) <= heardHz + 1e-6) count += 1;
  return count;
}

/** Where a place on the scale of the bands lies, Hz: band i reaches from i to i + 2, and its middle is i + 1. */
export const placeHz = (place: number): number => hzOf((place * melOf(highestHz)) / (bands + 1));

/** Where a band begins and ends, Hz; neighbours lie half over one another. */
export function bandEdgesHz(band: number): readonly [fromHz: number, toHz: number] {
  return [placeHz(band), placeHz(band + 2)];
}

/**
 * The ear: shown clips of a machine that runs well, it says of another clip how far it is from them. One graph does the hearing; what
 * belongs to this machine is four means and four whitening matrices, which go into it as tensors. Nothing else is ever learned on site.
 *
 * A clip has four parts: the level of each band, and how much each band changes within 21, 85 and 341 ms. A machine that knocks where it
 * hummed may have the same levels. The score is half the logarithm of the distance of the levels and a sixth that of each change:
 * what doubles a distance counts the same whether the machine is a steady or a restless one.
 *
 * Invariants (test/unit/models/voiceprint-ear.test.ts):
 *  A1  The threshold comes from clips that were left out of the statistics they are held against.
 *  A2  What `scoreOf` computes of features is what the graph computes of sound.
 *  A3  Bands that were not heard count for nothing, whatever stands in them.
 *  A4  What a machine does at any of its speeds (warms up, works another cloth) is granted it at each; its means are each speed's own.
 */
import { ModelError } from '../errors.ts';
import { deviation, mean } from '../statistics/metrics.ts';
import { foldsOf } from '../statistics/split.ts';
import type { Graph, TensorLike } from '../graph.ts';
import { bands, bandsHeard, windowsOf, type Windows } from './front-end.ts';
import { distanceOf, gaussianOf, scatterOf, shrinkage, whiteningOf, type Gaussian, type Scatter } from './gaussian.ts';
import { thresholdOf } from './threshold.ts';
import type { Sound } from './wav.ts';

export const parts = 4;
export const partWeights: readonly number[] = [1 / 2, 1 / 6, 1 / 6, 1 / 6];
/** Fewer clips say nothing about the next one. */
export const leastClips = 5;
/** Leaving out one by one costs a decomposition each; more clips are left out in so many groups. */
const mostFolds = 32;
/** As the graph has it: the logarithm of a distance of nothing. */
const leastDistance = 1e-9;

/** A clip as the graph hears it: `parts` × `bands` numbers a window. */
export interface Heard {
  readonly windows: readonly Float32Array[];
  /** So many of the bands, from the lowest, its rate can fill. */
  readonly bands: number;
}

export interface Voiceprint {
  readonly bands: number;
  readonly gaussians: readonly Gaussian[];
  /** A clip whose score is above it does not sound like the machine. */
  readonly threshold: number;
  /** Standard deviation of the scores of clips that were left out. */
  readonly spread: number;
  /** Mean of what was heard while it stood, as a piece is; null: it was not heard. */
  readonly hall: Float32Array | null;
}

/** What else is known of a machine of which one speed is enrolled. */
export interface EnrolMore {
  /** Clips of its other speeds, a list each. */
  readonly others?: readonly (readonly Heard[])[];
  readonly hall?: Float32Array | null;
}

/** The tensors that go into the graph beside the sound. */
export interface Taught {
  readonly middle: TensorLike;
  readonly whitening: TensorLike;
  readonly weights: TensorLike;
}

/** What stands in for a machine while only features are wanted. */
export const blank: Taught = tensorsOf(new Float32Array(parts * bands), new Float32Array(parts * bands * bands));

/**
 * @param name how the sound is called in messages
 * @throws ModelError `soundTooShort`, `soundEmpty`, `modelUnusable`
 */
export async function hear(sound: Sound, name: string, graph: Graph): Promise<Heard> {
  const windows = windowsOf(sound, name);
  const { features } = await graph.run(feedsOf(windows, blank), ['features']);
  if (features === undefined || features.data.length !== windows.count * parts * bands) {
    throw new ModelError('modelUnusable', 'the graph hears other features');
  }
  const size = parts * bands;
  return {
    windows: Array.from({ length: windows.count }, (_, i) => features.data.slice(i * size, (i + 1) * size)),
    bands: bandsHeard(sound.rateHz),
  };
}

export const feedsOf = ({ count, samples, pcm }: Windows, taught: Taught): Record<string, TensorLike> => ({
  pcm: { type: 'float32', dims: [count, samples], data: pcm },
  middle: taught.middle,
  whitening: taught.whitening,
  weights: taught.weights,
});

/**
 * Learns a machine from clips of it running well.
 * @throws ModelError `tooFewClips`
 */
export function enrol(clips: readonly Heard[], more: EnrolMore = {}): Voiceprint {
  return enrolWithLeft(clips, more).print;
}

/**
 * The same, and the score of each clip, in their order, against statistics it was left out of.
 * @throws ModelError `tooFewClips`
 */
export function enrolWithLeft(
  clips: readonly Heard[],
  { others = [], hall = null }: EnrolMore = {},
): { readonly print: Voiceprint; readonly left: readonly number[] } {
  if (clips.length < leastClips) throw new ModelError('tooFewClips', `${clips.length} of at least ${leastClips} clips`);
  const used = Math.min(...[clips, ...others].flat().map((clip) => clip.bands));
  const lent = partWeights.map((_, part) => others.map((one) => scatterOf(rowsOf(one, part, used))));
  const left = new Map<Heard, number>();
  for (const fold of foldsOf(clips, mostFolds)) {
    const rest = clips.filter((clip) => !fold.includes(clip));
    const gaussians = gaussiansOf(rest, used, lent);
    for (const clip of fold) left.set(clip, scoreOf(clip, { bands: used, gaussians }));
  }
  const scores = clips.map((clip) => left.get(clip) ?? 0);
  const gaussians = gaussiansOf(clips, used, lent);
  const print = { bands: used, gaussians, threshold: thresholdOf(scores), spread: deviation(scores), hall };
  return { print, left: scores };
}

/** Mean over its windows of the weighed logarithms of the distances. */
export function scoreOf(clip: Heard, { bands: used, gaussians }: Pick<Voiceprint, 'bands' | 'gaussians'>): number {
  const logs = clip.windows.map((window) =>
    gaussians.reduce((sum, gaussian, part) => {
      const distance = distanceOf(gaussian, partOf(window, part, used));
      return sum + (partWeights[part] ?? 0) * Math.log(distance + leastDistance);
    }, 0),
  );
  return mean(logs);
}

/** As the graph takes it. Bands that were not heard are multiplied by zero. */
export function taughtOf({ bands: used, gaussians }: Pick<Voiceprint, 'bands' | 'gaussians'>): Taught {
  const middle = new Float32Array(parts * bands);
  const whitening = new Float32Array(parts * bands * bands);
  // The graph divides by all bands.
  const scale = Math.sqrt(bands / used);
  for (const [part, gaussian] of gaussians.entries()) {
    middle.set(gaussian.middle, part * bands);
    const weights = whiteningOf(gaussian);
    for (let i = 0; i < used; i += 1) {
      for (let j = 0; j < used; j += 1) {
        whitening[(part * bands + i) * bands + j] = scale * (weights[i * used + j] ?? 0);
      }
    }
  }
  return tensorsOf(middle, whitening);
}

function tensorsOf(middle: Float32Array, whitening: Float32Array): Taught {
  return {
    middle: { type: 'float32', dims: [parts, bands], data: middle },
    whitening: { type: 'float32', dims: [parts, bands, bands], data: whitening },
    weights: { type: 'float32', dims: [parts, 1], data: Float32Array.from(partWeights) },
  };
}

function gaussiansOf(clips: readonly Heard[], used: number, lent: readonly (readonly Scatter[])[]): Gaussian[] {
  return partWeights.map((_, part) => gaussianOf(rowsOf(clips, part, used), shrinkage, lent[part]));
}

const rowsOf = (clips: readonly Heard[], part: number, used: number) =>
  clips.flatMap(({ windows }) => windows.map((window) => partOf(window, part, used)));

/** The numbers of one part in the first `used` bands. */
export const partOf = (window: Float32Array, part: number, used: number) =>
  Float64Array.from(window.subarray(part * bands, part * bands + used));

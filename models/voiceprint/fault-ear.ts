/**
 * Branch B's hearing: what a piece of sound has at each order of the shaft, and what eight of them have together. One graph hears for all
 * machines (models/training/fault/graph.py); what is learned of one is in `fault-print.ts`. Numbers of pieces are powers: they are averaged, and
 * only then made decibels.
 */
import { ModelError } from '../errors.ts';
import type { Graph, TensorLike } from '../graph.ts';
import { angles, blocks, placesAPiece, placesOf } from './orders.ts';
import { turningOf, type Turner } from './turning.ts';

/** Numbers of a piece: levels and fourth moments of eight bands, and 216 means over orders. */
export const heardSize = 232;
export const profileBands = 8;
export const profileSize = profileBands * angles;
/** Of a power of nothing. */
const leastPower = 1e-14;
/** A run of the graph for one half only leaves the other half next to nothing to do. */
const leastSamples = 64;

/** Half a second at the model's rate, of steady running. */
export interface FaultPiece {
  readonly pcm: Float32Array;
  /** Stitches or revolutions a minute, as polled. */
  readonly speed: number;
  /** See `turningOf`. */
  readonly marks: readonly number[] | null;
}

export interface Observed {
  readonly heard: Float32Array;
  /** How loud each band is at each angle, from the pulse on; null without a pulse. */
  readonly profile: Float32Array | null;
}

/** Pieces of one speed together: what is judged. */
export interface FaultSample {
  readonly heard: Float32Array;
  readonly profile: Float32Array | null;
}

/** What goes into the graph's other half: samples and what they are held against. */
export interface Held {
  readonly samples: readonly Float32Array[];
  readonly against: readonly {
    readonly middle: Float32Array;
    readonly variance: Float32Array;
    readonly count: number;
  }[];
}

/**
 * Pieces of one length, in one run of the graph. null: the shaft turns too slowly for eight turns in a piece.
 * @throws ModelError `modelUnusable`
 */
export async function observe(
  pieces: readonly FaultPiece[],
  turner: Turner,
  graph: Graph,
): Promise<(Observed | null)[]> {
  const turned = pieces.map(({ pcm, speed, marks }) => {
    const turning = turningOf(pcm, speed, turner, marks);
    const places = placesOf(turning);
    return places === null ? null : { pcm, places, isMarked: turning.source === 'pulse' };
  });
  const there = turned.flatMap((one) => one ?? []);
  if (there.length === 0) return pieces.map(() => null);
  const samples = Math.min(...there.map(({ pcm }) => pcm.length));
  const pcm = new Float32Array(there.length * samples);
  const at = new Float32Array(there.length * placesAPiece);
  for (const [i, one] of there.entries()) {
    pcm.set(one.pcm.subarray(0, samples), i * samples);
    at.set(one.places, i * placesAPiece);
  }
  const sound: SoundFeeds = {
    pcm: { type: 'float32', dims: [there.length, samples], data: pcm },
    at: { type: 'float32', dims: [there.length, placesAPiece], data: at },
  };
  const { heard, averages } = await graph.run({ ...sound, ...nothingHeld }, ['heard', 'averages']);
  const averageSize = profileSize * blocks;
  if (heard?.data.length !== there.length * heardSize || averages?.data.length !== there.length * averageSize) {
    throw new ModelError('modelUnusable', 'the graph hears other numbers');
  }
  let next = 0;
  return turned.map((one) => {
    if (one === null) return null;
    const i = next;
    next += 1;
    return {
      heard: heard.data.slice(i * heardSize, (i + 1) * heardSize),
      profile: one.isMarked ? joined(averages.data.subarray(i * averageSize, (i + 1) * averageSize)) : null,
    };
  });
}

/** @param pieces at least one */
export function sampleOf(pieces: readonly Observed[]): FaultSample {
  const profiles = pieces.flatMap(({ profile }) => profile ?? []);
  return {
    heard: meanOf(pieces.map(({ heard }) => heard)),
    profile: profiles.length < pieces.length ? null : meanOf(profiles),
  };
}

/** Decibels of a sample's numbers; of the fourth moments how far they are above those of a level that never changes. */
export function decibelsOf(heard: Float32Array): Float32Array {
  const decibels = heard.map((value) => 10 * Math.log10(value + leastPower));
  for (let band = 0; band < profileBands; band += 1) {
    const fourth = profileBands + band;
    decibels[fourth] = (decibels[fourth] ?? 0) - 2 * (decibels[band] ?? 0);
  }
  return decibels;
}

/**
 * How likely the graph holds each class for each sample.
 * @throws ModelError `modelUnusable`
 */
export async function classesOf({ samples, against }: Held, turner: Turner, graph: Graph): Promise<Float32Array[]> {
  const rows = (of: (i: number) => Float32Array): TensorLike => {
    const data = new Float32Array(samples.length * heardSize);
    for (const i of samples.keys()) data.set(of(i), i * heardSize);
    return { type: 'float32', dims: [samples.length, heardSize], data };
  };
  const empty = new Float32Array(heardSize);
  const feeds = {
    ...silence,
    sample: rows((i) => samples[i] ?? empty),
    middle: rows((i) => against[i]?.middle ?? empty),
    variance: rows((i) => against[i]?.variance ?? empty),
    count: {
      type: 'float32',
      dims: [samples.length, 1],
      data: Float32Array.from(against, ({ count }) => count),
    },
  } satisfies Record<string, TensorLike>;
  const { [turner.kind]: found } = await graph.run(feeds, [turner.kind]);
  const size = (found?.data.length ?? 0) / samples.length;
  if (found === undefined || !Number.isInteger(size)) {
    throw new ModelError('modelUnusable', 'the graph has other classes');
  }
  return samples.map((_, i) => found.data.slice(i * size, (i + 1) * size));
}

interface SoundFeeds {
  readonly pcm: TensorLike;
  readonly at: TensorLike;
}

const oneRow: TensorLike = { type: 'float32', dims: [1, heardSize], data: new Float32Array(heardSize) };
const nothingHeld = {
  sample: oneRow,
  middle: oneRow,
  variance: oneRow,
  count: { type: 'float32', dims: [1, 1], data: new Float32Array(1) },
} satisfies Record<string, TensorLike>;
const silence: SoundFeeds = {
  pcm: { type: 'float32', dims: [1, 2 * leastSamples], data: new Float32Array(2 * leastSamples) },
  at: { type: 'float32', dims: [1, placesAPiece], data: new Float32Array(placesAPiece) },
};

/** [band, block, angle] -> [band, angle]: with a pulse all blocks begin at the same angle. */
function joined(averages: Float32Array): Float32Array {
  return Float32Array.from({ length: profileSize }, (_, i) => {
    const from = Math.floor(i / angles) * blocks * angles + (i % angles);
    let sum = 0;
    for (let block = 0; block < blocks; block += 1) sum += averages[from + block * angles] ?? 0;
    return sum / blocks;
  });
}

function meanOf(rows: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + (row[i] ?? 0);
  return Float32Array.from(sum, (value) => value / rows.length);
}

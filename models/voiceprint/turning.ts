/**
 * Where the shaft stood at every moment of a piece of sound. Polls say how fast it turns to a few hundredths and up to 0.2 s late; within a piece
 * the speed sways by as much. So the sound itself is asked: its lines at whole orders of the shaft are looked for near the polled
 * speed, in stretches of a quarter of a second, and the most likely way of the speed through the piece is taken (Viterbi). Where there is an index
 * pulse, it says. Pure.
 *
 * What turns here is what the features call a turn: one of the shaft of a sewing machine; of a circular knitting machine a feeder's pitch,
 * in which every needle passes one cam.
 *
 * Invariants (test/unit/models/voiceprint-turning.test.ts):
 *  T1  A known shaft is followed: over eight turns the angle is off by less than a fiftieth of a turn in the mean.
 *  T2  Angles only grow; they cover the piece.
 *  T3  With a pulse, turns are whole where the pulse rises; without one nothing is said about where a turn begins.
 */
import { Spectrum } from '../statistics/fourier.ts';
import { modelRateHz } from './front-end.ts';
import { addScores, confidenceOf, likeliest, type Search } from './speed-search.ts';

/** What is known of a machine beforehand. */
export type Turner =
  | { readonly kind: 'sewing' }
  | { readonly kind: 'knitting'; readonly needles: number; readonly feeders: number };

export interface Turning {
  /** Turns of the features at every `stepSamples` samples from the piece's beginning, the end included. */
  readonly turns: Float64Array;
  readonly stepSamples: number;
  readonly source: 'pulse' | 'signal';
  /** How much the found speed stands out of others, in [0, 1]; 1 with a pulse. */
  readonly confidence: number;
}

/** Features' turns in one of the shaft. */
export const turnsARevolution = (turner: Turner): number => (turner.kind === 'sewing' ? 1 : turner.feeders);

/** What of the sound is searched, samples of sound in one of its own. */
interface Searched {
  readonly signal: Float64Array;
  readonly decimation: number;
  readonly orders: readonly number[];
}

const searches: Readonly<Record<Turner['kind'], Search>> = {
  sewing: { most: 0.08, step: 0.002, offset: 0.02, sway: 0.005 },
  knitting: { most: 0.04, step: 0.001, offset: 0.015, sway: 0.003 },
};

/** Of a stretch, and from one to the next: a quarter of a second, 64 ms. */
const stretchSamples = 12_288;
const hopSamples = 3_072;
const spectrum = new Spectrum(2048);

const stepSamples = 256;

const ordersTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => i + first);

/** Knocks show in envelopes; a motor or the needles' pass as a line of the wave, at an order nobody needs to know. */
function searchedOf(pcm: Float32Array, turner: Turner): readonly Searched[] {
  const low = lowOf(pcm, 8);
  if (turner.kind === 'knitting') {
    return [{ signal: low, decimation: 8, orders: [turner.needles / turner.feeders] }];
  }
  return [
    { signal: changesOf(pcm, 16), decimation: 16, orders: ordersTo(12) },
    { signal: sizesOf(low), decimation: 16, orders: ordersTo(12) },
    { signal: low, decimation: 8, orders: ordersTo(36, 4) },
  ];
}

/**
 * @param pcm a piece at the model's rate
 * @param speed turns of the shaft a minute, as polled
 * @param marks samples of the piece at which the index pulse rose, in their order, those just before and behind it too; null without one.
 *   A circular knitting machine's pulse comes once in seconds and is not used here.
 */
export function turningOf(
  pcm: Float32Array,
  speed: number,
  turner: Turner,
  marks: readonly number[] | null = null,
): Turning {
  const marked = marks === null || turner.kind === 'knitting' ? null : byMarks(pcm.length, speed, marks);
  return marked ?? bySound(pcm, speed, turner);
}

/** On lines between pulses, whole turns at each. A pulse too many is left out, one too few counted; null where they do not reach. */
function byMarks(length: number, speed: number, marks: readonly number[]): Turning | null {
  const turn = (modelRateHz * 60) / speed;
  const known: { readonly at: number; readonly turns: number }[] = [];
  for (const at of marks) {
    const last = known.at(-1);
    const passed = last === undefined ? 1 : Math.round((at - last.at) / turn);
    if (passed > 0) known.push({ at, turns: (last?.turns ?? -1) + passed });
  }
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  if (first.at > turn || last.at < length - turn) return null;
  const turns = new Float64Array(Math.ceil(length / stepSamples) + 1);
  let segment = 0;
  for (let i = 0; i < turns.length; i += 1) {
    const at = i * stepSamples;
    while (segment < known.length - 2 && at > (known[segment + 1]?.at ?? 0)) segment += 1;
    const [a = first, b = last] = [known[segment], known[segment + 1]];
    turns[i] = a.turns + ((b.turns - a.turns) * (at - a.at)) / (b.at - a.at);
  }
  return { turns, stepSamples, source: 'pulse', confidence: 1 };
}

function bySound(pcm: Float32Array, speed: number, turner: Turner): Turning {
  const search = searches[turner.kind];
  const { most, step } = search;
  const polledHz = (speed / 60) * turnsARevolution(turner);
  const states = 2 * Math.round(most / step) + 1;
  const starts: number[] = [];
  for (let from = 0; from + stretchSamples <= pcm.length; from += hopSamples) starts.push(from);
  if (starts.length === 0) starts.push(0);
  const scores = starts.map(() => new Float64Array(states));
  for (const searched of searchedOf(pcm, turner)) {
    const binHz = modelRateHz / searched.decimation / spectrum.size;
    for (let i = 0; i < starts.length; i += 2) {
      const cuts = [i, i + 1].map((at) => stretchOf(searched, starts[at] ?? 0)) as [Float64Array, Float64Array];
      for (const [j, powers] of spectrum.powersOf(...cuts).entries()) {
        const into = scores[i + j];
        if (into !== undefined) addScores(into, powers, polledHz, binHz, searched.orders, search);
      }
    }
  }
  for (const one of scores) {
    for (let state = 0; state < states; state += 1) {
      one[state] = (one[state] as number) - ((-most + state * step) / search.offset) ** 2 / 2;
    }
  }
  const path = likeliest(scores, search);
  return {
    turns: integrated(
      pcm.length,
      starts.map((from) => from + stretchSamples / 2),
      path.map((state) => polledHz * (1 - most + state * step)),
    ),
    stepSamples,
    source: 'signal',
    confidence: confidenceOf(scores, path),
  };
}

/** How strongly things change, at a fraction of the rate: knocks and bursts. */
function changesOf(pcm: Float32Array, decimation: number): Float64Array {
  const envelope = new Float64Array(Math.floor(pcm.length / decimation));
  let last = pcm[0] ?? 0;
  for (let i = 0; i < envelope.length; i += 1) {
    let sum = 0;
    for (let j = i * decimation; j < (i + 1) * decimation; j += 1) {
      const value = pcm[j] as number;
      sum += Math.abs(value - last);
      last = value;
    }
    envelope[i] = sum;
  }
  return envelope;
}

/** The dull part of the sound. */
function lowOf(pcm: Float32Array, decimation: number): Float64Array {
  const low = new Float64Array(Math.floor(pcm.length / decimation));
  for (let i = 0; i < low.length; i += 1) {
    let sum = 0;
    for (let j = i * decimation; j < (i + 1) * decimation; j += 1) sum += pcm[j] as number;
    low[i] = sum;
  }
  return low;
}

/** Its envelope, at half its rate. */
function sizesOf(low: Float64Array): Float64Array {
  const sizes = new Float64Array(low.length >> 1);
  for (let i = 0; i < sizes.length; i += 1) {
    sizes[i] = Math.abs(low[2 * i] as number) + Math.abs(low[2 * i + 1] as number);
  }
  return sizes;
}

const windows = new Map<number, Float64Array>();

function windowOf(length: number): Float64Array {
  const known = windows.get(length);
  if (known !== undefined) return known;
  const made = Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length));
  windows.set(length, made);
  return made;
}

function stretchOf({ signal, decimation }: Searched, fromSample: number): Float64Array {
  const length = stretchSamples / decimation;
  const from = fromSample / decimation;
  const part = signal.slice(from, from + length);
  let middle = 0;
  for (let i = 0; i < part.length; i += 1) middle += (part[i] as number) / part.length;
  const window = windowOf(length);
  for (let i = 0; i < part.length; i += 1) part[i] = ((part[i] as number) - middle) * (window[i] as number);
  return part;
}

/** Angle from speeds at some moments: on lines between them, level beyond. */
function integrated(length: number, centres: readonly number[], speedsHz: readonly number[]): Float64Array {
  const turns = new Float64Array(Math.ceil(length / stepSamples) + 1);
  let segment = 0;
  for (let i = 1; i < turns.length; i += 1) {
    const at = (i - 0.5) * stepSamples;
    while (segment < centres.length - 2 && at > (centres[segment + 1] ?? 0)) segment += 1;
    const [a = 0, b = a] = [centres[segment], centres[segment + 1]];
    const [slow = 0, fast = slow] = [speedsHz[segment], speedsHz[segment + 1]];
    const share = b > a ? Math.max(0, Math.min(1, (at - a) / (b - a))) : 0;
    turns[i] = (turns[i - 1] as number) + ((slow + (fast - slow) * share) * stepSamples) / modelRateHz;
  }
  return turns;
}

/**
 * The place of the clicks at the pulses. First every place is asked how likely it is; then the likeliest few are asked again with how the cylinder
 * goes unevenly in every turn alike: a wave or two a turn, which a cylinder that is not quite round, or a gear, makes. Where clicks are
 * heard on one side of the machine only, what is the same in every turn would else pass for another place. Pure.
 *
 * Invariants (test/unit/models/voiceprint-needle-place.test.ts):
 *  Q1  A cylinder that lags behind the line in every turn alike, by several needles where it is heard, does not move the place.
 *  Q2  Without clicks nothing is plain.
 */
import { choleskyOf, invertLower } from '../statistics/cholesky.ts';
import { deviation, mean } from '../statistics/metrics.ts';
import { evidenceOfPlace, wayOfPlace, type Every } from './needle-path.ts';
import type { NeedlePicture } from './needle-picture.ts';

/** Less plain is chance: see docs/EAR.md, "Which needle". */
const leastPlainness = 6;
/** Every so many places are asked at first: clicks are longer. */
const stride = 2;
/** Pictures whose rows are turned at random, for what chance makes. */
const shuffles = 2;
/** So many places are asked again, so many apart at least, so many times. */
const again = 4;
const apart = 5;
const rounds = 3;
/** Standard deviation of the height of one wave a turn before anything is heard, places; of two a turn it is half of that. */
const waveHeight = 5;
/** Of a way, from one turn to the next, places. */
const wayDeviation = 3;
/** That there are waves at all costs so much evidence: their four heights are chosen as it suits. */
const wavesCost = 20;
/** Looks at a way in one turn that tell something of their own. */
const looksATurn = 6;
/** Evidence that makes a click plain. */
const plainEvidence = 4;

export interface FoundPlace {
  readonly place: number;
  /** How far each row's click lies behind the place. */
  readonly behind: Float64Array;
  /** How far the likeliest place stands out of chance, in deviations of what places have by chance. */
  readonly plainness: number;
}

/** null where no place is plain. @param random for the baseline of chance */
export function findPlace(picture: NeedlePicture, random: () => number): FoundPlace | null {
  const { places, feeders } = picture;
  const first = evidenceByPlace(picture);
  const chance = Array.from({ length: shuffles }, () => evidenceByPlace(turnedRows(picture, random))).flat();
  const plainness = (Math.max(...first) - mean(chance)) / Math.max(deviation(chance), 1e-9);
  if (!(plainness >= leastPlainness)) return null;
  const order = [...first.keys()].toSorted((a, b) => (first[b] ?? 0) - (first[a] ?? 0));
  const starts: number[] = [];
  for (const i of order) {
    const place = i * stride;
    if (starts.length < again && starts.every((other) => distance(place, other, places) >= apart)) starts.push(place);
  }
  const found = starts.map((start) => refined(picture, start));
  const { place, every } = found.reduce((a, b) => (b.evidence > a.evidence ? b : a));
  const behind = wayOfPlace(picture, place, every).map((beside, row) => beside + (every[row % feeders] as number));
  return { place, behind, plainness };
}

const evidenceByPlace = (picture: NeedlePicture): number[] =>
  Array.from({ length: Math.ceil(picture.places / stride) }, (_, i) => evidenceOfPlace(picture, i * stride));

/** Energies stay as they are; what keeps clicks together from row to row is gone. */
function turnedRows(picture: NeedlePicture, random: () => number): NeedlePicture {
  const { evidence, places } = picture;
  const turned = new Float32Array(evidence.length);
  for (let row = 0; row < evidence.length; row += places) {
    const by = Math.floor(random() * places);
    for (let i = 0; i < places; i += 1) turned[row + i] = evidence[row + ((i + by) % places)] as number;
  }
  return { ...picture, evidence: turned };
}

function distance(a: number, b: number, places: number): number {
  const difference = Math.abs(a - b) % places;
  return Math.min(difference, places - difference);
}

interface Refined {
  readonly place: number;
  readonly evidence: number;
  readonly every: Int16Array;
}

/** From a place on: what all turns have in common is read off the way, and the way is looked for anew beside it. */
function refined(picture: NeedlePicture, start: number): Refined {
  const { places, feeders } = picture;
  const onCircle = (place: number): number => ((place % places) + places) % places;
  const none = new Int16Array(feeders);
  let best: Refined = { place: start, evidence: -Infinity, every: none };
  const ask = (at: number, every: Int16Array, cost: number): void => {
    const evidence = evidenceOfPlace(picture, at, every) - cost;
    if (evidence > best.evidence) best = { place: at, evidence, every };
  };
  for (const by of [0, -1, 1]) ask(onCircle(start + by), none, 0);
  let [place, every] = [start, none];
  for (let round = 0; round < rounds; round += 1) {
    const waves = wavesOf(picture, place, every, wayOfPlace(picture, place, every));
    const before = { place, every };
    place = onCircle(Math.round(place + waves.shift));
    every = Int16Array.from({ length: feeders }, (_, cam) =>
      Math.round(waves.at((cam + (place + 0.5) / places) / feeders)),
    );
    for (const by of [-1, 0, 1]) ask(onCircle(place + by), every, waves.cost);
    if (best.every === every) place = best.place;
    if (place === before.place && every.every((value, cam) => value === before.every[cam])) break;
  }
  return best;
}

/** The place, and waves of one and two a turn that are nothing at the pulse. */
const courses: readonly ((turns: number) => number)[] = [
  () => 1,
  (turns) => Math.sin(2 * Math.PI * turns),
  (turns) => 1 - Math.cos(2 * Math.PI * turns),
  (turns) => Math.sin(4 * Math.PI * turns),
  (turns) => 1 - Math.cos(4 * Math.PI * turns),
];
/** One over the square of each height's deviation; the place may be any. */
const stiffness = [1e-6, 1, 1, 4, 4].map((value, i) => (i === 0 ? value : value / waveHeight ** 2));

interface Waves {
  readonly shift: number;
  readonly at: (turns: number) => number;
  /** What waves that high cost, as a logarithm of likelihood. */
  readonly cost: number;
}

/** Least squares, rows weighed by how plain their click is. */
function wavesOf(picture: NeedlePicture, place: number, every: Every, way: Float64Array): Waves {
  const { feeders, places, evidence, lengths } = picture;
  const size = courses.length;
  const weights = new Float64Array(feeders);
  const moments = new Float64Array(feeders);
  for (const [row, behind] of way.entries()) {
    const cam = row % feeders;
    const all = behind + (every?.[cam] ?? 0);
    const at = row * places + Math.round(place + all);
    const plain = Math.max(0, evidence[at - 1] ?? 0, evidence[at] ?? 0, evidence[at + 1] ?? 0);
    const weight = Math.min(1, plain / plainEvidence);
    weights[cam] = (weights[cam] as number) + weight;
    moments[cam] = (moments[cam] as number) + weight * all;
  }
  const heard = weights.reduce((sum, value) => sum + value, 0);
  // Rows beside each other stray together: all of a picture tell no more than so many looks, and those of a part of it less.
  const share = heard / (lengths.length * feeders);
  const scale = (lengths.length * looksATurn * Math.sqrt(share)) / Math.max(heard, 1e-9) / wayDeviation ** 2;
  const matrix = new Float64Array(size * size);
  const right = new Float64Array(size);
  for (let i = 0; i < size; i += 1) matrix[i * size + i] = stiffness[i] as number;
  for (let cam = 0; cam < feeders; cam += 1) {
    const values = courses.map((course) => course((cam + (place + 0.5) / places) / feeders));
    for (const [i, one] of values.entries()) {
      right[i] = (right[i] as number) + scale * one * (moments[cam] as number);
      for (const [j, other] of values.entries())
        matrix[i * size + j] = (matrix[i * size + j] as number) + scale * (weights[cam] as number) * one * other;
    }
  }
  const heights = solved(matrix, right);
  return {
    shift: heights[0] ?? 0,
    at: (turns) => courses.reduce((sum, course, i) => (i === 0 ? 0 : sum + (heights[i] as number) * course(turns)), 0),
    cost: heights.reduce(
      (sum, height, i) => (i === 0 ? sum : sum + 0.5 * height * height * (stiffness[i] as number)),
      wavesCost,
    ),
  };
}

function solved(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const inverse = invertLower(choleskyOf(matrix, size), size);
  const half = right.map((_, i) => right.reduce((sum, value, j) => sum + (inverse[i * size + j] as number) * value, 0));
  return right.map((_, i) => half.reduce((sum, value, j) => sum + (inverse[j * size + i] as number) * value, 0));
}

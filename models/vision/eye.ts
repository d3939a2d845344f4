/**
 * The eye: taught by some metres of good cloth, it says of every image how far each place is from good. One graph does all of it
 * on raw pixels; what belongs to this cloth goes into it as tensors, and nothing else is ever learned on site.
 *
 * Invariants (test/unit/models/eye.test.ts, test/integration/evaluate-vision.test.ts):
 *  E1  The threshold comes from tiles that were left out of the statistics they are held against.
 *  E2  What is not cloth scores 0.
 *  E3  Teaching and judging run the same graph and the same code before it.
 */
import { ModelError } from '../errors.ts';
import type { ScoreMap } from './blobs.ts';
import {
  addColumns,
  addRows,
  addSquares,
  bandWindow,
  columnLengths,
  filtersByOffset,
  innerBand,
  innerSquare,
  innerThread,
  rowLengths,
  spotWindow,
  threadWindow,
  WindowStatistics,
  type Plane,
} from './bands.ts';
import { scaleChannels, type ChannelScale, type Responses } from './channels.ts';
import { BlockStatistics, columnBlocks, rowBlocks } from './covariance.ts';
import type { Box, Grey } from './grey.ts';
import { levelOf, prepare, type Prepared } from './prepare.ts';
import { slopeOf } from './slope.ts';
import { foldsOf } from '../statistics/split.ts';
import type { Graph, TensorLike } from '../graph.ts';
import {
  type Bands,
  bandsOf,
  blankCloth,
  blankScale,
  channels,
  type Cloth,
  clothOf,
  feedsOf,
  phaseKernel,
  type Taught,
} from './taught.ts';
import { thresholdOf } from './threshold.ts';
import { cellPx, leastClothShare, tilesOf } from './tiles.ts';
import { Spectrum, whiteningKernel, type Flat } from './whitening.ts';

export interface Judged {
  readonly map: ScoreMap;
  readonly cloth: Box;
}

/** Images of cloth; fewer say nothing about the next one. */
export const leastImages = 4;
const folds = 4;
/** Enough to find the slope of the threads by. */
const slopeImages = 6;
/** 100 m of a tube at 35 rpm, seen by 20 pictures a second of four tiles, are 250,000 tiles. */
const aloneShare = 1 / 250_000;
const leastAlone = 2;

/**
 * Learns a cloth from images of good cloth of one size.
 * @throws ModelError `tooFewStrips`, `clothNotFound`, `imageTooSmall`, `modelUnusable`
 */
export async function teach(images: readonly Grey[], graph: Graph): Promise<Taught> {
  return (await learn(images, graph)).taught;
}

/** What was learned, and how far from good the worst place of each image is by what the others taught. */
export interface Lesson {
  readonly taught: Taught;
  /** One for each image, in their order; 0 of one without a whole tile of cloth. */
  readonly peaks: readonly number[];
}

/**
 * As `teach`, and tells which images differ from the others.
 * @throws ModelError as `teach`
 */
export async function learn(images: readonly Grey[], graph: Graph): Promise<Lesson> {
  const [first] = images;
  if (first === undefined || images.length < leastImages) {
    throw new ModelError('tooFewStrips', `${images.length} of at least ${leastImages} images`);
  }
  if (images.some(({ width, height }) => width !== first.width || height !== first.height)) {
    throw new ModelError('tooFewStrips', 'the images are of different sizes');
  }
  const prepared = images.map(prepare);
  const cloth = await learnCloth(prepared, graph);
  const answers: Responses[] = [];
  for (const one of prepared) answers.push(await responsesOf(one, cloth, graph));
  const left = await scoresLeftOut(prepared, answers, cloth, graph);
  if (left.length < 20) throw new ModelError('tooFewStrips', `${left.length} whole tiles of cloth`);
  const scores = left.map(({ score }) => score);
  const threshold = thresholdOf(scores);
  // Some dozen tiles cannot tell what one in 250,000 reaches; twice the threshold is the least.
  const alone = Math.max(thresholdOf(scores, aloneShare), leastAlone * threshold);
  const level = images.reduce((sum, image) => sum + levelOf(image), 0) / images.length;
  const peaks = images.map(() => 0);
  for (const { image, score } of left) peaks[image] = Math.max(peaks[image] ?? 0, score);
  return { taught: { ...cloth, scale: scaleChannels(answers), threshold, alone, level }, peaks };
}

/** The weave: whitening kernel, both covariances and the bands, from the flattened images. */
async function learnCloth(prepared: readonly Prepared[], graph: Graph): Promise<Cloth> {
  const spectrum = new Spectrum();
  const rows = new BlockStatistics(rowBlocks);
  const columns = new BlockStatistics(columnBlocks);
  const blank = blankCloth();
  const flats: Flat[] = [];
  for (const one of prepared) {
    const { flat } = await graph.run(feedsOf(one.image, blank, blankScale), ['flat']);
    if (flat === undefined) throw new ModelError('modelUnusable', 'no flattened image came out');
    const [, , height = 0, width = 0] = flat.dims;
    const { left, top, right, bottom } = one.cloth;
    const half = {
      left: Math.ceil(left / 2),
      top: Math.ceil(top / 2),
      right: Math.floor(right / 2),
      bottom: Math.floor(bottom / 2),
    };
    const image = { width, height, values: flat.data, cloth: half };
    spectrum.add(image);
    rows.add(image);
    columns.add(image);
    if (flats.length < slopeImages) flats.push(image);
  }
  if (spectrum.blocks < 16) throw new ModelError('tooFewStrips', `${spectrum.blocks} blocks of cloth`);
  const kernel = phaseKernel(whiteningKernel(spectrum.power()));
  const bands = await learnBands(prepared, { ...blank, slope: slopeOf(flats) }, graph);
  return { ...clothOf(kernel, rows.weights(), columns.weights()), ...bands };
}

const wantedMeans = ['row_means', 'column_means', 'thread_means', 'spot_means'];

async function learnBands(prepared: readonly Prepared[], blank: Cloth, graph: Graph): Promise<Bands> {
  const rows = Array.from({ length: rowLengths }, () => new WindowStatistics(bandWindow));
  const columns = Array.from({ length: columnLengths }, () => new WindowStatistics(bandWindow));
  const threads = Array.from({ length: columnLengths }, () => new WindowStatistics(threadWindow));
  const squares = new WindowStatistics(spotWindow * spotWindow);
  for (const one of prepared) {
    const means = await graph.run(feedsOf(one.image, blank, blankScale), wantedMeans);
    rows.forEach((statistics, i) => addRows(statistics, planeOf(means['row_means'], i, one, cellPx)));
    columns.forEach((statistics, i) => addColumns(statistics, planeOf(means['column_means'], i, one, cellPx)));
    threads.forEach((statistics, i) => addColumns(statistics, planeOf(means['thread_means'], i, one, 2), threadWindow));
    addSquares(squares, planeOf(means['spot_means'], 0, one, 2 * cellPx));
  }
  return {
    slope: blank.slope,
    ...bandsOf(
      concatenated(rows.map(filtersByOffset)),
      concatenated(columns.map((statistics) => statistics.filters(innerBand))),
      concatenated(threads.map((statistics) => statistics.filters(innerThread))),
      squares.filters(innerSquare),
    ),
  };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One plane of an answer; @param px side of what one value of it stands for, in pixels of the image */
function planeOf(
  answer: { readonly dims: readonly number[]; readonly data: Float32Array } | undefined,
  at: number,
  { cloth }: Prepared,
  px: number,
): Plane {
  if (answer === undefined) throw new ModelError('modelUnusable', 'no means came out');
  const [, , height = 0, width = 0] = answer.dims;
  const values = answer.data.subarray(at * width * height, (at + 1) * width * height);
  return {
    width,
    height,
    values,
    left: Math.ceil(cloth.left / px),
    right: Math.min(width, Math.floor(cloth.right / px)),
  };
}

async function responsesOf(one: Prepared, cloth: Cloth, graph: Graph): Promise<Responses> {
  const { responses } = await graph.run(feedsOf(one.image, cloth, blankScale), ['responses']);
  if (responses?.dims[1] !== channels) throw new ModelError('modelUnusable', 'the graph has other channels');
  const [, , height = 0, width = 0] = responses.dims;
  return { channels, width, height, values: responses.data, cloth: one.cloth };
}

/** Every image held against what the other folds taught. */
async function scoresLeftOut(
  prepared: readonly Prepared[],
  answers: readonly Responses[],
  cloth: Cloth,
  graph: Graph,
): Promise<{ readonly image: number; readonly score: number }[]> {
  const scores: { readonly image: number; readonly score: number }[] = [];
  for (const fold of foldsOf(
    prepared.map((_, i) => i),
    folds,
  )) {
    const scale = scaleChannels(answers.filter((_, i) => !fold.includes(i)));
    for (const i of fold) {
      const one = prepared[i];
      if (one === undefined) continue;
      const map = await mapOf(one, cloth, scale, graph);
      for (const tile of tilesOf(map, one.cloth))
        if (tile.clothShare >= leastClothShare) scores.push({ image: i, score: tile.score });
    }
  }
  return scores;
}

/**
 * How far each place of an image is from good cloth.
 * @throws ModelError `clothNotFound`, `imageTooSmall`, `modelUnusable`
 */
export async function judge(image: Grey, taught: Taught, graph: Graph): Promise<Judged> {
  const one = prepare(image);
  return { map: await mapOf(one, taught, taught.scale, graph), cloth: one.cloth };
}

/** For measuring the graph alone: what `judge` would feed it. */
export function feedsFor(image: Grey, taught: Taught): Readonly<Record<string, TensorLike>> {
  return feedsOf(prepare(image).image, taught, taught.scale);
}

async function mapOf(one: Prepared, cloth: Cloth, scale: ChannelScale, graph: Graph): Promise<ScoreMap> {
  const { scores } = await graph.run(feedsOf(one.image, cloth, scale), ['scores']);
  if (scores === undefined) throw new ModelError('modelUnusable', 'no scores came out');
  const [, , height = 0, width = 0] = scores.dims;
  const { left, top, right, bottom } = one.cloth;
  const values = new Float32Array(width * height);
  // Every cell that cloth reaches into: beside it lies its mirror image, so that nothing but cloth answers there.
  for (let y = Math.floor(top / cellPx); y < Math.min(height, Math.ceil(bottom / cellPx)); y += 1) {
    for (let x = Math.floor(left / cellPx); x < Math.min(width, Math.ceil(right / cellPx)); x += 1) {
      values[y * width + x] = Math.max(scores.data[y * width + x] ?? 0, 0);
    }
  }
  return { width, height, scores: values };
}

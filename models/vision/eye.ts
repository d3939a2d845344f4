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
  innerSamples,
  innerSquare,
  innerThread,
  innerThreadPx,
  rowLengths,
  rowMatrix,
  rowOffsets,
  slantMatrices,
  slants,
  spotWindow,
  threadWindow,
  WindowStatistics,
  type Plane,
} from './bands.ts';
import { borderCells, layOut, scaleChannels, type ChannelScale, type Responses } from './channels.ts';
import { findCloth, mirrorBeside, mirrored } from './cloth.ts';
import { BlockStatistics, columnBlocks, rowBlocks, type BlockWeights } from './covariance.ts';
import type { Box, Grey } from './grey.ts';
import { slopeOf } from './slope.ts';
import { foldsOf } from './split.ts';
import { thresholdOf } from './threshold.ts';
import { cellPx, leastClothShare, tilePx, tilesOf } from './tiles.ts';
import { kernelPx, Spectrum, whiteningKernel, type Flat } from './whitening.ts';

type TensorLike =
  | { readonly type: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'uint8'; readonly dims: readonly number[]; readonly data: Uint8Array };

/** Whatever runs the graph; `models/runtime.ts` is one. */
export interface Graph {
  run(
    feeds: Readonly<Record<string, TensorLike>>,
    wanted: readonly string[],
  ): Promise<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;
}

/** What the eye learned of one cloth under one camera. */
export interface Taught {
  readonly whitening: TensorLike;
  readonly rows: TensorLike;
  readonly rowsBias: TensorLike;
  readonly columns: TensorLike;
  readonly columnsBias: TensorLike;
  /** Of the threads that cross the image, pixels a pixel, downwards to the right. */
  readonly slope: number;
  /** Filters by length and place in the window; `rowMatrix` lays them out for an image. */
  readonly rowBands: TensorLike;
  readonly columnBands: TensorLike;
  readonly threadBands: TensorLike;
  readonly spots: TensorLike;
  readonly scale: ChannelScale;
  /** Scores above it are called faults. */
  readonly threshold: number;
  /** From this score on a place is a fault by itself, in whichever of the pictures of a day; below it something must confirm it. */
  readonly alone: number;
  /** Mean brightness of what was shown, 0 … 255. */
  readonly level: number;
}

export interface Judged {
  readonly map: ScoreMap;
  readonly cloth: Box;
}

/** Channels of the graph, models/training/vision/build.py. */
const channels = 69;
/** The whitening convolution makes so many pixels at once in either direction. */
const phases = 8;
/** Sides the graph takes are multiples of this. */
const stepPx = 32;
/** Images of cloth; fewer say nothing about the next one. */
export const leastImages = 4;
const folds = 4;
/** Enough to find the slope of the threads by. */
const slopeImages = 6;
/** 100 m of a tube at 35 rpm, seen by 20 pictures a second of four tiles, are 250,000 tiles. */
const aloneShare = 1 / 250_000;
const leastAlone = 2;

/** Mean brightness of a picture, of every seventh pixel. */
export function levelOf({ pixels }: Grey): number {
  let sum = 0;
  for (let at = 0; at < pixels.length; at += 7) sum += pixels[at] ?? 0;
  return sum / Math.ceil(pixels.length / 7);
}

/** An image as the graph takes it, with the cloth it holds. */
interface Prepared {
  readonly image: Grey;
  readonly cloth: Box;
}

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

type Cloth = Omit<Taught, 'scale' | 'threshold' | 'alone' | 'level'>;

/** The weave: whitening kernel, both covariances and the bands, from the flattened images. */
async function learnCloth(prepared: readonly Prepared[], graph: Graph): Promise<Cloth> {
  const spectrum = new Spectrum();
  const rows = new BlockStatistics(rowBlocks);
  const columns = new BlockStatistics(columnBlocks);
  const blank = blankCloth();
  const flats: Flat[] = [];
  for (const one of prepared) {
    const { flat } = await graph.run(feedsOf(one, blank, blankScale), ['flat']);
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
type Bands = Pick<Cloth, 'slope' | 'rowBands' | 'columnBands' | 'threadBands' | 'spots'>;

async function learnBands(prepared: readonly Prepared[], blank: Cloth, graph: Graph): Promise<Bands> {
  const rows = Array.from({ length: rowLengths }, () => new WindowStatistics(bandWindow));
  const columns = Array.from({ length: columnLengths }, () => new WindowStatistics(bandWindow));
  const threads = Array.from({ length: columnLengths }, () => new WindowStatistics(threadWindow));
  const squares = new WindowStatistics(spotWindow * spotWindow);
  for (const one of prepared) {
    const means = await graph.run(feedsOf(one, blank, blankScale), wantedMeans);
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

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function float(dims: readonly number[], data: Float32Array): TensorLike {
  return { type: 'float32', dims, data };
}

function bandsOf(
  rows: Float32Array,
  columns: Float32Array,
  threads: Float32Array,
  spots: Float32Array,
): Omit<Bands, 'slope'> {
  return {
    rowBands: float([rowLengths, rowOffsets, innerSamples, bandWindow], rows),
    columnBands: float([columnLengths * innerSamples, 1, 1, bandWindow], columns),
    threadBands: float([columnLengths * innerThreadPx, 1, 1, threadWindow], threads),
    spots: float([innerSamples ** 2, 1, spotWindow, spotWindow], spots),
  };
}

function clothOf(kernel: Float32Array, rows: BlockWeights, columns: BlockWeights): Omit<Cloth, keyof Bands> {
  const side = kernelPx + phases - 1;
  return {
    whitening: float([phases * phases, 1, side, side], kernel),
    rows: float([rows.bias.length, 1, rowBlocks.height, rowBlocks.width], rows.weights),
    rowsBias: float([rows.bias.length], rows.bias),
    columns: float([columns.bias.length, 1, columnBlocks.height, columnBlocks.width], columns.weights),
    columnsBias: float([columns.bias.length], columns.bias),
  };
}

/** Tensors of the right shapes for a run that looks at the flattened image alone. */
function blankCloth(): Cloth {
  const side = kernelPx + phases - 1;
  const size = rowBlocks.height * rowBlocks.width;
  const blank = () => ({ weights: new Float32Array(size * size), bias: new Float32Array(size) });
  return {
    ...clothOf(new Float32Array(phases * phases * side * side), blank(), blank()),
    slope: 0,
    ...bandsOf(
      new Float32Array(rowLengths * rowOffsets * innerSamples * bandWindow),
      new Float32Array(columnLengths * innerSamples * bandWindow),
      new Float32Array(columnLengths * innerThreadPx * threadWindow),
      new Float32Array(innerSamples ** 2 * spotWindow ** 2),
    ),
  };
}
const blankScale: ChannelScale = {
  channels,
  width: 1,
  middles: new Float32Array(channels).fill(1),
  far: new Float32Array(channels).fill(2),
  borders: new Float32Array(channels * borderCells).fill(1),
  borderFar: new Float32Array(channels).fill(2),
};

/** The kernel at each of 8 × 8 places in a larger one: one product of matrices then makes 64 pixels. */
function phaseKernel(kernel: Float32Array): Float32Array {
  const side = kernelPx + phases - 1;
  const weights = new Float32Array(phases * phases * side * side);
  for (let phase = 0; phase < phases * phases; phase += 1) {
    const top = Math.floor(phase / phases);
    const left = phase % phases;
    for (let y = 0; y < kernelPx; y += 1) {
      const from = kernel.subarray(y * kernelPx, (y + 1) * kernelPx);
      weights.set(from, (phase * side + top + y) * side + left);
    }
  }
  return weights;
}

async function responsesOf(one: Prepared, cloth: Cloth, graph: Graph): Promise<Responses> {
  const { responses } = await graph.run(feedsOf(one, cloth, blankScale), ['responses']);
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
  return feedsOf(prepare(image), taught, taught.scale);
}

async function mapOf(one: Prepared, cloth: Cloth, scale: ChannelScale, graph: Graph): Promise<ScoreMap> {
  const { scores } = await graph.run(feedsOf(one, cloth, scale), ['scores']);
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

/** Finds the cloth, mirrors it over what is none, and makes the sides multiples of what the graph takes. */
function prepare(image: Grey): Prepared {
  if (image.width < tilePx || image.height < tilePx) {
    throw new ModelError('imageTooSmall', `${image.width} × ${image.height} pixels`);
  }
  const cloth = findCloth(image);
  return { image: rounded(mirrorBeside(image, cloth)), cloth };
}

function rounded(image: Grey): Grey {
  const width = Math.ceil(image.width / stepPx) * stepPx;
  const height = Math.ceil(image.height / stepPx) * stepPx;
  if (width === image.width && height === image.height) return image;
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = mirrored(y, 0, image.height) * image.width;
    pixels.set(image.pixels.subarray(from, from + image.width), y * width);
    for (let x = image.width; x < width; x += 1) {
      pixels[y * width + x] = image.pixels[from + mirrored(x, 0, image.width)] ?? 0;
    }
  }
  return { width, height, pixels };
}

function feedsOf({ image }: Prepared, taught: Cloth, scale: ChannelScale): Record<string, TensorLike> {
  const cells = image.width / cellPx;
  const down = image.height / cellPx;
  const { middles, gains } = layOut(scale, cells);
  return {
    image: { type: 'uint8', dims: [image.height, image.width], data: image.pixels },
    whitening: taught.whitening,
    rows: taught.rows,
    rows_bias: taught.rowsBias,
    columns: taught.columns,
    columns_bias: taught.columnsBias,
    slants: float([slants, down, down], slantMatrices(taught.slope, down)),
    row_bands: float([rowLengths, innerSamples * down, down], rowMatrix(filtersIn(taught.rowBands), down)),
    column_bands: taught.columnBands,
    thread_bands: taught.threadBands,
    spots: taught.spots,
    middles: { type: 'float32', dims: [1, scale.channels, 1, cells], data: middles },
    gains: { type: 'float32', dims: [1, scale.channels, 1, cells], data: gains },
  };
}

function filtersIn({ type, data }: TensorLike): Float32Array {
  if (type !== 'float32') throw new ModelError('statsInvalid', 'the filters of the bands are no float32');
  return data;
}

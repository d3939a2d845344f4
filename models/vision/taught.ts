/**
 * What is learned of one cloth, as the tensors that go into the graph beside the image (`models/training/vision/build.py` names their
 * shapes), and the graph itself, whatever runs it.
 */
import { ModelError } from '../errors.ts';
import type { TensorLike } from '../graph.ts';
import {
  bandWindow,
  columnLengths,
  innerSamples,
  innerThreadPx,
  rowLengths,
  rowMatrix,
  rowOffsets,
  slantMatrices,
  slants,
  spotWindow,
  threadWindow,
} from './bands.ts';
import { borderCells, layOut, type ChannelScale } from './channels.ts';
import { columnBlocks, rowBlocks, type BlockWeights } from './covariance.ts';
import type { Grey } from './grey.ts';
import { cellPx } from './tiles.ts';
import { kernelPx } from './whitening.ts';

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

/** All of it that does not depend on how far good cloth goes: the weave alone. */
export type Cloth = Omit<Taught, 'scale' | 'threshold' | 'alone' | 'level'>;
export type Bands = Pick<Cloth, 'slope' | 'rowBands' | 'columnBands' | 'threadBands' | 'spots'>;

/** Channels of the graph, models/training/vision/build.py. */
export const channels = 69;
/** The whitening convolution makes so many pixels at once in either direction. */
const phases = 8;

function float(dims: readonly number[], data: Float32Array): TensorLike {
  return { type: 'float32', dims, data };
}

export function bandsOf(
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

export function clothOf(kernel: Float32Array, rows: BlockWeights, columns: BlockWeights): Omit<Cloth, keyof Bands> {
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
export function blankCloth(): Cloth {
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
export const blankScale: ChannelScale = {
  channels,
  width: 1,
  middles: new Float32Array(channels).fill(1),
  far: new Float32Array(channels).fill(2),
  borders: new Float32Array(channels * borderCells).fill(1),
  borderFar: new Float32Array(channels).fill(2),
};

/** The kernel at each of 8 × 8 places in a larger one: one product of matrices then makes 64 pixels. */
export function phaseKernel(kernel: Float32Array): Float32Array {
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

/** Everything the graph takes for one image. @param image of sides that are multiples of 32 */
export function feedsOf(image: Grey, taught: Cloth, scale: ChannelScale): Record<string, TensorLike> {
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

/**
 * Blocks of a few rows and many columns (or the other way round) against what good cloth has there: a pick or an end that is missing,
 * doubled or slack is a few pixels high and as long as the cloth, hardly darker than its neighbours, but its order is not theirs.
 * The distance is that of Mahalanobis, which counts every difference against how much good cloth differs there. Pure.
 *
 * Invariant (test/unit/models/covariance.test.ts): over the blocks it was taught the squared distances have the mean of the number of
 * pixels in a block.
 */
import { choleskyOf, invertLower } from '../statistics/cholesky.ts';
import type { Flat } from './whitening.ts';

export interface BlockShape {
  readonly height: number;
  readonly width: number;
  /** From one block to the next, in pixels of the flattened image. */
  readonly stepY: number;
  readonly stepX: number;
}

/** Both are convolutions of the graph (models/training/vision/build.py), which has the same numbers. */
export const rowBlocks: BlockShape = { height: 4, width: 64, stepY: 4, stepX: 16 };
export const columnBlocks: BlockShape = { height: 64, width: 4, stepY: 16, stepX: 4 };

/** So many blocks are enough for a covariance of 256 pixels; of more every n-th is taken. */
const mostBlocksAnImage = 1500;
/** Of the mean variance, added to each: directions cloth never showed are held for noise, not for impossible. */
const ridge = 1e-4;

/** As the graph takes it: distance = |weights · block + bias|. */
export interface BlockWeights {
  /** pixels × pixels, row by row. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

export class BlockStatistics {
  readonly #shape: BlockShape;
  readonly #size: number;
  readonly #sum: Float64Array;
  /** Lower triangle of the sum of products, row by row in a full square. */
  readonly #products: Float64Array;
  #blocks = 0;

  constructor(shape: BlockShape) {
    this.#shape = shape;
    this.#size = shape.height * shape.width;
    this.#sum = new Float64Array(this.#size);
    this.#products = new Float64Array(this.#size * this.#size);
  }

  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Takes in the blocks of the graph's grid whose middle lies on cloth, as the graph sees them: beyond the borders of the image lies its
   * mirror image, and blocks that reach there are not like others. Left out here they would all look like faults.
   */
  add(flat: Flat): void {
    const { height, width, stepX, stepY } = this.#shape;
    const { left, top, right, bottom } = flat.cloth;
    const places: [number, number][] = [];
    for (let y = Math.ceil(top / stepY) * stepY; y + stepY <= bottom; y += stepY) {
      for (let x = Math.ceil(left / stepX) * stepX; x + stepX <= right; x += stepX) {
        places.push([y - (height - stepY) / 2, x - (width - stepX) / 2]);
      }
    }
    const every = Math.max(1, Math.ceil(places.length / mostBlocksAnImage));
    const block = new Float64Array(this.#size);
    for (let i = 0; i < places.length; i += every) {
      const [blockTop, blockLeft] = places[i] ?? [0, 0];
      for (let y = 0; y < height; y += 1) {
        const row = reflected(blockTop + y, flat.height) * flat.width;
        for (let x = 0; x < width; x += 1) {
          block[y * width + x] = flat.values[row + reflected(blockLeft + x, flat.width)] ?? 0;
        }
      }
      this.#take(block);
    }
  }

  #take(block: Float64Array): void {
    const size = this.#size;
    const products = this.#products;
    for (let i = 0; i < size; i += 1) {
      const value = block[i] as number;
      this.#sum[i] = (this.#sum[i] as number) + value;
      const row = i * size;
      for (let j = 0; j <= i; j += 1) products[row + j] = (products[row + j] as number) + value * (block[j] as number);
    }
    this.#blocks += 1;
  }

  /** The inverse of the Cholesky factor of the covariance, and what takes the mean out. */
  weights(): BlockWeights {
    const size = this.#size;
    const n = Math.max(this.#blocks, 1);
    const mean = this.#sum.map((value) => value / n);
    const covariance = this.#products.map((value, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      return j > i ? 0 : value / n - (mean[i] ?? 0) * (mean[j] ?? 0);
    });
    let trace = 0;
    for (let i = 0; i < size; i += 1) trace += covariance[i * size + i] ?? 0;
    const added = Math.max((ridge * trace) / size, 1e-6);
    for (let i = 0; i < size; i += 1) covariance[i * size + i] = (covariance[i * size + i] ?? 0) + added;
    const inverse = invertLower(choleskyOf(covariance, size), size);
    const bias = new Float32Array(size);
    for (let i = 0; i < size; i += 1) {
      let sum = 0;
      for (let j = 0; j <= i; j += 1) sum += (inverse[i * size + j] ?? 0) * (mean[j] ?? 0);
      bias[i] = -sum;
    }
    return { weights: Float32Array.from(inverse), bias };
  }
}

/** As the graph pads: folded at the middle of the outermost pixel. */
function reflected(at: number, length: number): number {
  const inside = at < 0 ? -at : at;
  return inside >= length ? 2 * (length - 1) - inside : inside;
}

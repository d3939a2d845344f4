/**
 * What is faint and long, or faint and wide: a barre, a missing course, a streak of wales, a stain. Its mean over many pixels stands out
 * where none of them does. The graph blurs the weave away to one value a cell and takes means along the rows, down the columns and of
 * squares; here is what good cloth teaches of them: how much of a mean its neighbours foretell, and how far it may be from that. Pure.
 *
 * The threads that cross an image may climb, so longer means are put together from shorter ones along their slope (`slope.ts`).
 *
 * Invariants (test/unit/models/bands.test.ts):
 *  B1  Over the windows it was taught the squared answers of a filter are 1 on average, wherever in the window it looks.
 *  B2  What is foretold by the samples around does not answer; the same deviation in the middle alone does.
 */
import { choleskyOf, invertLower } from '../statistics/cholesky.ts';

/** Samples of a window of rows or columns, and the side of a window of squares; models/training/vision/build.py has the same numbers. */
export const bandWindow = 15;
export const spotWindow = 7;
/** Samples in the middle of a window that are judged together. */
export const innerSamples = 3;
/** Means along rows, over 8, 32, 128 and 384 cells; down columns, over 8 and 32. */
export const rowLengths = 4;
export const columnLengths = 2;
/** Pixels of the flattened image in a window of single columns, and those in its middle; means over 32 and 128 of them. */
export const threadWindow = 40;
export const innerThreadPx = 8;
/** Where the parts of the longer means lie, in cells from the middle. */
const taps = [-12, -4, 4, 12, -48, -16, 16, 48, -128, 0, 128];
export const slants = taps.length;
/** Of the mean variance, added to each. */
const ridge = 1e-3;

/** Second moments of windows of samples. */
export class WindowStatistics {
  readonly #size: number;
  /** Lower triangle in a full square. */
  readonly #products: Float64Array;
  #windows = 0;

  constructor(size: number) {
    this.#size = size;
    this.#products = new Float64Array(size * size);
  }

  get windows(): number {
    return this.#windows;
  }

  add(window: ArrayLike<number>): void {
    const products = this.#products;
    for (let i = 0; i < this.#size; i += 1) {
      const value = window[i] ?? 0;
      const row = i * this.#size;
      for (let j = 0; j <= i; j += 1) products[row + j] = (products[row + j] as number) + value * (window[j] as number);
    }
    this.#windows += 1;
  }

  /**
   * Filters that answer with what of the samples `inner` the others do not foretell, in units of its spread.
   * @returns a filter for each of `inner`, row by row; the sum of their squares is what is judged
   */
  filters(inner: readonly number[]): Float32Array {
    const size = this.#size;
    const n = Math.max(this.#windows, 1);
    const moments = this.#products.map((value) => value / n);
    let trace = 0;
    for (let i = 0; i < size; i += 1) trace += moments[i * size + i] ?? 0;
    const added = Math.max((ridge * trace) / size, 1e-9);
    for (let i = 0; i < size; i += 1) moments[i * size + i] = (moments[i * size + i] ?? 0) + added;
    const half = invertLower(choleskyOf(moments, size), size);
    // The rows of the inverse moments that belong to `inner`.
    const rows = inner.map((at) =>
      Float64Array.from({ length: size }, (_, j) => {
        let sum = 0;
        for (let k = Math.max(at, j); k < size; k += 1) sum += (half[k * size + at] ?? 0) * (half[k * size + j] ?? 0);
        return sum;
      }),
    );
    const count = inner.length;
    const own = Float64Array.from({ length: count * count }, (_, at) => {
      const [i, j] = [Math.floor(at / count), at % count];
      return rows[i]?.[inner[j] ?? 0] ?? 0;
    });
    const whiten = invertLower(choleskyOf(own, count), count);
    const filters = new Float32Array(count * size);
    for (let i = 0; i < count; i += 1) {
      for (let j = 0; j < size; j += 1) {
        let sum = 0;
        for (let k = 0; k <= i; k += 1) sum += (whiten[i * count + k] ?? 0) * (rows[k]?.[j] ?? 0);
        filters[i * size + j] = sum;
      }
    }
    return filters;
  }
}

/** Places of the judged samples in a window of rows: at the borders of an image a window cannot lie around them. */
export const rowOffsets = bandWindow - innerSamples + 1;

/** Filters of a window for every place the judged samples may have in it: offset by offset, three of `bandWindow` each. */
export function filtersByOffset(statistics: WindowStatistics): Float32Array {
  const filters = new Float32Array(rowOffsets * innerSamples * bandWindow);
  for (let offset = 0; offset < rowOffsets; offset += 1) {
    const inner = Array.from({ length: innerSamples }, (_, i) => offset + i);
    filters.set(statistics.filters(inner), offset * innerSamples * bandWindow);
  }
  return filters;
}

/**
 * The filters of all rows of an image, as the matrix the graph takes. A band that touches the upper or lower border answers nothing: it is
 * seen in part, the light is known on one side of it alone, and on real cloth the shade of a roller lies there.
 * @param filters as `filtersByOffset` gives them, `rowLengths` times; @param cells down the image
 */
export function rowMatrix(filters: Float32Array, cells: number): Float32Array {
  const matrix = new Float32Array(rowLengths * innerSamples * cells * cells);
  for (let length = 0; length < rowLengths; length += 1) {
    for (let row = 0; row < cells; row += 1) {
      const first = Math.min(Math.max(row - (innerSamples - 1) / 2, 0), cells - innerSamples);
      if (first === 0 || first === cells - innerSamples) continue;
      const start = Math.min(Math.max(first - (bandWindow - innerSamples) / 2, 0), cells - bandWindow);
      for (let i = 0; i < innerSamples; i += 1) {
        const from = ((length * rowOffsets + first - start) * innerSamples + i) * bandWindow;
        const to = ((length * cells + row) * innerSamples + i) * cells + start;
        matrix.set(filters.subarray(from, from + bandWindow), to);
      }
    }
  }
  return matrix;
}

/**
 * How each part of a longer mean is moved up or down, as matrices over the cells of a column: on a straight line between two cells, folded
 * at the borders of the image.
 */
export function slantMatrices(slope: number, cells: number): Float32Array {
  const matrices = new Float32Array(slants * cells * cells);
  const folded = (at: number) => {
    const inside = Math.abs(at);
    return Math.min(Math.max(cells - 1 - Math.abs(cells - 1 - inside), 0), cells - 1);
  };
  taps.forEach((tap, i) => {
    const shift = slope * tap;
    const whole = Math.floor(shift);
    for (let y = 0; y < cells; y += 1) {
      const row = (i * cells + y) * cells;
      const [near, next] = [row + folded(y + whole), row + folded(y + whole + 1)];
      matrices[near] = (matrices[near] ?? 0) + 1 - (shift - whole);
      matrices[next] = (matrices[next] ?? 0) + (shift - whole);
    }
  });
  return matrices;
}

/** A part of what the graph answers: one plane. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  /** Columns that show cloth. */
  readonly left: number;
  readonly right: number;
}

/** Takes in the windows down every second column of cells. */
export function addRows(statistics: WindowStatistics, { width, height, values, left, right }: Plane): void {
  const window = new Float64Array(bandWindow);
  for (let x = left; x < right; x += 2) {
    for (let y = 0; y + bandWindow <= height; y += 1) {
      for (let i = 0; i < bandWindow; i += 1) window[i] = values[(y + i) * width + x] ?? 0;
      statistics.add(window);
    }
  }
}

/** Takes in the windows across, of every second row. @param size samples of a window */
export function addColumns(
  statistics: WindowStatistics,
  { width, height, values, left, right }: Plane,
  size = bandWindow,
): void {
  for (let y = 0; y < height; y += 2) {
    for (let x = left; x + size <= right; x += 1) {
      statistics.add(values.subarray(y * width + x, y * width + x + size));
    }
  }
}

/** Takes in square windows around every second square of cells, as the graph sees them: folded at the upper and lower border. */
export function addSquares(statistics: WindowStatistics, { width, height, values, left, right }: Plane): void {
  const half = (spotWindow - 1) / 2;
  const window = new Float64Array(spotWindow * spotWindow);
  for (let y = 0; y < height; y += 1) {
    for (let x = left + half; x + half < right; x += 2) {
      for (let i = 0; i < spotWindow; i += 1) {
        const inside = Math.abs(y + i - half);
        const row = (height - 1 - Math.abs(height - 1 - inside)) * width;
        for (let j = 0; j < spotWindow; j += 1) window[i * spotWindow + j] = values[row + x + j - half] ?? 0;
      }
      statistics.add(window);
    }
  }
}

/** Samples in the middle of a square window. */
export const innerSquare: readonly number[] = Array.from({ length: innerSamples ** 2 }, (_, i) => {
  const from = (spotWindow - innerSamples) / 2;
  return (from + Math.floor(i / innerSamples)) * spotWindow + from + (i % innerSamples);
});
/** Samples in the middle of a window of columns. */
export const innerBand: readonly number[] = Array.from(
  { length: innerSamples },
  (_, i) => (bandWindow - innerSamples) / 2 + i,
);
/** Pixels in the middle of a window of single columns: a cell and half of the ones beside it. */
export const innerThread: readonly number[] = Array.from(
  { length: innerThreadPx },
  (_, i) => (threadWindow - innerThreadPx) / 2 + i,
);

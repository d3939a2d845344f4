/**
 * Small pictures of one repeat of a structure, seen through the lens: drawn large, blurred by the pixel, the lens and the motion
 * during the exposure, then looked up by every pixel. What they cost is paid once a cloth.
 */

/** Cells are squares of so many samples, whatever the shape of the repeat in mm. */
export const cellSize = 48;
const area = cellSize * cellSize;
/** Thicknesses of yarn that are drawn, from thinnest to thickest; the middle one is that of the yarn on the cone. */
export const levels = 11;
export const middleLevel = 5;
/** How much thicker each level is than the one before, as a share of the yarn's diameter. */
export const levelStep = 0.09;

/** Blur of a pixel over the cell, as shares of the cell's width and height. */
export interface Footprint {
  /** Width of a pixel's square. */
  readonly pixelX: number;
  readonly pixelY: number;
  /** Standard deviation of the lens. */
  readonly lensX: number;
  readonly lensY: number;
}

export function footprintOf(pitchXMm: number, pitchYMm: number, pxPerMm: number, lensMm: number): Footprint {
  return {
    pixelX: 1 / pxPerMm / pitchXMm,
    pixelY: 1 / pxPerMm / pitchYMm,
    lensX: lensMm / pitchXMm,
    lensY: lensMm / pitchYMm,
  };
}

/** Cells one after the other; cell c begins at c · cellSize². */
export function makeCells(count: number, footprint: Footprint, shade: CellShade): Float32Array {
  const cells = new Float32Array(count * area);
  const kernelX = kernel(footprint.pixelX * cellSize, footprint.lensX * cellSize);
  const kernelY = kernel(footprint.pixelY * cellSize, footprint.lensY * cellSize);
  const sharp = new Float32Array(area);
  const half = new Float32Array(area);
  for (let cell = 0; cell < count; cell += 1) {
    for (let y = 0; y < cellSize; y += 1) {
      for (let x = 0; x < cellSize; x += 1) {
        sharp[y * cellSize + x] = shade(cell, (x + 0.5) / cellSize, (y + 0.5) / cellSize);
      }
    }
    convolve(sharp, half, kernelX, 1, cellSize);
    convolve(half, cells.subarray(cell * area, (cell + 1) * area), kernelY, cellSize, 1);
  }
  return cells;
}

/** Reflectance at a place of a cell, both 0 to 1. */
export type CellShade = (cell: number, u: number, v: number) => number;

/** A box of the pixel's width under the lens's bell, in samples, summing to 1. */
function kernel(width: number, sigma: number): Float64Array {
  const reach = Math.min(cellSize, Math.ceil(width / 2 + 3 * sigma) + 1);
  const weights = new Float64Array(2 * reach + 1);
  const steps = 16;
  for (let i = 0; i < weights.length; i += 1) {
    for (let j = 0; j < steps; j += 1) {
      const offset = i - reach + ((j + 0.5) / steps - 0.5) * Math.max(1, width);
      weights[i] = (weights[i] ?? 0) + Math.exp(-(offset * offset) / (2 * Math.max(0.3, sigma) ** 2));
    }
  }
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Along one axis of a cell that repeats. `stride`: step along the axis; `across`: step between lines. */
function convolve(from: Float32Array, to: Float32Array, weights: Float64Array, stride: number, across: number): void {
  const reach = (weights.length - 1) / 2;
  for (let line = 0; line < cellSize; line += 1) {
    for (let i = 0; i < cellSize; i += 1) {
      let sum = 0;
      for (let j = -reach; j <= reach; j += 1) {
        const at = (((i + j) % cellSize) + cellSize) % cellSize;
        sum += (weights[j + reach] ?? 0) * (from[line * across + at * stride] ?? 0);
      }
      to[line * across + i * stride] = sum;
    }
  }
}

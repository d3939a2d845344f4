/**
 * How far the threads that cross an image climb: a course of a knit is a helix, and cameras hang askew. Pure.
 *
 * Invariant (test/unit/models/slope.test.ts): the slope is found to a fifth of a pixel in a hundred, as far as the steepest one that is
 * looked for.
 */
import type { Flat } from './whitening.ts';

/** 3.4 degrees: a knit of many feeders on a small cylinder. */
const steepest = 0.06;
const slopeSteps = 25;
/** Lengths along which the slope is looked for, in pixels of the flattened image; and by how many they are summed up first. */
const slopeLength = 256;
const slopeStride = 8;

/**
 * How far the threads that cross the image fall for every pixel to the right: along them, means over long stretches differ most, since
 * there the pattern of the weave adds up.
 * @returns pixels a pixel; positive: downwards
 */
export function slopeOf(images: readonly Flat[]): number {
  const powers = Array.from({ length: slopeSteps }, () => 0);
  const step = (2 * steepest) / (slopeSteps - 1);
  for (const image of images) {
    const sums = summedUp(image);
    for (let i = 0; i < slopeSteps; i += 1) powers[i] = (powers[i] ?? 0) + powerAlong(sums, i * step - steepest);
  }
  const best = powers.indexOf(Math.max(...powers));
  const [before, at, after] = [best - 1, best, best + 1].map((i) => powers[i] ?? Number.NaN) as [
    number,
    number,
    number,
  ];
  // The top of the parabola through the three.
  const bend = before - 2 * at + after;
  const off = bend < 0 ? (before - after) / (2 * bend) : 0;
  return best * step - steepest + off * step;
}

interface Sums {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** The cloth of an image, summed up by `slopeStride` columns. */
function summedUp({ width, height, values, cloth }: Flat): Sums {
  const columns = Math.floor((cloth.right - cloth.left) / slopeStride);
  const sums = new Float32Array(columns * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const from = y * width + cloth.left + x * slopeStride;
      let sum = 0;
      for (let i = from; i < from + slopeStride; i += 1) sum += values[i] ?? 0;
      sums[y * columns + x] = sum;
    }
  }
  return { width: columns, height, values: sums };
}

/** Mean square of the means along a slope. */
function powerAlong({ width, height, values }: Sums, slope: number): number {
  const parts = Math.min(slopeLength / slopeStride, width);
  const margin = Math.ceil(Math.abs(slope) * slopeStride * (parts / 2)) + 1;
  let power = 0;
  let count = 0;
  const means = new Float64Array(height);
  for (let left = 0; left + parts <= width; left += Math.max(1, parts >> 1)) {
    means.fill(0);
    for (let part = 0; part < parts; part += 1) {
      const shift = slope * slopeStride * (part - (parts - 1) / 2);
      const whole = Math.floor(shift);
      const share = shift - whole;
      for (let y = margin; y < height - margin; y += 1) {
        const at = (y + whole) * width + left + part;
        means[y] = (means[y] ?? 0) + (1 - share) * (values[at] ?? 0) + share * (values[at + width] ?? 0);
      }
    }
    for (let y = margin; y < height - margin; y += 1) power += (means[y] ?? 0) ** 2;
    count += Math.max(height - 2 * margin, 0);
  }
  return count === 0 ? 0 : power / count;
}

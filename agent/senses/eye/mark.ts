/**
 * The mark that passes once a revolution, in the rows of the image that show the ring of the cylinder: dark, with one light place. Pure.
 */
import type { Picture } from '../../../models/vision/look.ts';

/** The mark is at least so much lighter than the ring, grey levels. */
const leastContrast = 40;
/** Wider than this share of the image it is no mark: a lamp, or a ring that is light all over. */
const widest = 0.2;

/**
 * @param ringRowsPx rows from the top that show the ring
 * @returns the middle of the mark, columns from the left edge and their fraction; null where there is none, or more than one
 */
export function columnsOfMark({ width, height, pixels }: Picture, ringRowsPx: number): number | null {
  const rows = Math.min(ringRowsPx, height);
  const means = new Float64Array(width);
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < width; x += 1) means[x] = (means[x] ?? 0) + (pixels[y * width + x] ?? 0) / rows;
  const sorted = means.toSorted();
  const ring = sorted[width >> 1] ?? 0;
  const top = sorted[width - 1] ?? 0;
  if (!(top - ring >= leastContrast)) return null;
  const limit = (top + ring) / 2;
  const from = means.findIndex((mean) => mean > limit);
  const to = means.findLastIndex((mean) => mean > limit) + 1;
  if (to - from > widest * width || means.subarray(from, to).some((mean) => mean <= limit)) return null;
  // A mark that the edge of the image cuts has its middle elsewhere.
  if (from === 0 || to === width) return null;
  let [sum, weight] = [0, 0];
  for (let x = from; x < to; x += 1) {
    const above = (means[x] ?? 0) - ring;
    sum += above * (x + 0.5);
    weight += above;
  }
  return sum / weight;
}

/**
 * In which column a line along a wale stands, to a part of a wale: the map of scores has cells of several wales. Pure.
 *
 * The mean over exactly one wale less the mean over whole wales to both sides is 0 on even loops wherever it is taken; on the odd wale it is
 * largest. (Column means against the wales around: the classical way to see a needle line.)
 */
import { ColumnSums } from './column-sums.ts';
import type { Grey as Picture } from './grey.ts';

/** Whole wales to each side. */
const around = 3;
const stepsPerWale = 16;
/** One sigma of the answer, in wales: the middle of the highest place of a bump one wale wide. */
export const waleLineSd = 0.25;

/**
 * @param box part of the picture the line was seen in, px
 * @param pitchPx distance of the wales, px
 * @returns column of its middle, px from the left edge; null where the box lies so near an edge that nothing is there to hold it against
 */
export function columnOfLine(
  { width, pixels }: Picture,
  box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  pitchPx: number,
): number | null {
  const from = Math.max(0, Math.floor(box.left - (around + 1.5) * pitchPx));
  const to = Math.min(width, Math.ceil(box.right + (around + 1.5) * pitchPx));
  const sums = new Float64Array(Math.max(0, to - from));
  for (let x = from; x < to; x += 1) {
    for (let y = box.top; y < box.bottom; y += 1) sums[x - from] = (sums[x - from] ?? 0) + (pixels[y * width + x] ?? 0);
  }
  const at = columnAmong(new ColumnSums(sums), box.left - from, box.right - from, pitchPx);
  return at === null ? null : from + at;
}

/** The same among sums of columns, the first of which is column 0. @param left, right of the stretch the line was seen in */
export function columnAmong(columns: ColumnSums, left: number, right: number, pitchPx: number): number | null {
  const wide = (around + 0.5) * pitchPx;
  const mean = (x: number, half: number) => columns.mean(x - half, x + half);
  const first = Math.max(left - pitchPx, wide);
  const last = Math.min(right + pitchPx, columns.length - wide);
  if (!(last > first)) return null;
  let [at, most] = [first, -1];
  for (let x = first; x <= last; x += pitchPx / stepsPerWale) {
    const odd = Math.abs(mean(x, pitchPx / 2) - mean(x, wide));
    if (odd > most) [at, most] = [x, odd];
  }
  return at;
}

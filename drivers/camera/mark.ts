/**
 * The mark on the ring of a machine, which passes once a revolution, where it is seen in the picture. Pure.
 *
 * Invariant (test/unit/drivers/camera-mark.test.ts): what is not certain is no mark: two of them, one at the border, one that is too wide,
 * or one that stands out no more than the rest of the strip.
 */
import { z } from 'zod';
import type { Frame } from './frame.ts';

/** The strip of the picture in which the ring is seen, in shares of its height from the top. */
export const markStripSchema = z.strictObject({
  top: z.number().min(0).max(1),
  height: z.number().min(0).max(1),
  /** Whether the mark is lighter or darker than the ring. */
  tone: z.enum(['light', 'dark']),
});
export type MarkStrip = z.infer<typeof markStripSchema>;

/** Grey levels a mark stands out at least. */
const leastContrast = 24;
/** … and so many times what the strip varies. */
const leastTimes = 6;
/** Share of the width; what is wider is a reflection or the cloth. */
const widest = 0.15;

/** Where the middle of the mark is, in pixels from the left edge of the picture; null where none is certain. */
export function findMark(
  { width, height, pixels, masked }: Pick<Frame, 'width' | 'height' | 'pixels' | 'masked'>,
  strip: MarkStrip,
): number | null {
  const from = Math.min(height - 1, Math.floor(strip.top * height));
  const to = Math.min(height, Math.max(from + 1, Math.round((strip.top + strip.height) * height)));
  const profile = profileOf(pixels, masked, width, from, to);
  if (profile === null) return null;
  const sign = strip.tone === 'light' ? 1 : -1;
  const middle = medianOf(profile);
  const risen = profile.map((value) => (value - middle) * sign);
  // Of a strip in which most is even, as a ring is: the mark itself hardly moves it.
  const varies = medianOf(risen.map(Math.abs));
  const level = Math.max(leastContrast, leastTimes * varies);
  const runs = runsAbove(risen, level / 2).filter(({ most }) => most >= level);
  const [mark] = runs;
  if (mark === undefined || runs.length > 1) return null;
  if (mark.from === 0 || mark.to === width || mark.to - mark.from > widest * width) return null;
  return mark.moment / mark.sum;
}

interface Run {
  readonly from: number;
  /** Behind the last. */
  readonly to: number;
  readonly most: number;
  readonly sum: number;
  readonly moment: number;
}

function runsAbove(values: readonly number[], level: number): Run[] {
  const runs: Run[] = [];
  let from = -1;
  let [most, sum, moment] = [0, 0, 0];
  for (let x = 0; x <= values.length; x += 1) {
    const value = values[x] ?? 0;
    if (value > level) {
      if (from < 0) [from, most, sum, moment] = [x, 0, 0, 0];
      most = Math.max(most, value);
      sum += value;
      moment += value * (x + 0.5);
    } else if (from >= 0) {
      runs.push({ from, to: x, most, sum, moment });
      from = -1;
    }
  }
  return runs;
}

/** Mean of each column of the strip; null where the privacy mask covers one whole. */
function profileOf(
  pixels: Uint8Array,
  masked: Uint8Array | null,
  width: number,
  from: number,
  to: number,
): readonly number[] | null {
  const sums = new Float64Array(width);
  const counts = new Uint32Array(width);
  for (let y = from; y < to; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      if (masked?.[at] === 1) continue;
      sums[x] = (sums[x] ?? 0) + (pixels[at] ?? 0);
      counts[x] = (counts[x] ?? 0) + 1;
    }
  }
  return counts.includes(0) ? null : Array.from(sums, (sum, x) => sum / (counts[x] ?? 1));
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

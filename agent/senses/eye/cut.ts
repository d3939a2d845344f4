/** What of a picture is kept for people: the fault and a little around it, with how the model scored each place of it. */
import type { ScoreMap } from '../../../models/vision/blobs.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import type { Looked } from '../../../models/vision/sight.ts';

/** So much around the fault, px, and at most so much of it on either side. */
const marginPx = 24;
const mostSidePx = 256;

/** A piece of a picture, and where in it the fault stands. */
export interface Cut {
  readonly picture: Grey;
  readonly box: Box;
  /** The score of each pixel's place, in taught thresholds: from 1 on it is beyond what was taught as good. */
  readonly heat: Float32Array;
}

/** The scores of a picture. */
export interface Heat {
  readonly map: ScoreMap;
  /** Pixels of the picture for one of the map. */
  readonly scale: number;
  /** Scores above it are no good cloth. */
  readonly threshold: number;
}

/** A picture and its scores. */
export interface Shown {
  readonly picture: Grey;
  readonly heat: Heat;
}

/**
 * The piece of a picture around one of its sightings, which are its blobs and then its odd wales. @param seen what became the sightings
 * @returns null where there is no such sighting
 */
export function cutOfSighting({ details, odd, scale, view }: Looked, at: number, { picture, heat }: Shown): Cut | null {
  const blob = details[at]?.blob;
  if (blob !== undefined) return cutOf(picture, inPixels(blob, scale), heat);
  const line = odd[at - details.length];
  if (line === undefined) return null;
  const half = ((view.walePitchMm ?? view.mmPerPx) / view.mmPerPx / 2) * scale;
  const { top, bottom } = inPixels(view.cloth, scale);
  return cutOf(picture, { left: line.xPx - half, top, right: line.xPx + half, bottom }, heat);
}

/** Pixels of a box of cells. @param scale pixels a cell */
export const inPixels = (box: Box, scale: number): Box => ({
  left: box.left * scale,
  top: box.top * scale,
  right: box.right * scale,
  bottom: box.bottom * scale,
});

/** A copy: the picture may go. Of a fault that is larger than what is kept, its middle. */
export function cutOf({ width, height, pixels }: Grey, box: Box, { map, scale, threshold }: Heat): Cut {
  const [left, right] = span(box.left, box.right, width);
  const [top, bottom] = span(box.top, box.bottom, height);
  const own = new Uint8Array((right - left) * (bottom - top));
  const heat = new Float32Array(own.length);
  for (let y = top; y < bottom; y += 1) {
    const row = (y - top) * (right - left);
    own.set(pixels.subarray(y * width + left, y * width + right), row);
    for (let x = left; x < right; x += 1) {
      const score = map.scores[Math.floor(y / scale) * map.width + Math.floor(x / scale)] ?? 0;
      heat[row + x - left] = Math.max(0, score / threshold);
    }
  }
  return {
    picture: { width: right - left, height: bottom - top, pixels: own },
    box: {
      left: Math.max(0, box.left - left),
      top: Math.max(0, box.top - top),
      right: Math.min(right, box.right) - left,
      bottom: Math.min(bottom, box.bottom) - top,
    },
    heat,
  };
}

function span(from: number, to: number, size: number): readonly [from: number, to: number] {
  const middle = (from + to) / 2;
  const half = Math.min((to - from) / 2 + marginPx, mostSidePx / 2 + marginPx);
  const low = Math.max(0, Math.min(Math.floor(middle - half), size - 1));
  return [low, Math.max(low + 1, Math.min(Math.ceil(middle + half), size))];
}

/** What of a picture is kept for people: the fault and a little around it. A picture that waits for its turn is not kept whole. */
import type { Box, Grey } from '../../../models/vision/grey.ts';

/** So much around the fault, px, and at most so much of it on either side. */
const marginPx = 24;
const mostSidePx = 256;

/** A piece of a picture, and where in it the fault stands. */
export interface Cut {
  readonly picture: Grey;
  readonly box: Box;
}

/** A copy: the picture may go. Of a fault that is larger than what is kept, its middle. */
export function cutOf({ width, height, pixels }: Grey, box: Box): Cut {
  const [left, right] = span(box.left, box.right, width);
  const [top, bottom] = span(box.top, box.bottom, height);
  const own = new Uint8Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y += 1) {
    own.set(pixels.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  }
  return {
    picture: { width: right - left, height: bottom - top, pixels: own },
    box: {
      left: Math.max(0, box.left - left),
      top: Math.max(0, box.top - top),
      right: Math.min(right, box.right) - left,
      bottom: Math.min(bottom, box.bottom) - top,
    },
  };
}

function span(from: number, to: number, size: number): readonly [from: number, to: number] {
  const middle = (from + to) / 2;
  const half = Math.min((to - from) / 2 + marginPx, mostSidePx / 2 + marginPx);
  const low = Math.max(0, Math.min(Math.floor(middle - half), size - 1));
  return [low, Math.max(low + 1, Math.min(Math.ceil(middle + half), size))];
}

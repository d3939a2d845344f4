/** From an anomaly map to places on the cloth: cells over the threshold that touch are one blob. Pure. */
import type { Box } from './grey.ts';
import type { ScoreMap } from './tiles.ts';

export interface Blob {
  /** In pixels of the image. */
  readonly box: Box;
  /** The highest score in it. */
  readonly score: number;
  readonly cells: number;
}

/** More blobs than these in one image are no faults but a wrong cloth or a wrong light. */
export const maxBlobs = 64;

/**
 * @param threshold cells strictly above it belong to blobs
 * @returns the blobs, the highest score first, and how many were left out beyond `maxBlobs`
 */
export function blobsOf(map: ScoreMap, threshold: number): { readonly blobs: Blob[]; readonly leftOut: number } {
  const { width, height, values } = map;
  const seen = new Uint8Array(width * height);
  const blobs: Blob[] = [];
  for (let start = 0; start < values.length; start += 1) {
    if (seen[start] === 1 || !((values[start] ?? 0) > threshold)) continue;
    blobs.push(grow(map, start, threshold, seen));
  }
  blobs.sort((a, b) => b.score - a.score);
  return { blobs: blobs.slice(0, maxBlobs), leftOut: Math.max(0, blobs.length - maxBlobs) };
}

/** All cells over the threshold that touch the first one, at a side or a corner. */
function grow({ width, height, cellPx, values }: ScoreMap, start: number, threshold: number, seen: Uint8Array): Blob {
  const waiting = [start];
  seen[start] = 1;
  let [left, top, right, bottom] = [width, height, 0, 0];
  let score = 0;
  let cells = 0;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const x = at % width;
    const y = (at - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
    score = Math.max(score, values[at] ?? 0);
    cells += 1;
    for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny += 1) {
      for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx += 1) {
        const next = ny * width + nx;
        if (seen[next] === 1 || !((values[next] ?? 0) > threshold)) continue;
        seen[next] = 1;
        waiting.push(next);
      }
    }
  }
  const box = { left: left * cellPx, top: top * cellPx, right: right * cellPx, bottom: bottom * cellPx };
  return { box, score, cells };
}

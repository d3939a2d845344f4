/**
 * How the cloth under a blob looks against the cloth around it: darker or lighter, and whether there still is a structure of loops.
 * Pure. Together with the shape this is all a class is told from (`classify.ts`).
 */
import type { Run } from './blobs.ts';

/** A grey image, one byte a pixel, row by row from the top left. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** width × height bytes. */
  readonly pixels: Uint8Array;
}

export interface Look {
  /** Median brightness under the blob and around it, 0 … 255. */
  readonly level: number;
  readonly levelAround: number;
  /**
   * (level − levelAround) / standard deviation of the cloth around: −1 is as much darker as its loops vary. null: around the blob
   * is nothing to hold it against, or it has no structure at all.
   */
  readonly contrast: number | null;
  /** Fine structure (the smaller half of the steps between neighbouring pixels) under the blob over that around; 1 where loops are whole. */
  readonly structure: number | null;
}

/** The frame of cloth a blob is held against reaches this far beyond its box, in pixels of the map, and at least its half. */
const leastMargin = 6;
/** Pixels of the image looked at, at most, under a blob and around it; a blob as large as the image is looked at in part. */
const mostPixels = 65_536;

/**
 * Histograms, so that the rim can be left out: a score reaches a few pixels over the edge of what it found, and the step down into
 * a hole is not structure of the hole.
 */
interface Tally {
  readonly levels: Uint32Array;
  /** Steps between neighbours that are both of this tally. */
  readonly steps: Uint32Array;
}

const emptyTally = (): Tally => ({ levels: new Uint32Array(256), steps: new Uint32Array(256) });

/**
 * @param scale pixels of the image for one of the map (1, or 2 for a map at half resolution)
 * @param clothBox part of the map that is cloth; what lies outside is not held against. null: all of it
 */
export function lookOf(
  picture: Picture,
  blob: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  runs: readonly Run[],
  scale: number,
  clothBox: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number } | null,
): Look {
  const margin = Math.max(
    leastMargin,
    Math.ceil((blob.right - blob.left) / 2),
    Math.ceil((blob.bottom - blob.top) / 2),
  );
  const cloth = clothBox ?? {
    left: 0,
    top: 0,
    right: Math.floor(picture.width / scale),
    bottom: Math.floor(picture.height / scale),
  };
  const left = Math.max(blob.left - margin, cloth.left);
  const right = Math.min(blob.right + margin, cloth.right);
  const top = Math.max(blob.top - margin, cloth.top);
  const bottom = Math.min(blob.bottom + margin, cloth.bottom);
  // The blob's own pixels (2), and two beside each that are neither (1).
  const width = Math.max(right - left, 0);
  const height = Math.max(bottom - top, 0);
  const marks = new Uint8Array(width * height);
  for (const run of runs) mark(marks, width, height, run.from - left, run.to - left, run.y - top);
  const inside = emptyTally();
  const around = emptyTally();
  const every = Math.max(1, Math.ceil((width * height * scale) / mostPixels));
  for (let y = 0; y < height; y += every) {
    const row = (top + y) * scale;
    for (let x = 0; x < width; x += 1) {
      const here = marks[y * width + x] ?? 0;
      if (here === 1) continue; // beside the blob: neither
      const isLast = x + 1 >= width || marks[y * width + x + 1] !== here;
      add(here === 2 ? inside : around, picture, (left + x) * scale, row, scale, isLast);
    }
  }
  return compared(inside, around);
}

function mark(marks: Uint8Array, width: number, height: number, from: number, to: number, y: number): void {
  for (let row = y - 2; row <= y + 2; row += 1) {
    if (row < 0 || row >= height) continue;
    for (let x = Math.max(from - 2, 0); x < Math.min(to + 2, width); x += 1) {
      const at = row * width + x;
      if (row === y && x >= from && x < to) marks[at] = 2;
      else if (marks[at] === 0) marks[at] = 1;
    }
  }
}

/** One pixel of the map: `scale` pixels of one row of the image, each with its step to the next that is of the same tally. */
function add(tally: Tally, { width, pixels }: Picture, x: number, row: number, scale: number, isLast: boolean): void {
  const at = row * width + x;
  for (let i = 0; i < scale && x + i < width; i += 1) {
    const value = pixels[at + i] ?? 0;
    tally.levels[value] = (tally.levels[value] ?? 0) + 1;
    if (x + i + 1 >= width || (isLast && i + 1 === scale)) continue;
    const step = Math.abs((pixels[at + i + 1] ?? 0) - value);
    tally.steps[step] = (tally.steps[step] ?? 0) + 1;
  }
}

function compared(inside: Tally, around: Tally): Look {
  const level = lowerPart(inside.levels, 0.5).top;
  const levelAround = lowerPart(around.levels, 0.5).top;
  const sd = deviation(around.levels);
  const isKnown = level !== null && levelAround !== null && sd > 0;
  const steps = lowerPart(inside.steps, 0.5).mean;
  const stepsAround = lowerPart(around.steps, 0.5).mean;
  return {
    level: level ?? 0,
    levelAround: levelAround ?? 0,
    contrast: isKnown ? (level - levelAround) / sd : null,
    structure: isKnown && steps !== null && stepsAround !== null && stepsAround > 0 ? steps / stepsAround : null,
  };
}

/** Mean and upper end of the lowest share of a histogram; null of an empty one. */
function lowerPart(counts: Uint32Array, share: number): { readonly mean: number | null; readonly top: number | null } {
  const wanted = counts.reduce((a, b) => a + b, 0) * share;
  if (wanted === 0) return { mean: null, top: null };
  let taken = 0;
  let sum = 0;
  for (let value = 0; value < counts.length; value += 1) {
    const here = Math.min(counts[value] ?? 0, wanted - taken);
    taken += here;
    sum += here * value;
    if (taken >= wanted) return { mean: sum / taken, top: value };
  }
  return { mean: null, top: null };
}

function deviation(counts: Uint32Array): number {
  let n = 0;
  let sum = 0;
  let squares = 0;
  counts.forEach((count, value) => {
    n += count;
    sum += count * value;
    squares += count * value * value;
  });
  return n < 2 ? 0 : Math.sqrt(Math.max(squares / n - (sum / n) ** 2, 0));
}

/**
 * How the cloth under a blob looks against the cloth around it: darker or lighter, and whether there still is a structure of loops.
 * Pure. Together with the shape this is all a class is told from (`classify.ts`).
 */
import type { Run } from './blobs.ts';
import type { Box, Grey } from './grey.ts';

export interface Look {
  /** Mean brightness under the blob and around it, 0 … 255. */
  readonly level: number;
  readonly levelAround: number;
  /** Median brightness under the blob over that around: 1 is as light as the cloth, 0.1 black in it. null: nothing around to hold it against. */
  readonly light: number | null;
  /** The same of the lightest tenth: what lies on the cloth as a film darkens it, what lies on it as threads leaves cloth between them. */
  readonly lightest: number | null;
  /** (level − levelAround) / spread of patches of cloth of 8 pixels of the map: how plain that is. null as above, or with too few patches. */
  readonly contrast: number | null;
  /** Fine structure (the smaller half of the steps between neighbouring pixels) under the blob over that around; 1 where loops are whole. */
  readonly structure: number | null;
}

/** The frame of cloth a blob is held against reaches this far beyond its box, in pixels of the map, and at least its half. */
const leastMargin = 6;
/** Pixels of the image looked at, at most, under a blob and around it; a blob as large as the image is looked at in part. */
const mostPixels = 65_536;

/** Side of the patches whose means tell how much the cloth varies by itself, in pixels of the map. */
const patchSize = 8;
/** So many patches are needed to say so, each with half its pixels. */
const leastPatches = 6;

interface Tally {
  count: number;
  sum: number;
  readonly levels: Uint32Array;
  /** Steps between neighbours that are both of this tally, as a histogram: the step down into a hole is not structure of the hole. */
  readonly steps: Uint32Array;
}

const emptyTally = (): Tally => ({ count: 0, sum: 0, levels: new Uint32Array(256), steps: new Uint32Array(256) });

/**
 * @param core what is looked at: the core of a blob (`coreOf`) or the blob itself
 * @param all the whole blob, which is not held against
 * @param scale pixels of the image for one of the map (1, or 2 for a map at half resolution)
 * @param clothBox part of the map that is cloth; what lies outside is not held against. null: all of it
 */
export function lookOf(
  picture: Grey,
  core: { readonly runs: readonly Run[] },
  all: Box & { readonly runs: readonly Run[] },
  scale: number,
  clothBox: Box | null,
): Look {
  const margin = Math.max(leastMargin, Math.ceil((all.right - all.left) / 2), Math.ceil((all.bottom - all.top) / 2));
  const cloth = clothBox ?? {
    left: 0,
    top: 0,
    right: Math.floor(picture.width / scale),
    bottom: Math.floor(picture.height / scale),
  };
  const left = Math.max(all.left - margin, cloth.left);
  const right = Math.min(all.right + margin, cloth.right);
  const top = Math.max(all.top - margin, cloth.top);
  const bottom = Math.min(all.bottom + margin, cloth.bottom);
  // The core (2); the rest of the blob and two pixels beside it (1), which are neither.
  const width = Math.max(right - left, 0);
  const height = Math.max(bottom - top, 0);
  const marks = new Uint8Array(width * height);
  for (const run of all.runs) mark(marks, width, height, run.from - left - 2, run.to - left + 2, run.y - top, 2, 1);
  for (const run of core.runs) mark(marks, width, height, run.from - left, run.to - left, run.y - top, 0, 2);
  const patchesX = Math.ceil(width / patchSize);
  const patches = Array.from({ length: patchesX * Math.ceil(height / patchSize) }, () => ({ count: 0, sum: 0 }));
  const inside = emptyTally();
  const around = emptyTally();
  const every = Math.max(1, Math.ceil((width * height * scale) / mostPixels));
  for (let y = 0; y < height; y += every) {
    const row = (top + y) * scale;
    for (let x = 0; x < width; x += 1) {
      const here = marks[y * width + x] ?? 0;
      if (here === 1) continue; // beside the blob: neither
      const isLast = x + 1 >= width || marks[y * width + x + 1] !== here;
      const tally = here === 2 ? inside : around;
      const before = tally.sum;
      add(tally, picture, (left + x) * scale, row, scale, isLast);
      const patch = patches[Math.floor(y / patchSize) * patchesX + Math.floor(x / patchSize)];
      if (here === 2 || patch === undefined) continue;
      patch.count += 1;
      patch.sum += (tally.sum - before) / scale;
    }
  }
  const whole = patches.filter(({ count }) => count * every >= (patchSize * patchSize) / 2);
  const means = whole.map(({ sum, count }) => sum / count);
  return compared(inside, around, means);
}

/** Marks a run and `reach` rows above and below it; a higher mark stays. */
function mark(
  marks: Uint8Array,
  width: number,
  height: number,
  from: number,
  to: number,
  y: number,
  reach: number,
  value: number,
): void {
  for (let row = Math.max(y - reach, 0); row <= Math.min(y + reach, height - 1); row += 1) {
    for (let x = Math.max(from, 0); x < Math.min(to, width); x += 1) {
      marks[row * width + x] = Math.max(marks[row * width + x] ?? 0, value);
    }
  }
}

/** One pixel of the map: `scale` pixels of one row of the image, each with its step to the next that is of the same tally. */
function add(tally: Tally, { width, pixels }: Grey, x: number, row: number, scale: number, isLast: boolean): void {
  const at = row * width + x;
  for (let i = 0; i < scale && x + i < width; i += 1) {
    const value = pixels[at + i] ?? 0;
    tally.count += 1;
    tally.sum += value;
    tally.levels[value] = (tally.levels[value] ?? 0) + 1;
    if (x + i + 1 >= width || (isLast && i + 1 === scale)) continue;
    const step = Math.abs((pixels[at + i + 1] ?? 0) - value);
    tally.steps[step] = (tally.steps[step] ?? 0) + 1;
  }
}

function compared(inside: Tally, around: Tally, patches: readonly number[]): Look {
  const level = inside.count === 0 ? 0 : inside.sum / inside.count;
  const levelAround = around.count === 0 ? 0 : around.sum / around.count;
  const isKnown = inside.count > 0 && levelAround > 0;
  const spread = patches.length < leastPatches ? 0 : deviation(patches);
  const steps = lowerHalf(inside.steps);
  const stepsAround = lowerHalf(around.steps);
  return {
    level,
    levelAround,
    light: ratioAt(inside.levels, around.levels, 0.5),
    lightest: ratioAt(inside.levels, around.levels, 0.9),
    contrast: isKnown && spread > 0 ? (level - levelAround) / spread : null,
    structure: isKnown && steps !== null && stepsAround !== null && stepsAround > 0 ? steps / stepsAround : null,
  };
}

/** One quantile over the other; null where either has nothing or the lower is black. */
function ratioAt(inside: Uint32Array, around: Uint32Array, share: number): number | null {
  const own = quantile(inside, share);
  const other = quantile(around, share);
  return own === null || other === null || other === 0 ? null : own / other;
}

function quantile(counts: Uint32Array, share: number): number | null {
  const wanted = counts.reduce((a, b) => a + b, 0) * share;
  let taken = 0;
  for (let value = 0; value < counts.length; value += 1) {
    taken += counts[value] ?? 0;
    if (taken > 0 && taken >= wanted) return value;
  }
  return null;
}

/** Mean of the smaller half of what a histogram counts; null of an empty one. */
function lowerHalf(counts: Uint32Array): number | null {
  const wanted = counts.reduce((a, b) => a + b, 0) / 2;
  if (wanted === 0) return null;
  let taken = 0;
  let sum = 0;
  for (let value = 0; value < counts.length && taken < wanted; value += 1) {
    const here = Math.min(counts[value] ?? 0, wanted - taken);
    taken += here;
    sum += here * value;
  }
  return sum / wanted;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

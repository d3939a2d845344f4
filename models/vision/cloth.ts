/**
 * Where in an image the cloth is. An image shows table, roller or lamp beside the cloth; taught as cloth they spoil every
 * statistic, and counted as good they hide false alarms. Pure.
 *
 * From the middle outwards: the cloth goes on as long as a column has about the fine structure of the middle and no step in
 * brightness. It ends where that stops for good: what differs and is cloth again further out is a fault in the cloth, and
 * finding those is somebody else's work.
 *
 * Invariants (test/unit/models/cloth.test.ts):
 *  C1  A box lies inside the image, and has a margin to every edge that was found.
 *  C2  A stain or hole, however dark, with cloth on both sides is inside the box.
 */
import { ModelError } from '../errors.ts';
import type { Box, Grey } from './grey.ts';

/** Pixels beside a found edge that are not judged: the edge waves, and fringes hang over it. */
export const marginPx = 20;
/** Columns are looked at in blocks of so many pixels. */
const blockPx = 8;
/** Box filter along the row; what is finer than this is structure, what is coarser is light. Near a Gaussian of σ 3 px. */
const blurPx = 11;
/** Fine structure of cloth against that of the middle: from a slack selvedge to twice a close weave. */
const structureRange = [0.35, 3] as const;
/** A step in brightness against the cloth beside it that no light makes in some centimetres. */
const levelStep = 0.15;
/** What the brightness is held against: the cloth passed last. */
const levelBlocks = 40;
/** So many blocks in a row must differ for an edge … */
const edgeBlocks = 6;
/** … and nowhere further out may so many in a row be cloth again. */
const clothBlocks = 12;
/** Less fine structure than this, in grey values, is no cloth but a lamp, a cap on the lens or a picture out of focus. */
const leastStructure = 0.3;

/** What one block of columns (or rows) looks like. */
interface Profile {
  /** Mean brightness, 0 … 255. */
  readonly level: Float64Array;
  /** Mean of |x − blur(x)|. */
  readonly structure: Float64Array;
}

/**
 * @returns the part of the image that is cloth and is judged
 * @throws ModelError `clothNotFound`
 */
export function findCloth(image: Grey): Box {
  const columns = columnProfile(image);
  if (middleOf(columns.structure) < leastStructure) {
    throw new ModelError('clothNotFound', 'the middle of the image has no structure');
  }
  const [left, right] = columnsOfCloth(columns, image.width);
  const [top, bottom] = rowsOfCloth(rowProfile(image, left, right), image.height);
  if (right - left < image.width / 4 || bottom - top < image.height / 4) {
    throw new ModelError('clothNotFound', `cloth only at ${left}…${right} × ${top}…${bottom} of the image`);
  }
  return { left, top, right, bottom };
}

/** Every fourth row is enough for a mean over the height. */
function columnProfile({ width, height, pixels }: Grey): Profile {
  const level = new Float64Array(Math.floor(width / blockPx));
  const structure = new Float64Array(level.length);
  const rows = Math.ceil(height / 4);
  for (let y = 0; y < height; y += 4) addLine(pixels, y * width, 1, width, level, structure);
  for (let i = 0; i < level.length; i += 1) {
    level[i] = (level[i] ?? 0) / (rows * blockPx);
    structure[i] = (structure[i] ?? 0) / (rows * blockPx);
  }
  return { level, structure };
}

function rowProfile({ width, height, pixels }: Grey, left: number, right: number): Profile {
  const level = new Float64Array(Math.floor(height / blockPx));
  const structure = new Float64Array(level.length);
  let columns = 0;
  for (let x = left; x < right; x += 16) {
    addLine(pixels, x, width, height, level, structure);
    columns += 1;
  }
  for (let i = 0; i < level.length; i += 1) {
    level[i] = (level[i] ?? 0) / (columns * blockPx);
    structure[i] = (structure[i] ?? 0) / (columns * blockPx);
  }
  return { level, structure };
}

/** Adds one line of pixels (a row, or with another stride a column) to the sums by block. A running sum is the blur. */
function addLine(
  pixels: Uint8Array,
  offset: number,
  stride: number,
  length: number,
  level: Float64Array,
  structure: Float64Array,
): void {
  const half = (blurPx - 1) / 2;
  let sum = 0;
  for (let i = -half; i < half; i += 1) sum += pixels[offset + Math.abs(i) * stride] ?? 0;
  const last = length - 1;
  for (let block = 0; block < level.length; block += 1) {
    let levels = 0;
    let structures = 0;
    for (let i = block * blockPx; i < (block + 1) * blockPx; i += 1) {
      const ahead = i + half;
      sum += pixels[offset + (ahead > last ? 2 * last - ahead : ahead) * stride] ?? 0;
      const x = pixels[offset + i * stride] ?? 0;
      levels += x;
      structures += Math.abs(x - sum / blurPx);
      const behind = i - half;
      sum -= pixels[offset + Math.abs(behind) * stride] ?? 0;
    }
    level[block] = (level[block] ?? 0) + levels;
    structure[block] = (structure[block] ?? 0) + structures;
  }
}

function columnsOfCloth(profile: Profile, length: number): [number, number] {
  const reference = middleOf(profile.structure);
  return outwards(profile, length, (block, level) => {
    const structure = (profile.structure[block] ?? 0) / reference;
    const step = Math.abs((profile.level[block] ?? 0) / level - 1);
    return structure < structureRange[0] || structure > structureRange[1] || step > levelStep;
  });
}

/**
 * Along the web only a missing structure ends the cloth: a dark pick or a hem across the whole width is a fault, and a strip is too
 * short to see cloth behind it.
 */
function rowsOfCloth(profile: Profile, length: number): [number, number] {
  const reference = middleOf(profile.structure);
  return outwards(profile, length, (block) => (profile.structure[block] ?? 0) / reference < structureRange[0] / 2);
}

function outwards(
  profile: Profile,
  length: number,
  differs: (block: number, level: number) => boolean,
): [number, number] {
  const blocks = profile.level.length;
  const middle = Math.floor(blocks / 2);
  const end = walk(profile.level, middle, blocks, 1, differs);
  const start = walk(profile.level, middle - 1, -1, -1, differs) + 1;
  const from = start === 0 ? 0 : start * blockPx + marginPx;
  const to = end === blocks ? length : end * blockPx - marginPx;
  return [Math.min(from, length), Math.max(to, 0)];
}

/** @returns the first block that is no longer cloth, or `end` */
function walk(
  levels: Float64Array,
  start: number,
  end: number,
  step: 1 | -1,
  differs: (block: number, level: number) => boolean,
): number {
  // Not the blocks next to the middle: a stain may lie there.
  const middle = middleOf(levels);
  const passed = Array.from({ length: levelBlocks }, () => middle);
  for (let block = start; block !== end; block += step) {
    const level = Math.max(medianOf(passed.slice(-levelBlocks)), 1);
    if (!differs(block, level)) {
      passed.push(levels[block] ?? 0);
    } else if (endsAt(block, end, step, (further) => differs(further, level))) {
      return block;
    }
  }
  return end;
}

function endsAt(block: number, end: number, step: 1 | -1, differs: (block: number) => boolean): boolean {
  const rest = Math.abs(end - block);
  let alike = 0;
  for (let i = 0; i < rest; i += 1) {
    alike = differs(block + i * step) ? 0 : alike + 1;
    if (alike > 0 && i < edgeBlocks) return false;
    if (alike === clothBlocks) return false;
  }
  return true;
}

function middleOf(values: Float64Array): number {
  const quarter = Math.floor(values.length / 4);
  return Math.max(medianOf([...values.subarray(quarter, values.length - quarter)]), 1e-6);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * Fills what is not cloth with the cloth mirrored at its edge, so that filters near the edge see cloth on both sides.
 * @returns a new image, or the same one where all of it is cloth
 */
export function mirrorBeside(image: Grey, cloth: Box): Grey {
  const { width, height } = image;
  if (cloth.left === 0 && cloth.top === 0 && cloth.right === width && cloth.bottom === height) return image;
  const pixels = image.pixels.slice();
  for (let y = cloth.top; y < cloth.bottom; y += 1) {
    const row = y * width;
    for (let x = cloth.left - 1; x >= 0; x -= 1) {
      pixels[row + x] = pixels[row + mirrored(x, cloth.left, cloth.right)] ?? 0;
    }
    for (let x = cloth.right; x < width; x += 1) {
      pixels[row + x] = pixels[row + mirrored(x, cloth.left, cloth.right)] ?? 0;
    }
  }
  for (let y = 0; y < height; y += 1) {
    if (y >= cloth.top && y < cloth.bottom) continue;
    const from = mirrored(y, cloth.top, cloth.bottom) * width;
    pixels.copyWithin(y * width, from, from + width);
  }
  return { width, height, pixels };
}

/** Where a place outside [from, to) falls when the line is folded at its ends, as often as it takes. */
export function mirrored(at: number, from: number, to: number): number {
  const length = to - from;
  const phase = (((at - from) % (2 * length)) + 2 * length) % (2 * length);
  return from + (phase < length ? phase : 2 * length - 1 - phase);
}

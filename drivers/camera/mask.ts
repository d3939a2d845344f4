/**
 * The privacy mask: parts of the picture that nobody ever sees, such as the way people walk. Pure.
 *
 * Invariant (test/unit/drivers/camera-mask.test.ts): every pixel that a part touches anywhere is blanked, before anything else has the
 * picture. What overlaps is covered, never uncovered.
 */
import { z } from 'zod';
import { DriverError } from '../errors.ts';

const share = z.number().min(0).max(1);
const rectangle = z.strictObject({ x: share, y: share, width: share, height: share });
const polygon = z.strictObject({
  points: z
    .array(z.tuple([share, share]))
    .min(3)
    .max(64),
});
/** In shares of width and height from the top left, so that it holds at every resolution. */
export const maskSchema = z.array(z.union([rectangle, polygon])).max(32);
export type Mask = z.infer<typeof maskSchema>;

/** Neither black nor white, which would look like a dark or a blinded camera. */
const blank = 128;

type Point = readonly [x: number, y: number];

/** @throws DriverError DRV-503 */
export function parseMask(value: unknown): Mask {
  const parsed = maskSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DriverError('cameraMaskInvalid', z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '));
}

/** 1 for every pixel that is covered; null where nothing is. */
export function compileMask(mask: Mask, width: number, height: number): Uint8Array | null {
  if (mask.length === 0) return null;
  const covered = new Uint8Array(width * height);
  for (const part of mask) {
    const corners: readonly Point[] = 'points' in part ? part.points : cornersOf(part);
    cover(
      covered,
      corners.map(([x, y]) => [x * width, y * height] as const),
      width,
      height,
    );
  }
  return covered;
}

function cornersOf({ x, y, width, height }: z.infer<typeof rectangle>): readonly Point[] {
  const [right, bottom] = [Math.min(1, x + width), Math.min(1, y + height)];
  return [
    [x, y],
    [right, y],
    [right, bottom],
    [x, bottom],
  ];
}

/** Covers what the outline touches and what it goes around (in either direction), row by row. */
function cover(covered: Uint8Array, corners: readonly Point[], width: number, height: number): void {
  const fill = (y: number, from: number, to: number) => {
    const first = Math.max(0, Math.floor(from));
    // An outline on the line between two pixels touches the first alone.
    const last = Math.min(width, Math.ceil(to)) - 1;
    if (last >= first) covered.fill(1, y * width + first, y * width + last + 1);
  };
  for (let y = 0; y < height; y += 1) {
    const crossings: { readonly x: number; readonly turn: 1 | -1 }[] = [];
    for (const [at, from] of corners.entries()) {
      const to = corners[(at + 1) % corners.length] ?? from;
      const touched = withinBand(from, to, y, y + 1);
      if (touched !== null) fill(y, touched[0], touched[1]);
      const crossing = crossingAt(from, to, y + 0.5);
      if (crossing !== null) crossings.push(crossing);
    }
    crossings.sort((a, b) => a.x - b.x);
    let turns = 0;
    for (const [at, { x, turn }] of crossings.entries()) {
      turns += turn;
      const next = crossings[at + 1];
      if (turns !== 0 && next !== undefined) fill(y, x, next.x);
    }
  }
}

/** The x a line takes between two heights; null where it does not come there. */
function withinBand([x1, y1]: Point, [x2, y2]: Point, top: number, bottom: number): Point | null {
  if (Math.max(y1, y2) <= top || Math.min(y1, y2) >= bottom) return null;
  if (y1 === y2) return [Math.min(x1, x2), Math.max(x1, x2)];
  const xAt = (y: number) =>
    x1 + ((Math.min(Math.max(y, Math.min(y1, y2)), Math.max(y1, y2)) - y1) / (y2 - y1)) * (x2 - x1);
  const [a, b] = [xAt(top), xAt(bottom)];
  return [Math.min(a, b), Math.max(a, b)];
}

function crossingAt([x1, y1]: Point, [x2, y2]: Point, y: number): { readonly x: number; readonly turn: 1 | -1 } | null {
  if (y1 <= y === y2 <= y) return null;
  return { x: x1 + ((y - y1) / (y2 - y1)) * (x2 - x1), turn: y2 > y1 ? 1 : -1 };
}

/** The covered pixels as runs `[from, to, from, to, …]`, in the order of the rows. */
export function runsOf(covered: Uint8Array): Uint32Array {
  const runs: number[] = [];
  for (let from = covered.indexOf(1); from >= 0;) {
    const end = covered.indexOf(0, from);
    const to = end < 0 ? covered.length : end;
    runs.push(from, to);
    from = end < 0 ? -1 : covered.indexOf(1, to);
  }
  return Uint32Array.from(runs);
}

/** Blanks the runs, in place. */
export function blankCovered(pixels: Uint8Array, runs: Uint32Array): void {
  for (let at = 0; at < runs.length; at += 2) pixels.fill(blank, runs[at], runs[at + 1]);
}

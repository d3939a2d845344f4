/**
 * The index as the camera sees it: a light mark on the dark ring of the cylinder, above the cloth. From the frames that show it to the
 * times it passes the reference column, which are the pulses of `turns.ts`. Pure. Time stamps of mark and cloth are the same ones, so
 * no latency and no drift of clocks comes in between.
 *
 * Invariants (test/unit/models/vision-index-mark.test.ts): a mark at the edge, half out of the image, is none; one pass gives one pulse
 * however many frames show it; nothing is told before the second pass, for the first has no speed.
 */
import type { Grey } from './grey.ts';
import type { TubeGeometry } from './position.ts';
import { type IndexMarks, noMarks, withPulse } from './turns.ts';

/** Of the range of grey values, so much lighter than the ring a mark must be. */
const leastStep = 40;
/** A mark is at most this share of the image wide; a lit ring is none. */
const widestShare = 0.1;

/**
 * Finds the mark in the rows from `top` to `bottom`, which show the ring and nothing else.
 * @returns its middle, px from the left edge; null where there is none, more than one, or one at the edge
 */
export function findMark({ width, pixels }: Grey, top: number, bottom: number): number | null {
  const means = new Float64Array(width);
  for (let y = top; y < bottom; y += 1) {
    for (let x = 0; x < width; x += 1) means[x] = (means[x] ?? 0) + (pixels[y * width + x] ?? 0) / (bottom - top);
  }
  const ring = means.toSorted()[Math.floor(width / 2)] ?? 0;
  const most = means.reduce((a, b) => Math.max(a, b), 0);
  if (most - ring < leastStep) return null;
  const half = (most + ring) / 2;
  const from = means.findIndex((mean) => mean > half);
  const to = means.findLastIndex((mean) => mean > half);
  if (from <= 2 || to >= width - 3 || to - from + 1 > width * widestShare) return null;
  let weight = 0;
  let weighted = 0;
  for (let x = from - 3; x <= to + 3; x += 1) {
    const lit = Math.max((means[x] ?? ring) - ring, 0);
    // A dark column between two lit ones: two marks.
    if (x > from && x < to && lit < (most - ring) / 4) return null;
    weight += lit;
    weighted += lit * (x + 0.5);
  }
  return weighted / weight;
}

interface Pass {
  readonly frameMs: number;
  readonly xPx: number;
}

export interface MarkWatch {
  /** The first pass, until a second one gives the speed. */
  readonly waiting: Pass | null;
  readonly lastMs: number;
  readonly index: IndexMarks;
}

export const noWatch: MarkWatch = { waiting: null, lastMs: Number.NEGATIVE_INFINITY, index: noMarks };

/**
 * Takes in a frame that shows the mark. It stands at column x at the time of the frame and at the reference column
 *
 *   (x − reference) · mmPerPx / circumference · T
 *
 * later (where it moves to the left), T being the time of a revolution: that of the last one, or for the first the time between both
 * passes, freed from the way between their columns.
 *
 * @param fastestMs the shortest revolution the machine can make
 */
export function withMark(
  before: MarkWatch,
  frameMs: number,
  xPx: number,
  geometry: TubeGeometry,
  fastestMs: number,
): MarkWatch {
  // A second frame of the same pass.
  if (frameMs - before.lastMs < fastestMs / 2) return before;
  const pass = { frameMs, xPx };
  const marks = before.index.marks;
  const offOf = (p: Pass) =>
    (geometry.direction * geometry.columns * (p.xPx - geometry.referenceColumnPx) * geometry.mmPerPx) /
    geometry.circumferenceMm;
  const waiting = before.waiting;
  const last = marks.at(-1);
  const earlier = marks.at(-2);
  if (last !== undefined && earlier !== undefined) {
    const revolutionMs = (last.timeMs - earlier.timeMs) / (last.turn - earlier.turn);
    const index = withPulse(before.index, frameMs + offOf(pass) * revolutionMs, fastestMs, true);
    // After a stand-still the speed is that of another day: the next pass begins anew, and the count of turns goes on.
    return { waiting: index.marks.length === 1 ? pass : null, lastMs: frameMs, index };
  }
  if (waiting === null) return { ...before, waiting: pass, lastMs: frameMs };
  const revolutionMs = (frameMs - waiting.frameMs) / (1 - (offOf(pass) - offOf(waiting)));
  const turn = last?.turn ?? 0;
  const first = { timeMs: waiting.frameMs + offOf(waiting) * revolutionMs, turn };
  const second = { timeMs: frameMs + offOf(pass) * revolutionMs, turn: turn + 1 };
  return { waiting: null, lastMs: frameMs, index: { ...before.index, marks: [first, second] } };
}

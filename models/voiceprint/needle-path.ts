/**
 * How likely it is that clicks which stand at one place at every pulse are heard as they are, over all ways in which a cylinder may turn
 * between the pulses. A way is a chain: within a block of a few pitches the speed is one, from block to block it changes little; at a
 * pulse the angle is known, and the speed goes on. All ways are summed (forward, backward), not only the best: where clicks are faint
 * many ways are nearly as good, and how many there are is what tells a place from its neighbours. Pure.
 *
 * Invariants (test/unit/models/voiceprint-needle-path.test.ts):
 *  W1  At every pulse the way stands at the place.
 *  W2  One row, whatever bangs in it, moves the evidence by no more than the logarithm of its width over the share of strange rows.
 *  W3  Where a part of a turn is silent the way is what the speed before and behind it makes likeliest.
 */
import type { NeedlePicture } from './needle-picture.ts';

/** Pitches a block. */
const rowsABlock = 4;
/** How fast the cylinder may be beside the line, share of the speed. */
const mostOffShare = 0.03;
/** Chance that from one block to the next the speed grows by a step, a place a block; and that it falls by one. */
const bendShare = 0.1;
/** How far from the line it may be, pitches. */
const mostBehindPitches = 0.75;
/** Share of rows in which something else bangs louder than the click. */
const strangeShare = 0.08;

/** Likelihoods of the rows by how far their click lies behind the place, each over the row's mean. */
interface Rows {
  readonly most: number;
  readonly wide: number;
  readonly values: Float64Array;
}

/** By offset from the line and speed beside it, both in places and places a block. */
interface Grid {
  readonly most: number;
  readonly wide: number;
  readonly mostSpeed: number;
  readonly speeds: number;
  /** Of a turn: the rows of each block, and where within it they stand. */
  readonly blocks: readonly (readonly { readonly row: number; readonly share: number }[])[];
  readonly feeders: number;
  /** What the line of the next turn, which has another slope, adds to the speed. */
  readonly shifts: readonly number[];
  readonly rows: Rows;
}

/** How far a turn's rows lie behind the line in every turn alike, whole places; ways are told beside it. */
export type Every = Int16Array | null;

/** Logarithm of the likelihood of a place, mean over all ways; only differences between places say something. */
export function evidenceOfPlace(picture: NeedlePicture, place: number, every: Every = null): number {
  const grid = gridOf(picture, place, every);
  let speeds = anySpeed(grid);
  let evidence = 0;
  for (const [turn, shift] of grid.shifts.entries()) {
    const end = through(grid, turn, speeds, null);
    evidence += end.logLikelihood;
    speeds = shifted(end.speeds, shift);
  }
  return evidence;
}

/** How far each row's click lies behind the place, mean over all ways, places. */
export function wayOfPlace(picture: NeedlePicture, place: number, every: Every = null): Float64Array {
  const grid = gridOf(picture, place, every);
  const { shifts, feeders } = grid;
  const starts: Float64Array[] = [];
  let speeds = anySpeed(grid);
  for (const [turn, shift] of shifts.entries()) {
    starts.push(speeds);
    speeds = shifted(through(grid, turn, speeds, null).speeds, shift);
  }
  const behind = new Float64Array(shifts.length * feeders);
  let later = new Float64Array(grid.speeds).fill(1);
  for (const [turn, start] of [...starts.entries()].toReversed()) {
    const forward: Float64Array[] = [];
    through(grid, turn, start, forward);
    later = backThrough(grid, turn, later, forward, behind);
    later = shifted(later, -(shifts[turn - 1] ?? 0));
  }
  return behind;
}

function gridOf(picture: NeedlePicture, place: number, every: Every): Grid {
  const { places, feeders, lengths } = picture;
  const most = Math.ceil(mostBehindPitches * places);
  const wide = 2 * most + 1;
  const count = Math.max(1, Math.round(feeders / rowsABlock));
  const placesABlock = (places * feeders) / count;
  const mostSpeed = Math.max(1, Math.ceil(mostOffShare * placesABlock));
  const blocks = Array.from({ length: count }, (): { row: number; share: number }[] => []);
  for (let row = 0; row < feeders; row += 1) {
    const at = ((row + (place + 0.5) / places) / feeders) * count;
    const block = Math.min(count - 1, Math.floor(at));
    blocks[block]?.push({ row, share: at - block });
  }
  const shifts = lengths.map((length, turn) => placesABlock * (length / (lengths[turn + 1] ?? length) - 1));
  const rows = { most, wide, values: rowsOf(picture, place, every, most) };
  return { most, wide, mostSpeed, speeds: 2 * mostSpeed + 1, blocks, feeders, shifts, rows };
}

/** That a row is loud somewhere is held neither for nor against a place, only where it is. */
function rowsOf(
  { evidence, places, feeders, lengths }: NeedlePicture,
  place: number,
  every: Every,
  most: number,
): Float64Array {
  const wide = 2 * most + 1;
  const values = new Float64Array(lengths.length * feeders * wide);
  for (let row = 0, base = 0; base < values.length; row += 1, base += wide) {
    const from = row * places + place + (every?.[row % feeders] ?? 0) - most;
    let top = -Infinity;
    for (let i = 0; i < wide; i += 1) top = Math.max(top, evidence[from + i] ?? -Infinity);
    let sum = 0;
    for (let i = 0; i < wide; i += 1) {
      // Before the first pulse and behind the last nothing is known.
      const value = Math.exp((evidence[from + i] ?? 0) - Math.max(0, top));
      values[base + i] = value;
      sum += value;
    }
    const scale = ((1 - strangeShare) * wide) / sum;
    for (let i = base; i < base + wide; i += 1) values[i] = strangeShare + scale * (values[i] as number);
  }
  return values;
}

const anySpeed = ({ speeds }: Grid) => new Float64Array(speeds).fill(1 / speeds);

/** Speeds moved by so many steps; what would be beyond the ends stays at them. */
function shifted(values: Float64Array, by: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length);
  const held = (i: number): number => Math.max(0, Math.min(values.length - 1, i));
  const whole = Math.floor(by);
  for (const [i, value] of values.entries()) {
    const [low, high] = [held(i + whole), held(i + whole + 1)];
    out[low] = (out[low] as number) + (1 - by + whole) * value;
    out[high] = (out[high] as number) + (by - whole) * value;
  }
  return out;
}

/** Likelihood of a block's rows by speed and offset at its beginning. */
function blockOf({ wide, speeds, mostSpeed, feeders, blocks, rows }: Grid, turn: number, block: number): Float64Array {
  const likely = new Float64Array(wide * speeds).fill(1);
  for (const { row, share } of blocks[block] ?? []) {
    const base = (turn * feeders + row) * wide;
    for (let s = 0; s < speeds; s += 1) {
      const by = Math.round((s - mostSpeed) * share);
      // Beyond the ends no way goes.
      const [from, to] = [Math.max(0, -by), Math.min(wide, wide - by)];
      for (let d = from, i = s * wide + from; d < to; d += 1, i += 1)
        likely[i] = (likely[i] as number) * (rows.values[base + d + by] as number);
    }
  }
  return likely;
}

/** What is likely at an end of a turn: at the pulse, by speed. */
function atPulse({ wide, speeds, most }: Grid, values: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: speeds }, (_, s) => values[s * wide + most] as number);
}

function fromPulse({ wide, speeds, most }: Grid, bySpeed: Float64Array): Float64Array<ArrayBuffer> {
  const values = new Float64Array(wide * speeds);
  for (let s = 0; s < speeds; s += 1) values[s * wide + most] = bySpeed[s] as number;
  return values;
}

/** The speed changes by a step or not; the same forward and backward. */
function bent(values: Float64Array, { wide, speeds }: Grid): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length);
  for (let s = 0; s < speeds; s += 1) {
    const slower = Math.max(0, s - 1) * wide;
    const faster = Math.min(speeds - 1, s + 1) * wide;
    for (let d = 0; d < wide; d += 1) {
      const beside = (values[slower + d] as number) + (values[faster + d] as number);
      out[s * wide + d] = (1 - 2 * bendShare) * (values[s * wide + d] as number) + bendShare * beside;
    }
  }
  return out;
}

/** Brings a sum to 1. @returns its logarithm before */
function evened(values: Float64Array): number {
  const sum = Math.max(total(values), Number.MIN_VALUE);
  for (let i = 0; i < values.length; i += 1) values[i] = (values[i] as number) / sum;
  return Math.log(sum);
}

/** A turn from its first pulse to its last. @param keep gets what is likely before each block */
function through(grid: Grid, turn: number, start: Float64Array, keep: Float64Array[] | null) {
  const { wide, speeds, mostSpeed, blocks } = grid;
  let here = fromPulse(grid, start);
  let logLikelihood = 0;
  for (let block = 0; block < blocks.length; block += 1) {
    keep?.push(here);
    const likely = blockOf(grid, turn, block);
    const next = new Float64Array(wide * speeds);
    for (let s = 0; s < speeds; s += 1) {
      const step = s - mostSpeed;
      const end = (s + 1) * wide - Math.max(0, step);
      for (let i = s * wide + Math.max(0, -step); i < end; i += 1)
        next[i + step] = (here[i] as number) * (likely[i] as number);
    }
    logLikelihood += evened(next);
    here = bent(next, grid);
  }
  const bySpeed = atPulse(grid, here);
  return { logLikelihood: logLikelihood + evened(bySpeed), speeds: bySpeed };
}

/** The same from its last pulse to its first; writes how far the rows lie behind. */
function backThrough(
  grid: Grid,
  turn: number,
  end: Float64Array,
  forward: readonly Float64Array[],
  behind: Float64Array,
): Float64Array<ArrayBuffer> {
  const { wide, speeds, most, mostSpeed, blocks, feeders } = grid;
  let later = fromPulse(grid, end);
  for (const [block, before] of [...forward.entries()].toReversed()) {
    const likely = blockOf(grid, turn, block);
    const after = bent(later, grid);
    const here = new Float64Array(wide * speeds);
    let [all, offsets, steps] = [0, 0, 0];
    for (let s = 0; s < speeds; s += 1) {
      const step = s - mostSpeed;
      for (let d = Math.max(0, -step); d < wide - Math.max(0, step); d += 1) {
        const i = s * wide + d;
        const value = (likely[i] as number) * (after[i + step] as number);
        here[i] = value;
        const weight = value * (before[i] as number);
        all += weight;
        offsets += weight * (d - most);
        steps += weight * step;
      }
    }
    for (const { row, share } of blocks[block] ?? [])
      behind[turn * feeders + row] = all > 0 ? (offsets + share * steps) / all : 0;
    evened(here);
    later = here;
  }
  const bySpeed = atPulse(grid, later);
  evened(bySpeed);
  return bySpeed;
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

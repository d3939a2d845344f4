/**
 * How the cloth lies in a picture: the pitch of its wales or threads, and how far they lean. Both are the same however the cloth runs by,
 * and others when the camera is nearer, further or askew. Pure.
 *
 * Invariants (test/unit/drivers/camera-weave.test.ts): the pitch is told to a part of a pixel and the lean to a part of a degree, wherever in
 * the picture the wales stand; noise has neither.
 */
import type { Frame } from './frame.ts';

export interface Weave {
  /** Pixels; null where none stands out. */
  readonly pitchPx: number | null;
  /** Pixels to the right for one down; null where no pitch is known, or the wales do not go on from one row to those below. */
  readonly lean: number | null;
}

const rowsLookedAt = 16;
const mostColumns = 1024;
const [leastPitchPx, mostPitchPx] = [3, 64];
/** Of the energy of a row, what comes back a pitch further. */
const leastEcho = 0.2;
/** Rows that are taken together, so that courses and noise average out … */
const bandPx = 8;
/** … and how far apart the bands are that are held against each other: each finds what the next would take for another wale. */
const bandSteps = [1, 3, 8, 16] as const;
/** Of the energy of both bands, what they have in common. */
const leastCommon = 0.25;
/** More is no camera that was knocked; tan 20°. */
const mostLean = 0.36;

export function weaveOf({
  width,
  height,
  pixels,
  masked,
}: Pick<Frame, 'width' | 'height' | 'pixels' | 'masked'>): Weave {
  const length = Math.min(width, mostColumns);
  if (length < 4 * mostPitchPx || height < 2) return { pitchPx: null, lean: null };
  const left = (width - length) >> 1;
  const steps = (top: number, rows: number): Float64Array | null => {
    const sums = new Float64Array(length);
    for (let y = top; y < top + rows; y += 1) {
      const at = y * width + left;
      // A row that is blanked in part has edges that are none of the cloth's.
      if (masked !== null && masked.subarray(at, at + length).includes(1)) return null;
      // Differences, so that light which falls off to one side has no part in it.
      for (let x = 1; x < length; x += 1) sums[x] = (sums[x] ?? 0) + (pixels[at + x] ?? 0) - (pixels[at + x - 1] ?? 0);
    }
    return sums;
  };
  const rows: Float64Array[] = [];
  for (let n = 0; n < rowsLookedAt; n += 1) {
    const row = steps(Math.floor(((n + 0.5) * height) / rowsLookedAt), 1);
    if (row !== null) rows.push(row);
  }
  const pitchPx = pitchOf(rows);
  if (pitchPx === null) return { pitchPx, lean: null };
  const bands = new Map<number, Float64Array | null>();
  const bandAt = (n: number): Float64Array | null => {
    const known = bands.get(n);
    if (known !== undefined) return known;
    const band = steps(n * bandPx, bandPx);
    bands.set(n, band);
    return band;
  };
  return { pitchPx, lean: leanOf(bandAt, Math.floor(height / bandPx), pitchPx) };
}

/** The first peak of the autocorrelation of some rows, to a part of a pixel. */
function pitchOf(rows: readonly Float64Array[]): number | null {
  const echo = new Float64Array(mostPitchPx + 2);
  for (const row of rows) {
    for (let lag = 0; lag < echo.length; lag += 1) {
      echo[lag] = (echo[lag] ?? 0) + common(row, row, lag) / (row.length - lag - 1);
    }
  }
  const own = echo[0] ?? 0;
  for (let lag = leastPitchPx; lag <= mostPitchPx; lag += 1) {
    const [before, here, after] = [echo[lag - 1] ?? 0, echo[lag] ?? 0, echo[lag + 1] ?? 0];
    if (here < leastEcho * own || here < before || here <= after) continue;
    return lag + topOf(before, here, after);
  }
  return null;
}

/** At most so many pairs of bands are held against each other, spread over the height. */
const mostPairs = 4;

function leanOf(bandAt: (n: number) => Float64Array | null, bands: number, pitchPx: number): number | null {
  let lean: number | null = null;
  for (const step of bandSteps) {
    const pairs = Math.min(mostPairs, bands - step);
    if (pairs < 1) break;
    // Around what is known so far, a pitch in all: more would be the next wale.
    const middle = Math.round((lean ?? 0) * step * bandPx);
    const reach = Math.max(1, Math.floor(pitchPx / 2));
    const sums = new Float64Array(2 * reach + 3);
    let energy = 0;
    for (let n = 0; n < pairs; n += 1) {
      const first = Math.floor((n * (bands - step)) / pairs);
      const [upper, lower] = [bandAt(first), bandAt(first + step)];
      if (upper === null || lower === null) continue;
      energy += Math.sqrt(common(upper, upper, 0) * common(lower, lower, 0));
      for (let i = 0; i < sums.length; i += 1) {
        sums[i] = (sums[i] ?? 0) + common(lower, upper, middle + i - reach - 1);
      }
    }
    let best = 1;
    for (let i = 2; i < sums.length - 1; i += 1) if ((sums[i] ?? 0) > (sums[best] ?? 0)) best = i;
    const [before, here, after] = [sums[best - 1] ?? 0, sums[best] ?? 0, sums[best + 1] ?? 0];
    // Wales that do not go on so far down are known as far as they do.
    if (energy === 0 || here < leastCommon * energy) break;
    const inside = here >= before && here >= after;
    lean = (middle + best - reach - 1 + (inside ? topOf(before, here, after) : 0)) / (step * bandPx);
  }
  return lean === null || Math.abs(lean) > mostLean ? null : lean;
}

/** Sum of a[x] · b[x − lag]. */
function common(a: Float64Array, b: Float64Array, lag: number): number {
  let sum = 0;
  const to = Math.min(a.length, b.length + lag);
  for (let x = Math.max(1, lag + 1); x < to; x += 1) sum += (a[x] ?? 0) * (b[x - lag] ?? 0);
  return sum;
}

/** The top of the parabola through three neighbours, from the middle one. */
function topOf(before: number, here: number, after: number): number {
  const bend = before - 2 * here + after;
  return bend === 0 ? 0 : (before - after) / (2 * bend);
}

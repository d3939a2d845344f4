/**
 * Where between two cams a needle clicks, on a cylinder that never turns quite evenly. Between two pulses a straight line is off by several needles,
 * so clicks put where the line says they lie would smear over half a feeder's pitch. But the clicks themselves come once a pitch: in a
 * picture of time by place within the pitch they are a ridge that sways slowly, and at every pulse, where the angle is known, it stands at the
 * same place. The best such ridge is found pulse by pulse (Viterbi), for every place it could have at the pulses. Pure.
 *
 * Invariants (test/unit/models/voiceprint-needle-ridge.test.ts, on simulated machines):
 *  R1  At every pulse the ridge stands at one place.
 *  R2  What stands out by chance is measured: the same picture with its rows turned at random has no ridge, and its best score is the baseline.
 */

import { smoothRidge } from './ridge-smooth.ts';

/** Places between two needles. */
export const partsOfNeedle = 2;
/** A frame counts for so many middles at most: a bang is no click. */
const mostMiddles = 12;
/** Rows of the picture to a pitch in time. */
const shuffles = 5;
/** How fast the cylinder may be beside the line, share of the speed. */
const mostOffShare = 0.04;

export interface Ridge {
  /** Where it stands at the pulses, in places, of `places`. */
  readonly place: number;
  readonly places: number;
  /** How loud the clicks are, cam by cam from the pulse on, means over the revolutions. */
  readonly loudness: Float64Array;
  /** How far its score lies above that of pictures without a ridge, in their deviations. */
  readonly plainness: number;
}

/**
 * @param frames energies of clicks, as `clickEnvelope` gives them
 * @param pulses frames (and shares) at which whole turns were
 */
export function ridgeOf(
  frames: Float32Array,
  pulses: readonly number[],
  { needles, feeders }: { readonly needles: number; readonly feeders: number },
  random: () => number,
): Ridge | null {
  const places = Math.round((needles * partsOfNeedle) / feeders);
  const picture = pictureOf(frames, pulses, feeders, places);
  if (picture === null) return null;
  const found = bestOf(picture, places);
  const chance = Array.from({ length: shuffles }, () => bestOf(turnedRows(picture, places, random), places).score);
  const middle = chance.reduce((sum, score) => sum + score, 0) / shuffles;
  const spread = Math.sqrt(chance.reduce((sum, score) => sum + (score - middle) ** 2, 0) / (shuffles - 1));
  const { place, loudness } = along(picture, found, places, feeders);
  return { place, places, loudness, plainness: (found.score - middle) / Math.max(spread, 1e-9) };
}

/** One row a pitch: energies by place within it, by the straight line from pulse to pulse. */
interface Picture {
  readonly rows: readonly Float32Array[];
  /** The same without what was done to find the ridge: energies, in middles. */
  readonly raw: readonly Float32Array[];
  /** First row of each revolution, and the number of rows. */
  readonly turns: readonly number[];
}

function pictureOf(frames: Float32Array, pulses: readonly number[], feeders: number, places: number): Picture | null {
  if (pulses.length < 3) return null;
  const middle = Float32Array.from(frames).sort()[frames.length >> 1] ?? 0;
  if (middle <= 0) return null;
  const rows: Float32Array[] = [];
  const turns: number[] = [];
  for (let turn = 0; turn + 1 < pulses.length; turn += 1) {
    const [a = 0, b = 0] = [pulses[turn], pulses[turn + 1]];
    turns.push(rows.length);
    for (let cam = 0; cam < feeders; cam += 1) {
      const row = new Float32Array(places);
      for (let place = 0; place < places; place += 1) {
        const at = a + ((b - a) * (cam + (place + 0.5) / places)) / feeders - 0.5;
        const i = Math.floor(at);
        const here = frames[i] ?? middle;
        const value = here + ((frames[i + 1] ?? here) - here) * (at - i);
        row[place] = value / middle;
      }
      rows.push(row);
    }
  }
  turns.push(rows.length);
  return { rows: whitened(rows, places), raw: rows, turns };
}

/** Less what the row and its neighbours have everywhere: how loud the machine is at an angle is no click. */
function whitened(rows: readonly Float32Array[], places: number): Float32Array[] {
  return rows.map((loud) => {
    const row = loud.map((value) => Math.min(mostMiddles, value));
    const mean = row.reduce((sum, value) => sum + value, 0) / places;
    // A click is as long as some places: this one and the two after it.
    return row.map((value, i) => {
      const after = row[(i + 1) % places] ?? 0;
      const later = row[(i + 2) % places] ?? 0;
      return (value + after + 0.5 * later) / 2.5 - mean;
    });
  });
}

function turnedRows({ rows, raw, turns }: Picture, places: number, random: () => number): Picture {
  return {
    turns,
    raw,
    rows: rows.map((row) => {
      const by = Math.floor(random() * places);
      return row.map((_, i) => row[(i + by) % places] ?? 0);
    }),
  };
}

interface Found {
  readonly place: number;
  readonly score: number;
  readonly ahead: Float64Array;
}

function bestOf({ rows, turns }: Picture, places: number): Found {
  const scores = new Float64Array(places);
  const mostStep = Math.max(1, Math.ceil(mostOffShare * places));
  for (let turn = 0; turn + 1 < turns.length; turn += 1) {
    const part = rows.slice(turns[turn], turns[turn + 1]);
    for (let place = 0; place < places; place += 1)
      scores[place] = (scores[place] ?? 0) + closedScore(part, place, places, mostStep);
  }
  let place = 0;
  for (let i = 1; i < places; i += 1) if ((scores[i] ?? 0) > (scores[place] ?? 0)) place = i;
  const ahead = new Float64Array(rows.length);
  for (let turn = 0; turn + 1 < turns.length; turn += 1) {
    const from = turns[turn] ?? 0;
    ahead.set(closedPath(rows.slice(from, turns[turn + 1]), place, places, mostStep), from);
  }
  return { place, score: scores[place] ?? 0, ahead };
}

/** Rounds of looking for the clicks beside the smooth path and making it anew. */
const rounds = 4;
/** So far beside the path a click is looked for, places; the last rounds look nearer. */
const nearPlaces = [5, 4, 3, 3];
/** Deviation of where one click lies, needles: jitter, and the length of a frame. */
const clickNeedles = 0.5;

/** The smooth path, and what the clicks are along it. */
function along({ rows, turns, raw }: Picture, found: Found, places: number, feeders: number) {
  const count = rows.length;
  let place = found.place;
  let ahead = found.ahead;
  const noise = noiseOf(rows);
  const pick = (row: number, at: number): number => partAt(rows, row, at, places);
  for (let round = 0; round < rounds; round += 1) {
    const near = nearPlaces[round] ?? 3;
    const at = new Float64Array(count);
    const weight = new Float64Array(count);
    for (let row = 0; row < count; row += 1) {
      const middle = Math.round(place + (ahead[row] ?? 0));
      let [sum, moment] = [0, 0];
      for (let d = -near; d <= near; d += 1) {
        const value = Math.max(0, pick(row, middle + d) - noise);
        sum += value;
        moment += value * d;
      }
      at[row] = (middle + (sum > 0 ? moment / sum : 0)) / partsOfNeedle;
      // What stands out by little may be noise, which lies anywhere within the window.
      const clear = sum / (sum + 4 * noise);
      weight[row] = clear ** 2 / clickNeedles ** 2;
    }
    const smooth = smoothRidge({ at, weight, pulses: turns });
    place = smooth.place * partsOfNeedle;
    ahead = smooth.ahead.map((needles) => needles * partsOfNeedle);
  }
  const loudness = new Float64Array(feeders);
  for (let cam = 0; cam < feeders; cam += 1) {
    const all = turns.slice(0, -1).map((from) => {
      const at = Math.round(place + (ahead[from + cam] ?? 0));
      const mean = (...parts: readonly number[]) =>
        parts.reduce((sum, d) => sum + partAt(raw, from + cam, at + d, places), 0) / parts.length;
      const on = mean(0, 1, 2);
      // What was there before the click: the machine, and the room, in which the cam before, maybe a louder one, still sounds.
      const before = mean(-6, -5, -4, -3);
      return on - before;
    });
    loudness[cam] = middleOf(all);
  }
  return { place, loudness };
}

/** What is before a row's beginning lies in the row before: time goes on from row to row. */
function partAt(rows: readonly Float32Array[], row: number, at: number, places: number): number {
  const beyond = Math.floor(at / places);
  return rows[row + beyond]?.[at - beyond * places] ?? 0;
}

/** Deviation of what is no click. */
function noiseOf(rows: readonly Float32Array[]): number {
  const all = rows.flatMap((row) => [Math.abs(row[0] ?? 0), Math.abs(row[row.length >> 1] ?? 0)]);
  return 1.4826 * middleOf(all);
}

const middleOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Costs of changing the step from one row to the next. */
const bendCost = 0.2;

interface Trellis {
  readonly wide: number;
  readonly speeds: number;
  readonly end: Float64Array;
  readonly came: readonly Int8Array[];
}

/** Highest sum along a path that begins and ends at a place and whose steps change slowly. */
function trellis(
  part: readonly Float32Array[],
  place: number,
  places: number,
  mostStep: number,
  keep: boolean,
): Trellis {
  const most = Math.floor(places * 0.75);
  const wide = 2 * most + 1;
  const speeds = 2 * mostStep + 1;
  let here = new Float64Array(wide * speeds).fill(-Infinity);
  for (let s = 0; s < speeds; s += 1) here[most * speeds + s] = 0;
  const came: Int8Array[] = [];
  for (const row of part) {
    const next = new Float64Array(wide * speeds).fill(-Infinity);
    const from = new Int8Array(keep ? wide * speeds : 0);
    for (let d = 0; d < wide; d += 1) {
      const value = row[(((place + d - most) % places) + places) % places] as number;
      for (let s = 0; s < speeds; s += 1) {
        const before = d - (s - mostStep);
        if (before < 0 || before >= wide) continue;
        const base = before * speeds;
        let best = here[base + s] as number;
        let by = s;
        if (s > 0 && (here[base + s - 1] as number) - bendCost > best) {
          best = (here[base + s - 1] as number) - bendCost;
          by = s - 1;
        }
        if (s + 1 < speeds && (here[base + s + 1] as number) - bendCost > best) {
          best = (here[base + s + 1] as number) - bendCost;
          by = s + 1;
        }
        next[d * speeds + s] = best + value;
        if (keep) from[d * speeds + s] = by;
      }
    }
    here = next;
    if (keep) came.push(from);
  }
  return { wide, speeds, end: here, came };
}

function closedScore(part: readonly Float32Array[], place: number, places: number, mostStep: number): number {
  const { wide, speeds, end } = trellis(part, place, places, mostStep, false);
  const most = (wide - 1) / 2;
  let best = -Infinity;
  for (let s = 0; s < speeds; s += 1) best = Math.max(best, end[most * speeds + s] as number);
  return best;
}

function closedPath(part: readonly Float32Array[], place: number, places: number, mostStep: number): Float64Array {
  const { wide, speeds, end, came } = trellis(part, place, places, mostStep, true);
  const most = (wide - 1) / 2;
  let s = 0;
  for (let i = 1; i < speeds; i += 1)
    if ((end[most * speeds + i] as number) > (end[most * speeds + s] as number)) s = i;
  const path = new Float64Array(part.length);
  let d = most;
  for (let row = part.length - 1; row >= 0; row -= 1) {
    path[row] = d - most;
    const by = came[row]?.[d * speeds + s] ?? s;
    d -= s - mostStep;
    s = by;
  }
  return path;
}

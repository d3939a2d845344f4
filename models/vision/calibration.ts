/**
 * The needle zero from a line whose needle is known: which of the lines that were seen is it, does the cloth run the way it was said, and
 * what is the zero. Pure.
 *
 * With `direction` the wrong way round a needle seen at different columns is put at different places, twice as far apart as the columns;
 * with the right one at the same place. So the way the cloth runs is known as soon as a line was seen at different columns. Whether needle
 * numbers rise to the right or to the left one needle cannot say: numbers and running both the other way round look the same. A second
 * calibration with another needle says it.
 *
 * Invariants (test/unit/models/vision-calibration.test.ts):
 *  B1  With errors drawn as told, the true zero is within its bound in at least 95 of 100 draws.
 *  B2  No zero without exactly one line, seen in as many revolutions as were asked for, and none so unsure that no needle could be named.
 */
import {
  coverage,
  limitOfK,
  needleAt,
  needleNumber,
  type Place,
  type TubeGeometry,
  walePitchMm,
  zeroFrom,
} from './position.ts';
import { nearZero, type Turn } from './turns.ts';

export interface LineSighting {
  readonly turn: Turn;
  readonly xPx: number;
  readonly xSdPx: number;
}

export type Calibrated =
  | {
      readonly kind: 'zero';
      readonly zeroNeedle: number;
      readonly zeroError: number;
      /** The way the cloth runs; null: the line was always seen at about the same column, and the one that was said is taken. */
      readonly direction: 1 | -1 | null;
      readonly revolutions: number;
    }
  /** @param revolutions most that one place was seen in */
  | { readonly kind: 'no-line'; readonly revolutions: number }
  | { readonly kind: 'several-lines'; readonly lines: number }
  | { readonly kind: 'uncertain'; readonly k: number };

/** Sightings further apart are of two lines, needles. */
const gateNeedles = 4;
/** A line seen at columns that differ by so many needles (one sigma) tells which way the cloth runs. */
const leastSpread = 3;

interface Line {
  readonly sightings: readonly LineSighting[];
  readonly revolutions: number;
  readonly scatter: number;
}

/**
 * @param geometry its direction is the one that was said; its zero does not count
 * @param revolutions in so many the line must have been seen
 */
export function calibrated(
  geometry: TubeGeometry,
  knownNeedle: number,
  sightings: readonly LineSighting[],
  revolutions: number,
): Calibrated {
  const other = { ...geometry, direction: geometry.direction === 1 ? -1 : 1 } as const;
  const [said, opposite] = [geometry, other].map((one) => ({ geometry: one, lines: linesOf(one, sightings) }));
  if (said === undefined || opposite === undefined) return { kind: 'no-line', revolutions: 0 };
  const direction = directionOf(said.lines[0], opposite.lines[0], geometry);
  const runs = direction === other.direction ? opposite : said;
  const [line] = runs.lines;
  if (line === undefined || line.revolutions < revolutions) {
    return { kind: 'no-line', revolutions: line?.revolutions ?? 0 };
  }
  // What was seen again, and in half as many revolutions: no lint.
  const lines = runs.lines.filter((one) => one.revolutions >= Math.max(2, line.revolutions / 2)).length;
  if (lines > 1) return { kind: 'several-lines', lines };
  const zero = zeroFrom(runs.geometry, knownNeedle, surestOfEach(line.sightings));
  if (zero === null) return { kind: 'no-line', revolutions: 0 };
  const k = Math.max(0, Math.ceil((coverage * zero.zeroError) / Math.sqrt(3) - 0.5));
  if (!(k <= limitOfK(geometry))) return { kind: 'uncertain', k };
  return { kind: 'zero', ...zero, direction, revolutions: line.revolutions };
}

/** Lines that were seen, those seen most often first. */
function linesOf(geometry: TubeGeometry, sightings: readonly LineSighting[]): readonly Line[] {
  const { needles } = geometry;
  const placed = sightings
    .map((sighting) => ({ sighting, at: placeOf(geometry, sighting).at }))
    .toSorted((a, b) => a.at - b.at);
  // The circle is cut in its widest gap.
  let cut = 0;
  let widest = -1;
  for (const [i, { at }] of placed.entries()) {
    const before = placed[i - 1]?.at ?? (placed.at(-1)?.at ?? 0) - needles;
    if (at - before > widest) [cut, widest] = [i, at - before];
  }
  const lines: (typeof placed)[] = [];
  let last: number | null = null;
  for (const one of [...placed.slice(cut), ...placed.slice(0, cut)]) {
    const open = lines.at(-1);
    if (open === undefined || last === null || Math.abs(nearZero(one.at - last, needles)) > gateNeedles) {
      lines.push([one]);
    } else open.push(one);
    last = one.at;
  }
  return lines
    .map((line) => {
      const first = line[0]?.at ?? 0;
      const offs = line.map(({ at }) => nearZero(at - first, needles));
      const own = line.map(({ sighting }) => sighting);
      return { sightings: own, revolutions: passesOf(own).length, scatter: deviation(offs) };
    })
    .toSorted((a, b) => b.revolutions - a.revolutions || a.scatter - b.scatter);
}

function directionOf(said: Line | undefined, opposite: Line | undefined, geometry: TubeGeometry): 1 | -1 | null {
  const isOther = (opposite?.revolutions ?? 0) > (said?.revolutions ?? 0);
  const line = isOther ? opposite : said;
  if (line === undefined) return null;
  const perPx = geometry.mmPerPx / walePitchMm(geometry);
  if (deviation(line.sightings.map(({ xPx }) => xPx * perPx)) < leastSpread) return null;
  if (isOther) return geometry.direction === 1 ? -1 : 1;
  return geometry.direction;
}

/** Sightings of one revolution share the errors of its pulses: they count once. */
function surestOfEach(sightings: readonly LineSighting[]): readonly LineSighting[] {
  return passesOf(sightings).map((pass) => pass.reduce((best, one) => (one.xSdPx < best.xSdPx ? one : best)));
}

function passesOf(sightings: readonly LineSighting[]): readonly (readonly [LineSighting, ...LineSighting[]])[] {
  const passes: [LineSighting, ...LineSighting[]][] = [];
  for (const one of sightings.toSorted((a, b) => a.turn.turns - b.turn.turns)) {
    const open = passes.at(-1);
    if (open !== undefined && one.turn.turns - open[0].turn.turns < 0.5) open.push(one);
    else passes.push([one]);
  }
  return passes;
}

const placeOf = (geometry: TubeGeometry, { turn, xPx, xSdPx }: LineSighting): Place =>
  needleAt({ ...geometry, zeroNeedle: geometry.firstNeedle, zeroError: 0 }, turn, xPx, xSdPx);

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length));
}

/** What an earlier calibration and this one say of the numbering. */
export interface Numbering {
  /** 1: needle numbers rise to the right of the picture. */
  readonly columns: 1 | -1;
  readonly zeroNeedle: number;
  readonly direction: 1 | -1;
}

/** Needles that are told apart must lie so far from each other and from each other's mirror images. */
const leastApart = 20;

/**
 * Which way needle numbers rise, from two calibrations with two needles, both reckoned with numbers that rise to the right.
 * @param tolerance needles
 * @returns null where both needles are too near to say it, or the two do not fit either way: something was changed in between
 */
export function numberingOf(
  geometry: Pick<TubeGeometry, 'needles' | 'firstNeedle'>,
  earlier: { readonly needle: number; readonly zeroNeedle: number },
  now: { readonly needle: number; readonly zeroNeedle: number; readonly direction: 1 | -1 },
  tolerance: number,
): Numbering | null {
  const { needles } = geometry;
  // Where each needle stood, counted the way the cloth runs.
  const [first, second] = [earlier, now].map(({ needle, zeroNeedle }) => needle - zeroNeedle) as [number, number];
  const apart = nearZero(now.needle - earlier.needle, needles);
  if (Math.abs(apart) < leastApart || Math.abs(nearZero(2 * apart, needles)) < leastApart) return null;
  const seen = nearZero(second - first, needles);
  if (Math.abs(nearZero(seen - apart, needles)) <= tolerance) {
    return { columns: 1, zeroNeedle: now.zeroNeedle, direction: now.direction };
  }
  if (Math.abs(nearZero(seen + apart, needles)) > tolerance) return null;
  return {
    columns: -1,
    zeroNeedle: needleNumber(now.needle + second, geometry),
    direction: now.direction === 1 ? -1 : 1,
  };
}

/**
 * From a column of the image and the turn of the machine to the needle that knitted it, ± k, and to the metre of the roll. Pure.
 *
 * The camera stands still before the tube, the tube turns with the cylinder and is taken down by `feeders / coursesPerCm` cm a
 * revolution. A needle passes in 0.65 ms (2,639 needles, 35 rpm), so what the turn is not known to, the needle is not.
 *
 * Invariants (test/unit/models/vision-position.test.ts):
 *  P1  With errors drawn as told, the named needle is within ± k of the true one in at least 95 of 100 draws, for every source.
 *  P2  Seeing a needle again makes the random part smaller, the systematic one never.
 *  P3  Without a zero, without an angle, or with k beyond the limit no needle is named, and the reason is told.
 */
import { z } from 'zod';
import { nearZero, type Turn } from './turns.ts';

const finite = z.number().refine(Number.isFinite);
const share = z.number().min(0).max(1);

/** The camera before the tube, as configured and calibrated. */
export const tubeGeometrySchema = z.strictObject({
  needles: z.int().min(4).max(100_000).describe('Needles of the cylinder.'),
  firstNeedle: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe('How the machine counts: from 0 or from 1.'),
  feeders: z.int().min(1).max(1000).nullable().describe('Feeders; null where nobody said.'),
  circumferenceMm: z
    .number()
    .positive()
    .max(20_000)
    .describe('Round the tube where the camera looks; twice its flat width.'),
  mmPerPx: z.number().positive().max(10).describe('Millimetres of cloth one pixel of the image stands for.'),
  scaleError: share.default(0.005).describe('± bound of mm a pixel against the pitch of the wales, as a share.'),
  referenceColumnPx: finite.describe('Column the zero was set at; best the middle of the image.'),
  referenceRowPx: finite.describe('Row the metres are counted at.'),
  direction: z
    .union([z.literal(1), z.literal(-1)])
    .describe('1: needles of rising number pass the camera as the machine turns.'),
  columns: z.union([z.literal(1), z.literal(-1)]).describe('1: needle numbers rise to the right of the image.'),
  newest: z.enum(['top', 'bottom']).default('top').describe('Where in the image the newest cloth is.'),
  zeroNeedle: finite.nullable().describe('Needle in the reference column at turn 0; null: not calibrated.'),
  zeroError: z.number().min(0).describe('± bound of the zero, in needles.'),
  advanceMm: z.number().positive().max(10_000).describe('Cloth a revolution: feeders / courses per cm, in mm.'),
  advanceError: share.default(0).describe('± bound of the advance, as a share.'),
});
export type TubeGeometry = z.infer<typeof tubeGeometrySchema>;

/** A place across the cloth and how sure it is (one sigma): round a tube in needles, across a flat web in millimetres. */
export interface Place {
  /** Needle number with its fraction, in [firstNeedle, firstNeedle + needles); or mm from the left edge. */
  readonly at: number;
  readonly randomSd: number;
  readonly systematicSd: number;
  /** false: only differences between places mean something. */
  readonly isAnchored: boolean;
}

/** Width of one wale in the tube, mm. */
export const walePitchMm = ({ circumferenceMm, needles }: TubeGeometry): number => circumferenceMm / needles;

/** Brings a needle number back into the machine's count. */
export function needleNumber(
  value: number,
  { needles, firstNeedle }: Pick<TubeGeometry, 'needles' | 'firstNeedle'>,
): number {
  const off = value - firstNeedle;
  const number = off - needles * Math.floor(off / needles);
  // A tiny negative number plus the needles is the needles themselves; that is the first one.
  return firstNeedle + (number >= needles ? 0 : number);
}

/**
 * needle = zero + direction · needles · turns + columns · (x − reference) · mmPerPx / pitch
 *
 *   random²     = (needles · turn.random)² + (xSd · mmPerPx / pitch)²
 *   systematic² = (needles · turn.systematic)² + zeroError² / 3 + (offset · scaleError)² / 3,  offset: needles from the reference
 *
 * @param xPx column in the image, 0 at its left edge; @param xSdPx one sigma of it (half a pixel for a sharp line)
 */
export function needleAt(geometry: TubeGeometry, turn: Turn, xPx: number, xSdPx: number): Place {
  const { needles } = geometry;
  const perPx = geometry.mmPerPx / walePitchMm(geometry);
  const offset = geometry.columns * (xPx - geometry.referenceColumnPx) * perPx;
  // Whole turns are taken off first: after many revolutions a double would not hold a thousandth of a needle.
  const angle = turn.turns - Math.floor(turn.turns);
  const zero = geometry.zeroNeedle ?? geometry.firstNeedle;
  return {
    at: needleNumber(zero + geometry.direction * needles * angle + offset, geometry),
    randomSd: Math.hypot(needles * turn.randomSd, xSdPx * perPx),
    systematicSd: Math.hypot(
      needles * turn.systematicSd,
      geometry.zeroError / Math.sqrt(3),
      (offset * geometry.scaleError) / Math.sqrt(3),
    ),
    isAnchored: turn.isAnchored && geometry.zeroNeedle !== null,
  };
}

/** Column the needle is seen in at that turn, px; may lie outside the image. */
export function columnOf(geometry: TubeGeometry, turn: Turn, needle: number): number {
  const angle = turn.turns - Math.floor(turn.turns);
  const middle = (geometry.zeroNeedle ?? geometry.firstNeedle) + geometry.direction * geometry.needles * angle;
  const off = nearZero(needle - middle, geometry.needles);
  return geometry.referenceColumnPx + (geometry.columns * off * walePitchMm(geometry)) / geometry.mmPerPx;
}

/** Sums over the revolutions a fault was seen in. Weighted by what is random, one value a revolution. */
export interface PlaceSums {
  readonly reference: number;
  readonly n: number;
  readonly weight: number;
  readonly weighted: number;
  readonly squares: number;
  readonly systematicSd: number;
  readonly isAnchored: boolean;
}

/** Smallest standard deviation believed, needles: a thousandth, so that a place without noise does not weigh infinitely. */
const leastSd = 1e-3;

/** @param period needles of the tube, or null on a line that does not close (millimetres of a flat web) */
export function withPlace(sums: PlaceSums | null, place: Place, period: number | null): PlaceSums {
  const weight = 1 / Math.max(place.randomSd, leastSd) ** 2;
  const reference = sums?.reference ?? place.at;
  const off = period === null ? place.at - reference : nearZero(place.at - reference, period);
  return {
    reference,
    n: (sums?.n ?? 0) + 1,
    weight: (sums?.weight ?? 0) + weight,
    weighted: (sums?.weighted ?? 0) + weight * off,
    squares: (sums?.squares ?? 0) + weight * off * off,
    systematicSd: Math.max(sums?.systematicSd ?? 0, place.systematicSd),
    isAnchored: (sums?.isAnchored ?? true) && place.isAnchored,
  };
}

/**
 * The weighted mean. random² = 1 / Σw, and where the places scatter more than they should, by that much more (the Birge ratio):
 * the larger of what was told and what was seen. The systematic part is the largest of all.
 */
export function meanPlace(sums: PlaceSums): Place {
  const off = sums.weighted / sums.weight;
  const chi2 = Math.max(sums.squares - sums.weight * off * off, 0);
  const birge = sums.n > 1 ? Math.max(1, Math.sqrt(chi2 / (sums.n - 1))) : 1;
  return {
    at: sums.reference + off,
    randomSd: birge / Math.sqrt(sums.weight),
    systematicSd: sums.systematicSd,
    isAnchored: sums.isAnchored,
  };
}

/** k covers this many standard uncertainties: 99 of 100 where they are normal, so that 95 of 100 hold where they are not quite. */
export const coverage = 2.58;
/** No needle is named with a k beyond this, whatever the machine. */
export const mostK = 60;

export type NamedNeedle =
  | { readonly needle: number; readonly k: number; readonly reason: null }
  | { readonly needle: null; readonly k: null; readonly reason: UnknownNeedle };
/** Why no needle is named: no zero or no angle, or k beyond the limit. */
export type UnknownNeedle = 'not-calibrated' | 'no-angle' | 'too-uncertain';

/** Half a feeder's pitch, in needles, and at most `mostK`: further off a mechanic looks at the wrong part of the machine. */
export function limitOfK({ needles, feeders }: Pick<TubeGeometry, 'needles' | 'feeders'>): number {
  return feeders === null ? mostK : Math.min(mostK, needles / feeders / 2);
}

/**
 * needle ± k: k is the smallest whole number with 2.58 · √(random² + systematic²) ≤ k + ½, for the named needle is a whole number
 * and its wale half a needle wide on both sides.
 */
export function nameNeedle(place: Place, geometry: TubeGeometry): NamedNeedle {
  if (geometry.zeroNeedle === null) return { needle: null, k: null, reason: 'not-calibrated' };
  if (!place.isAnchored) return { needle: null, k: null, reason: 'no-angle' };
  const k = Math.max(0, Math.ceil(coverage * Math.hypot(place.randomSd, place.systematicSd) - 0.5));
  // Written so that a k that is no number names nothing.
  if (!(k <= limitOfK(geometry))) return { needle: null, k: null, reason: 'too-uncertain' };
  return { needle: needleNumber(Math.round(place.at), geometry), k, reason: null };
}

/**
 * Sets the needle zero from sightings of a needle whose number is known (one taken out, or fed a coloured yarn).
 * @returns zero and its ± bound in needles (the bound a uniform spread of the same uncertainty has); null without sightings
 */
export function zeroFrom(
  geometry: TubeGeometry,
  knownNeedle: number,
  sightings: readonly { readonly turn: Turn; readonly xPx: number; readonly xSdPx: number }[],
): { readonly zeroNeedle: number; readonly zeroError: number } | null {
  const uncalibrated = { ...geometry, zeroNeedle: geometry.firstNeedle, zeroError: 0 };
  let sums: PlaceSums | null = null;
  for (const { turn, xPx, xSdPx } of sightings) {
    sums = withPlace(sums, needleAt(uncalibrated, turn, xPx, xSdPx), geometry.needles);
  }
  if (sums === null || !sums.isAnchored) return null;
  const mean = meanPlace(sums);
  return {
    zeroNeedle: needleNumber(knownNeedle - (mean.at - geometry.firstNeedle), geometry),
    zeroError: Math.sqrt(3) * Math.hypot(mean.randomSd, mean.systematicSd),
  };
}

/** A place along the roll, mm since turn 0, and one sigma of it. */
export interface RollPlace {
  readonly mm: number;
  readonly sdMm: number;
}

/**
 * mm = turns · advance ∓ (y − reference) · mmPerPx: the same cloth has the same place in every frame that shows it.
 *
 *   sd² = (advance · turn.sd)² + (turns · advance · advanceError)² / 3 + (ySd · mmPerPx)²
 */
export function rollAt(geometry: TubeGeometry, turn: Turn, yPx: number, ySdPx: number): RollPlace {
  const sign = geometry.newest === 'top' ? -1 : 1;
  const passedMm = turn.turns * geometry.advanceMm;
  return {
    mm: passedMm + sign * (yPx - geometry.referenceRowPx) * geometry.mmPerPx,
    sdMm: Math.hypot(
      geometry.advanceMm * Math.hypot(turn.randomSd, turn.systematicSd),
      (passedMm * geometry.advanceError) / Math.sqrt(3),
      ySdPx * geometry.mmPerPx,
    ),
  };
}

/**
 * The same from an encoder on the take-down or the inspection table.
 * @param lengthError ± bound of mm a count, as a share
 */
export function rollFromCounts(
  counts: number,
  mmPerCount: number,
  lengthError: number,
  offPx: number,
  mmPerPx: number,
): RollPlace {
  const passedMm = (counts + 0.5) * mmPerCount;
  return {
    mm: passedMm + offPx * mmPerPx,
    sdMm: Math.hypot(mmPerCount / 2 / Math.sqrt(3), (passedMm * lengthError) / Math.sqrt(3)),
  };
}

/**
 * From the shape and the look of a blob to a class, where they carry one. Pure. The table `rules` is all there is: what it does not
 * name is an `anomaly`, never a guess. Nothing here was learned from labelled faults.
 *
 * Invariants (test/unit/models/vision-classify.test.ts):
 *  K1  A class is given by a row of the table; without one it is `anomaly`.
 *  K2  A figure that is not known satisfies no row that asks for it.
 */
import type { Blob } from './blobs.ts';
import type { Box } from './grey.ts';
import type { Look } from './look.ts';

/** Classes this table can give, of the usual names of faults in knitted cloth. */
export const defectClasses = [
  'needle_line',
  'oil_line',
  'ladder',
  'barre',
  'missing_yarn',
  'slub_thick_thin',
  'hole',
  'oil_spot',
  'anomaly',
] as const;
export type DefectClass = (typeof defectClasses)[number];

/** `vertical` runs along a wale, `horizontal` along a course and through the whole view, `spot` is everything else. */
export type Shape = 'vertical' | 'horizontal' | 'spot';

/** Where to look first. By direction alone: along a wale it is one needle, along a course one yarn, neither is anything else. */
const knitCauses = {
  vertical: 'needle_or_sinker',
  horizontal: 'yarn_or_feeder',
  spot: 'machine_or_handling',
} as const;
const otherCauses = { vertical: 'warp', horizontal: 'weft', spot: 'machine_or_handling' } as const;
export const causes = ['needle_or_sinker', 'yarn_or_feeder', 'warp', 'weft', 'machine_or_handling'] as const;
export type Cause = (typeof causes)[number];
export const causeOf = (shape: Shape, isKnit: boolean): Cause => (isKnit ? knitCauses : otherCauses)[shape];

/** What is known of the cloth and the camera, beside the blob. */
export interface ClothView {
  /** Millimetres one pixel of the map stands for. */
  readonly mmPerPx: number;
  /** Distance of wales and of courses in the cloth the camera sees, mm; null where nobody said. */
  readonly walePitchMm: number | null;
  readonly coursePitchMm: number | null;
  /** Knitted cloth with upright wales; a woven one has no needles and no courses, and no class that speaks of them. */
  readonly isKnit: boolean;
  /** What is seen through an opening in the cloth, against the cloth; null where nobody said: then no hole is told from a stain. */
  readonly behind: 'darker' | 'lighter' | null;
  /** The part of the map that is cloth. */
  readonly cloth: Box;
}

/** What the rows ask for, measured once. */
interface Measured {
  readonly shape: Shape;
  readonly widthMm: number;
  readonly heightMm: number;
  readonly wales: number | null;
  readonly courses: number | null;
  readonly elongation: number;
  readonly isKnit: boolean;
  /** Darker than the cloth, plainly, and not black in it; with its loops. */
  readonly isOiled: boolean;
  readonly structure: number | null;
  /** How far the light goes towards what is behind: 0 as the cloth, 1 half as light or half as light again. null: nobody said. */
  readonly opening: number | null;
  /** Along a course, with both ends inside the cloth. */
  readonly isStretch: boolean;
}

interface Rule {
  readonly class: DefectClass;
  readonly why: string;
  readonly holds: (m: Measured) => boolean;
}

/** Steeper than this against the row is along a wale, flatter than 90° less this along a course. Wales lean a little in the tube. */
const leanRad = (12 * Math.PI) / 180;
/** Longer than wide by this makes a line of a blob. */
const lineElongation = 3;
/** A line along a course counts as going through when it leaves no more than this share of the width free on each side. */
const openEnds = 0.02;

const atLeast = (value: number | null, least: number): boolean => value !== null && value >= least;
const atMost = (value: number | null, most: number): boolean => value !== null && value <= most;

/** In order; the first that holds. */
export const rules: readonly Rule[] = [
  {
    class: 'oil_line',
    why: 'Along the web, over three wales or more, plainly darker, and the loops are still there: something dark lies on whole cloth.',
    holds: (m) => m.shape === 'vertical' && atLeast(m.wales, 3) && m.isOiled,
  },
  {
    class: 'ladder',
    why: 'Along a wale, about as wide as one, and one sees through: the stitches of a wale have run.',
    holds: (m) => m.isKnit && m.shape === 'vertical' && atLeast(m.wales, 0.5) && atLeast(m.opening, 0.7),
  },
  {
    class: 'needle_line',
    why:
      'Along a wale: one needle or the sinker beside it makes the same wale in every course. Which of the two the picture does not say; ' +
      'that it comes back with every revolution is judged over frames.',
    holds: (m) => m.isKnit && m.shape === 'vertical',
  },
  {
    class: 'missing_yarn',
    why: 'Along a course, through the whole view, and one sees through: a yarn is not there.',
    holds: (m) => m.isKnit && m.shape === 'horizontal' && atLeast(m.opening, 0.7),
  },
  {
    class: 'barre',
    why:
      'Along a course, through the whole view, and not open: one feeder knits otherwise than its neighbours. Missing elastane looks the ' +
      'same and is not told apart.',
    holds: (m) => m.isKnit && m.shape === 'horizontal',
  },
  {
    class: 'slub_thick_thin',
    why: 'Along a course, no more than three courses high, with both ends in the cloth: a stretch of one yarn is thicker or thinner.',
    holds: (m) => m.isKnit && m.isStretch && atMost(m.courses, 3) && !atLeast(m.opening, 0.7),
  },
  {
    class: 'hole',
    why: 'Compact, without loops, and much nearer to what is behind than to the cloth: there is no cloth.',
    holds: (m) =>
      m.shape === 'spot' && m.elongation < lineElongation && atLeast(m.opening, 1) && atMost(m.structure, 0.6),
  },
  {
    class: 'oil_spot',
    why: 'Compact, over three wales or more, plainly darker, and the loops are still there: something dark lies on whole cloth.',
    holds: (m) => m.shape === 'spot' && m.elongation < lineElongation && atLeast(m.wales, 3) && m.isOiled,
  },
];

/** Faults nobody can tell from a picture of the shape alone, with the reason. They come out as `anomaly`. */
export const notToldApart = {
  sinker_line:
    'The same line as a needle’s, half a wale beside it: the place is not known that well. It comes out as needle_line.',
  dropped_stitch: 'A small opening; comes out as hole where it is open enough, else as anomaly.',
  fly_contamination:
    'A fibre of any colour and shape, lighter or darker: like a slub, a knot or a thread that lies on the cloth.',
  elastane_miss: 'A line along a course, like barre.',
  stain: 'Any shape and colour; a dark one over whole loops comes out as oil_spot.',
  knot: 'A compact spot like many.',
  snag: 'A pulled loop: part opening, part thread.',
  crease: 'A line in any direction that no needle and no feeder made.',
  press_off: 'The cloth ends; that is for the machine’s own sensor.',
} as const;

export interface Classified {
  readonly class: DefectClass;
  readonly shape: Shape;
  readonly cause: Cause;
}

/** @param blob the core of a blob (`coreOf`): its edges are those of the fault, not of the score */
export function classify(blob: Blob, look: Look, view: ClothView): Classified {
  const m = measure(blob, look, view);
  const rule = rules.find(({ holds }) => holds(m));
  return { class: rule?.class ?? 'anomaly', shape: m.shape, cause: causeOf(m.shape, view.isKnit) };
}

/** Oil is a film: it takes some of the light everywhere, never most of it, more than the cloth varies by itself, and leaves the loops. */
function isOiled({ light, lightest, contrast, structure }: Look): boolean {
  return (
    atLeast(light, 0.5) &&
    atMost(light, 0.93) &&
    atMost(lightest, 0.9) &&
    atMost(contrast, -3) &&
    atLeast(structure, 0.55) &&
    atMost(structure, 1.4)
  );
}

/** How far the light goes towards what is behind the cloth: half the light is 1, and so is half as much again. */
function openingOf({ light }: Look, behind: ClothView['behind']): number | null {
  if (light === null || behind === null) return null;
  return behind === 'darker' ? (1 - light) * 2 : (light - 1) * 2;
}

function measure(blob: Blob, look: Look, view: ClothView): Measured {
  const elongation = blob.minorSd > 0 ? blob.majorSd / blob.minorSd : Number.POSITIVE_INFINITY;
  const isLine = elongation >= lineElongation;
  const isUpright = isLine && Math.PI / 2 - Math.abs(blob.angle) <= leanRad;
  const isFlat = isLine && Math.abs(blob.angle) <= leanRad;
  const { cloth } = view;
  const free = (cloth.right - cloth.left) * openEnds;
  const isThrough = blob.left <= cloth.left + free && blob.right >= cloth.right - free;
  const shape = isUpright ? 'vertical' : isFlat && isThrough ? 'horizontal' : 'spot';
  // A line may lean: its width is that across its axis, of a strip of equal spread; a spot is as wide as its box.
  const acrossMm = isLine ? blob.minorSd * Math.sqrt(12) * view.mmPerPx : 0;
  const widthMm = isUpright ? acrossMm : (blob.right - blob.left) * view.mmPerPx;
  const heightMm = isFlat ? acrossMm : (blob.bottom - blob.top) * view.mmPerPx;
  return {
    shape,
    widthMm,
    heightMm,
    wales: view.walePitchMm === null ? null : widthMm / view.walePitchMm,
    courses: view.coursePitchMm === null ? null : heightMm / view.coursePitchMm,
    elongation,
    isKnit: view.isKnit,
    isOiled: isOiled(look),
    structure: look.structure,
    opening: openingOf(look, view.behind),
    isStretch: isFlat && blob.left > cloth.left + free && blob.right < cloth.right - free,
  };
}

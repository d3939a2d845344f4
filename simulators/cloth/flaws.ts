/** Which way a strip is wrong: a defect of the class that is wanted, of a size and at a place that the seed draws. */
import { branch, uniform, within } from './chance.ts';
import type { DefectClass, Fabric } from '../dataset/fabric.ts';
import type { Strip } from '../dataset/strip.ts';
import { canonicalLoop, courseAt, coursePitchMm, heightOfLoop, walePitchMm } from './geometry.ts';
import type { Knit, KnitFault } from './knit.ts';
import { paintCrease, paintFly, paintHole, paintKnot, paintOil, paintOilLine } from './paint.ts';
import type { SeamFault } from './seam.ts';
import { placeOf, type Sheet, type View } from './view.ts';
import type { Weave, WeaveFault } from './weave.ts';

/** What a strip is cut from. */
export type Ground = { readonly knit: Knit; readonly weave: null } | { readonly knit: null; readonly weave: Weave };

/** One defect before it is drawn: loops, crossings or stitches that are wrong, or something painted over. */
export interface Flaw {
  readonly class: DefectClass;
  readonly xMm: number;
  readonly yMm: number;
  readonly needle: number | null;
  readonly course: number | null;
  readonly knit?: KnitFault;
  readonly weave?: WeaveFault;
  readonly seam?: SeamFault;
  readonly paint?: (view: View, sheet: Sheet) => void;
}

/** What lies behind a hole: the dark inside of the tube, or the table. */
const behind = 0.06;
/** Height of the seam in the plane of the cloth, mm. */
export const seamPlace = 0;

/** The flaw of a strip; the same arguments give the same. */
export function flawOf(
  fabric: Fabric,
  ground: Ground,
  view: View,
  cloth: Strip['cloth'],
  seed: number,
  wanted: DefectClass,
): Flaw {
  const draw = branch(seed, 'flaw');
  const px = within(draw, 1, cloth.fromPx + 260, cloth.toPx - 260);
  const py = within(draw, 2, 50, view.heightPx - 50);
  const [xMm, yMm] = placeOf(view, px, py);
  const spot = (from: number, to: number, aspect = 1) => ({
    xMm,
    yMm,
    radiusMm: within(draw, 3, from, to),
    aspect: aspect * within(draw, 4, 0.8, 1.25),
    seed: branch(draw, 'outline'),
  });
  const heightMm = view.heightPx / fabric.pxPerMm;
  const place = { class: wanted, xMm, yMm, needle: null, course: null };
  switch (wanted) {
    case 'hole': {
      const hole = spot(0.8, 1.9, 1.2);
      return { ...place, ...loopAt(ground, xMm, yMm), paint: (v, s) => paintHole(v, s, hole, behind) };
    }
    case 'oil_spot': {
      const oil = spot(1.4, 4);
      const depth = within(draw, 5, 0.14, 0.32);
      return { ...place, paint: (v, s) => paintOil(v, s, oil, depth) };
    }
    case 'oil_line': {
      const line = {
        xMm,
        fromYMm: view.yMm - heightMm,
        toYMm: view.yMm + heightMm * within(draw, 6, 0.1, 1),
        widthMm: within(draw, 3, 0.7, 1.6),
        seed: draw,
      };
      const depth = within(draw, 5, 0.12, 0.25);
      return { ...place, paint: (v, s) => paintOilLine(v, s, line, depth) };
    }
    case 'fly_contamination': {
      const fly = spot(1.2, 3.5, 0.7);
      const tone = fabric.tone < 0.55 || uniform(draw, 5) < 0.4 ? 0.95 : 0.12;
      return { ...place, paint: (v, s) => paintFly(v, s, fly, tone) };
    }
    case 'knot': {
      // Smaller ones are below what the camera resolves.
      const least = Math.max(0.35, 3.6 / fabric.pxPerMm);
      const knot = spot(least, least + 0.3);
      return { ...place, paint: (v, s) => paintKnot(v, s, knot, Math.min(1, fabric.tone * 1.5)) };
    }
    case 'crease': {
      const crease = {
        xMm,
        yMm,
        lengthMm: within(draw, 3, 12, 30),
        angleRad: within(draw, 4, -1.2, 1.2),
        widthMm: within(draw, 6, 0.5, 1.1),
      };
      const depth = within(draw, 5, 0.1, 0.2);
      return { ...place, paint: (v, s) => paintCrease(v, s, crease, depth) };
    }
    default:
      if (ground.knit !== null) return { ...place, ...knitFlaw(ground.knit, view, wanted, xMm, yMm, draw) };
      if (fabric.cloth === 'seam') return { ...place, ...seamFlaw(fabric, wanted, xMm, draw) };
      return { ...place, ...weaveFlaw(ground.weave, wanted, xMm, yMm, draw) };
  }
}

/** Needle and course of the loop at a place; null where there are no loops. */
function loopAt(ground: Ground, xMm: number, yMm: number): { needle: number | null; course: number | null } {
  if (ground.knit === null) return { needle: null, course: null };
  const { tube, direction } = ground.knit;
  const wale = Math.floor(xMm / walePitchMm(tube));
  const course = courseAt(tube, direction, wale, -yMm / coursePitchMm(tube));
  return canonicalLoop(tube, direction, wale, course);
}

function knitFlaw(knit: Knit, view: View, wanted: DefectClass, xMm: number, yMm: number, draw: number): Partial<Flaw> {
  const { tube, direction } = knit;
  const wale = Math.floor(xMm / walePitchMm(tube));
  const { needle, course } = loopAt({ knit, weave: null }, xMm, yMm);
  const height = heightOfLoop(tube, direction, wale, courseAt(tube, direction, wale, -yMm / coursePitchMm(tube)));
  const half = view.heightPx / view.pxPerMm / coursePitchMm(tube);
  const [fromHeight, toHeight] = [height - half * 3, height + half * (uniform(draw, 7) < 0.7 ? 3 : 0)];
  if (needle === null || course === null) return {};
  switch (wanted) {
    case 'needle_line':
    case 'sinker_line': {
      const strength = wanted === 'needle_line' ? within(draw, 8, 0.5, 1.1) : within(draw, 8, 0.8, 1.5);
      return { needle, knit: { kind: wanted, needle, fromHeight, toHeight, strength } };
    }
    case 'ladder':
    case 'dropped_stitch': {
      const courses = wanted === 'ladder' ? Math.round(within(draw, 9, 12, 60)) : Math.round(within(draw, 9, 2, 4));
      return { needle, course, knit: { kind: 'ladder', needle, height: height + 0.01, courses } };
    }
    case 'barre': {
      const darker = uniform(draw, 10) < 0.5 ? -1 : 1;
      const feeder = modulo(course, tube.feeders);
      return {
        course,
        knit: { kind: 'barre', feeder, tone: darker * within(draw, 11, 0.08, 0.14), level: darker * 1.3 },
      };
    }
    case 'elastane_miss': {
      const courses = Math.round(within(draw, 12, 3, 9));
      const wales = Math.round(within(draw, 13, 60, 260));
      const fault = {
        kind: 'slack',
        course,
        courses,
        fromWale: wale,
        wales,
        strength: within(draw, 14, 0.8, 1.3),
      } as const;
      return { course, knit: fault };
    }
    default:
      return {
        course,
        knit: {
          kind: 'slub',
          course,
          fromWale: wale - 6,
          wales: Math.round(within(draw, 15, 8, 26)),
          gain: within(draw, 16, 0.9, 1.3),
        },
      };
  }
}

function weaveFlaw(weave: Weave, wanted: DefectClass, xMm: number, yMm: number, draw: number): Partial<Flaw> {
  const end = Math.floor((xMm * weave.endsPerCm) / 10);
  const pick = Math.floor((yMm * weave.picksPerCm) / 10);
  switch (wanted) {
    case 'broken_end': {
      const toPick = pick + Math.round(within(draw, 7, 12, 400));
      return { weave: { kind: 'broken_end', end, fromPick: pick - 3, toPick } };
    }
    case 'broken_pick': {
      const toEnd = end + Math.round(within(draw, 7, 20, 400));
      return { weave: { kind: 'broken_pick', pick, fromEnd: end, toEnd } };
    }
    case 'barre': {
      const darker = uniform(draw, 10) < 0.5 ? -1 : 1;
      const picks = Math.round(within(draw, 7, 3, 12));
      return { weave: { kind: 'bar', pick, picks, tone: darker * within(draw, 11, 0.09, 0.16), level: 0 } };
    }
    default: {
      const ends = Math.round(within(draw, 7, 10, 30));
      return { weave: { kind: 'slub', pick, fromEnd: end - 5, ends, gain: within(draw, 16, 0.8, 1.2) } };
    }
  }
}

function seamFlaw(fabric: Fabric, wanted: DefectClass, xMm: number, draw: number): Partial<Flaw> {
  const stitch = Math.floor(xMm / fabric.stitchMm);
  const at = { xMm: (stitch + 0.5) * fabric.stitchMm, yMm: seamPlace };
  switch (wanted) {
    case 'skipped_stitch':
      return { ...at, seam: { kind: wanted, stitch } };
    case 'broken_stitch':
      return { ...at, seam: { kind: wanted, stitch, stitches: 1 + Math.round(within(draw, 7, 0, 2)) } };
    case 'loose_stitch': {
      const stitches = 1 + Math.round(within(draw, 7, 0, 4));
      return { ...at, seam: { kind: wanted, stitch, stitches, strength: within(draw, 8, 0.7, 1.3) } };
    }
    default: {
      const half = within(draw, 7, 9, 22);
      return {
        ...at,
        seam: { kind: 'seam_pucker', fromMm: xMm - half, toMm: xMm + half, strength: within(draw, 8, 0.6, 1.2) },
      };
    }
  }
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

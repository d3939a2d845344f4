/**
 * Strips of cloth as an inspection camera takes them, good ones and ones with a defect, each with its mask and what there is to
 * know about it. Generator a of `selvedge simulate --dataset`.
 *
 * Invariants (tests in `test/unit/simulators/cloth/strips.test.ts`):
 *  S1  The same fabric, seed, number and class give the same bytes.
 *  S2  The mask is where the strip differs from the same strip without its defects by more than the camera's noise, closed over
 *      one pixel; a strip with a defect has at least 40 such pixels.
 *  S3  A defect's box holds its mask; its needle and course are those the geometry gives for its place.
 */
import { branch, uniform, within } from './chance.ts';
import type { DefectClass, Fabric } from '../dataset/fabric.ts';
import { stripSize, type Box, type Strip, type StripDefect, type StripSize } from '../dataset/strip.ts';
import { canonicalLoop, courseAt, coursePitchMm, heightOfLoop, tubeOf, walePitchMm } from './geometry.ts';
import { createKnit, drawKnit, type Knit, type KnitFault } from './knit.ts';
import { expose, illuminate, noiseAt, type Light, type Noise } from './optics.ts';
import { paintCrease, paintFly, paintHole, paintKnot, paintLint, paintOil, paintOilLine } from './paint.ts';
import { drawSeam, type SeamFault, type SeamOptions } from './seam.ts';
import { placeOf, type Sheet, type View } from './view.ts';
import { bindings, createWeave, drawWeave, type Weave, type WeaveFault } from './weave.ts';

/** One defect before it is drawn: loops, crossings or stitches that are wrong, or something painted over. */
interface Flaw {
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

export const stripNoise: Noise = { read: 1, shot: 0.1 };
/** What lies behind a hole: the dark inside of the tube, or the table. */
const behind = 0.06;
const seamPlace = 0;
const selvedgePx = 70;

/** Draws the strips of one fabric; what is dear (the cells) is made once. */
export function createStripMaker(
  fabric: Fabric,
  seed: number,
  size: StripSize = stripSize,
): (number: number, wanted: DefectClass | null) => Strip {
  const own = branch(seed, `fabric ${fabric.id}`);
  const ground = createGround(fabric, own);
  return (number, wanted) => drawStrip(fabric, size, ground, branch(own, `strip ${number}`), number, wanted);
}

type Ground = { readonly knit: Knit; readonly weave: null } | { readonly knit: null; readonly weave: Weave };

function createGround(fabric: Fabric, seed: number): Ground {
  const { tone, unevenness, pxPerMm } = fabric;
  if (fabric.cloth === 'single-jersey') {
    const tube = tubeOf(fabric);
    const knit = createKnit({
      seed,
      tube,
      direction: 1,
      pxPerMm,
      tone,
      yarn: 0.36,
      unevenness,
      lensMm: 0.45 / pxPerMm,
      motionMm: 0.7 / pxPerMm,
    });
    return { knit, weave: null };
  }
  const weave = createWeave({
    seed,
    binding: fabric.cloth === 'twill' ? bindings.twill : bindings.plain,
    endsPerCm: fabric.endsPerCm,
    picksPerCm: fabric.picksPerCm,
    pxPerMm,
    warpTone: tone * 0.94,
    weftTone: tone,
    cover: 0.93,
    unevenness,
    lensMm: 0.42 / pxPerMm,
  });
  return { knit: null, weave };
}

function drawStrip(
  fabric: Fabric,
  size: StripSize,
  ground: Ground,
  seed: number,
  number: number,
  wanted: DefectClass | null,
): Strip {
  const view = viewOf(fabric, size, number);
  const cloth = edgesOf(fabric, size, seed, number);
  const light: Light = {
    white: 215 * within(seed, 1, 0.95, 1.05),
    slopeX: within(seed, 2, -0.05, 0.05),
    slopeY: within(seed, 3, -0.02, 0.02),
    fallX: within(seed, 4, 0.02, 0.06),
    fallY: within(seed, 5, 0, 0.03),
  };
  const lit = (flaws: readonly Flaw[]): Sheet => {
    const sheet = new Float32Array(size.widthPx * size.heightPx);
    if (ground.knit !== null)
      drawKnit(
        ground.knit,
        view,
        flaws.flatMap((flaw) => flaw.knit ?? []),
        sheet,
      );
    else
      drawWeave(
        ground.weave,
        view,
        flaws.flatMap((flaw) => flaw.weave ?? []),
        sheet,
      );
    paintLint(view, sheet, branch(seed, 'lint'), 14);
    if (fabric.cloth === 'seam')
      drawSeam(
        seamOf(fabric, seed),
        view,
        flaws.flatMap((flaw) => flaw.seam ?? []),
        sheet,
      );
    for (const flaw of flaws) flaw.paint?.(view, sheet);
    layOnTable(sheet, size, cloth, seed);
    illuminate(sheet, size.widthPx, size.heightPx, light);
    return sheet;
  };
  const pixels = new Uint8Array(size.widthPx * size.heightPx);
  if (wanted === null) {
    expose(lit([]), stripNoise, seed, pixels);
    return { pixels, mask: null, defects: [], cloth };
  }
  const flaw = flawOf(fabric, ground, view, cloth, seed, wanted);
  const clean = lit([]);
  const spoiled = lit([flaw]);
  const mask = difference(clean, spoiled, size, stripNoise);
  expose(spoiled, stripNoise, seed, pixels);
  const defect: StripDefect = {
    class: flaw.class,
    box: boxOf(mask, size),
    mm: { x: flaw.xMm, y: flaw.yMm },
    needle: flaw.needle,
    course: flaw.course,
  };
  return { pixels, mask, defects: [defect], cloth };
}

/** Strips lie apart in the cloth, so that no two show the same threads. */
function viewOf(fabric: Fabric, size: StripSize, number: number): View {
  const widthMm = size.widthPx / fabric.pxPerMm;
  const heightMm = size.heightPx / fabric.pxPerMm;
  return {
    ...size,
    pxPerMm: fabric.pxPerMm,
    xMm:
      fabric.cloth === 'single-jersey' ? ((number * 0.37) % 1) * 2 * widthMm + widthMm : (number + 1) * widthMm * 1.25,
    // Height in a knit grows upwards: later strips were knitted later.
    yMm: (fabric.cloth === 'single-jersey' ? -1 : 1) * (fabric.cloth === 'seam' ? 0 : (number + 1) * heightMm * 3.1),
    turnRad: 0,
  };
}

const seamOf = (fabric: Fabric, seed: number): SeamOptions => ({
  seed: branch(seed, 'seam'),
  stitchMm: fabric.stitchMm,
  threadMm: 0.3,
  tone: fabric.tone > 0.6 ? 0.25 : 0.92,
  yMm: seamPlace,
});

/** One strip in three of a fabric with edges ends on one. */
function edgesOf(fabric: Fabric, { widthPx }: StripSize, seed: number, number: number): Strip['cloth'] {
  if (!fabric.edges || number % 3 !== 0) return { fromPx: 0, toPx: widthPx };
  const table = Math.round(widthPx * within(seed, 10, 0.02, 0.15));
  return uniform(seed, 11) < 0.5 ? { fromPx: table, toPx: widthPx } : { fromPx: 0, toPx: widthPx - table };
}

/** Beside the cloth the table is seen; along its edge the selvedge is denser and frayed. */
function layOnTable(sheet: Sheet, { widthPx, heightPx }: StripSize, cloth: Strip['cloth'], seed: number): void {
  if (cloth.fromPx === 0 && cloth.toPx === widthPx) return;
  const table = uniform(seed, 12) < 0.5 ? 0.09 : 0.97;
  for (let y = 0; y < heightPx; y += 1) {
    const fray = Math.round(3 * uniform(seed, y, 13));
    for (let x = 0; x < widthPx; x += 1) {
      const fromEdge = (cloth.fromPx > 0 ? x - cloth.fromPx : cloth.toPx - 1 - x) - fray;
      const i = y * widthPx + x;
      // The roller under the table bends the light.
      if (fromEdge < 0) sheet[i] = table * (1 + 0.1 * Math.sin(fromEdge / 90));
      else if (fromEdge < selvedgePx) sheet[i] = (sheet[i] ?? 0) * (1 + 0.12 * (1 - fromEdge / selvedgePx));
    }
  }
}

/** 255 where two lit sheets differ by more than twice the noise and at least four grey values; gaps of one pixel are closed. */
export function difference(clean: Sheet, spoiled: Sheet, size: StripSize, noise: Noise): Uint8Array {
  const mask = new Uint8Array(clean.length);
  for (let i = 0; i < mask.length; i += 1) {
    const from = clean[i] ?? 0;
    const away = Math.abs((spoiled[i] ?? 0) - from);
    if (away > Math.max(4, 2 * noiseAt(noise, from))) mask[i] = 255;
  }
  return close(mask, size);
}

/** Widened by a pixel, then narrowed by one. */
function close(mask: Uint8Array, { widthPx, heightPx }: StripSize): Uint8Array {
  const half = new Uint8Array(mask.length);
  for (const narrow of [false, true]) {
    for (let y = 0; y < heightPx; y += 1) {
      for (let x = 0; x < widthPx; x += 1) {
        const i = y * widthPx + x;
        half[i] = joined(mask[i], x > 0 ? mask[i - 1] : mask[i], x + 1 < widthPx ? mask[i + 1] : mask[i], narrow);
      }
    }
    for (let i = 0; i < mask.length; i += 1) mask[i] = joined(half[i], half[i - widthPx], half[i + widthPx], narrow);
  }
  return mask;
}
/** The least or the most of a pixel and its two neighbours; beyond the edge lies what is on it. */
function joined(own = 0, before = own, after = own, narrow: boolean): number {
  return narrow ? own & before & after : own | before | after;
}

function boxOf(mask: Uint8Array, { widthPx, heightPx }: StripSize): Box {
  let left = widthPx;
  let right = -1;
  let top = heightPx;
  let bottom = -1;
  for (let i = 0; i < mask.length; i += 1) {
    if (mask[i] === 0) continue;
    const x = i % widthPx;
    const y = (i - x) / widthPx;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right < 0
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

function flawOf(
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
      const knot = spot(0.3, 0.6);
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

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
import { flawOf, seamPlace, type Flaw, type Ground } from './flaws.ts';
import { tubeOf } from './geometry.ts';
import { createKnit, drawKnit } from './knit.ts';
import { expose, illuminate, noiseAt, type Light, type Noise } from './optics.ts';
import { paintLint } from './paint.ts';
import { drawSeam, type SeamOptions } from './seam.ts';
import type { Sheet, View } from './view.ts';
import { bindings, createWeave, drawWeave } from './weave.ts';

const stripNoise: Noise = { read: 1, shot: 0.1 };
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
function difference(clean: Sheet, spoiled: Sheet, size: StripSize, noise: Noise): Uint8Array {
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

/**
 * Strips by generator b, which exists to judge with: loops and yarns as curves in space, other light, other chance, other ways to go
 * wrong than generator a. It imports no code of a, and a none of b (test/unit/simulators/cloth/generators.test.ts). Whatever
 * is written with it carries `selvedge-generator: b` and `"generator": "b"`; training refuses both.
 *
 * Invariants (tests in the same file): the same arguments give the same bytes; the mask is where the strip with the defect and the
 * one without differ by more than the noise.
 */
import type { Fabric } from '../dataset/fabric.ts';
import type { Box, StripMaker, StripSize } from '../dataset/strip.ts';
import { child, dice, roll } from './dice.ts';
import { flawOf, type FlawB, type Scene } from './flaws.ts';
import { layKnit } from './knit.ts';
import { capture, lightUp, noiseOf } from './light.ts';
import { createRelief } from './relief.ts';
import { sew } from './seam.ts';
import { layWeave } from './weave.ts';

const defaultSize: StripSize = { widthPx: 4096, heightPx: 256 };
const behindCloth = 0.08;

export function createStripMakerB(fabric: Fabric, seed: number, size: StripSize = defaultSize): StripMaker {
  let own = child(seed, 0xb);
  for (const letter of fabric.id) own = child(own, letter.charCodeAt(0));
  return (number, wanted) => {
    const scene = sceneOf(fabric, size, own, number);
    if (wanted === null) {
      const pixels = capture(lit(scene, null), size.widthPx, scene.seed);
      return { pixels, mask: null, defects: [], cloth: scene.cloth };
    }
    const flaw = flawOf(scene, wanted);
    const good = lit(scene, null);
    const bad = lit(scene, flaw);
    const { mask, box } = compare(good, bad, size);
    const { needle, course } = flaw;
    const defect = { class: wanted, box, mm: { x: flaw.xMm, y: flaw.yMm }, needle, course };
    return { pixels: capture(bad, size.widthPx, scene.seed), mask, defects: [defect], cloth: scene.cloth };
  };
}

function sceneOf(fabric: Fabric, size: StripSize, own: number, number: number): Scene {
  const seed = child(own, 1000 + number);
  const widthMm = size.widthPx / fabric.pxPerMm;
  const heightMm = size.heightPx / fabric.pxPerMm;
  const isKnit = fabric.cloth === 'single-jersey';
  const table = number % 3 === 1 && fabric.edges ? Math.round(size.widthPx * roll(seed, 11, 0.02, 0.14)) : 0;
  const atLeft = dice(seed, 12) < 0.5;
  const common = { seed: child(own, 5), tone: fabric.tone, unevenness: fabric.unevenness };
  const twill = fabric.cloth === 'twill';
  return {
    fabric,
    size,
    seed,
    lamp: child(own, 6),
    leftMm: isKnit ? ((number * 0.61) % 1) * 3 * widthMm : number * widthMm * 1.4,
    topMm: isKnit ? -(number + 2) * heightMm * 2.7 : number * heightMm * 3.3,
    knit: isKnit
      ? {
          ...common,
          needles: Math.round(Math.PI * fabric.diameterInch * fabric.gauge),
          feeders: fabric.feeders,
          direction: 1,
          // 0.85 of the pitch of the needles, as the tube narrows below them.
          waleMm: (25.4 / fabric.gauge) * 0.85,
          courseMm: 10 / fabric.coursesPerCm,
        }
      : null,
    weave: isKnit
      ? null
      : {
          ...common,
          over: twill ? (e, p) => (((p + e) % 4) + 4) % 4 < 2 : (e, p) => (e + p) % 2 === 0,
          endMm: 10 / fabric.endsPerCm,
          pickMm: 10 / fabric.picksPerCm,
        },
    seam:
      fabric.cloth === 'seam'
        ? {
            seed: child(seed, 3),
            stitchMm: fabric.stitchMm,
            middleMm: number * heightMm * 3.3 + heightMm / 2,
            tone: fabric.tone > 0.6 ? 0.3 : 0.95,
          }
        : null,
    cloth: { fromPx: atLeft ? table : 0, toPx: size.widthPx - (atLeft ? 0 : table) },
  };
}

function lit(scene: Scene, flaw: FlawB | null): Float32Array {
  const { fabric, size, seed } = scene;
  const relief = createRelief(size.widthPx, size.heightPx, fabric.pxPerMm, scene.leftMm, scene.topMm);
  if (scene.knit !== null) layKnit(scene.knit, relief, flaw?.loops ?? (() => null));
  if (scene.weave !== null) layWeave(scene.weave, relief, flaw?.yarns ?? null);
  if (scene.seam !== null) sew(scene.seam, relief, flaw?.stitches ?? (() => 'right'));
  flaw?.after?.(relief);
  const grey = lightUp(relief, scene.lamp, seed, behindCloth);
  edge(scene, grey);
  return grey;
}

/** The table: light or dark, with a shadow beside the cloth. */
function edge({ size, cloth, seed }: Scene, grey: Float32Array): void {
  const table = dice(seed, 14) < 0.4 ? 18 : 236;
  for (let i = 0; i < grey.length; i += 1) {
    const x = i % size.widthPx;
    const out = x < cloth.fromPx ? cloth.fromPx - x : x - cloth.toPx + 1;
    if (out > 0 && (x < cloth.fromPx || x >= cloth.toPx)) grey[i] = table * (1 - 0.35 * Math.exp(-out / 14));
  }
}

/** Where good and bad differ by more than the noise, and a frame around it. */
function compare(
  good: Float32Array,
  bad: Float32Array,
  { widthPx, heightPx }: StripSize,
): { mask: Uint8Array; box: Box } {
  const mask = new Uint8Array(good.length);
  let [x0, y0, x1, y1] = [widthPx, heightPx, -1, -1];
  for (let i = 0; i < good.length; i += 1) {
    const value = good[i] ?? 0;
    if (Math.abs((bad[i] ?? 0) - value) <= Math.max(5, 2 * noiseOf(value))) continue;
    mask[i] = 255;
    const x = i % widthPx;
    const y = Math.floor(i / widthPx);
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  const box = x1 < 0 ? { x: 0, y: 0, width: 0, height: 0 } : { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
  return { mask, box };
}

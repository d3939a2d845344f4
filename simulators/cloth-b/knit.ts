/**
 * Single jersey by generator b: every loop is a curve in space (x = t + a sin 2t, y = h cos t, z = d cos 2t, the curve that knit
 * geometry is studied with), laid as round yarn into a relief. Loops differ in size and place, wales meander.
 */
import { child, dice, gradientNoise, normal } from './dice.ts';
import { layPiece, type Relief } from './relief.ts';

export interface KnitB {
  readonly seed: number;
  readonly needles: number;
  readonly feeders: number;
  /** 1: the course of a feeder climbs from right to left; −1: from left to right. */
  readonly direction: 1 | -1;
  readonly waleMm: number;
  readonly courseMm: number;
  readonly tone: number;
  readonly unevenness: number;
}

/** How a loop differs from what it should be; all 0 or 1 where nothing is wrong. */
export interface LoopChange {
  readonly radius: number;
  readonly tone: number;
  /** Factors on width and height of the loop. */
  readonly wide: number;
  readonly high: number;
  /** Shift in wales and courses. */
  readonly dx: number;
  readonly dy: number;
  readonly missing: boolean;
}
export const asItShouldBe: LoopChange = { radius: 1, tone: 1, wide: 1, high: 1, dx: 0, dy: 0, missing: false };
/** What is wrong with the loop of a wale and a course as counted in the cloth, at a place; null: nothing. */
export type Wrong = (wale: number, course: number, xMm: number, yMm: number) => LoopChange | null;

/** A loop is laid in so many pieces, fewer where the camera would not see them. */
const mostPieces = 34;
const finestPerMm = 18;

/** Height in courses of a loop: its course less the helix of the feeders. */
export const heightOf = (knit: KnitB, wale: number, course: number): number =>
  course - (knit.direction * wale * knit.feeders) / knit.needles;

export function layKnit(knit: KnitB, relief: Relief, wrong: Wrong): void {
  const { waleMm, courseMm, seed, unevenness } = knit;
  const widthMm = relief.width / relief.perMm;
  const heightMm = relief.height / relief.perMm;
  const firstWale = Math.floor(relief.leftMm / waleMm) - 2;
  const lastWale = Math.ceil((relief.leftMm + widthMm) / waleMm) + 2;
  const highest = -relief.topMm / courseMm + 2;
  const lowest = -(relief.topMm + heightMm) / courseMm - 2;
  const yarns = child(seed, 1);
  const loops = child(seed, 2);
  const meander = child(seed, 3);
  const piecesOfLoop = Math.round(mostPieces * Math.min(1, relief.perMm / finestPerMm));
  // The curve once, in shares of a wale and a course.
  const curve = Array.from({ length: piecesOfLoop }, (_, p) => {
    const t = (2 * Math.PI * (p + 0.5)) / piecesOfLoop;
    return {
      x: t / (2 * Math.PI) - 0.5 + 0.13 * Math.sin(2 * t),
      y: Math.cos(t),
      z: -Math.cos(2 * t),
      dx: 1 / (2 * Math.PI) + 0.26 * Math.cos(2 * t),
      dy: -Math.sin(t),
      dz: 2 * Math.sin(2 * t),
    };
  });
  for (let wale = firstWale; wale <= lastWale; wale += 1) {
    const down = (knit.direction * wale * knit.feeders) / knit.needles;
    const turn = Math.floor(wale / knit.needles);
    const needle = wale - turn * knit.needles;
    const ofNeedle = 0.022 * unevenness * normal(child(seed, 4), needle);
    for (let course = Math.floor(lowest + down); course <= Math.ceil(highest + down); course += 1) {
      const here = course - knit.direction * turn * knit.feeders;
      const feeder = ((here % knit.feeders) + knit.feeders) % knit.feeders;
      const along = needle / 9 - Math.floor(here / knit.feeders) * 311.7;
      const thick = 1 + unevenness * 0.16 * gradientNoise(yarns, along, feeder * 1.93 + 0.5);
      const x = (wale + 0.5 + 0.1 * unevenness * gradientNoise(meander, wale / 3.1, here / 17)) * waleMm;
      const y = -(course + 0.5 - down) * courseMm;
      const change = wrong(wale, here, x, y) ?? asItShouldBe;
      if (change.missing) continue;
      const size = 1 + unevenness * 0.035 * normal(loops, needle, here) + ofNeedle;
      const wide = waleMm * change.wide;
      const high = 0.98 * courseMm * size * change.high;
      const deep = 0.16 * waleMm;
      const radius = 0.165 * waleMm * thick * change.radius;
      const shade =
        knit.tone * change.tone * (1 + 0.05 * unevenness * (dice(loops, needle, here) - 0.5) + 0.25 * (thick - 1));
      for (const point of curve) {
        const tx = point.dx * wide;
        const ty = point.dy * high;
        const length = Math.hypot(tx, ty);
        layPiece(
          relief,
          x + change.dx * waleMm + point.x * wide,
          // The curve's y is +1 at the foot of the loop: downwards, as in the image.
          y + change.dy * courseMm + point.y * high,
          point.z * deep,
          tx / length,
          ty / length,
          (point.dz * deep) / length,
          radius,
          shade * (1 + 0.1 * Math.sin((point.x + 3 * point.y) * 9)),
        );
      }
    }
  }
}

/** A lockstitch seam by generator b: thread laid in space, from hole to hole. */
import { dice, normal } from './dice.ts';
import { layYarn, near, type Relief } from './relief.ts';
import { bow } from './things.ts';

export interface SeamB {
  readonly seed: number;
  readonly stitchMm: number;
  /** Height of the seam in the plane of the cloth, mm. */
  readonly middleMm: number;
  readonly tone: number;
}
/** How a stitch is: over two lengths, not there, torn at its beginning, or slack. */
export type WrongStitch = (stitch: number) => 'right' | 'long' | 'none' | 'torn' | 'loose';

const threadMm = 0.14;

export function sew(seam: SeamB, relief: Relief, wrong: WrongStitch): void {
  const first = Math.floor(relief.leftMm / seam.stitchMm) - 2;
  const last = Math.ceil((relief.leftMm + relief.width / relief.perMm) / seam.stitchMm) + 2;
  const hole = (s: number): readonly [number, number] => [
    (s + 0.04 * normal(seam.seed, s)) * seam.stitchMm,
    seam.middleMm + 0.07 * normal(seam.seed, s, 3) + 0.15 * Math.sin(s / 11),
  ];
  for (let s = first; s <= last; s += 1) {
    const [x, y] = hole(s);
    if (wrong(s - 1) === 'long') continue;
    near(relief, x, y, 0.3, (i, dx, dy) => {
      const deep = Math.exp(-(dx * dx + dy * dy) / 0.02);
      relief.tone[i] = (relief.tone[i] ?? 0) * (1 - 0.7 * deep);
    });
  }
  for (let s = first; s < last; s += 1) {
    const how = wrong(s);
    if (how === 'none') continue;
    const [ax, ay] = hole(s);
    const [bx, by] = hole(s + (how === 'long' ? 2 : 1));
    const aside =
      how === 'loose'
        ? (dice(seam.seed, s, 4) < 0.5 ? -1 : 1) * (1.2 + dice(seam.seed, s, 5))
        : 0.05 * normal(seam.seed, s, 6);
    const [ex, ey, ez] =
      how === 'torn' ? [ax + seam.stitchMm * 0.45, ay + (dice(seam.seed, s, 7) - 0.5) * 2, 0.6] : [bx, by, -0.15];
    const points = bow([ax, ay, -0.15], [(ax + bx) / 2, (ay + by) / 2 + aside, 0.75], [ex, ey, ez], 16);
    layYarn(relief, points, (t) => threadMm * (1 + 0.07 * Math.sin(t * seam.stitchMm * 21)), seam.tone);
  }
}

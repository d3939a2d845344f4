/** Which way a strip of generator b is wrong: sizes and places drawn by b's own chance. */
import type { DefectClass, Fabric } from '../dataset/fabric.ts';
import type { Strip, StripSize } from '../dataset/strip.ts';
import { child, dice, roll } from './dice.ts';
import { asItShouldBe, heightOf, type KnitB, type Wrong } from './knit.ts';
import type { Relief } from './relief.ts';
import type { SeamB, WrongStitch } from './seam.ts';
import { ball, stain, stainLine, tear, tilt, tuft } from './things.ts';
import { right, type WeaveB, type WrongYarn } from './weave.ts';

/** A strip before it is drawn. */
export interface Scene {
  readonly fabric: Fabric;
  readonly size: StripSize;
  readonly leftMm: number;
  readonly topMm: number;
  readonly seed: number;
  /** Where the lamp hangs: the same for all strips of a fabric. */
  readonly lamp: number;
  readonly knit: KnitB | null;
  readonly weave: WeaveB | null;
  readonly seam: SeamB | null;
  readonly cloth: Strip['cloth'];
}

/** One way to be wrong: yarns that are wrong as they are laid, and what is done to the relief after. */
export interface FlawB {
  readonly xMm: number;
  readonly yMm: number;
  readonly needle: number | null;
  readonly course: number | null;
  readonly loops?: Wrong;
  readonly yarns?: WrongYarn;
  readonly stitches?: WrongStitch;
  readonly after?: (relief: Relief) => void;
}

/** The flaw of a strip; the same arguments give the same. */
export function flawOf(scene: Scene, wanted: DefectClass): FlawB {
  const { fabric, size, cloth } = scene;
  const d = child(scene.seed, 50);
  const margin = size.widthPx * 0.06;
  const xMm = scene.leftMm + roll(d, 1, cloth.fromPx + margin, cloth.toPx - margin) / fabric.pxPerMm;
  const yMm = scene.topMm + roll(d, 2, size.heightPx * 0.2, size.heightPx * 0.8) / fabric.pxPerMm;
  const heightMm = size.heightPx / fabric.pxPerMm;
  const at = { xMm, yMm, ...loopOf(scene, xMm, yMm) };
  const plain = { xMm, yMm, needle: null, course: null };
  switch (wanted) {
    case 'hole': {
      const wide = roll(d, 3, 0.9, 2);
      return { ...at, after: (relief) => tear(relief, xMm, yMm, wide, child(d, 4)) };
    }
    case 'oil_spot':
      return {
        ...plain,
        after: (relief) => stain(relief, xMm, yMm, roll(d, 3, 1.3, 3.6), child(d, 4), roll(d, 5, 0.2, 0.38)),
      };
    case 'oil_line': {
      const [from, to] = [yMm - roll(d, 6, 0.5, 1) * heightMm, yMm + roll(d, 7, 0.3, 1) * heightMm];
      return {
        ...plain,
        after: (relief) => stainLine(relief, xMm, from, to, roll(d, 3, 0.8, 1.7), child(d, 4), roll(d, 5, 0.16, 0.3)),
      };
    }
    case 'fly_contamination': {
      const tone = fabric.tone > 0.6 && dice(d, 8) < 0.6 ? 0.12 : 1;
      return { ...plain, after: (relief) => tuft(relief, xMm, yMm, roll(d, 3, 1, 2.6), child(d, 4), tone) };
    }
    case 'knot':
      return {
        ...plain,
        after: (relief) =>
          ball(relief, xMm, yMm, Math.max(roll(d, 3, 0.35, 0.65), 4 / fabric.pxPerMm), fabric.tone * 1.15),
      };
    case 'crease': {
      const angle = roll(d, 4, -1.3, 1.3);
      const long = roll(d, 3, 7, 16);
      const wide = roll(d, 5, 0.5, 1.2);
      return {
        ...plain,
        after: (relief) =>
          tilt(relief, (x, y) => {
            const along = ((x - xMm) * Math.cos(angle) + (y - yMm) * Math.sin(angle)) / long;
            const across = ((y - yMm) * Math.cos(angle) - (x - xMm) * Math.sin(angle)) / wide;
            if (Math.abs(along) > 1 || Math.abs(across) > 2) return null;
            const steep =
              0.55 * (1 - along * along) * Math.sin((Math.PI / 2) * across) * Math.cos((Math.PI / 4) * across);
            return [-steep * Math.sin(angle), steep * Math.cos(angle)];
          }),
      };
    }
    default:
      if (scene.knit !== null) return { ...plain, ...wrongLoops(scene.knit, wanted, at, d) };
      if (scene.seam !== null) return { ...plain, ...wrongStitches(scene.seam, wanted, xMm, d) };
      return { ...plain, ...wrongYarns(scene.weave, wanted, xMm, yMm, d, heightMm) };
  }
}

/** Needle and course of the loop at a place, counted as the machine counts them. */
function loopOf({ knit }: Scene, xMm: number, yMm: number): { needle: number | null; course: number | null } {
  if (knit === null) return { needle: null, course: null };
  const wale = Math.floor(xMm / knit.waleMm);
  const turns = Math.floor(wale / knit.needles);
  const course = Math.floor(-yMm / knit.courseMm + (wale * knit.feeders) / knit.needles);
  return { needle: wale - turns * knit.needles, course: course - turns * knit.feeders };
}

function wrongLoops(
  knit: KnitB,
  wanted: DefectClass,
  at: { readonly xMm: number; readonly needle: number | null; readonly course: number | null },
  d: number,
): Partial<FlawB> {
  const needle = at.needle ?? 0;
  const course = at.course ?? 0;
  const wale = Math.floor(at.xMm / knit.waleMm);
  const strength = roll(d, 21, 0.7, 1.2);
  const off = (w: number): number => {
    const by = (((w - needle) % knit.needles) + knit.needles) % knit.needles;
    return by > knit.needles / 2 ? by - knit.needles : by;
  };
  switch (wanted) {
    case 'needle_line': {
      const end = dice(d, 22) < 0.7 ? Infinity : heightOf(knit, wale, course);
      return {
        needle,
        loops: (w, k) => {
          if (Math.abs(off(w)) > 1 || heightOf(knit, w, k) > end) return null;
          return off(w) === 0
            ? {
                ...asItShouldBe,
                wide: 1 - 0.2 * strength,
                high: 1 - 0.16 * strength,
                radius: 0.94,
                tone: 1 - 0.06 * strength,
              }
            : { ...asItShouldBe, wide: 1 + 0.05 * strength };
        },
      };
    }
    case 'sinker_line':
      return {
        needle,
        loops: (w) => {
          if (off(w) !== 0 && off(w) !== 1) return null;
          return { ...asItShouldBe, dx: (off(w) === 0 ? -0.12 : 0.12) * strength };
        },
      };
    case 'ladder':
    case 'dropped_stitch': {
      const courses = wanted === 'ladder' ? roll(d, 23, 12, 50) : roll(d, 23, 2, 4);
      const from = heightOf(knit, wale, course);
      return {
        needle,
        course,
        loops: (w, k) => {
          const below = from - heightOf(knit, w, k);
          if (below < -0.01 || below > courses || Math.abs(off(w)) > 1) return null;
          if (off(w) === 0) return { ...asItShouldBe, high: 0.12, wide: 1.25, radius: 0.8 };
          return { ...asItShouldBe, dx: 0.1 * off(w), high: 1.06 };
        },
      };
    }
    case 'barre': {
      const feeder = ((course % knit.feeders) + knit.feeders) % knit.feeders;
      const sign = dice(d, 24) < 0.5 ? -1 : 1;
      return {
        course,
        loops: (_w, k) =>
          ((k % knit.feeders) + knit.feeders) % knit.feeders === feeder
            ? { ...asItShouldBe, radius: 1 + 0.14 * sign * strength, tone: 1 + 0.1 * sign * strength }
            : null,
      };
    }
    case 'elastane_miss': {
      const courses = Math.round(roll(d, 25, 3, 8));
      const wales = Math.round(roll(d, 26, 50, 200));
      return {
        course,
        loops: (w, k) => {
          if (k < course || k >= course + courses || w < wale || w >= wale + wales) return null;
          return { ...asItShouldBe, radius: 0.84, high: 1.08, wide: 0.93, tone: 0.93 };
        },
      };
    }
    default: {
      const half = roll(d, 27, 4, 12);
      return {
        course,
        loops: (w, k) => {
          if (k !== course) return null;
          const swell = Math.exp(-(((w - wale) / half) ** 2) * 2);
          return swell < 0.02 ? null : { ...asItShouldBe, radius: 1 + 0.75 * strength * swell, tone: 1 + 0.12 * swell };
        },
      };
    }
  }
}

function wrongYarns(
  weave: WeaveB | null,
  wanted: DefectClass,
  xMm: number,
  yMm: number,
  d: number,
  heightMm: number,
): Partial<FlawB> {
  if (weave === null) return {};
  const end = Math.floor(xMm / weave.endMm);
  const pick = Math.floor(yMm / weave.pickMm);
  const long = roll(d, 31, 0.3, 1) * heightMm;
  switch (wanted) {
    case 'broken_end':
      return {
        yarns: (kind, yarn, _x, y) => (kind === 'end' && yarn === end && y > yMm - 1 && y < yMm + long ? null : right),
      };
    case 'broken_pick': {
      const run = long * 4;
      return {
        yarns: (kind, yarn, x) => (kind === 'pick' && yarn === pick && x > xMm && x < xMm + run ? null : right),
      };
    }
    case 'barre': {
      const picks = Math.round(roll(d, 32, 3, 10));
      const by = (dice(d, 33) < 0.5 ? -1 : 1) * roll(d, 34, 0.1, 0.17);
      return {
        yarns: (kind, yarn) => (kind === 'pick' && yarn >= pick && yarn < pick + picks ? [1 + by / 3, 1 + by] : right),
      };
    }
    default: {
      const half = roll(d, 35, 2.5, 7);
      return {
        yarns: (kind, yarn, x) => {
          if (kind !== 'pick' || yarn !== pick) return right;
          const swell = Math.exp(-2 * ((x - xMm) / half) ** 2);
          return [1 + 0.6 * swell, 1 + 0.22 * swell];
        },
      };
    }
  }
}

function wrongStitches(seam: SeamB, wanted: DefectClass, xMm: number, d: number): Partial<FlawB> {
  const first = Math.floor(xMm / seam.stitchMm);
  const at = { xMm: (first + 0.5) * seam.stitchMm, yMm: seam.middleMm };
  const many = Math.round(roll(d, 41, 1, 4));
  switch (wanted) {
    case 'skipped_stitch':
      return { ...at, stitches: (s) => (s === first ? 'long' : s === first + 1 ? 'none' : 'right') };
    case 'broken_stitch':
      return { ...at, stitches: (s) => (s < first || s >= first + many ? 'right' : s === first ? 'torn' : 'none') };
    case 'loose_stitch':
      return { ...at, stitches: (s) => (s >= first && s < first + many ? 'loose' : 'right') };
    default: {
      const half = roll(d, 42, 8, 20);
      const waves = roll(d, 43, 3.2, 5.5);
      const steep = roll(d, 44, 0.18, 0.32);
      return {
        ...at,
        after: (relief) =>
          tilt(relief, (x, y) => {
            const along = (x - xMm) / half;
            if (Math.abs(along) > 1) return null;
            const away = Math.abs(y - seam.middleMm);
            const wave = Math.cos((2 * Math.PI * x) / waves + 0.2 * away);
            return [steep * wave * (1 - along ** 4) * Math.exp(-away / 3.5), 0];
          }),
      };
    }
  }
}

/**
 * Single jersey as a camera sees it on the tube: the face of the loops, each a pair of legs that make a V, in upright wales and
 * slightly inclined courses. Yarn is thick and thin along its length, every needle and every feeder deviates a little for good.
 *
 * Invariants (tests in `test/unit/simulators/cloth/knit.test.ts`):
 *  J1  The same knit and view give the same sheet, and a loop has the same looks in whatever view it is seen.
 *  J2  A fault changes the loops it is of and those beside them, and no other.
 */
import { bell, bits, branch, drift } from './chance.ts';
import { cellSize, footprintOf, levels, levelStep, makeCells, middleLevel } from './cells.ts';
import { coursePitchMm, walePitchMm, type Tube } from './geometry.ts';
import { soften, type Sheet, type View } from './view.ts';

export interface KnitOptions {
  readonly seed: number;
  readonly tube: Tube;
  readonly direction: 1 | -1;
  /** Resolution the cells are drawn for. */
  readonly pxPerMm: number;
  /** Reflectance of the yarn, 0 to 1. */
  readonly tone: number;
  /** Yarn diameter as a share of the width of a wale. */
  readonly yarn: number;
  /** How uneven yarn, needles and feeders are; 1 is a ring-spun cotton on a machine in good order. */
  readonly unevenness: number;
  /** Blur of the lens as a standard deviation, and the way the cloth moves sideways during the exposure, mm. */
  readonly lensMm: number;
  readonly motionMm: number;
}

export interface Knit extends KnitOptions {
  readonly cells: Float32Array;
}

/** What is wrong with loops. Heights and courses are those of `geometry.ts`; `strength` 1 is plain to see. */
export type KnitFault =
  | {
      readonly kind: 'needle_line' | 'sinker_line';
      readonly needle: number;
      readonly fromHeight: number;
      readonly toHeight: number;
      readonly strength: number;
    }
  /** A wale come undone: from the loop that dropped down over `courses` courses. */
  | { readonly kind: 'ladder'; readonly needle: number; readonly height: number; readonly courses: number }
  | { readonly kind: 'barre'; readonly feeder: number; readonly tone: number; readonly level: number }
  | {
      readonly kind: 'slack';
      readonly course: number;
      readonly courses: number;
      readonly fromWale: number;
      readonly wales: number;
      readonly strength: number;
    }
  | {
      readonly kind: 'slub';
      readonly course: number;
      readonly fromWale: number;
      readonly wales: number;
      readonly gain: number;
    };

const ladderCells = levels;
const gap = 0.17;

export function createKnit(options: KnitOptions): Knit {
  const waleMm = walePitchMm(options.tube);
  const courseMm = coursePitchMm(options.tube);
  const footprint = footprintOf(waleMm, courseMm, options.pxPerMm, options.lensMm);
  const cells = makeCells(
    levels + 1,
    { ...footprint, pixelX: Math.hypot(footprint.pixelX, options.motionMm / waleMm) },
    (cell, u, v) =>
      cell === ladderCells
        ? rung(u, v)
        : face(u, v, waleMm, courseMm, options.yarn * (1 + (cell - middleLevel) * levelStep)),
  );
  return { ...options, cells };
}

/**
 * Shade of the face of a loop, 0 to 1, at (u, v) of its cell, v downwards. The legs lean apart towards the top, and those of the
 * course above and below reach into the cell; the uppermost piece of yarn is seen.
 */
function face(u: number, v: number, waleMm: number, courseMm: number, yarn: number): number {
  let height = 0;
  let shade = gap;
  for (let row = -2; row <= 2; row += 1) {
    for (const side of [-1, 1]) {
      // From (0.5 ± 0.10, bottom) to (0.5 ± 0.36, top); a leg is seen over one and a half courses.
      const bottomX = (0.5 + side * 0.1) * waleMm;
      const topX = (0.5 + side * 0.36) * waleMm;
      const bottomY = (row + 0.5 + 0.76) * courseMm;
      const topY = (row + 0.5 - 0.76) * courseMm;
      const length = Math.hypot(topX - bottomX, topY - bottomY);
      const ex = (topX - bottomX) / length;
      const ey = (topY - bottomY) / length;
      const px = u * waleMm - (bottomX + topX) / 2;
      const py = v * courseMm - (bottomY + topY) / 2;
      const along = (px * ex + py * ey) / (length / 2);
      if (Math.abs(along) >= 1) continue;
      const across = (px * ey - py * ex) / (((yarn * waleMm) / 2) * Math.sqrt(1 - 0.6 * along * along));
      if (Math.abs(across) >= 1) continue;
      const round = Math.sqrt(1 - across * across);
      const z = round * (1 - 0.3 * along * along) + 0.22 * along;
      if (z <= height) continue;
      height = z;
      // Light from the upper left; the plies of the yarn wind around it.
      const plies = Math.sin(2 * Math.PI * (along * 1.6 + across * 0.55));
      shade = gap + (1 - gap) * (0.28 + 0.72 * round) * (1 - 0.1 * across) * (1 + 0.07 * plies) * (0.86 + 0.14 * z);
    }
  }
  return shade;
}

/** A rung of a ladder: yarn that lies straight across where the loop was. */
function rung(u: number, v: number): number {
  const across = (v - 0.5 - 0.1 * Math.sin(Math.PI * u)) / 0.17;
  const round = Math.abs(across) < 1 ? Math.sqrt(1 - across * across) : 0;
  return gap * 0.75 + 0.5 * round;
}

/** The loops in a view, each with its looks; `wale`-major, `rows` a wale. */
interface Loops {
  readonly firstWale: number;
  readonly wales: number;
  readonly rows: number;
  /** Course of row 0, and its height, by wale. */
  readonly firstCourse: Int32Array;
  readonly base: Float64Array;
  /** Needle of each wale. Fibres are counted from needle 0, so that they belong to the cloth. */
  readonly needle: Float64Array;
  readonly gain: Float32Array;
  readonly squeeze: Float32Array;
  readonly shift: Float32Array;
  readonly level: Float32Array;
  readonly ladder: Uint8Array;
}

/** Draws the knit. x of the view's plane is wale · pitch; y is −height · pitch. */
export function drawKnit(knit: Knit, view: View, faults: readonly KnitFault[], sheet: Sheet): void {
  const { tube } = knit;
  const perWale = 1 / walePitchMm(tube);
  const perCourse = 1 / coursePitchMm(tube);
  const { widthPx, heightPx } = view;
  const cos = Math.cos(view.turnRad) / view.pxPerMm;
  const sin = Math.sin(view.turnRad) / view.pxPerMm;
  // Offsets of the corners from the middle, in wales and courses.
  const reachU = (Math.abs(cos) * widthPx + Math.abs(sin) * heightPx) * 0.5 * perWale;
  const reachH = (Math.abs(sin) * widthPx + Math.abs(cos) * heightPx) * 0.5 * perCourse;
  const middleU = view.xMm * perWale;
  const middleH = -view.yMm * perCourse;
  const loops = layLoops(knit, middleU - reachU, middleU + reachU, middleH - reachH, middleH + reachH);
  for (const fault of faults) spoil(knit, loops, fault);
  const { base, needle, gain, squeeze, shift, ladder, level, rows } = loops;
  const cell = new Int32Array(level.length);
  for (let i = 0; i < cell.length; i += 1) {
    const nearest = Math.min(levels - 1, Math.max(0, Math.round(level[i] ?? 0)));
    cell[i] = (ladder[i] === 1 ? ladderCells : nearest) * cellSize * cellSize;
  }

  const duX = cos * perWale;
  const duY = -sin * perWale;
  const dhX = -sin * perCourse;
  const dhY = -cos * perCourse;
  const fibreSeed = branch(knit.seed, 'fibre');
  const fibre = 0.055 * knit.unevenness;
  const grainU = walePitchMm(tube) * view.pxPerMm;
  const grainH = coursePitchMm(tube) * view.pxPerMm;
  const { cells, tone } = knit;
  const last = cellSize - 0.001;
  for (let y = 0; y < heightPx; y += 1) {
    const py = y + 0.5 - heightPx / 2;
    const px = 0.5 - widthPx / 2;
    let u = middleU + px * duX + py * duY - loops.firstWale;
    let h = middleH + px * dhX + py * dhY;
    const row = y * widthPx;
    for (let x = 0; x < widthPx; x += 1) {
      const wale = u | 0;
      const above = h - (base[wale] ?? 0);
      const rise = above | 0;
      const i = wale * rows + rise;
      let across = 0.5 + (u - wale - 0.5 + (shift[i] ?? 0)) * (1 + (squeeze[i] ?? 0));
      across = across < 0 ? 0 : across > 0.9999 ? 0.9999 : across;
      const sample = (((1 - above + rise) * last) | 0) * cellSize + ((across * cellSize) | 0);
      const yarn = (cells[(cell[i] ?? 0) + sample] ?? 0) * (gain[i] ?? 0);
      const grain =
        (bits(fibreSeed, Math.floor(((needle[wale] ?? 0) + u - wale) * grainU), Math.floor(h * grainH)) >>> 16) /
          32_768 -
        1;
      sheet[row + x] = tone * yarn * (1 + fibre * grain);
      u += duX;
      h += dhX;
    }
  }
  soften(sheet, widthPx, heightPx, 0.14);
}

function layLoops(knit: Knit, fromU: number, toU: number, fromH: number, toH: number): Loops {
  const { tube, direction, unevenness } = knit;
  const firstWale = Math.floor(fromU) - 1;
  const wales = Math.floor(toU) + 2 - firstWale;
  const rows = Math.floor(toH - fromH) + 4;
  const loops: Loops = {
    firstWale,
    wales,
    rows,
    firstCourse: new Int32Array(wales),
    base: new Float64Array(wales),
    needle: new Float64Array(wales),
    gain: new Float32Array(wales * rows),
    squeeze: new Float32Array(wales * rows),
    shift: new Float32Array(wales * rows),
    level: new Float32Array(wales * rows),
    ladder: new Uint8Array(wales * rows),
  };
  const yarnSeed = branch(knit.seed, 'yarn');
  const needleSeed = branch(knit.seed, 'needle');
  const feederSeed = branch(knit.seed, 'feeder');
  const loopSeed = branch(knit.seed, 'loop');
  const tilt = (direction * tube.feeders) / tube.needles;
  for (let w = 0; w < wales; w += 1) {
    const wale = firstWale + w;
    const turns = Math.floor(wale / tube.needles);
    const needle = wale - turns * tube.needles;
    const first = Math.floor(fromH + tilt * wale) - 1;
    loops.firstCourse[w] = first;
    loops.base[w] = first - tilt * wale;
    loops.needle[w] = needle;
    const needleTone = 0.012 * unevenness * bell(needleSeed, needle, 0);
    const needleShift = 0.018 * unevenness * bell(needleSeed, needle, 1);
    const needleSqueeze = 0.025 * unevenness * bell(needleSeed, needle, 2);
    for (let r = 0; r < rows; r += 1) {
      const i = w * rows + r;
      const course = first + r - direction * turns * tube.feeders;
      const round = Math.floor(course / tube.feeders);
      const feeder = course - round * tube.feeders;
      // Loops along the yarn: a feeder's course goes on where its last one ended.
      const along = needle - direction * round * tube.needles;
      const thick = 0.8 * drift(yarnSeed, feeder, along / 4.3) + 0.6 * drift(yarnSeed, feeder + 50_021, along / 29);
      const loop = bits(loopSeed, needle, course);
      const jitter = ((loop & 0xffff) / 32_768 - 1) * 1.2;
      const jitterShift = ((loop >>> 16) / 32_768 - 1) * 1.2;
      loops.gain[i] = 1 + needleTone + unevenness * (0.012 * bell(feederSeed, feeder) + 0.033 * thick + 0.03 * jitter);
      loops.level[i] = middleLevel + unevenness * (0.9 * thick + 0.35 * bell(feederSeed, feeder, 1));
      loops.squeeze[i] = needleSqueeze + 0.02 * unevenness * jitter;
      loops.shift[i] = needleShift + 0.018 * unevenness * jitterShift;
    }
  }
  return loops;
}

function spoil(knit: Knit, loops: Loops, fault: KnitFault): void {
  const { tube, direction } = knit;
  const { wales, rows, firstWale } = loops;
  /** Calls `action` for the loops at one needle, wherever it is in view. */
  const ofNeedle = (needle: number, action: (i: number, height: number, course: number) => void): void => {
    for (let w = 0; w < wales; w += 1) {
      const wale = firstWale + w;
      if (modulo(wale - needle, tube.needles) !== 0) continue;
      const turns = Math.floor(wale / tube.needles);
      for (let r = 0; r < rows; r += 1) {
        const course = (loops.firstCourse[w] ?? 0) + r - direction * turns * tube.feeders;
        action(w * rows + r, (loops.base[w] ?? 0) + r, course);
      }
    }
  };
  const add = (array: Float32Array, i: number, by: number): void => {
    array[i] = (array[i] ?? 0) + by;
  };
  switch (fault.kind) {
    case 'needle_line': {
      const { fromHeight, toHeight, strength } = fault;
      // A worn latch holds its loop back: the loop is drawn tight, and its neighbours take the yarn.
      ofNeedle(fault.needle, (i, height) => {
        if (height < fromHeight || height >= toHeight) return;
        add(loops.squeeze, i, 0.3 * strength);
        add(loops.level, i, -1.6 * strength);
        loops.gain[i] = (loops.gain[i] ?? 0) * (1 - 0.13 * strength);
      });
      for (const beside of [-1, 1]) {
        ofNeedle(fault.needle + beside, (i, height) => {
          if (height < fromHeight || height >= toHeight) return;
          add(loops.level, i, 0.8 * strength);
          loops.gain[i] = (loops.gain[i] ?? 0) * (1 + 0.04 * strength);
        });
      }
      return;
    }
    case 'sinker_line': {
      const { fromHeight, toHeight, strength } = fault;
      // A bent sinker: the wales on both sides of it stand apart, and the gap between them is dark.
      for (const [beside, shift] of [
        [0, 0.11],
        [1, -0.11],
      ] as const) {
        ofNeedle(fault.needle + beside, (i, height) => {
          if (height < fromHeight || height >= toHeight) return;
          add(loops.shift, i, shift * strength);
          loops.gain[i] = (loops.gain[i] ?? 0) * (1 - 0.05 * strength);
        });
      }
      return;
    }
    case 'ladder':
      ofNeedle(fault.needle, (i, height) => {
        const below = fault.height - height;
        if (below >= 0 && below < fault.courses) {
          loops.ladder[i] = 1;
          loops.gain[i] = 1;
          loops.shift[i] = 0;
          loops.squeeze[i] = 0;
        }
      });
      for (const [beside, shift] of [
        [-1, 0.12],
        [1, -0.12],
      ] as const) {
        ofNeedle(fault.needle + beside, (i, height) => {
          const below = fault.height - height;
          if (below >= 0 && below < fault.courses) add(loops.shift, i, shift);
        });
      }
      return;
    case 'barre':
      each(loops, direction, tube, (i, _wale, course) => {
        if (modulo(course, tube.feeders) !== fault.feeder) return;
        loops.gain[i] = (loops.gain[i] ?? 0) * (1 + fault.tone);
        add(loops.level, i, fault.level);
      });
      return;
    case 'slack':
      // Without the elastane the loops are long and open.
      each(loops, direction, tube, (i, wale, course) => {
        const up = course - fault.course;
        if (up < 0 || up >= fault.courses || wale < fault.fromWale || wale >= fault.fromWale + fault.wales) return;
        add(loops.level, i, -1.8 * fault.strength);
        add(loops.squeeze, i, 0.08 * fault.strength);
        loops.gain[i] = (loops.gain[i] ?? 0) * (1 - 0.1 * fault.strength);
      });
      return;
    case 'slub':
      each(loops, direction, tube, (i, wale, course) => {
        const along = (wale - fault.fromWale + 0.5) / fault.wales;
        if (along < 0 || along > 1) return;
        const swell = Math.sin(Math.PI * along);
        if (course === fault.course) {
          add(loops.level, i, 5 * fault.gain * swell);
          loops.gain[i] = (loops.gain[i] ?? 0) * (1 + 0.16 * fault.gain * swell);
        } else if (Math.abs(course - fault.course) === 1) {
          add(loops.level, i, 1.5 * fault.gain * swell);
          loops.gain[i] = (loops.gain[i] ?? 0) * (1 + 0.07 * fault.gain * swell);
        }
      });
  }
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Every loop in view, with its wale as counted in the view and its course as counted from needle 0. */
function each(
  loops: Loops,
  direction: 1 | -1,
  tube: Tube,
  action: (i: number, wale: number, course: number) => void,
): void {
  for (let w = 0; w < loops.wales; w += 1) {
    const wale = loops.firstWale + w;
    const turned = direction * Math.floor(wale / tube.needles) * tube.feeders;
    for (let r = 0; r < loops.rows; r += 1) {
      action(w * loops.rows + r, wale, (loops.firstCourse[w] ?? 0) + r - turned);
    }
  }
}

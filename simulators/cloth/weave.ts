/**
 * Plain weave and twill: upright ends (warp) and level picks (weft) that pass over each other by a rule. What lies on top is a
 * float, round across and sinking where it goes under; yarns are thick and thin along their length and wander a little.
 *
 * Invariant (test in `test/unit/simulators/cloth/weave.test.ts`): the same weave and view give the same sheet.
 */
import { bell, bits, branch, drift } from './chance.ts';
import { cellSize, footprintOf, levels, levelStep, makeCells, middleLevel } from './cells.ts';
import { soften, type Sheet, type View } from './view.ts';

/** Over how many picks an end floats and over how many it sinks; each end begins `step` picks after its neighbour. */
export interface Binding {
  readonly over: number;
  readonly under: number;
  readonly step: number;
}
export const bindings = {
  plain: { over: 1, under: 1, step: 1 },
  twill: { over: 2, under: 2, step: 1 },
} as const satisfies Record<string, Binding>;

export interface WeaveOptions {
  readonly seed: number;
  readonly binding: Binding;
  readonly endsPerCm: number;
  readonly picksPerCm: number;
  readonly pxPerMm: number;
  readonly warpTone: number;
  readonly weftTone: number;
  /** Yarn diameter as a share of its pitch. */
  readonly cover: number;
  readonly unevenness: number;
  readonly lensMm: number;
}
export interface Weave extends WeaveOptions {
  readonly cells: Float32Array;
}

export type WeaveFault =
  /** An end or a pick that is missing over a length: the gap shows what crosses it. Places in yarns. */
  | { readonly kind: 'broken_end'; readonly end: number; readonly fromPick: number; readonly toPick: number }
  | { readonly kind: 'broken_pick'; readonly pick: number; readonly fromEnd: number; readonly toEnd: number }
  | {
      readonly kind: 'bar';
      readonly pick: number;
      readonly picks: number;
      readonly tone: number;
      readonly level: number;
    }
  | {
      readonly kind: 'slub';
      readonly pick: number;
      readonly fromEnd: number;
      readonly ends: number;
      readonly gain: number;
    };

/** Cells by what is on top (warp, weft, nothing), whether the float goes on before and after this crossing, and thickness. */
const kinds = 9;
const gapKind = 8;
const ground = 0.13;

export function createWeave(options: WeaveOptions): Weave {
  const endMm = 10 / options.endsPerCm;
  const pickMm = 10 / options.picksPerCm;
  const cells = makeCells(kinds * levels, footprintOf(endMm, pickMm, options.pxPerMm, options.lensMm), (cell, u, v) => {
    const kind = Math.floor(cell / levels);
    const thick = options.cover * (1 + ((cell % levels) - middleLevel) * levelStep);
    if (kind === gapKind) return ground + 0.4 * section(v - 0.5, options.cover * 0.85);
    const warp = kind < 4;
    const [across, along] = warp ? [u, v] : [v, u];
    return float(across - 0.5, along, (kind & 1) === 1, (kind & 2) === 2, thick, options.cover);
  });
  return { ...options, cells };
}

/** Height of a round yarn at a distance from its middle, both as shares of the pitch. */
const section = (away: number, thick: number): number => {
  const d = away / (thick / 2);
  return Math.abs(d) < 1 ? Math.sqrt(1 - d * d) : 0;
};

function float(
  across: number,
  along: number,
  before: boolean,
  after: boolean,
  thick: number,
  crossing: number,
): number {
  const sinkBefore = before ? 1 : Math.sin((Math.PI / 2) * Math.min(1, along / 0.5));
  const sinkAfter = after ? 1 : Math.sin((Math.PI / 2) * Math.min(1, (1 - along) / 0.5));
  const arch = along < 0.5 ? sinkBefore : sinkAfter;
  const round = section(across, thick * (0.9 + 0.1 * arch));
  const plies = 1 + 0.06 * Math.sin(2 * Math.PI * (1.5 * along + 0.8 * across));
  const top = round * (0.42 + 0.58 * arch) * plies * (1 - 0.16 * across);
  // Beside the float the yarn it crosses is seen, deep down.
  const below = 0.38 * section(along - 0.5, crossing);
  return ground + (1 - ground) * Math.max(top, round > 0 ? 0 : below);
}

/** true: the end is on top at this crossing. */
export function warpOnTop(binding: Binding, end: number, pick: number): boolean {
  const repeat = binding.over + binding.under;
  return (((pick - end * binding.step) % repeat) + repeat) % repeat < binding.over;
}

/** Draws the weave. End e is at x = e · pitch, pick p at y = p · pitch. The camera stands upright: `turnRad` is not looked at. */
export function drawWeave(weave: Weave, view: View, faults: readonly WeaveFault[], sheet: Sheet): void {
  const perEnd = weave.endsPerCm / 10;
  const perPick = weave.picksPerCm / 10;
  const { widthPx, heightPx } = view;
  const firstX = (view.xMm - widthPx / 2 / view.pxPerMm) * perEnd;
  const firstY = (view.yMm - heightPx / 2 / view.pxPerMm) * perPick;
  const stepX = perEnd / view.pxPerMm;
  const stepY = perPick / view.pxPerMm;
  const firstEnd = Math.floor(firstX) - 1;
  const firstPick = Math.floor(firstY) - 1;
  const ends = Math.ceil(widthPx * stepX) + 4;
  const picks = Math.ceil(heightPx * stepY) + 4;
  const crossings = lay(weave, firstEnd, firstPick, ends, picks);
  for (const fault of faults) spoil(crossings, fault);
  const { gain, cell, wander, sway } = crossings;
  const fibreSeed = branch(weave.seed, 'fibre');
  const fibre = 0.06 * weave.unevenness;
  const grainX = Math.round((view.xMm - widthPx / 2 / view.pxPerMm) * view.pxPerMm);
  const grainY = Math.round((view.yMm - heightPx / 2 / view.pxPerMm) * view.pxPerMm);
  const last = cellSize - 0.001;
  for (let y = 0; y < heightPx; y += 1) {
    const plainV = firstY + (y + 0.5) * stepY - firstPick;
    const nearPick = plainV | 0;
    for (let x = 0; x < widthPx; x += 1) {
      const plainU = firstX + (x + 0.5) * stepX - firstEnd;
      const nearEnd = plainU | 0;
      // Ends wander sideways from pick to pick, picks up and down from end to end.
      const near = nearPick * ends + nearEnd;
      const u = plainU + (wander[near] ?? 0);
      const v = plainV + (sway[near] ?? 0);
      const i = (v | 0) * ends + (u | 0);
      const sample = (((v - (v | 0)) * last) | 0) * cellSize + (((u - (u | 0)) * last) | 0);
      const grain = (bits(fibreSeed, grainX + x, grainY + y) >>> 16) / 32_768 - 1;
      sheet[y * widthPx + x] = (weave.cells[(cell[i] ?? 0) + sample] ?? 0) * (gain[i] ?? 0) * (1 + fibre * grain);
    }
  }
  soften(sheet, widthPx, heightPx, 0.16);
}

interface Crossings {
  readonly weave: Weave;
  readonly firstEnd: number;
  readonly firstPick: number;
  readonly ends: number;
  readonly picks: number;
  readonly gain: Float32Array;
  readonly cell: Int32Array;
  readonly wander: Float32Array;
  readonly sway: Float32Array;
}

function lay(weave: Weave, firstEnd: number, firstPick: number, ends: number, picks: number): Crossings {
  const warpSeed = branch(weave.seed, 'warp');
  const weftSeed = branch(weave.seed, 'weft');
  const size = ends * picks;
  const crossings: Crossings = {
    weave,
    firstEnd,
    firstPick,
    ends,
    picks,
    gain: new Float32Array(size),
    cell: new Int32Array(size),
    wander: new Float32Array(size),
    sway: new Float32Array(size),
  };
  const uneven = weave.unevenness;
  for (let p = 0; p < picks; p += 1) {
    const pick = firstPick + p;
    for (let e = 0; e < ends; e += 1) {
      const end = firstEnd + e;
      const i = p * ends + e;
      const warp = warpOnTop(weave.binding, end, pick);
      const thick = warp
        ? 0.7 * drift(warpSeed, end, pick / 6) + 0.5 * bell(warpSeed, end, 1)
        : 0.7 * drift(weftSeed, pick, end / 6) + 0.5 * drift(weftSeed, pick + 70_001, end / 41);
      const level = middleLevel + uneven * 1.1 * thick;
      const tone = warp ? weave.warpTone : weave.weftTone;
      crossings.gain[i] = tone * (1 + uneven * (0.035 * thick + 0.02 * bell(warpSeed + 3, end, pick)));
      crossings.cell[i] = cellOf(weave.binding, end, pick, level);
      crossings.wander[i] = 0.09 * uneven * drift(warpSeed + 5, end, pick / 9);
      crossings.sway[i] = 0.09 * uneven * drift(weftSeed + 5, pick, end / 9);
    }
  }
  return crossings;
}

/** Where the cell of a crossing begins. */
function cellOf(binding: Binding, end: number, pick: number, level: number): number {
  const warp = warpOnTop(binding, end, pick);
  const before = warp ? warpOnTop(binding, end, pick - 1) : !warpOnTop(binding, end - 1, pick);
  const after = warp ? warpOnTop(binding, end, pick + 1) : !warpOnTop(binding, end + 1, pick);
  const kind = (warp ? 0 : 4) + (before ? 1 : 0) + (after ? 2 : 0);
  return cellAt(kind, level);
}
const cellAt = (kind: number, level: number): number =>
  (kind * levels + Math.min(levels - 1, Math.max(0, Math.round(level)))) * cellSize * cellSize;

function spoil(crossings: Crossings, fault: WeaveFault): void {
  const { weave, firstEnd, firstPick, ends, picks, gain, cell } = crossings;
  const each = (action: (i: number, end: number, pick: number) => void): void => {
    for (let p = 0; p < picks; p += 1) {
      for (let e = 0; e < ends; e += 1) action(p * ends + e, firstEnd + e, firstPick + p);
    }
  };
  const brighten = (i: number, by: number): void => {
    gain[i] = (gain[i] ?? 0) * (1 + by);
  };
  switch (fault.kind) {
    case 'broken_end':
      each((i, end, pick) => {
        if (end !== fault.end || pick < fault.fromPick || pick >= fault.toPick) return;
        // The picks lie bare where the end was, and sink into the gap.
        cell[i] = warpOnTop(weave.binding, end, pick) ? cellAt(gapKind, middleLevel) : cellAt(4 + 3, 2);
        gain[i] = weave.weftTone * 0.86;
      });
      return;
    case 'broken_pick':
      each((i, end, pick) => {
        if (pick !== fault.pick || end < fault.fromEnd || end >= fault.toEnd) return;
        cell[i] = cellAt(3, 2);
        gain[i] = weave.warpTone * (warpOnTop(weave.binding, end, pick) ? 0.84 : 0.7);
      });
      return;
    case 'bar':
      each((i, end, pick) => {
        if (pick < fault.pick || pick >= fault.pick + fault.picks) return;
        if (!warpOnTop(weave.binding, end, pick)) brighten(i, fault.tone);
        else brighten(i, fault.tone / 2);
      });
      return;
    case 'slub':
      each((i, end, pick) => {
        const along = (end - fault.fromEnd + 0.5) / fault.ends;
        if (along < 0 || along > 1 || Math.abs(pick - fault.pick) > 1) return;
        const swell = Math.sin(Math.PI * along) * fault.gain;
        if (pick === fault.pick) {
          // So thick that it is seen between the ends that cross it.
          cell[i] = warpOnTop(weave.binding, end, pick)
            ? cellAt(0, middleLevel - 3)
            : cellAt(4 + 3, middleLevel + 5 * swell);
          brighten(i, 0.2 * swell);
        } else brighten(i, 0.06 * swell);
      });
  }
}

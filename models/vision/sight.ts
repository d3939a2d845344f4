/**
 * One frame from its map of scores to what the tracker takes in, and a finding to its line of the roll map. Pure; ties blobs, look,
 * class and place together.
 */
import { type Blob, type BlobOptions, type Blobs, coreOf, findBlobs, type ScoreMap } from './blobs.ts';
import { classify, type Classified, type ClothView } from './classify.ts';
import type { Box, Grey } from './grey.ts';
import { type Look, lookOf } from './look.ts';
import {
  coverage,
  nameNeedle,
  needleAt,
  needleNumber,
  type Place,
  type RollPlace,
  rollAt,
  type TubeGeometry,
  walePitchMm,
} from './position.ts';
import type { RollDefect } from './roll-map.ts';
import type { Sighting, TrackedFinding } from './track.ts';
import type { SeenFrame } from './tracker.ts';
import type { Turn } from './turns.ts';
import { columnOfLine, waleLineSd } from './wale-line.ts';

/** Where the pixels of one frame lie on the cloth. Pixels of the image, not of the map. */
export interface Placing {
  readonly turns: number;
  /** Needles or millimetres across for one pixel. */
  readonly acrossPerPx: number;
  readonly across: (xPx: number, sdPx: number) => Place;
  readonly along: (yPx: number, sdPx: number) => RollPlace;
}

/** A camera before the tube of a circular machine. */
export function tubePlacing(geometry: TubeGeometry, turn: Turn): Placing {
  return {
    turns: turn.turns,
    acrossPerPx: geometry.mmPerPx / walePitchMm(geometry),
    across: (xPx, sdPx) => needleAt(geometry, turn, xPx, sdPx),
    along: (yPx, sdPx) => rollAt(geometry, turn, yPx, sdPx),
  };
}

/**
 * A camera over a flat web, its rows across the web.
 * @param top where the first row lies on the roll; newer cloth comes in at the top (`sign` −1) or at the bottom (1)
 * @param stepMm height of the view, the tracker's step
 */
export function webPlacing(mmPerPx: number, leftMm: number, top: RollPlace, sign: 1 | -1, stepMm: number): Placing {
  return {
    turns: top.mm / stepMm,
    acrossPerPx: mmPerPx,
    across: (xPx, sdPx) => ({
      at: leftMm + xPx * mmPerPx,
      randomSd: sdPx * mmPerPx,
      systematicSd: 0,
      isAnchored: true,
    }),
    along: (yPx, sdPx) => ({ mm: top.mm + sign * yPx * mmPerPx, sdMm: Math.hypot(top.sdMm, sdPx * mmPerPx) }),
  };
}

export interface Sighted {
  readonly frame: SeenFrame;
  /** One for each sighting of the frame, in its order: for the crop, and for who wants to know why. */
  readonly details: readonly {
    readonly blob: Blob;
    readonly core: Blob;
    readonly look: Look;
    readonly classified: Classified;
  }[];
  readonly dropped: Blobs['dropped'];
  /** Above 0 the map is not to be believed, whatever was found in it. */
  readonly notNumbers: number;
}

export interface Sight {
  readonly timeMs: number;
  readonly map: ScoreMap;
  readonly picture: Grey;
  /** Pixels of the image for one of the map, in both directions. */
  readonly scale: number;
  readonly view: ClothView;
  readonly placing: Placing;
}

/** What a frame shows, before anybody knows how far the machine had turned. */
export interface Looked {
  readonly timeMs: number;
  readonly details: Sighted['details'];
  /** Of each vertical one, where it stands in the picture itself, and how its wale looks; null of others. */
  readonly lines: readonly { readonly column: LineColumn | null; readonly look: Float32Array | null }[];
  readonly odd: readonly OddColumn[];
  readonly scale: number;
  readonly view: ClothView;
  readonly dropped: Blobs['dropped'];
  readonly notNumbers: number;
}

interface LineColumn {
  readonly xPx: number;
  readonly sdPx: number;
}

/** A wale that is otherwise than those around, over the whole height of the cloth (`odd-wales.ts`). */
export interface OddColumn {
  readonly xPx: number;
  readonly sdPx: number;
  readonly score: number;
  /** null: not to be compared. */
  readonly look: Float32Array | null;
  /** The stretch of the roll that showed it a revolution ago, mm; absent: only this picture does. */
  readonly before?: { readonly alongFromMm: number; readonly alongToMm: number };
}

/**
 * Everything above the threshold in one frame, and its class.
 * @param odd what was seen in the columns of the picture
 * @param lookAt how the wale in a column looks, where lines are told apart by it
 */
export function looked(
  { timeMs, map, picture, scale, view }: Omit<Sight, 'placing'>,
  options: BlobOptions,
  odd: readonly OddColumn[] = [],
  lookAt: ((xPx: number) => Float32Array) | null = null,
): Looked {
  const found = findBlobs(map, options);
  const details = found.blobs.map((blob) => {
    const core = coreOf(blob, map, options.low);
    const look = lookOf(picture, core, blob, scale, view.cloth);
    return { blob, core, look, classified: classify(core, look, view) };
  });
  const lines = details.map(({ blob, core, classified }) => {
    if (classified.shape !== 'vertical') return { column: null, look: null };
    const column = columnIn(picture, core, scale, view);
    return { column, look: lookAt?.(column?.xPx ?? blob.centreX * scale) ?? null };
  });
  return {
    timeMs,
    details,
    lines,
    odd: withoutSpots(odd, details, scale),
    scale,
    view,
    dropped: found.dropped,
    notNumbers: found.notNumbers,
  };
}

/** A hole makes its wales odd too, in part of the height: it is a spot, and no line. */
export function withoutSpots(
  odd: readonly OddColumn[],
  details: Sighted['details'],
  scale: number,
): readonly OddColumn[] {
  const spots = details.filter(({ classified }) => classified.shape !== 'vertical').map(({ blob }) => blob);
  return odd.filter(
    ({ xPx }) => !spots.some(({ left, right }) => xPx > (left - 1) * scale && xPx < (right + 1) * scale),
  );
}

/** The same in its place. */
export function placed(
  { timeMs, details, lines, odd, scale, view, dropped, notNumbers }: Looked,
  placing: Placing,
): Sighted {
  const [top, bottom] = [view.cloth.top, view.cloth.bottom].map((y) => placing.along(y * scale, 0).mm);
  const frame: SeenFrame = {
    timeMs,
    turns: placing.turns,
    alongFromMm: Math.min(top ?? 0, bottom ?? 0),
    alongToMm: Math.max(top ?? 0, bottom ?? 0),
    sightings: [
      ...details.map(({ blob, core, classified }, i) =>
        sightingOf(blob, core, classified, placing, scale, lines[i] ?? { column: null, look: null }),
      ),
      ...odd.map((one) => oddSighting(one, view, scale, placing)),
    ],
  };
  return { frame, details, dropped, notNumbers };
}

/** Everything above the threshold in one frame, classed and placed. */
export function sighted(sight: Sight, options: BlobOptions): Sighted {
  return placed(looked(sight, options), sight.placing);
}

/** @param half of its width, in units of `place`; @param box its rows, in cells of the map */
function extentOf(
  place: Sighting['place'],
  half: number,
  { top, bottom }: Pick<Box, 'top' | 'bottom'>,
  scale: number,
  placing: Placing,
): Pick<Sighting, 'acrossFrom' | 'acrossTo' | 'alongFromMm' | 'alongToMm' | 'alongSdMm'> {
  const ends = [top, bottom].map((y) => placing.along(y * scale, 0.5 * scale));
  const mms = ends.map(({ mm }) => mm);
  return {
    acrossFrom: place.at - half,
    acrossTo: place.at + half,
    alongFromMm: Math.min(...mms),
    alongToMm: Math.max(...mms),
    alongSdMm: ends[0]?.sdMm ?? 0,
  };
}

function oddSighting(
  { xPx, sdPx, score, look, before }: OddColumn,
  view: ClothView,
  scale: number,
  placing: Placing,
): Sighting {
  const place = placing.across(xPx, sdPx);
  const half = ((view.walePitchMm ?? view.mmPerPx) / view.mmPerPx / 2) * scale * placing.acrossPerPx;
  const extent = extentOf(place, half, view.cloth, scale, placing);
  return {
    class: 'needle_line',
    shape: 'vertical',
    score,
    place,
    ...extent,
    ...(look === null ? {} : { look }),
    ...(before === undefined
      ? {}
      : {
          passes: 2,
          alongFromMm: Math.min(extent.alongFromMm, before.alongFromMm),
          alongToMm: Math.max(extent.alongToMm, before.alongToMm),
        }),
  };
}

/** Where a line along a wale stands, in the picture itself; null where no wale is known, or none is there to hold it against. */
function columnIn(picture: Grey, blob: Blob, scale: number, view: ClothView): LineColumn | null {
  if (view.walePitchMm === null) return null;
  const pitchPx = (view.walePitchMm / view.mmPerPx) * scale;
  const box = {
    left: blob.left * scale,
    top: blob.top * scale,
    right: blob.right * scale,
    bottom: Math.min(blob.bottom * scale, picture.height),
  };
  const xPx = columnOfLine(picture, box, pitchPx);
  return xPx === null ? null : { xPx, sdPx: waleLineSd * pitchPx };
}

function sightingOf(
  blob: Blob,
  core: Blob,
  { class: name, shape }: Classified,
  placing: Placing,
  scale: number,
  { column: line, look }: Looked['lines'][number],
): Sighting {
  // Which needle of its width made it nobody knows: of a line half its own spread, of a spot all its width.
  const sdPx =
    Math.hypot(0.5, shape === 'vertical' ? core.minorSd / 2 : (core.right - core.left) / Math.sqrt(12)) * scale;
  const place = placing.across(line?.xPx ?? blob.centreX * scale, line?.sdPx ?? sdPx);
  // Around a plain spot the scores are high some way into good cloth: its size is that of its core.
  const box = shape === 'spot' ? core : blob;
  // A line that leans has a wide box; its width is that across its axis.
  const widthPx = shape === 'vertical' ? core.minorSd * Math.sqrt(12) : box.right - box.left;
  const half = (widthPx / 2) * scale * placing.acrossPerPx;
  return {
    class: name,
    shape,
    score: blob.peak,
    place,
    ...extentOf(place, half, box, scale, placing),
    ...(look === null ? {} : { look }),
  };
}

/**
 * The line of the roll map for a finding.
 * @param geometry of the tube; null on a flat web, where across is in mm already and no needle is named
 */
export function rollDefectOf(
  finding: TrackedFinding,
  threshold: number,
  geometry: TubeGeometry | null,
  evidence: readonly string[],
): RollDefect {
  const named =
    geometry === null || finding.place === null
      ? { needle: null, k: null, reason: 'no-needle' as const }
      : nameNeedle(finding.place, geometry);
  const width = finding.acrossTo - finding.acrossFrom;
  const fromMm =
    geometry === null
      ? finding.acrossFrom
      : (needleNumber(finding.acrossFrom, geometry) - geometry.firstNeedle) * walePitchMm(geometry);
  return {
    id: finding.id,
    class: finding.class,
    cause: finding.cause,
    score: finding.score,
    threshold,
    fromMm: finding.alongFromMm,
    toMm: finding.alongToMm,
    alongErrorMm: coverage * finding.alongSdMm,
    acrossFromMm: fromMm,
    acrossToMm: fromMm + width * (geometry === null ? 1 : walePitchMm(geometry)),
    needle: named.needle,
    k: named.k,
    needleUnknown: named.reason,
    revolutions: finding.revolutions,
    evidence: [...evidence],
  };
}

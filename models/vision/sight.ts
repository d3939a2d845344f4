/**
 * From the map of one frame to what is seen in it: blobs, their class, and where on the machine and on the roll they lie. Pure; the tracker
 * makes findings of it (`tracker.ts`).
 *
 * Invariants (test/unit/models/vision-sight.test.ts):
 *  G1  A sighting lies where the blob lies: its box and its middle are those of the blob, in needles round a tube or mm across a web, and in
 *      mm of the roll.
 *  G2  What reaches over the edge of the cloth or of the view counts only as far as it is cloth and seen.
 *  G3  Without a turn of the machine there are no sightings: a fault without a place cannot be told from one seen before. They are counted.
 */
import { type BlobOptions, type Blob, type Blobs, findBlobs, type ScoreMap } from './blobs.ts';
import { classify, type ClothView } from './classify.ts';
import { lookOf, type Picture } from './look.ts';
import { needleAt, type Place, rollAt, type TubeGeometry, walePitchMm } from './position.ts';
import type { Sighting } from './track.ts';
import type { Turn } from './turns.ts';

/** A flat web under a camera that stands still: an inspection table. */
export interface WebGeometry {
  readonly mmPerPx: number;
  /** Where the left edge of the image lies from the left edge of the cloth, mm. */
  readonly leftMm: number;
  /** ± bound of a place across, mm. */
  readonly acrossErrorMm: number;
}

export interface FrameView {
  /** What the camera saw, at full resolution. */
  readonly picture: Picture;
  /** Scores over it; `scale` pixels of the picture a side for one of the map. */
  readonly map: ScoreMap;
  readonly scale: number;
  /** The part of the map that is cloth. */
  readonly cloth: ClothView['cloth'];
  readonly behind: ClothView['behind'];
  /** Distance of courses, mm; null where nobody said. */
  readonly coursePitchMm: number | null;
}

export interface Seen {
  readonly sighting: Sighting;
  readonly blob: Blob;
}

export interface SeenInFrame {
  readonly seen: readonly Seen[];
  readonly dropped: Blobs['dropped'];
  readonly notNumbers: number;
  /** Blobs that have no place because the machine's turn is not known (G3). */
  readonly placeless: number;
}

/** One sigma of where a line stands in a column, pixels of the picture. */
const columnSdPx = 0.5;
/** Below every threshold, and a number: what is none counts as a fault of the model. */
const outsideScore = -3e38;

/** @param turn of the machine when the frame was taken; null: not known */
export function seenOnTube(
  view: FrameView,
  geometry: TubeGeometry,
  turn: Turn | null,
  options: BlobOptions,
): SeenInFrame {
  const { blobs, dropped, notNumbers } = findBlobs(inCloth(view), options);
  if (turn === null) return { seen: [], dropped, notNumbers, placeless: blobs.length };
  const perNeedlePx = walePitchMm(geometry) / geometry.mmPerPx;
  const seen = blobs.map((blob): Seen => {
    const place = needleAt(geometry, turn, blob.centreX * view.scale, columnSdPx * view.scale);
    const toNeedle = (x: number) => place.at + (geometry.columns * (x - blob.centreX) * view.scale) / perNeedlePx;
    const ends = [toNeedle(blob.left), toNeedle(blob.right)];
    const rows = [blob.top, blob.bottom].map((y) => rollAt(geometry, turn, y * view.scale, columnSdPx).mm);
    return sightingOf(view, blob, { mmPerPx: geometry.mmPerPx, walePitchMm: walePitchMm(geometry) }, place, ends, rows);
  });
  return { seen, dropped, notNumbers, placeless: 0 };
}

/** @param topMm mm of the roll at the upper edge of the picture, which rises downwards; null: not known */
export function seenOnWeb(
  view: FrameView,
  geometry: WebGeometry,
  topMm: number | null,
  options: BlobOptions,
): SeenInFrame {
  const { blobs, dropped, notNumbers } = findBlobs(inCloth(view), options);
  if (topMm === null) return { seen: [], dropped, notNumbers, placeless: blobs.length };
  const mmPerMapPx = geometry.mmPerPx * view.scale;
  const seen = blobs.map((blob): Seen => {
    const place: Place = {
      at: geometry.leftMm + blob.centreX * mmPerMapPx,
      randomSd: columnSdPx * mmPerMapPx,
      systematicSd: geometry.acrossErrorMm / Math.sqrt(3),
      isAnchored: true,
    };
    const ends = [blob.left, blob.right].map((x) => geometry.leftMm + x * mmPerMapPx);
    const rows = [blob.top, blob.bottom].map((y) => topMm + y * mmPerMapPx);
    return sightingOf(view, blob, { mmPerPx: geometry.mmPerPx, walePitchMm: null }, place, ends, rows);
  });
  return { seen, dropped, notNumbers, placeless: 0 };
}

function sightingOf(
  view: FrameView,
  blob: Blob,
  pitch: { readonly mmPerPx: number; readonly walePitchMm: number | null },
  place: Place,
  across: readonly number[],
  along: readonly number[],
): Seen {
  const look = lookOf(view.picture, blob, blob.runs, view.scale, view.cloth);
  const { class: name, shape } = classify(blob, look, {
    mmPerPx: pitch.mmPerPx * view.scale,
    walePitchMm: pitch.walePitchMm,
    coursePitchMm: view.coursePitchMm,
    behind: view.behind,
    cloth: view.cloth,
  });
  const sighting: Sighting = {
    class: name,
    shape,
    score: blob.peak,
    place,
    acrossFrom: Math.min(...across),
    acrossTo: Math.max(...across),
    alongFromMm: Math.min(...along),
    alongToMm: Math.max(...along),
  };
  return { sighting, blob };
}

/** The map with nothing outside the cloth (G2). */
function inCloth({ map, cloth }: FrameView): ScoreMap {
  const { width, height } = map;
  if (cloth.left <= 0 && cloth.top <= 0 && cloth.right >= width && cloth.bottom >= height) return map;
  const scores = new Float32Array(map.scores.length).fill(outsideScore);
  const [left, right] = [Math.max(0, cloth.left), Math.min(width, cloth.right)];
  for (let y = Math.max(0, cloth.top); y < Math.min(height, cloth.bottom); y += 1) {
    scores.set(map.scores.subarray(y * width + left, y * width + right), y * width + left);
  }
  return { width, height, scores };
}

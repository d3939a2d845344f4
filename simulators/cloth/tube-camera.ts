/**
 * What a camera in front of a knitting machine's tube takes: one exposure for one angle of the cylinder. Light drifts, the camera
 * shakes, the sensor has noise; in the image's upper margin the ring of the cylinder is seen, with a mark on it.
 *
 * Invariants (tests in `test/unit/simulators/cloth/tube-camera.test.ts`):
 *  T1  The same scene and shot give the same bytes.
 *  T2  The mark stands above the wale of its needle, and a needle line at the column of `geometry.ts`, within the shake.
 */
import { bell, branch, drift } from './chance.ts';
import { columnOf, coursePitchMm, needleInMiddle, walePitchMm, type Tube, type TubeCamera } from './geometry.ts';
import { createKnit, drawKnit, type Knit, type KnitFault } from './knit.ts';
import { expose, illuminate, type Noise } from './optics.ts';
import { paintHole, paintLint } from './paint.ts';
import { soften, type Sheet, type View } from './view.ts';

export type { KnitFault } from './knit.ts';

/** What is seen through a hole: the dark inside of the tube. */
const behind = 0.06;

/** What is wrong with a camera. */
export type CameraTrouble = 'black' | 'overexposed' | 'defocused' | 'moved';

export interface TubeScene {
  readonly seed: number;
  readonly tube: Tube;
  /** Of the cloth below the margin. */
  readonly camera: TubeCamera;
  /** Rows above the cloth in which the ring is seen; 0: the ring is out of the image. */
  readonly marginPx: number;
  /** Needle above whose wale the mark on the ring stands. */
  readonly markNeedle: number;
  readonly tone: number;
  readonly unevenness: number;
  /** How far the camera shakes, standard deviation, mm. */
  readonly shakeMm: number;
}

/** A hole in the tube: its middle by needle and height in courses. */
export interface TubeHole {
  readonly needle: number;
  readonly height: number;
  readonly radiusMm: number;
  /** Its outline. */
  readonly seed: number;
}

export interface Shot {
  /** Of the cylinder, since the first course. */
  readonly revolutions: number;
  /** Time of the exposure, s; light and shake go by it. */
  readonly timeS: number;
  /** Number of the exposure: its noise. */
  readonly number: number;
  readonly faults: readonly KnitFault[];
  readonly holes?: readonly TubeHole[];
  readonly trouble: CameraTrouble | null;
}

/** Size of the whole image: margin and cloth. */
export const imageSize = (scene: TubeScene): { readonly widthPx: number; readonly heightPx: number } => ({
  widthPx: scene.camera.widthPx,
  heightPx: scene.camera.heightPx + scene.marginPx,
});

const noise: Noise = { read: 1.1, shot: 0.11 };
const markPx = 6;
/** A camera that was knocked: it has come nearer, hangs askew and looks beside its place. */
const knocked = { zoom: 1.13, turnRad: 0.07, rightMm: 6, upMm: 4 };
/** During 80 µs at 1.2 m/s the tube goes on by so much. */
const motionMm = 0.095;

export interface TubeEye {
  /** Writes the image of a shot, row by row. */
  take(shot: Shot, pixels: Uint8Array): void;
}

/** Sets the camera up: what is dear is made once. */
export function createTubeEye(scene: TubeScene): TubeEye {
  const { camera, tube } = scene;
  const knit = createKnit({
    seed: branch(scene.seed, 'knit'),
    tube,
    direction: camera.direction,
    pxPerMm: camera.pxPerMm,
    tone: scene.tone,
    yarn: 0.36,
    unevenness: scene.unevenness,
    lensMm: 0.45 / camera.pxPerMm,
    motionMm,
  });
  const cloth = new Float32Array(camera.widthPx * camera.heightPx);
  const { widthPx, heightPx } = imageSize(scene);
  const sheet = new Float32Array(widthPx * heightPx);
  return {
    take(shot, pixels) {
      const shake = shakeOf(scene, shot);
      drawCloth(scene, knit, shot, shake, cloth);
      sheet.set(cloth, scene.marginPx * widthPx);
      if (ringRows(scene, shot) > 0) drawRing(scene, shot, shake, sheet);
      const lightSeed = branch(scene.seed, 'light');
      illuminate(sheet, widthPx, heightPx, {
        white:
          210 *
          (1 + 0.03 * drift(lightSeed, 0, shot.timeS / 40) + 0.006 * bell(lightSeed, shot.number, 1)) *
          gainOf(shot.trouble),
        slopeX: 0.05 + 0.02 * drift(lightSeed, 1, shot.timeS / 90),
        slopeY: -0.03,
        fallX: 0.06,
        fallY: 0.04,
        // The lamp is the machine's: it stays where it is when the camera is knocked.
        offX: shot.trouble === 'moved' ? (-knocked.rightMm * camera.pxPerMm) / widthPx : 0,
        offY: shot.trouble === 'moved' ? (knocked.upMm * camera.pxPerMm) / heightPx : 0,
      });
      if (shot.trouble === 'defocused') for (let i = 0; i < 14; i += 1) soften(sheet, widthPx, heightPx, 0.33);
      expose(sheet, noise, branch(branch(scene.seed, 'exposure'), `${shot.number}`), pixels);
    },
  };
}

const gainOf = (trouble: CameraTrouble | null): number =>
  trouble === 'black' ? 0.008 : trouble === 'overexposed' ? 3.6 : 1;

/** Off its place by so much, mm: the machine's frame swings, and every exposure adds a little. */
function shakeOf(scene: TubeScene, shot: Shot): { readonly xMm: number; readonly yMm: number } {
  const seed = branch(scene.seed, 'shake');
  return {
    xMm: scene.shakeMm * (Math.sin(2 * Math.PI * 11.3 * shot.timeS) + 0.5 * bell(seed, shot.number, 0)),
    yMm: scene.shakeMm * (Math.sin(2 * Math.PI * 9.1 * shot.timeS + 1) + 0.5 * bell(seed, shot.number, 1)),
  };
}

function drawCloth(
  scene: TubeScene,
  knit: Knit,
  shot: Shot,
  shake: { readonly xMm: number; readonly yMm: number },
  cloth: Sheet,
): void {
  const { camera, tube } = scene;
  const moved = shot.trouble === 'moved';
  const view: View = {
    widthPx: camera.widthPx,
    heightPx: camera.heightPx,
    pxPerMm: camera.pxPerMm * (moved ? knocked.zoom : 1),
    // Wale n lies between n and n + 1 pitches: its middle is in the middle of the image when its needle is.
    xMm:
      (needleInMiddle(tube, camera, shot.revolutions) + 0.5) * walePitchMm(tube) +
      shake.xMm +
      (moved ? knocked.rightMm : 0),
    yMm: -tube.feeders * shot.revolutions * coursePitchMm(tube) + shake.yMm - (moved ? knocked.upMm : 0),
    turnRad: moved ? knocked.turnRad : 0,
  };
  drawKnit(knit, view, shot.faults, cloth);
  for (const { needle, height, radiusMm, seed } of shot.holes ?? []) {
    // The tube closes on itself: the wale of a needle is where the view is, whichever turn of the plane that is in.
    const round = tube.needles * walePitchMm(tube);
    const off = (needle + 0.5) * walePitchMm(tube) - view.xMm;
    const xMm = view.xMm + off - round * Math.floor(off / round + 0.5);
    paintHole(view, cloth, { xMm, yMm: -height * coursePitchMm(tube), radiusMm, aspect: 1, seed }, behind);
  }
  // Specks that come and go: lint in the air before the lens.
  paintLint(view, cloth, branch(scene.seed, `lint ${shot.number}`), 9);
}

/** Rows in which the ring is seen: more of it where the camera looks higher. */
const ringRows = (scene: TubeScene, shot: Shot): number =>
  scene.marginPx + (shot.trouble === 'moved' ? Math.round(knocked.upMm * scene.camera.pxPerMm) : 0);

/** The ring: brushed steel, dark, and the mark on it. */
function drawRing(scene: TubeScene, shot: Shot, shake: { readonly xMm: number }, sheet: Sheet): void {
  const { camera, tube } = scene;
  const marginPx = ringRows(scene, shot);
  const seed = branch(scene.seed, 'ring');
  const middle = needleInMiddle(tube, camera, shot.revolutions);
  const perPx = 1 / (walePitchMm(tube) * camera.pxPerMm);
  const moved = shot.trouble === 'moved';
  const zoom = moved ? knocked.zoom : 1;
  const mark = columnOf(tube, { ...camera, widthPx: camera.widthPx * 2 }, shot.revolutions, scene.markNeedle);
  const shift = -shake.xMm * camera.pxPerMm - (moved ? knocked.rightMm * camera.pxPerMm : 0);
  for (let x = 0; x < camera.widthPx; x += 1) {
    const needle = middle + (x + 0.5 - shift - camera.widthPx / 2) * perPx;
    const steel = 0.2 + 0.02 * bell(seed, Math.floor(modulo(needle, tube.needles) * 3), 0);
    let value = steel;
    if (mark !== null) {
      // `columnOf` was asked for an image twice as wide, so that a mark at the edge is drawn in part.
      const at = (mark - camera.widthPx) * zoom + camera.widthPx / 2 + shift;
      const inside = Math.min(1, Math.max(0, markPx / 2 + 0.5 - Math.abs(x + 0.5 - at)));
      value = steel + (0.95 - steel) * inside;
    }
    // The last two rows are the shadow between the ring and the cloth.
    for (let y = 0; y < marginPx; y += 1) sheet[y * camera.widthPx + x] = y < marginPx - 2 ? value : 0.08;
  }
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/**
 * Where a needle's wale and a feeder's course are, in the tube and in a camera's image. A camera that stands still looks at the
 * tube, which turns with the cylinder and is taken down by `feeders / coursesPerCm` cm a revolution.
 *
 * Wales are counted by needle, 0 to needles − 1. Courses are counted from the first one knitted: course k is of feeder k mod
 * feeders. A needle meets the feeders at its own angle, so a course is a helix: the loop of needle n in course k lies at the
 * height k − direction · feeders · n / needles, in courses.
 *
 * Invariants (each with a test in `test/unit/simulators/cloth/geometry.test.ts`):
 *  G1  needle → pixel → needle and course → pixel → course give back what went in, while both are in the image.
 *  G2  In one revolution every needle passes the image's middle once, in order of `direction`.
 *  G3  A loop stands at the same angle one revolution later, and one advance (feeders / coursesPerCm) further down.
 *  G4  (needle + needles, course) is the loop (needle, course − direction · feeders): the tube closes on itself as a helix.
 */

/** Gauge data of the tube, as domain arithmetic has it (needles = π · diameter · gauge). */
export interface Tube {
  readonly needles: number;
  readonly feeders: number;
  readonly coursesPerCm: number;
  /** Below the cylinder the tube is narrower than the ring of needles: 13/cm at E28, where the needles stand 11/cm. */
  readonly walesPerCm: number;
}

/** The tube of a machine. `narrowing`: width of a wale in the tube over the pitch of its needle. */
export function tubeOf(
  machine: {
    readonly diameterInch: number;
    readonly gauge: number;
    readonly feeders: number;
    readonly coursesPerCm: number;
  },
  narrowing = 0.85,
): Tube {
  return {
    needles: Math.round(Math.PI * machine.diameterInch * machine.gauge),
    feeders: machine.feeders,
    coursesPerCm: machine.coursesPerCm,
    walesPerCm: machine.gauge / 2.54 / narrowing,
  };
}

export const advanceMm = (tube: Tube): number => (tube.feeders * 10) / tube.coursesPerCm;
export const walePitchMm = (tube: Tube): number => 10 / tube.walesPerCm;
export const coursePitchMm = (tube: Tube): number => 10 / tube.coursesPerCm;

/** A camera in front of the tube. Its middle column sees the angle at which revolutions are counted, its middle row the height. */
export interface TubeCamera {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pxPerMm: number;
  /** Needle in the middle of the image when the cylinder stands at a whole revolution. What a calibration has to find. */
  readonly needleZero: number;
  /** 1: needles of rising number pass the middle; −1: of falling number. */
  readonly direction: 1 | -1;
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Needle at the image's middle column after `revolutions` of the cylinder; the fraction is how far to the next one. [0, needles) */
export function needleInMiddle(tube: Tube, camera: TubeCamera, revolutions: number): number {
  // The whole turns are taken off first: after 10^9 revolutions a double would not hold a thousandth of a needle.
  return modulo(camera.needleZero + camera.direction * tube.needles * modulo(revolutions, 1), tube.needles);
}

/**
 * Needle at pixel column `xPx` (0 is the left edge of the image, not a pixel's middle): a whole number in the middle of a wale, so the
 * nearest one made it. [0, needles)
 */
export function needleAt(tube: Tube, camera: TubeCamera, revolutions: number, xPx: number): number {
  const wales = (xPx - camera.widthPx / 2) / (walePitchMm(tube) * camera.pxPerMm);
  return modulo(needleInMiddle(tube, camera, revolutions) + wales, tube.needles);
}

/** Column at which the middle of a needle's wale is seen; null when it is out of the image. */
export function columnOf(tube: Tube, camera: TubeCamera, revolutions: number, needle: number): number | null {
  const half = tube.needles / 2;
  const off = modulo(needle - needleInMiddle(tube, camera, revolutions) + half, tube.needles) - half;
  const xPx = camera.widthPx / 2 + off * walePitchMm(tube) * camera.pxPerMm;
  return xPx >= 0 && xPx < camera.widthPx ? xPx : null;
}

/** Height in courses at pixel row `yPx`: what was knitted later is higher up in the image. */
export function heightAt(tube: Tube, camera: TubeCamera, revolutions: number, yPx: number): number {
  return tube.feeders * revolutions - (yPx - camera.heightPx / 2) / (coursePitchMm(tube) * camera.pxPerMm);
}

/** Row at which a height in courses is seen; null when it is out of the image. */
export function rowOf(tube: Tube, camera: TubeCamera, revolutions: number, height: number): number | null {
  const yPx = camera.heightPx / 2 + (tube.feeders * revolutions - height) * coursePitchMm(tube) * camera.pxPerMm;
  return yPx >= 0 && yPx < camera.heightPx ? yPx : null;
}

/** Cloth that has passed the middle of the image since the first revolution, mm. */
export const passedMm = (tube: Tube, revolutions: number): number => advanceMm(tube) * revolutions;

/** Revolutions at which a needle is in the middle of the image for the first time at or after `from`. */
export function nextPass(tube: Tube, camera: TubeCamera, needle: number, from: number): number {
  const share = modulo((camera.direction * (needle - camera.needleZero)) / tube.needles, 1);
  const pass = Math.floor(from) + share;
  return pass >= from ? pass : pass + 1;
}

/** Height in courses of the loop of `needle` in `course`. */
export const heightOfLoop = (tube: Tube, direction: 1 | -1, needle: number, course: number): number =>
  course - (direction * tube.feeders * needle) / tube.needles;

/** The course of the loop that a wale, counted by needle, has at a height. */
export const courseAt = (tube: Tube, direction: 1 | -1, needle: number, height: number): number =>
  Math.floor(height + (direction * tube.feeders * needle) / tube.needles);

/** The same loop with its needle in [0, needles). */
export function canonicalLoop(
  tube: Tube,
  direction: 1 | -1,
  wale: number,
  course: number,
): { readonly needle: number; readonly course: number } {
  const turns = Math.floor(wale / tube.needles);
  return { needle: wale - turns * tube.needles, course: course - direction * turns * tube.feeders };
}

/**
 * Which needle clicks, on a circular machine with a pulse once a revolution. A bad needle clicks at every cam it passes: S clicks a revolution, as
 * even as the cams, and loudest at the cams near the microphone. Where the clicks lie between two cams says which needle of a feeder's
 * pitch it is, to a fraction of a needle; where they are loudest says which pitch, only roughly. So there are a few candidates, a pitch
 * apart, and the eye's ± k picks one. Pure.
 *
 * Invariants (test/unit/models/voiceprint-needle-comb.test.ts, on simulated machines):
 *  N1  Of clicks that are plain the needle is among at most three candidates, each ± k ≤ 2.
 *  N2  Without clicks there are none.
 */
import { mean } from '../statistics/metrics.ts';
import { needlePicture, type NeedlePicture } from './needle-picture.ts';
import { findPlace } from './needle-place.ts';

export interface CylinderGeometry {
  readonly needles: number;
  readonly feeders: number;
  /** 1: needles of rising number pass the mark as the machine turns. */
  readonly direction: 1 | -1;
  /** The needle at the mark when the pulse comes. */
  readonly markNeedle: number;
  /** Where the microphone hangs after the mark, in the direction of turning, turns. */
  readonly microphoneTurns: number;
}

export interface NeedleCandidates {
  /** The likeliest first; at most three. */
  readonly needles: readonly number[];
  readonly k: number;
  /** Revolutions that were heard. */
  readonly revolutions: number;
  /** How far the likeliest place stands out of chance, in deviations of what places have by chance. */
  readonly plainness: number;
}

/** Fewer do not tell clicks from chance. */
const leastRevolutions = 4;
/** Places between two needles. */
const partsOfNeedle = 2;
/** Distance of a microphone from the axis, in radii of the cylinder: usual ones are 1.3 to 1.9. */
const microphoneRadii = [1.3, 1.6, 1.9];
/** Energy of the loudest clicks over what is no click. */
const peaksAboveFloor = [1, 3, 10, 30, 100];
const mostCandidates = 3;
const k = 2;

/**
 * @param frames energies, as `clickEnvelope` gives them
 * @param pulses at which frames (and shares of one) whole turns were
 * @param random for the baseline of chance
 */
export function needlesOf(
  frames: Float32Array,
  pulses: readonly number[],
  geometry: CylinderGeometry,
  random: () => number,
): NeedleCandidates | null {
  const { needles, feeders, microphoneTurns } = geometry;
  const revolutions = pulses.length - 1;
  if (revolutions < leastRevolutions) return null;
  const places = Math.round((needles * partsOfNeedle) / feeders);
  const picture = needlePicture(frames, pulses, feeders, places);
  if (picture === null) return null;
  const found = findPlace(picture, random);
  if (found === null) return null;
  const { place, behind, plainness } = found;
  // Of a turn after the pulse: where between two cams the needle strikes them.
  const within = (place + 0.5) / (places * feeders);
  const loudness = loudnessOf(picture, place, behind);
  // Loudest when it is at the cams by the microphone: it passed the mark so much earlier.
  const wanted = loudestCam(loudness) / feeders + within - microphoneTurns;
  const nearest = Math.round((wanted - within) * feeders);
  const candidates = Array.from({ length: mostCandidates + 2 }, (_, i) => within + (nearest - 2 + i) / feeders)
    .toSorted((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))
    .slice(0, mostCandidates)
    .map((turns) => needleAt(turns, geometry));
  return { needles: candidates, k, revolutions, plainness };
}

/** Places of a click, and what is before it: the machine, and the room, in which the cam before, maybe a louder one, still sounds. */
const [on, before] = [
  [0, 1, 2],
  [-6, -5, -4, -3],
];

/** How loud the clicks are, cam by cam from the pulse on, in what is no click; middles over the turns. */
function loudnessOf(
  { energies, places, feeders, lengths }: NeedlePicture,
  place: number,
  behind: Float64Array,
): Float64Array {
  const quiet = median(energies);
  return Float64Array.from({ length: feeders }, (_, cam) => {
    const clicks = lengths.map((_length, turn) => {
      const row = turn * feeders + cam;
      const at = row * places + Math.round(place + (behind[row] as number));
      const level = (offsets: readonly number[]) => mean(offsets.map((by) => energies[at + by] ?? quiet));
      return level(on) - level(before);
    });
    return median(clicks) / quiet;
  });
}

function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

/**
 * The cam, and share of one, at which the clicks are loudest: what fits a small source that goes by best. In logarithms, because cams are not
 * alike and each makes its clicks louder or fainter by a factor.
 */
function loudestCam(loudness: Float64Array): number {
  const parts = 8;
  const feeders = loudness.length;
  const steps = parts * feeders;
  const sorted = Float64Array.from(loudness).sort();
  // The faintest cams are lost in what is no click.
  const floor = Math.max(1e-3 * (sorted.at(-1) ?? 0), 0.02, sorted[Math.floor(feeders / 10)] ?? 0);
  const logs = loudness.map((value) => Math.log(Math.max(value, floor)));
  let best = { at: 0, misfit: Infinity };
  for (const radii of microphoneRadii) {
    for (const peak of peaksAboveFloor) {
      const shape = Float64Array.from({ length: steps }, (_, i) =>
        Math.log(1 + peak * nearness(radii, i / steps) ** 2),
      );
      for (let at = 0; at < steps; at += 1) {
        let [sum, squares] = [0, 0];
        for (let cam = 0; cam < feeders; cam += 1) {
          const apart = (logs[cam] ?? 0) - (shape[(parts * cam - at + steps) % steps] ?? 0);
          sum += apart;
          squares += apart * apart;
        }
        const misfit = squares - (sum * sum) / feeders;
        if (misfit < best.misfit) best = { at, misfit };
      }
    }
  }
  return best.at / parts;
}

/** Loudness by the angle from the microphone: as one over the distance. */
function nearness(radii: number, turns: number): number {
  const cos = Math.cos(2 * Math.PI * turns);
  return (radii - 1) / Math.sqrt(1 + radii ** 2 - 2 * radii * cos);
}

function needleAt(turns: number, { needles, direction, markNeedle }: CylinderGeometry): number {
  const needle = Math.round(markNeedle + direction * turns * needles);
  return ((needle % needles) + needles) % needles;
}

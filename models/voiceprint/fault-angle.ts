/**
 * Where in a turn a sample is louder than it was taught: the angle of what strikes there, with how sure that is. Needs the index pulse. Pure.
 *
 * Invariant (test/unit/models/voiceprint-faults.test.ts): what was added at an angle is found there within its uncertainty; where nothing was added
 * nothing is found.
 */
import { profileBands, type FaultSample } from './fault-ear.ts';
import { loudnessOf, type FaultPrint } from './fault-print.ts';
import { angles } from './orders.ts';

/** An angle of the shaft from its mark on, turns, and how far it may be off. */
export interface FaultAngle {
  readonly turns: number;
  readonly k: number;
}

/** Angles are smoothed over so many to either side. */
const beside = 2;
/** Variance, dB², that any band is granted. */
const leastVariance = 0.05;
/** Deviations over all bands, above the middle of all angles. */
const leastDeviations = 4;

/** null: there is no pulse, or no angle stands out. */
export function angleOf({ profile }: FaultSample, print: FaultPrint): FaultAngle | null {
  if (profile === null || print.profile === null) return null;
  const { middle, variance } = print.profile;
  const loud = loudnessOf(profile);
  const above = new Float64Array(angles);
  for (let band = 0; band < profileBands; band += 1) {
    for (let angle = 0; angle < angles; angle += 1) {
      let sum = 0;
      for (let off = -beside; off <= beside; off += 1) {
        const i = band * angles + ((angle + off + angles) % angles);
        sum += ((loud[i] ?? 0) - (middle[i] ?? 0)) / Math.sqrt((variance[i] ?? 0) + leastVariance);
      }
      const deviations = sum / (2 * beside + 1);
      above[angle] = (above[angle] ?? 0) + Math.max(0, deviations) / Math.sqrt(profileBands);
    }
  }
  const sorted = above.toSorted();
  const usual = sorted[angles >> 1] ?? 0;
  const top = sorted.at(-1) ?? 0;
  if (top - usual < leastDeviations) return null;
  // The middle of what is above half its height: a blow rises within a degree and rings for many.
  const first = above.indexOf(top);
  const isHigh = (angle: number) => (above[(angle + angles) % angles] ?? 0) >= usual + (top - usual) / 2;
  let from = first;
  let to = first;
  while (isHigh(from - 1) && first - from < angles / 2) from -= 1;
  while (isHigh(to + 1) && to - first < angles / 2) to += 1;
  const turns = (((from + to + 1) / 2 / angles) % 1) + 1;
  return { turns: turns % 1, k: (to - from + 1 + beside) / 2 / angles };
}

/**
 * What the hall puts into a machine's sound. While the machine stands, its microphone hears the hall alone; what is louder there now than it was
 * while the machine was enrolled is in its running sound, too, and is no fault. So the statistics are carried into the hall of now: each band
 * is expected higher by as much as powers that add up say, and counts the less the more of it is the hall's. A band in which the machine
 * drowns counts for next to nothing, a band the hall does not reach as much as ever. Pure.
 *
 * Invariants (test/unit/models/voiceprint-hall.test.ts):
 *  L1  A hall that is as it was while enrolled, to 2 dB in every band of the running sound, changes nothing.
 *  L2  A sample that the hall of now was added to lies no farther from the machine than one of the day it was enrolled.
 *  L3  A rise that the hall does not explain is still one, if it lies in bands that the hall leaves.
 *  L4  Neighbours that come and go are no rise, whether they are there or not.
 */
import { choleskyOf } from '../statistics/cholesky.ts';
import { deviation, mean } from '../statistics/metrics.ts';
import { parts, type Voiceprint } from './ear.ts';
import { bands } from './front-end.ts';
import type { Gaussian } from './gaussian.ts';

/** A hall breathes: rises of a band by less say nothing, and from twice as much on all of it is expected. dB */
const breathesDb = 2;
/** What is expected of a band is so uncertain, as a share of it: the hall is heard at other times than the machine. */
const unsureShare = 0.25;
/** A sample is long enough for so many of the states that neighbours come and go by. */
const statesASample = 2;
/** How much the changes of the hall differ from moment to moment, dB. */
const changesDb = 1.5;
/** Of what was heard while enrolled so much at least was the machine. */
const leastMachineShare = 0.1;

/** Pieces in which the machine stood, added up. */
export class HallSum {
  #pieces = 0;
  readonly #sum = new Float64Array(parts * bands);

  add(features: Float32Array): void {
    this.#pieces += 1;
    for (let i = 0; i < this.#sum.length; i += 1) this.#sum[i] = (this.#sum[i] ?? 0) + (features[i] ?? 0);
  }

  /** Their mean, `parts` × `bands` numbers; null: there are too few to know. */
  mean(least: number): Float32Array | null {
    return this.#pieces < least ? null : Float32Array.from(this.#sum, (value) => value / this.#pieces);
  }
}

/**
 * What was taught, as it is expected to sound in the hall of now; the same object where the hall is as it was, or was never heard. Neighbours come and
 * go by the second: what they add is reckoned of each piece by itself, and a band in which pieces differ is expected less surely.
 * @param now pieces in which the machine stood, `parts` × `bands` numbers each; null: too few
 */
export function amongHall(print: Voiceprint, now: readonly Float32Array[] | null): Voiceprint {
  const { hall: then, gaussians, bands: used } = print;
  const [levels] = gaussians;
  if (now === null || then === null || levels === undefined) return print;
  const expected = Array.from({ length: used }, (_, i) =>
    bandAmong(
      levels.middle[i] ?? 0,
      then[i] ?? 0,
      now.map((piece) => piece[i] ?? 0),
    ),
  );
  if (expected.every(({ shift }) => shift === 0)) return print;
  return {
    ...print,
    gaussians: gaussians.map((gaussian, part) => {
      const shifts = expected.map(({ shift, more }, i) => {
        const changes = mean(now.map((piece) => piece[part * bands + i] ?? 0));
        return part === 0 ? shift : more * (changes - (gaussian.middle[i] ?? 0));
      });
      const unsure = expected.map(
        ({ variance, more }, i) =>
          (unsureShare * (shifts[i] ?? 0)) ** 2 + (part === 0 ? variance : (changesDb * more) ** 2),
      );
      return moved(gaussian, Float64Array.from(shifts), Float64Array.from(unsure));
    }),
  };
}

/**
 * How much of what is heard of the machine another hall is in: the share of the bands that are expected to be higher or lower in the hall of now than
 * they were taught.
 * @returns 0 to 1; null: the hall of then or that of now is not known
 */
export function changedShare(
  { hall: then, gaussians: [levels], bands: used }: Voiceprint,
  now: readonly Float32Array[] | null,
): number | null {
  if (now === null || then === null || levels === undefined) return null;
  let changed = 0;
  for (let i = 0; i < used; i += 1) {
    const pieces = now.map((piece) => piece[i] ?? 0);
    if (bandAmong(levels.middle[i] ?? 0, then[i] ?? 0, pieces).shift !== 0) changed += 1;
  }
  return changed / used;
}

interface BandAmong {
  /** By how much its level is expected to be higher, dB. */
  readonly shift: number;
  /** Of that from sample to sample, as pieces of the hall differ. */
  readonly variance: number;
  /** By how much more of the band's power is the hall's. */
  readonly more: number;
}

const asEver: BandAmong = { shift: 0, variance: 0, more: 0 };

/** @param middle of the running machine while enrolled; @param then the hall of those days; @param now each piece of the hall of now; all dB */
function bandAmong(middle: number, then: number, now: readonly number[]): BandAmong {
  const whole = powerOf(middle);
  const before = Math.min(powerOf(then), (1 - leastMachineShare) * whole);
  const machine = whole - before;
  const rises = now.map((db) => 10 * Math.log10((machine + powerOf(db)) / whole));
  const rise = mean(rises);
  const counts = Math.min(1, (Math.abs(rise) - breathesDb) / breathesDb);
  if (counts <= 0) return asEver;
  const after = now.map((db) => powerOf(db) / (machine + powerOf(db)));
  return {
    shift: counts * rise,
    variance: counts * deviation(rises) ** 2 * (1 / now.length + 1 / statesASample),
    more: Math.max(0, mean(after) - before / whole),
  };
}

const powerOf = (db: number) => 10 ** (db / 10);

/** Its middle shifted, with the shift as a direction it may go in, and more variance in each band. */
function moved({ size, middle, factor }: Gaussian, shift: Float64Array, variances: Float64Array): Gaussian {
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = (shift[i] as number) * (shift[j] as number) + (i === j ? (variances[i] as number) : 0);
      for (let k = 0; k <= j; k += 1) sum += (factor[i * size + k] as number) * (factor[j * size + k] as number);
      covariance[i * size + j] = sum;
    }
  }
  return { size, middle: middle.map((value, i) => value + (shift[i] as number)), factor: choleskyOf(covariance, size) };
}

/**
 * Signs of two faults of a sewing machine, told by physics and by nothing that was learned:
 *
 *  slip       a belt that slips turns slower than the shaft and is heard below its first order; and it sways the shaft, so that lines of high
 *             orders (a motor's) lose to what lies beside them. A healthy machine has nothing slower than its shaft.
 *  looseness  a shaft with play has lines at one to ten times its turn and at halves between them.
 *
 * Of the numbers `fault-ear.ts` has already: of the wave below 2.4 kHz. Pure.
 *
 * Invariants (test/unit/models/voiceprint-signs.test.ts; that the numbers are what they are called: test/integration/voiceprint-signs.test.ts):
 *  S1  A line slower than the shaft, or high lines that grow wider, raise the slip; lines of the shaft and of its halves the looseness.
 *  S2  What normal samples have of it comes from samples that were left out.
 *  S3  Numbers that never vary give a value, not a division by zero.
 */
import { deviation, mean } from '../statistics/metrics.ts';

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** Of a sample's 232 numbers (models/training/fault/graph.py): orders 1/8, 1/4, 3/8 and 1/2. */
const slower = [210, 211, 212, 204];
/** Orders 13 to 19, and 20 to 35: the lines, and what lies 1/4, 3/8 and 1/2 beside them. */
const high = [
  { on: 222, beside: [226, 228, 230] },
  { on: 223, beside: [227, 229, 231] },
];
/** Orders 1 to 10, and 1/2 to 5 1/2. */
const harmonics = [...range(192, 10), ...range(204, 6)];

/** Variances, dB², that count as much as so many samples. */
const priorSamples = 12;
const groups = [
  { from: 0, count: slower.length, priorVariance: 4 },
  { from: slower.length, count: high.length, priorVariance: 1 },
  { from: slower.length + high.length, count: harmonics.length, priorVariance: 4 },
] as const;
export const signSize = slower.length + high.length + harmonics.length;
/** Of the three groups, and of the first two together. */
export const usualSize = 2 * (groups.length + 1);
/** Spreads; what is further off is as far. */
const furthest = 12;
const leastSpread = 0.25;

/** In spreads above the machine's left-out normal samples. */
export interface Signs {
  readonly slip: number;
  readonly looseness: number;
}

interface Held {
  readonly middle: Float32Array;
  readonly variance: Float32Array;
  readonly count: number;
}

/** What is kept of a machine's normal samples. */
export interface SignsPrint extends Held {
  /** Mean and spread of left-out ones: of each group, then of the slip. */
  readonly usual: Float32Array;
}

/** Numbers that the faults raise. @param decibels of `decibelsOf` */
export function signNumbersOf(decibels: Float32Array): Float32Array {
  const power = (i: number) => 10 ** ((decibels[i] ?? 0) / 10);
  return Float32Array.from([
    ...slower.map((i) => decibels[i] ?? 0),
    ...high.map(({ on, beside }) => 10 * Math.log10(mean(beside.map(power))) - (decibels[on] ?? 0)),
    ...harmonics.map((i) => decibels[i] ?? 0),
  ]);
}

/** @param rows of normal samples; @param folds which of them are left out together: every one once */
export function signsPrintOf(rows: readonly Float32Array[], folds: readonly (readonly number[])[]): SignsPrint {
  return signsWithLeft(rows, folds).print;
}

/** The same, and the signs of each row, in their order, against rows it was left out of. */
export function signsWithLeft(
  rows: readonly Float32Array[],
  folds: readonly (readonly number[])[],
): { readonly print: SignsPrint; readonly left: readonly Signs[] } {
  const leftOf = new Map<number, readonly number[]>();
  for (const fold of folds) {
    const held = heldOf(rows.filter((_, i) => !fold.includes(i)));
    for (const i of fold) leftOf.set(i, apartOf(rows[i] ?? new Float32Array(), held));
  }
  const left = [...leftOf.values()];
  const usual = new Float32Array(usualSize);
  for (const [group] of groups.entries())
    setUsual(
      usual,
      group,
      left.map((apart) => apart[group] ?? 0),
    );
  setUsual(
    usual,
    groups.length,
    left.map((apart) => bothOf(apart, usual)),
  );
  return {
    print: { ...heldOf(rows), usual },
    left: rows.map((_, i) => signsFrom(leftOf.get(i) ?? [], usual)),
  };
}

export function signsOf(numbers: Float32Array, print: SignsPrint): Signs {
  return signsFrom(apartOf(numbers, print), print.usual);
}

function signsFrom(apart: readonly number[], usual: Float32Array): Signs {
  return { slip: inSpreads(bothOf(apart, usual), usual, groups.length), looseness: inSpreads(apart[2] ?? 0, usual, 2) };
}

function setUsual(usual: Float32Array, at: number, values: readonly number[]): void {
  usual[2 * at] = mean(values);
  usual[2 * at + 1] = Math.max(leastSpread, deviation(values));
}

const inSpreads = (value: number, usual: Float32Array, at: number) =>
  (value - (usual[2 * at] ?? 0)) / (usual[2 * at + 1] ?? 1);

/** What turns slower and what grows wider count alike. */
const bothOf = (apart: readonly number[], usual: Float32Array) =>
  inSpreads(apart[0] ?? 0, usual, 0) + inSpreads(apart[1] ?? 0, usual, 1);

/** Mean of each group of numbers, in spreads of a number. */
const apartOf = (numbers: Float32Array, { middle, variance, count }: Held): number[] =>
  groups.map((group) =>
    mean(
      range(group.from, group.count).map((i) => {
        const among = (count * (variance[i] ?? 0) + priorSamples * group.priorVariance) / (count + priorSamples);
        const apart = ((numbers[i] ?? 0) - (middle[i] ?? 0)) / Math.sqrt(among);
        return Math.max(-furthest, Math.min(furthest, apart));
      }),
    ),
  );

function heldOf(rows: readonly Float32Array[]): Held {
  const middle = new Float32Array(signSize);
  const variance = new Float32Array(signSize);
  for (let i = 0; i < signSize; i += 1) {
    const values = rows.map((row) => row[i] ?? 0);
    const centre = mean(values);
    middle[i] = centre;
    variance[i] = mean(values.map((value) => (value - centre) ** 2));
  }
  return { middle, variance, count: rows.length };
}

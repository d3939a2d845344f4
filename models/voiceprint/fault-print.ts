/**
 * What branch B learns of one machine at one speed: the mean and the variance of every number of its normal samples, how likely a fault the graph
 * holds samples that were left out of them, and, with a pulse, how loud each band is at each angle. And that as the numbers and tensors
 * of `../stats-file.ts`.
 *
 * Invariants (test/unit/models/voiceprint-faults.test.ts):
 *  N1  How odd normal samples look comes from samples that were left out.
 *  N2  What was written as statistics is read back; statistics of another kind or size are refused.
 */
import { ModelError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { deviation, mean } from '../statistics/metrics.ts';
import { foldsOf } from '../statistics/split.ts';
import type { Stats } from '../stats-file.ts';
import { leastClips } from './ear.ts';
import { classesOf, decibelsOf, heardSize, profileSize, type FaultSample } from './fault-ear.ts';
import { signNumbersOf, signSize, signsWithLeft, usualSize, type SignsPrint } from './fault-signs.ts';
import type { BranchValues } from './fused-score.ts';
import type { RoundsPrint } from './rounds.ts';
import type { Turner } from './turning.ts';

const mostFolds = 32;
/** Normal samples of a machine are never more alike than so. */
const leastSpread = 0.25;
/** Of a probability. */
export const leastShare = 1e-6;

/** Mean and variance of so many samples, in decibels. */
export interface Middle {
  readonly middle: Float32Array;
  readonly variance: Float32Array;
  readonly count: number;
}

export interface FaultPrint extends Middle {
  readonly kind: Turner['kind'];
  /** Of the log-odds of "not healthy" of samples that were left out. */
  readonly odds: { readonly mean: number; readonly spread: number };
  /** Of a sewing machine; null in prints from before it was kept. */
  readonly signs: SignsPrint | null;
  /** By band and angle, decibels; null where a sample came without a pulse. */
  readonly profile: Omit<Middle, 'count'> | null;
  /** Where normal rounds end (`rounds.ts`); null: it was not learned, and no round of this speed is judged. */
  readonly rounds: RoundsPrint | null;
}

/** @param probabilities as the graph gives them, healthy first; @returns the logarithm of the odds that it is not */
export function oddsOf(probabilities: Float32Array): number {
  const healthy = Math.min(1 - leastShare, Math.max(leastShare, probabilities[0] || 0));
  return Math.log((1 - healthy) / healthy);
}

/**
 * Learns a machine from samples of it running well.
 * @throws ModelError `tooFewClips`, `modelUnusable`
 */
export async function enrolFaults(samples: readonly FaultSample[], turner: Turner, graph: Graph): Promise<FaultPrint> {
  return (await enrolFaultsWithLeft(samples, turner, graph)).print;
}

/**
 * The same, and what each sample has, in their order, held against what was learned without it.
 * @throws ModelError `tooFewClips`, `modelUnusable`
 */
export async function enrolFaultsWithLeft(
  samples: readonly FaultSample[],
  turner: Turner,
  graph: Graph,
): Promise<{ readonly print: FaultPrint; readonly left: readonly Omit<BranchValues, 'levels'>[] }> {
  if (samples.length < leastClips) {
    throw new ModelError('tooFewClips', `${samples.length} of at least ${leastClips} samples`);
  }
  const rows = samples.map(({ heard }) => decibelsOf(heard));
  const left: { readonly at: number; readonly heard: Float32Array; readonly against: Middle }[] = [];
  const folds = foldsOf([...samples.keys()], mostFolds);
  for (const fold of folds) {
    const against = middleOf(rows.filter((_, i) => !fold.includes(i)));
    for (const i of fold) {
      const { heard } = samples[i] ?? {};
      if (heard !== undefined) left.push({ at: i, heard, against });
    }
  }
  const found = await classesOf(
    { samples: left.map(({ heard }) => heard), against: left.map(({ against }) => against) },
    turner,
    graph,
  );
  const odds = found.map(oddsOf);
  const usual = { mean: mean(odds), spread: Math.max(leastSpread, deviation(odds)) };
  const orders = new Map(left.map(({ at }, i) => [at, ((odds[i] ?? 0) - usual.mean) / usual.spread]));
  const signs = turner.kind === 'sewing' ? signsWithLeft(rows.map(signNumbersOf), folds) : null;
  const profiles = samples.flatMap(({ profile }) => (profile === null ? [] : [loudnessOf(profile)]));
  const angled = middleOf(profiles);
  const print = {
    kind: turner.kind,
    ...middleOf(rows),
    odds: usual,
    signs: signs?.print ?? null,
    profile: profiles.length < samples.length ? null : { middle: angled.middle, variance: angled.variance },
    rounds: null,
  };
  return {
    print,
    left: samples.map((_, i) => ({ orders: orders.get(i) ?? null, signs: signs?.left[i] ?? null })),
  };
}

/** A profile in decibels. */
export const loudnessOf = (profile: Float32Array) => profile.map((value) => 20 * Math.log10(value + 1e-7));

function middleOf(rows: readonly Float32Array[]): Middle {
  const size = rows[0]?.length ?? 0;
  const middle = new Float32Array(size);
  const variance = new Float32Array(size);
  for (let i = 0; i < size; i += 1) {
    const sum = rows.reduce((all, row) => all + (row[i] ?? 0), 0) / rows.length;
    middle[i] = sum;
    variance[i] = rows.reduce((all, row) => all + ((row[i] ?? 0) - sum) ** 2, 0) / rows.length;
  }
  return { middle, variance, count: rows.length };
}

/** @param model `id@version` of the model it was taught with */
export function faultStatsOf(
  { kind, middle, variance, count, odds, signs, profile, rounds }: FaultPrint,
  model: string,
): Stats {
  const row = (data: Float32Array) => ({ dims: [data.length], data });
  return {
    model,
    numbers: {
      isKnitting: kind === 'knitting' ? 1 : 0,
      count,
      oddsMean: odds.mean,
      oddsSpread: odds.spread,
      ...(rounds === null ? {} : { roundsThreshold: rounds.threshold, roundsSpread: rounds.spread }),
    },
    tensors: {
      middle: row(middle),
      variance: row(variance),
      ...(signs === null
        ? {}
        : { signMiddle: row(signs.middle), signVariance: row(signs.variance), signUsual: row(signs.usual) }),
      ...(profile === null ? {} : { angleMiddle: row(profile.middle), angleVariance: row(profile.variance) }),
    },
  };
}

/** @throws ModelError `statsInvalid` where something is missing or of another size */
export function faultPrintOf({ numbers, tensors }: Stats): FaultPrint {
  const number = (name: string): number => {
    const found = numbers[name];
    if (found === undefined) throw new ModelError('statsInvalid', `${name} is missing`);
    return found;
  };
  const row = (name: string, size: number): Float32Array => {
    const found = tensors[name];
    if (found?.data.length !== size) throw new ModelError('statsInvalid', `${name} is missing or has another size`);
    return found.data;
  };
  const isAngled = tensors['angleMiddle'] !== undefined;
  const signsPrint = (): SignsPrint => ({
    middle: row('signMiddle', signSize),
    variance: row('signVariance', signSize),
    count: number('count'),
    usual: row('signUsual', usualSize),
  });
  return {
    kind: number('isKnitting') === 1 ? 'knitting' : 'sewing',
    middle: row('middle', heardSize),
    variance: row('variance', heardSize),
    count: number('count'),
    odds: { mean: number('oddsMean'), spread: number('oddsSpread') },
    signs: tensors['signMiddle'] === undefined ? null : signsPrint(),
    rounds:
      numbers['roundsThreshold'] === undefined
        ? null
        : { threshold: numbers['roundsThreshold'], spread: number('roundsSpread') },
    profile: isAngled ? { middle: row('angleMiddle', profileSize), variance: row('angleVariance', profileSize) } : null,
  };
}

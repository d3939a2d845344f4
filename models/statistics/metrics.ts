/**
 * How good a score is at telling faults from good cloth. Pure; no score is assumed to be on any scale.
 *
 * Invariants (test/unit/models/metrics.test.ts): the area equals the share of pairs (fault, good) in which the fault scores higher,
 * ties counted half; no threshold of the ROC point lets more than the wanted share of good ones pass.
 */

/**
 * Area under the ROC curve, by ranks; ties count half.
 * @returns NaN where either side is empty
 */
export function auroc(faults: ArrayLike<number>, good: ArrayLike<number>): number {
  const count = faults.length * good.length;
  if (count === 0) return Number.NaN;
  const sortedGood = Float64Array.from(good).sort();
  let pairs = 0;
  for (let i = 0; i < faults.length; i += 1) {
    const score = faults[i] ?? 0;
    pairs += (below(sortedGood, score) + belowOrSame(sortedGood, score)) / 2;
  }
  return pairs / count;
}

/**
 * The share of faults found where at most `falseShare` of the good ones is called a fault: a score counts as a fault when it is
 * strictly above the threshold, and the threshold is the lowest that keeps the share.
 */
export function recallAtFalseShare(
  faults: ArrayLike<number>,
  good: ArrayLike<number>,
  falseShare: number,
): { readonly recall: number; readonly threshold: number } {
  const sortedGood = Float64Array.from(good).sort();
  const allowed = Math.floor(falseShare * sortedGood.length);
  const threshold = sortedGood[sortedGood.length - 1 - allowed] ?? Number.NEGATIVE_INFINITY;
  return { recall: shareAbove(faults, threshold), threshold };
}

/** The share of values strictly above the threshold; NaN of none. */
export function shareAbove(values: ArrayLike<number>, threshold: number): number {
  let above = 0;
  for (let i = 0; i < values.length; i += 1) if ((values[i] ?? 0) > threshold) above += 1;
  return above / values.length;
}

/**
 * Area under the ROC curve of very many pixels: scores fall into bins, what falls into one bin counts as a tie. With 4096 bins a
 * unit the error is below the noise of any mask.
 */
export class PixelRanks {
  readonly #faults: Float64Array;
  readonly #good: Float64Array;
  readonly #perUnit: number;

  /** @param most scores from 0 to `most` are told apart; what lies outside falls into the outermost bins */
  constructor(most = 16, perUnit = 4096) {
    this.#faults = new Float64Array(most * perUnit);
    this.#good = new Float64Array(most * perUnit);
    this.#perUnit = perUnit;
  }

  /** @param faults pixels of a fault with this score; @param good pixels of good cloth with this score */
  add(score: number, faults: number, good: number): void {
    const bin = Math.min(Math.max(Math.floor(score * this.#perUnit), 0), this.#good.length - 1);
    this.#faults[bin] = (this.#faults[bin] ?? 0) + faults;
    this.#good[bin] = (this.#good[bin] ?? 0) + good;
  }

  /** NaN where either side is empty. */
  auroc(): number {
    let pairs = 0;
    let goodBelow = 0;
    let faults = 0;
    for (let bin = 0; bin < this.#good.length; bin += 1) {
      const f = this.#faults[bin] ?? 0;
      const g = this.#good[bin] ?? 0;
      pairs += f * (goodBelow + g / 2);
      goodBelow += g;
      faults += f;
    }
    return faults === 0 || goodBelow === 0 ? Number.NaN : pairs / (faults * goodBelow);
  }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample (n − 1); 0 of a single value. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

function below(sorted: Float64Array, score: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}

function belowOrSame(sorted: Float64Array, score: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= score) low = middle + 1;
    else high = middle;
  }
  return low;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noEvidence, weigh, type Evidence } from '../../../models/voiceprint/evidence.ts';
import { fusedScore, type BranchValues } from '../../../models/voiceprint/fused-score.ts';
import { leastRounds, roundsPrintOf } from '../../../models/voiceprint/rounds.ts';
import { deviation, mean } from '../../../models/statistics/metrics.ts';
import { seeded } from '../../../models/statistics/split.ts';

const roundsAWeek = 7 * 24 * 60;
/** The threshold of one in a hundred, in spreads above the mean of what was enrolled. */
const z = 2.3263;

/** Shares of a distribution of mean 0 and spread 1 below a value. */
const tails: Readonly<Record<string, (x: number) => number>> = {
  // Abramowitz and Stegun 7.1.26, to 1.5e-7.
  normal: (x) => {
    const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
    const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const above = (series * Math.exp((-x * x) / 2)) / 2;
    return x > 0 ? 1 - above : above;
  },
  'Student, five degrees': (x) => {
    const angle = Math.atan((x * Math.sqrt(5 / 3)) / Math.sqrt(5));
    return 0.5 + (angle + Math.sin(angle) * (Math.cos(angle) + (2 / 3) * Math.cos(angle) ** 3)) / Math.PI;
  },
  Laplace: (x) => (x < 0 ? 0.5 * Math.exp(x * Math.SQRT2) : 1 - 0.5 * Math.exp(-x * Math.SQRT2)),
};

const steps = 160;
/** What `weigh` makes of a score so far above the threshold, told by itself: the sum is a whole number of steps. */
const begins =
  Array.from({ length: 400 }, (_, i) => i / 10).find(
    (sum) => weigh({ ...noEvidence, sum, sinceMs: 0 }, { fromMs: 0, score: 0 }, { threshold: 0, spread: 1 }).isOdd,
  ) ?? NaN;
const bound = (score: number) =>
  weigh({ sum: 5, isOdd: false, sinceMs: 0 }, { fromMs: 0, score }, { threshold: 0, spread: 1 }).sum - 5;

/** Rounds until one begins, in the mean: a chain of states of the sum (Brook and Evans 1972). @param shift of the rounds' mean, in spreads */
function runLength(shift: number, below: (x: number) => number): number {
  const width = begins / steps;
  const [most, least] = [bound(1e6), bound(-1e6)];
  const share = (above: number) => (above >= most ? 1 : above < least ? 0 : below(above + z - shift));
  const states = [0, ...Array.from({ length: steps }, (_, i) => (i + 0.5) * width)];
  const rows = states.map((sum, at) => {
    const next = states.map((_, j) => (j === 0 ? share(-sum) : share(j * width - sum) - share((j - 1) * width - sum)));
    return [...next.map((p, j) => (j === at ? 1 : 0) - p), 1];
  });
  // Gauss; rows are diagonally dominant.
  const value = (i: number, j: number) => rows[i]?.[j] ?? NaN;
  for (let c = 0; c < states.length; c += 1) {
    for (let i = c + 1; i < states.length; i += 1) {
      const factor = value(i, c) / value(c, c);
      if (factor !== 0) rows[i] = (rows[i] ?? []).map((one, k) => one - factor * value(c, k));
    }
  }
  const lengths = states.map(() => 0);
  for (let i = states.length - 1; i >= 0; i -= 1) {
    const rest = lengths.reduce((sum, length, k) => (k > i ? sum + value(i, k) * length : sum), 0);
    lengths[i] = (value(i, states.length) - rest) / value(i, i);
  }
  return lengths[0] ?? NaN;
}

test('R1: too few left-out samples say nothing', () => {
  const values = (count: number) =>
    Array.from({ length: count }, (_, i): BranchValues => ({ levels: -2 + (i % 3), orders: 0, signs: null }));
  assert.equal(roundsPrintOf(values(leastRounds - 1)), null);
  assert.notEqual(roundsPrintOf(values(leastRounds)), null);
});

test('R1: of the next normal round one in a hundred lies above the threshold, from however few it was made', () => {
  const random = seeded(3);
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const value = (): BranchValues => ({ levels: -2.5 + gaussian(), orders: gaussian(), signs: null });
  for (const count of [leastRounds, 40]) {
    const above = Array.from({ length: 6_000 }, () => {
      const print = roundsPrintOf(Array.from({ length: count }, value));
      return print !== null && fusedScore(value()) > print.threshold ? 1 : 0;
    });
    const share = mean(above);
    assert.ok(share > 0.003 && share < 0.025, `${share} of ${count}`);
  }
});

test('R1: samples that are all alike are not taken for certain', () => {
  const same = Array.from({ length: 20 }, (): BranchValues => ({ levels: -2.5, orders: 0, signs: null }));
  const print = roundsPrintOf(same);
  assert.equal(print?.spread, 0.5);
  assert.ok(print.threshold > fusedScore({ levels: -2.5, orders: 0, signs: null }) + 0.4);
});

for (const [name, below] of Object.entries(tails)) {
  test(`R2: rounds up to 1.9 spreads higher than taught begin less than one a machine week (${name})`, () => {
    assert.ok(runLength(1.9, below) > roundsAWeek, `${runLength(1.9, below)} rounds`);
    assert.ok(runLength(1, below) > 1e8);
  });
  test(`R3: rounds five spreads higher than taught begin one within five minutes in the mean (${name})`, () => {
    const length = runLength(5, below);
    assert.ok(length > 3.9 && length < 5, `${length} rounds`);
  });
}

test('the chain agrees with rounds that are drawn', () => {
  const random = seeded(9);
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const lengths = Array.from({ length: 400 }, () => {
    let evidence: Evidence = noEvidence;
    for (let n = 1; ; n += 1) {
      evidence = weigh(evidence, { fromMs: n, score: gaussian() + 2.5 }, { threshold: z, spread: 1 });
      if (evidence.isOdd) return n;
    }
  });
  const expected = runLength(2.5, tails['normal'] ?? Number);
  const error = (3 * deviation(lengths)) / Math.sqrt(lengths.length);
  assert.ok(Math.abs(mean(lengths) - expected) < error, `${mean(lengths)} for ${expected} ± ${error}`);
});

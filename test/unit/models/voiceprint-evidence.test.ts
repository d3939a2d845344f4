import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noEvidence, weigh, type Evidence } from '../../../models/voiceprint/evidence.ts';
import { falseShare } from '../../../models/voiceprint/threshold.ts';
import { seeded } from '../../../models/statistics/split.ts';

/** By Box and Muller. */
const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Scores of mean 0 and spread 1, of which `falseShare` lie above the threshold. */
const print = { threshold: 2.3263, spread: 1 };
const sampleS = 4;

function odd(scores: Iterable<number>): { begun: number; ended: number; at: number | null } {
  let evidence: Evidence = noEvidence;
  let [begun, ended, n] = [0, 0, 0];
  let at: number | null = null;
  for (const score of scores) {
    n += 1;
    const next = weigh(evidence, { fromMs: n * 1000 * sampleS, score }, print);
    if (next.isOdd && !evidence.isOdd) {
      begun += 1;
      at ??= n;
    }
    if (!next.isOdd && evidence.isOdd) ended += 1;
    evidence = next;
  }
  return { begun, ended, at };
}

const times = (count: number, of: () => number) => Array.from({ length: count }, of);

test('E1: three samples as loud as may be begin no occurrence, a fourth does', () => {
  assert.equal(odd([1e9, 1e9, 1e9, 0, 0, 0, 0, 0]).begun, 0);
  assert.equal(odd([1e9, 1e9, 1e9, 1e9]).at, 4);
});

test('E2: independent normal scores begin none in a machine year of running', () => {
  assert.equal(falseShare, 0.01, 'the threshold of this test is that of one in a hundred');
  const random = seeded(1);
  const yearOfShifts = (2_500 * 3_600) / sampleS;
  assert.equal(odd(times(yearOfShifts, () => gaussian(random))).begun, 0);
});

test('E2: scores that all lie a spread higher than what was taught begin none in a week', () => {
  const random = seeded(2);
  assert.equal(odd(times((70 * 3_600) / sampleS, () => 1 + gaussian(random))).begun, 0);
});

test('E3: two spreads above the threshold begin an occurrence within six samples', () => {
  const { at } = odd(times(6, () => print.threshold + 2));
  assert.ok(at !== null && at <= 6);
});

test('E3: so do bursts of it with normal samples between them, and the occurrence says when the rise began', () => {
  const bursts = times(40, () => 0).map((_, i) => (i % 4 === 3 ? 0 : print.threshold + 2));
  assert.ok(odd(bursts).begun >= 1);
  const evidence = times(6, () => 6).reduce<Evidence>(
    (e, score, i) => weigh(e, { fromMs: 500 + i, score }, print),
    noEvidence,
  );
  assert.deepEqual([evidence.isOdd, evidence.sinceMs], [true, 500]);
});

test('E4: an occurrence ends within twenty normal samples, whatever came before', () => {
  const { begun, ended } = odd([...times(10_000, () => 1e9), ...times(20, () => 0)]);
  assert.deepEqual([begun, ended], [1, 1]);
});

/**
 * A hundred thousand random histories of a counter, whose resets are visible: by a fall that no wrap explains, or because the machine
 * says that it was restarted. No step that is told without an uncertainty is wrong, and the truth lies in the bounds of
 * the others. Resets that nothing shows are generated apart; what they do is printed, not judged.
 *
 * The truth is a machine's own book in whole counts. What is visible is worked out here from the rule of the documents, 1.2 ×
 * the highest rate, knowing nothing of the counter's code.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  advanceCounter,
  type CounterBase,
  type CounterSpec,
  type CounterStep,
  type ResetSpan,
} from '../../../agent/counters/counter.ts';
import { Random, runs, seed } from '../drivers/modbus-random.ts';

const fraction = (random: Random) => random.below(1_000_000) / 1_000_000;

interface Read {
  readonly tMs: number;
  readonly shown: number;
  /** Counted by the machine since the history began. */
  readonly truth: number;
}

interface History {
  readonly spec: CounterSpec;
  readonly reads: readonly Read[];
  /** What the machine itself says of its restarts. */
  readonly told: readonly ResetSpan[];
  readonly resets: number;
}

/** How a reset shows: `fall` only where the value alone shows it, `told` by the machine, `hidden` only where nothing does. */
type Visibility = 'fall' | 'told' | 'hidden';

function history(random: Random, visibility: Visibility): History {
  const wrapsAt = random.of(100, 10_000, 65_536, 4_294_967_296);
  const maxRatePerS = random.of(0.2, 5, 100);
  const resolution = 1;
  const intervalMs = random.of(0, 250, 1000);
  /** Counted since the last reset, not yet whole; what the register showed at it. */
  let exact = fraction(random);
  let origin = random.chance(0.3) ? random.below(Math.min(wrapsAt, 300)) : Math.floor(fraction(random) * wrapsAt);
  let book = 0;
  let tMs = 0;
  let resets = 0;
  const show = () => (origin + Math.floor(exact)) % wrapsAt;
  const reads: Read[] = [{ tMs, shown: show(), truth: 0 }];
  const told: ResetSpan[] = [];
  for (let left = 1 + random.below(30); left > 0; left -= 1) {
    const fromMs = tMs;
    const elapsedMs = random.chance(0.9) ? 20 + random.below(2000) : 2000 + random.below(3_600_000);
    tMs += elapsedMs;
    const growth = (fraction(random) * maxRatePerS * elapsedMs) / 1000;
    const share = random.chance(0.15) ? fraction(random) : null;
    const last = show();
    let isReset = share !== null;
    if (share !== null) {
      const after = Math.floor(growth * (1 - share));
      const most = (1.2 * maxRatePerS * (elapsedMs + intervalMs)) / 1000 + resolution;
      const isFall = after < last && after - last + wrapsAt > most;
      isReset = visibility === 'told' || isFall === (visibility === 'fall');
    }
    const tellMs = (): ResetSpan => {
      const atMs = fromMs + elapsedMs * (share ?? 0);
      return { afterMs: fromMs, untilMs: Math.min(tMs, Math.max(fromMs + 1, atMs + random.below(500))) };
    };
    if (share !== null && visibility === 'told' && random.chance(0.3)) {
      // The controller was restarted, and has kept this counter.
      told.push(tellMs());
      isReset = false;
    }
    if (share !== null && isReset) {
      resets += 1;
      book += Math.floor(exact + growth * share) - Math.floor(exact);
      origin = 0;
      exact = growth * (1 - share);
      book += Math.floor(exact);
      if (visibility === 'told') told.push(tellMs());
    } else {
      book += Math.floor(exact + growth) - Math.floor(exact);
      exact += growth;
    }
    reads.push({ tMs, shown: show(), truth: book });
  }
  return { spec: { wrapsAt, maxRatePerS, resolution, intervalMs }, reads, told, resets };
}

interface Judged {
  good: number;
  uncertain: number;
  /** Steps without an uncertainty that are not the truth. */
  wrong: number;
  /** Steps with one, whose bounds do not hold the truth. */
  outside: number;
  example: string;
}

function judge({ spec, reads, told }: History, into: Judged): void {
  const truthAt = new Map(reads.map(({ tMs, truth }) => [tMs, truth]));
  let base: CounterBase | null = null;
  for (const { tMs, shown } of reads) {
    const next: { base: CounterBase; step: CounterStep | null } = advanceCounter(
      spec,
      base,
      { tMs, value: shown },
      told,
    );
    base = next.base;
    const { step } = next;
    if (step === null) continue;
    const truth = (truthAt.get(step.to.tMs) ?? Number.NaN) - (truthAt.get(step.from.tMs) ?? Number.NaN);
    const isTrue = Math.abs(truth - step.delta) <= step.uncertainty + 1e-9;
    if (step.uncertainty === 0) into.good += 1;
    else into.uncertain += 1;
    if (isTrue) continue;
    if (step.uncertainty === 0) into.wrong += 1;
    else into.outside += 1;
    into.example = `${JSON.stringify(step)} but ${truth} of ${JSON.stringify(spec)}`;
  }
}

function judgeMany(random: Random, count: number, visibility: Visibility): Judged & { readonly resets: number } {
  const judged: Judged = { good: 0, uncertain: 0, wrong: 0, outside: 0, example: '' };
  let resets = 0;
  for (let i = 0; i < count; i += 1) {
    const one = history(random, visibility);
    resets += one.resets;
    judge(one, judged);
  }
  return { ...judged, resets };
}

for (const [visibility, number] of [
  ['fall', 1],
  ['told', 2],
] as const) {
  const how = visibility === 'fall' ? 'a fall no wrap explains' : 'the word of the machine';
  test(`half of a hundred thousand histories whose resets show by ${how}: no good step is wrong`, (t) => {
    const count = runs(50_000);
    const judged = judgeMany(new Random(seed + number), count, visibility);
    assert.equal(judged.wrong, 0, `seed ${seed}: ${judged.example}`);
    assert.equal(judged.outside, 0, `seed ${seed}: ${judged.example}`);
    assert.ok(
      judged.resets > count / 4 && judged.good > count && judged.uncertain > count / 4,
      'each kind is met often',
    );
    t.diagnostic(
      `${count} histories, seed ${seed}: ${judged.resets} resets, ${judged.good} good and ${judged.uncertain} uncertain steps`,
    );
  });
}

test('resets that nothing shows: their share is printed, and each is a good step that is wrong or none', (t) => {
  const count = runs(20_000);
  const random = new Random(seed + 3);
  const judged = judgeMany(random, count, 'hidden');
  const share = (100 * judged.wrong) / judged.good;
  assert.ok(judged.wrong <= judged.resets, 'nothing but a hidden reset makes a good step wrong');
  // The control: the search above would have found a wrong step, had there been one.
  assert.ok(judged.wrong > 0);
  t.diagnostic(
    `${count} histories, seed ${seed}: ${judged.resets} resets that nothing shows; ${judged.wrong} good steps wrong, ${share.toFixed(2)} % of all`,
  );
});

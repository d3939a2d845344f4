/**
 * From samples to occurrences, in a hall that changes. A sample is held against what was taught as it is expected to sound in the hall of now
 * (`models/voiceprint/hall.ts`). Since the hall is heard only while the machine stands, what looks odd may be a hall that grew loud since: an
 * occurrence is told when the hall has been heard after its rise began, and does not explain it. A machine that does not stop is told anyhow.
 *
 * Invariants (test/unit/senses/ear-judging.test.ts):
 *  J1  A hall that grows loud while the machine runs tells nothing, if the machine stops within `mostHeldMs`.
 *  J2  A fault is told at the latest `mostHeldMs` of time and a sample after its evidence was enough, whatever is heard of the hall.
 *  J3  Of a print without a hall an occurrence is told at once.
 *  J4  Samples of a rise are bounded.
 *  J5  What was held is not told of a machine that sounds like itself by then.
 */
import { scoreOf, type Voiceprint } from '../../../models/voiceprint/ear.ts';
import { noEvidence, weigh, type Evidence } from '../../../models/voiceprint/evidence.ts';
import { movedThreshold } from '../../../models/voiceprint/feedback.ts';
import { amongHall } from '../../../models/voiceprint/hall.ts';
import type { Sample } from '../../../models/voiceprint/pool.ts';
import { leastToTell, type HallMemory } from './hall-memory.ts';

/** A knitting machine stops for a yarn more often. */
export const mostHeldMs = 2_400_000;
/** The sum of evidence is bounded, so what came before the newest so many is of no matter. */
const mostOfARise = 40;

interface Judged {
  readonly sample: Sample;
  readonly print: Voiceprint;
  readonly score: number;
}

export interface Judgement {
  readonly score: number;
  readonly threshold: number;
  readonly sum: number;
  /** What the sample was held against. */
  readonly print: Voiceprint;
  /** An occurrence begins: since when, and the scores of its rise. */
  readonly began: { readonly sinceMs: number; readonly scores: readonly number[] } | null;
  /** One ends, that began then. */
  readonly endedSinceMs: number | null;
}

export class Judging {
  readonly #hall: HallMemory;
  #evidence: Evidence = noEvidence;
  #rise: readonly Judged[] = [];
  #told: { readonly sinceMs: number } | null = null;
  /** What each print is in the hall of now. */
  readonly #expected = new Map<Voiceprint, { readonly newestMs: number | null; readonly print: Voiceprint }>();

  constructor(hall: HallMemory) {
    this.#hall = hall;
  }

  get isOdd(): boolean {
    return this.#told !== null;
  }

  /** There is evidence, and nothing is told yet. */
  get isRising(): boolean {
    return this.#evidence.sum > 0 && this.#told === null;
  }

  /** @param moved by what staff said, in spreads */
  judge(sample: Sample, taught: Voiceprint, moved: number): Judgement {
    const print = this.#inTheHall(taught);
    const score = scoreIn(sample, print);
    const threshold = movedThreshold(taught, moved);
    this.#add({ sample, print: taught, score }, moved);
    if (this.#evidence.isOdd && this.#told === null) this.#weighAnew(moved);
    const { sum, isOdd, sinceMs } = this.#evidence;
    const before = this.#told;
    const judgement = { score, threshold, sum, print, began: null, endedSinceMs: null };
    if (before !== null && !isOdd) {
      this.#told = null;
      return { ...judgement, endedSinceMs: before.sinceMs };
    }
    if (before !== null || !isOdd || sinceMs === null || !this.#mayTell(taught, sinceMs, sample.toMs)) return judgement;
    const newest = this.#rise.at(-1);
    if (newest === undefined || newest.score <= threshold) return judgement;
    this.#told = { sinceMs };
    return { ...judgement, began: { sinceMs, scores: this.#rise.map((one) => one.score) } };
  }

  #add(judged: Judged, moved: number): void {
    const { sample, print, score } = judged;
    const { spread } = print;
    const threshold = movedThreshold(print, moved);
    this.#evidence = weigh(this.#evidence, { fromMs: sample.fromMs, score }, { threshold, spread });
    this.#rise = this.#evidence.sum === 0 ? [] : [...this.#rise, judged].slice(-mostOfARise);
  }

  /** The rise by the hall that was heard since it began. */
  #weighAnew(moved: number): void {
    const since = this.#evidence.sinceMs;
    const hall = since === null ? null : this.#hall.since(since);
    if (hall === null) return;
    const rise = this.#rise;
    const expected = new Map<Voiceprint, Voiceprint>();
    this.#evidence = noEvidence;
    this.#rise = [];
    for (const { sample, print } of rise) {
      const there = expected.get(print) ?? amongHall(print, hall);
      expected.set(print, there);
      this.#add({ sample, print, score: scoreIn(sample, there) }, moved);
    }
  }

  #mayTell({ hall }: Voiceprint, sinceMs: number, nowMs: number): boolean {
    return hall === null || this.#hall.since(sinceMs, leastToTell) !== null || nowMs - sinceMs >= mostHeldMs;
  }

  #inTheHall(taught: Voiceprint): Voiceprint {
    const { newestMs } = this.#hall;
    const there = this.#expected.get(taught);
    if (there !== undefined && there.newestMs === newestMs) return there.print;
    const print = amongHall(taught, this.#hall.since(Number.NEGATIVE_INFINITY));
    this.#expected.set(taught, { newestMs, print });
    return print;
  }
}

const scoreIn = ({ features }: Sample, print: Voiceprint) =>
  scoreOf({ windows: [features], bands: print.bands }, print);

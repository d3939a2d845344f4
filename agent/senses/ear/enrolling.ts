/**
 * Enrolment: samples of a machine running well, by speed, until each speed has enough. Samples are features; no sound is kept. Pure.
 *
 * Invariants (test/unit/senses/ear-enrolling.test.ts):
 *  E1  A speed is learned from at least as many samples as were wanted, or not at all, and then it is said.
 *  E2  It is whole when the speed with most samples has enough, and no other that makes up a tenth of the running lacks some.
 *  E3  Samples and speeds are bounded; what is beyond is counted, and takes no memory.
 *  E4  What was heard while the machine stood is the hall of the speed it ran at before; where that was too little, the hall of all speeds.
 */
import { enrolWithLeft } from '../../../models/voiceprint/ear.ts';
import { HallSum } from '../../../models/voiceprint/hall.ts';
import { speedBandOf } from '../../../models/voiceprint/gate.ts';
import type { Sample } from '../../../models/voiceprint/pool.ts';
import { mean } from '../../../models/statistics/metrics.ts';
import { leastTaught } from './hall-memory.ts';
import type { SpeedPrint } from './hearing.ts';
import type { LeftOutLevels } from './suspecting.ts';

/** Samples kept of one speed: the more, the longer each learning takes, and they say nothing new. */
const mostASpeed = 200;
const mostSpeeds = 24;
const shareThatCounts = 0.1;

/** What was learned of one speed. */
export interface LearnedLevels extends SpeedPrint {
  readonly samples: number;
  /** Of each sample, when it was heard and how far it lies, in spreads above the threshold, held against the others. */
  readonly left: readonly LeftOutLevels[];
}

export interface SpeedProgress {
  readonly speed: number;
  readonly samples: number;
}

export class Enrolling {
  readonly #wanted: number;
  readonly #bands: number;
  readonly #samples = new Map<number, Sample[]>();
  readonly #halls = new Map<number, HallSum>();
  readonly #hall = new HallSum();
  /** The speed it ran at last. */
  #band: number | null = null;
  beyond = 0;

  /** @param wanted samples a speed @param bands that the microphone's rate fills */
  constructor(wanted: number, bands: number) {
    this.#wanted = wanted;
    this.#bands = bands;
  }

  add(sample: Sample): void {
    const band = speedBandOf(sample.speed);
    this.#band = band;
    const there = this.#samples.get(band);
    if (there === undefined ? this.#samples.size >= mostSpeeds : there.length >= mostASpeed) this.beyond += 1;
    else if (there === undefined) this.#samples.set(band, [sample]);
    else there.push(sample);
  }

  /** @param features of a piece in which the machine stood */
  stood(features: Float32Array): void {
    // Before it ran at a speed that is learned nobody knows with which to compare it.
    if (this.#band === null || !this.#samples.has(this.#band)) return;
    const there = this.#halls.get(this.#band) ?? new HallSum();
    this.#halls.set(this.#band, there);
    for (const sum of [there, this.#hall]) sum.add(features);
  }

  /** The speed heard most, first. */
  progress(): readonly SpeedProgress[] {
    return [...this.#samples.values()]
      .map((samples) => ({ speed: speedOf(samples), samples: samples.length }))
      .toSorted((a, b) => b.samples - a.samples);
  }

  get isWhole(): boolean {
    const progress = this.progress();
    const all = progress.reduce((sum, { samples }) => sum + samples, 0);
    const counting = progress.filter(({ samples }) => samples >= shareThatCounts * all);
    return counting.length > 0 && counting.every(({ samples }) => samples >= this.#wanted);
  }

  /** What each speed that has enough is like; speeds that have not are left out. */
  learn(): {
    readonly prints: readonly LearnedLevels[];
    readonly leftOut: readonly SpeedProgress[];
  } {
    const prints: LearnedLevels[] = [];
    const leftOut: SpeedProgress[] = [];
    const clipsOf = (samples: readonly Sample[]) =>
      samples.map(({ features }) => ({ windows: [features], bands: this.#bands }));
    const enough = [...this.#samples].filter(([, samples]) => samples.length >= this.#wanted);
    for (const [band, samples] of this.#samples) {
      const about = { speed: speedOf(samples), samples: samples.length };
      if (samples.length < this.#wanted) {
        leftOut.push(about);
        continue;
      }
      const others = enough.flatMap(([other, more]) => (other === band ? [] : [clipsOf(more)]));
      const hall = this.#halls.get(band)?.mean(leastTaught) ?? this.#hall.mean(leastTaught);
      const { print, left } = enrolWithLeft(clipsOf(samples), { others, hall });
      const apart = samples.map(({ fromMs, toMs }, at) => ({
        fromMs,
        toMs,
        levels: ((left[at] ?? 0) - print.threshold) / print.spread,
      }));
      prints.push({ ...about, print, left: apart });
    }
    return { prints, leftOut };
  }
}

const speedOf = (samples: readonly Sample[]) => Math.round(mean(samples.map(({ speed }) => speed)) * 10) / 10;

/**
 * The pulse that comes once a revolution, on a channel of its own → when it was, in samples and fractions. Pure.
 *
 * The channel's span is learned from itself: its rest is the mean of the last seconds, pulses being short; how far it leaves the rest
 * at the most, and to which side, is the pulse. A pulse begins where it is two thirds of that away from its rest and ends where it is
 * a third away; its time is the middle between the two places where it passes the half, so it is the middle of the mark at any speed.
 *
 * Invariants (test/unit/drivers/microphone/pulse.test.ts):
 *  U1  However the samples are cut, the pulses are the same.
 *  U2  Either polarity; any rest; a pulse is told once, however it bounces within `refractoryMs`.
 *  U3  Noise alone, or nothing, is no pulse.
 */
export interface PulseOptions {
  readonly rateHz: number;
  /** Between two pulses, at least. Default 5 ms: 12,000 revolutions a minute. */
  readonly refractoryMs?: number;
}

/** A pulse longer than this is none: the channel rests elsewhere now. */
const longestMs = 500;
/** Half of what was learned is forgotten after so long. */
const halfLifeMs = 5_000;
const learnMs = 1_000;
/** A pulse stands out of the usual swing by this factor at least; a sine stands out by 1.4, noise of a second by about 4.5. */
const leastCrest = 6;
const leastHeight = 1e-3;

export class PulseDetector {
  readonly #rateHz: number;
  readonly #refractory: number;
  readonly #blockLength: number;
  #block: Float32Array;
  #filled = 0;
  #blockFrom = 0;
  #rest = 0;
  #high = 0;
  #low = 0;
  #swing = 0;
  #blocks = 0;
  #previous = 0;
  #rising: number | null = null;
  #falling: number | null = null;
  #isIn = false;
  #sinceSample = 0;
  #lastPulse = -Infinity;

  constructor({ rateHz, refractoryMs = 5 }: PulseOptions) {
    this.#rateHz = rateHz;
    this.#refractory = (refractoryMs / 1000) * rateHz;
    // A tenth of a second: the same blocks however the samples come.
    this.#blockLength = Math.round(rateHz / 10);
    this.#block = new Float32Array(this.#blockLength);
  }

  /** Nothing of before holds, nor what came in the last tenth of a second: what comes next has this number. */
  skipTo(sample: number): void {
    this.#filled = 0;
    this.#blockFrom = sample;
    this.#isIn = false;
    this.#rising = null;
    this.#falling = null;
    // A pulse that is there already has no way up.
    this.#previous = 1;
  }

  /** @returns times of pulses, in samples; up to a tenth of a second after they were */
  push(samples: Float32Array): number[] {
    const pulses: number[] = [];
    for (let at = 0; at < samples.length;) {
      const piece = samples.subarray(at, at + this.#blockLength - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < this.#blockLength) break;
      this.#learn();
      if (this.#blocks * 100 >= learnMs) this.#find(pulses);
      this.#blockFrom += this.#blockLength;
      this.#filled = 0;
    }
    return pulses;
  }

  #learn(): void {
    const block = this.#block;
    // The middle of the sorted samples: pulses do not move it.
    const sorted = block.toSorted();
    const rest = sorted[sorted.length >> 1] ?? 0;
    const swing = Math.max(
      rest - (sorted[Math.floor(sorted.length * 0.16)] ?? 0),
      (sorted[Math.floor(sorted.length * 0.84)] ?? 0) - rest,
    );
    const share = this.#blocks === 0 ? 1 : Math.max(1 / (this.#blocks + 1), 1 - 2 ** (-100 / halfLifeMs));
    this.#rest += (rest - this.#rest) * share;
    this.#swing += (swing - this.#swing) * share;
    const keep = 2 ** (-100 / halfLifeMs);
    this.#high = Math.max(this.#high * keep, (sorted.at(-1) ?? 0) - this.#rest);
    this.#low = Math.max(this.#low * keep, this.#rest - (sorted[0] ?? 0));
    this.#blocks += 1;
  }

  #find(pulses: number[]): void {
    const sign = this.#high >= this.#low ? 1 : -1;
    const height = Math.max(this.#high, this.#low);
    const isPulse = height >= leastHeight && height >= leastCrest * this.#swing;
    if (!isPulse) {
      this.#isIn = false;
      this.#rising = null;
      return;
    }
    for (let i = 0; i < this.#blockLength; i += 1) {
      const value = (sign * ((this.#block[i] ?? 0) - this.#rest)) / height;
      this.#step(value, this.#blockFrom + i, pulses);
      this.#previous = value;
    }
  }

  #step(value: number, sample: number, pulses: number[]): void {
    const before = this.#previous;
    const crossing = () => sample - 1 + (0.5 - before) / (value - before);
    if (!this.#isIn) {
      if (before < 0.5 && value >= 0.5) this.#rising = crossing();
      // Back at rest without having been a pulse.
      if (value < 1 / 3) this.#rising = null;
      if (value < 2 / 3 || this.#rising === null) return;
      this.#isIn = true;
      this.#sinceSample = sample;
      this.#falling = null;
      return;
    }
    // The first way down since it was up for certain, as the way up is the last before that.
    if (value >= 2 / 3) this.#falling = null;
    else if (before >= 0.5 && value < 0.5) this.#falling ??= crossing();
    if (value > 1 / 3 && sample - this.#sinceSample < (longestMs / 1000) * this.#rateHz) return;
    this.#isIn = false;
    const [from, to] = [this.#rising, this.#falling];
    this.#rising = null;
    if (from === null || to === null || value > 1 / 3) return;
    const middle = (from + to) / 2;
    if (middle - this.#lastPulse < this.#refractory) return;
    this.#lastPulse = middle;
    pulses.push(middle);
  }
}

/** What a second of sound is like, for `health.ts`. Pure. */
import type { SoundBlock } from './sound.ts';

/** One second of the channel that hears. Levels in dB re full scale, of 1 (a full sine is −3). */
export interface SoundMeasure {
  readonly rmsDb: number;
  readonly peak: number;
  /** Mean of all samples. */
  readonly dc: number;
  /** Shares of samples: at full scale; the very same as the one before; that were no numbers. */
  readonly clippedShare: number;
  readonly sameShare: number;
  readonly badShare: number;
  /** Levels below and above 4 kHz, without the mean. */
  readonly lowDb: number;
  readonly highDb: number;
}

export const splitHz = 4_000;
const clippedFrom = 0.999;
/** Silence has a level, so that there is no infinity to reckon with. */
const floor = 1e-12;

export class SoundMeter {
  readonly #rateHz: number;
  readonly #low: Biquad;
  readonly #high: readonly [Biquad, Biquad];
  #count = 0;
  #sum = 0;
  #squares = 0;
  #peak = 0;
  #clipped = 0;
  #same = 0;
  #bad = 0;
  #lowSquares = 0;
  #highSquares = 0;
  #last = NaN;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    this.#low = new Biquad(rateHz, splitHz, Math.SQRT1_2, 'low');
    // Twice as steep: a machine is louder below than above, and what leaks would be taken for its highs.
    this.#high = [new Biquad(rateHz, splitHz, 0.5412, 'high'), new Biquad(rateHz, splitHz, 1.3066, 'high')];
  }

  /** @returns a measure of each second that is whole with this block */
  push({ channels, holes }: SoundBlock): SoundMeasure[] {
    const measures: SoundMeasure[] = [];
    const samples = channels[0] ?? new Float32Array(0);
    let hole = 0;
    for (let from = 0; from < samples.length;) {
      while ((holes[hole]?.to ?? Infinity) <= from) hole += 1;
      const next = holes[hole] ?? { from: Infinity, to: Infinity };
      const isBad = next.from <= from;
      const to = Math.min(isBad ? next.to : next.from, samples.length, from + this.#rateHz - this.#count);
      if (isBad) this.#bad += to - from;
      else this.#add(samples.subarray(from, to));
      this.#count += to - from;
      from = to;
      if (this.#count >= this.#rateHz) measures.push(this.#take());
    }
    return measures;
  }

  #add(samples: Float32Array): void {
    let sum = 0;
    let squares = 0;
    let clipped = 0;
    let same = 0;
    let peak = this.#peak;
    let last = this.#last;
    for (let i = 0; i < samples.length; i += 1) {
      const value = samples[i] as number;
      const size = Math.abs(value);
      sum += value;
      squares += value * value;
      if (size > peak) peak = size;
      if (size >= clippedFrom) clipped += 1;
      if (value === last) same += 1;
      last = value;
    }
    this.#sum += sum;
    this.#squares += squares;
    this.#peak = peak;
    this.#clipped += clipped;
    this.#same += same;
    this.#last = last;
    this.#filter(samples);
  }

  /** All three filters in one loop, and nothing of them outside of it: it runs for every sample of every microphone. */
  #filter(samples: Float32Array): void {
    const [low, [one, two]] = [this.#low, this.#high];
    const { b0, b1, a1, a2 } = low;
    const { b0: c0, b1: c1, a1: d1, a2: d2 } = one;
    const { b0: e0, b1: e1, a1: f1, a2: f2 } = two;
    let { s1, s2 } = low;
    let { s1: t1, s2: t2 } = one;
    let { s1: u1, s2: u2 } = two;
    let lowSquares = 0;
    let highSquares = 0;
    for (let i = 0; i < samples.length; i += 1) {
      const x = samples[i] as number;
      const y = b0 * x + s1;
      s1 = b1 * x + s2 - a1 * y;
      s2 = b0 * x - a2 * y;
      const high = c0 * x + t1;
      t1 = c1 * x + t2 - d1 * high;
      t2 = c0 * x - d2 * high;
      const z = e0 * high + u1;
      u1 = e1 * high + u2 - f1 * z;
      u2 = e0 * high - f2 * z;
      lowSquares += y * y;
      highSquares += z * z;
    }
    low.keep(s1, s2);
    one.keep(t1, t2);
    two.keep(u1, u2);
    this.#lowSquares += lowSquares;
    this.#highSquares += highSquares;
  }

  #take(): SoundMeasure {
    const good = Math.max(1, this.#count - this.#bad);
    const dc = this.#sum / good;
    const measure: SoundMeasure = {
      rmsDb: decibels(this.#squares / good - dc * dc),
      peak: this.#peak,
      dc,
      clippedShare: this.#clipped / good,
      sameShare: this.#same / good,
      badShare: this.#bad / this.#count,
      lowDb: decibels(this.#lowSquares / good - dc * dc),
      highDb: decibels(this.#highSquares / good),
    };
    this.#count = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#peak = 0;
    this.#clipped = 0;
    this.#same = 0;
    this.#bad = 0;
    this.#lowSquares = 0;
    this.#highSquares = 0;
    return measure;
  }
}

const decibels = (power: number) => 10 * Math.log10(Math.max(floor, power));

/** A filter of second order (R. Bristow-Johnson's formulas; transposed direct form II). The first and the last of its b are the same. */
class Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly a1: number;
  readonly a2: number;
  s1 = 0;
  s2 = 0;

  constructor(rateHz: number, cutHz: number, q: number, kind: 'low' | 'high') {
    const w = (2 * Math.PI * cutHz) / rateHz;
    const alpha = Math.sin(w) / (2 * q);
    const cos = Math.cos(w);
    const a0 = 1 + alpha;
    this.b0 = (kind === 'low' ? 1 - cos : 1 + cos) / 2 / a0;
    this.b1 = (kind === 'low' ? 2 : -2) * this.b0;
    this.a1 = (-2 * cos) / a0;
    this.a2 = (1 - alpha) / a0;
  }

  keep(s1: number, s2: number): void {
    this.s1 = s1;
    this.s2 = s2;
  }
}

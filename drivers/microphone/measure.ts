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
  readonly #high: readonly Biquad[];
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
    for (let i = 0; i < samples.length; i += 1) {
      while ((holes[hole]?.to ?? Infinity) <= i) hole += 1;
      const isBad = (holes[hole]?.from ?? Infinity) <= i;
      this.#add(samples[i] ?? 0, isBad);
      if (this.#count >= this.#rateHz) measures.push(this.#take());
    }
    return measures;
  }

  #add(value: number, isBad: boolean): void {
    this.#count += 1;
    if (isBad) {
      this.#bad += 1;
      return;
    }
    this.#sum += value;
    this.#squares += value * value;
    this.#peak = Math.max(this.#peak, Math.abs(value));
    if (Math.abs(value) >= clippedFrom) this.#clipped += 1;
    if (value === this.#last) this.#same += 1;
    this.#last = value;
    const low = this.#low.step(value);
    let high = value;
    for (const filter of this.#high) high = filter.step(high);
    this.#lowSquares += low * low;
    this.#highSquares += high * high;
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

/** A filter of second order (R. Bristow-Johnson's formulas). */
class Biquad {
  readonly #b: readonly [number, number, number];
  readonly #a: readonly [number, number];
  #s1 = 0;
  #s2 = 0;

  constructor(rateHz: number, cutHz: number, q: number, kind: 'low' | 'high') {
    const w = (2 * Math.PI * cutHz) / rateHz;
    const alpha = Math.sin(w) / (2 * q);
    const cos = Math.cos(w);
    const a0 = 1 + alpha;
    const edge = (kind === 'low' ? 1 - cos : 1 + cos) / 2 / a0;
    this.#b = [edge, (kind === 'low' ? 2 : -2) * edge, edge];
    this.#a = [(-2 * cos) / a0, (1 - alpha) / a0];
  }

  step(x: number): number {
    const y = this.#b[0] * x + this.#s1;
    this.#s1 = this.#b[1] * x - this.#a[0] * y + this.#s2;
    this.#s2 = this.#b[2] * x - this.#a[1] * y;
    return y;
  }
}

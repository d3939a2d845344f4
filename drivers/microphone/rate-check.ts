/** Whether a microphone sends as many samples a second as it says: one that does not has another pitch than was taught. Pure. */

const windowMs = 20_000;
/** A network that stalls and catches up is off in one stretch and the other way in the next. */
const leastWindows = 2;
const mostOff = 0.03;

export class RateCheck {
  readonly #rateHz: number;
  #fromMs: number | null = null;
  #samples = 0;
  #windows = 0;
  #sign = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
  }

  /**
   * So many samples arrived, or are known to be missing.
   * @returns how many come a second, where that is another number than was said; else null
   */
  arrived(samples: number, atMs: number): number | null {
    if (this.#fromMs === null) {
      // What came at first may have waited for us.
      this.#fromMs = atMs;
      return null;
    }
    this.#samples += samples;
    const elapsedMs = atMs - this.#fromMs;
    if (elapsedMs < windowMs) return null;
    const measuredHz = (this.#samples * 1000) / elapsedMs;
    const off = measuredHz / this.#rateHz - 1;
    const sign = Math.abs(off) <= mostOff ? 0 : Math.sign(off);
    this.#windows = sign === 0 ? 0 : sign === this.#sign ? this.#windows + 1 : 1;
    this.#sign = sign;
    this.#fromMs = atMs;
    this.#samples = 0;
    return this.#windows >= leastWindows ? Math.round(measuredHz) : null;
  }
}

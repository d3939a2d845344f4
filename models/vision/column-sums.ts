/** Light along a row of columns: means over any stretch of it, and the beat of the wales in it. Pure. */

/** Whole wales to each side that the place of the wales is taken from. */
const phaseWales = 8;

/** A row of numbers, and the mean over any stretch of it with fractions at its ends. */
export class ColumnSums {
  readonly #sums: Float64Array;

  constructor(values: Float64Array) {
    this.#sums = new Float64Array(values.length + 1);
    for (let x = 0; x < values.length; x += 1) this.#sums[x + 1] = (this.#sums[x] ?? 0) + (values[x] ?? 0);
  }

  get length(): number {
    return this.#sums.length - 1;
  }

  /** Of what of the stretch is there. */
  mean(from: number, to: number): number {
    const [low, high] = [Math.max(from, 0), Math.min(to, this.#sums.length - 1)];
    return high > low ? (this.#until(high) - this.#until(low)) / (high - low) : 0;
  }

  /** Where the fundamental of the wales around a place is highest. */
  phaseAt(place: number, pitchPx: number): number {
    const reach = phaseWales * pitchPx;
    const from = Math.max(0, Math.floor(place - reach));
    const to = Math.min(this.#sums.length - 1, Math.ceil(place + reach));
    const level = this.mean(from, to);
    let [even, odd] = [0, 0];
    for (let x = from; x < to; x += 1) {
      // At an edge the stretch is no whole number of wales: without its level that would look like a beat.
      const value = (this.#sums[x + 1] ?? 0) - (this.#sums[x] ?? 0) - level;
      const weight = 0.5 + 0.5 * Math.cos((Math.PI * (x + 0.5 - place)) / reach);
      const angle = (2 * Math.PI * (x + 0.5)) / pitchPx;
      even += weight * value * Math.cos(angle);
      odd += weight * value * Math.sin(angle);
    }
    return (Math.atan2(odd, even) / (2 * Math.PI)) * pitchPx;
  }

  /** Sum of what lies left of a place. */
  #until(x: number): number {
    const whole = Math.min(Math.floor(x), this.#sums.length - 1);
    const here = this.#sums[whole] ?? 0;
    return here + (x - whole) * ((this.#sums[whole + 1] ?? here) - here);
  }
}

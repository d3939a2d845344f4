/** Random numbers with a seed, so that a failure can be run again: SELVEDGE_SEED=… repeats it, SELVEDGE_RUNS=… multiplies the count. */
export const seed = Number(process.env['SELVEDGE_SEED'] ?? Date.now() % 1_000_000_007) | 0;

/** How often to run what runs `count` times in CI. */
export const runs = (count: number): number => count * Number(process.env['SELVEDGE_RUNS'] ?? 1);

export class Random {
  #state: number;

  constructor(start: number) {
    this.#state = start | 0 || 1;
  }

  /** A whole number of 0 … n − 1 (xorshift32). */
  below(n: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % n;
  }

  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000;
  }

  of<T>(...all: readonly [T, ...T[]]): T {
    return all[this.below(all.length)] ?? all[0];
  }
}

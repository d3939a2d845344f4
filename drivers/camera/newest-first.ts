/**
 * Between a camera and whoever looks at its pictures: late work is dropped, and the newest picture is the next. Pure of clocks.
 *
 * Invariants (test/unit/drivers/camera-newest.test.ts):
 *  N1  One item is worked on and at most one waits; what it replaces is counted.
 *  N2  Items are worked on in the order they came, one at a time, none twice.
 *  N3  When `stop` resolves nothing is worked on and nothing will be.
 */
export class NewestFirst<T> {
  readonly #work: (item: T) => Promise<void>;
  #waiting: { readonly item: T } | null = null;
  #working: Promise<void> | null = null;
  #stopped = false;
  #dropped = 0;

  /** @param work never rejects */
  constructor(work: (item: T) => Promise<void>) {
    this.#work = work;
  }

  /** Items that were replaced by a newer one before anybody looked at them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** One is worked on, or waits. */
  get isBusy(): boolean {
    return this.#working !== null;
  }

  put(item: T): void {
    if (this.#stopped) return;
    if (this.#waiting !== null) this.#dropped += 1;
    this.#waiting = { item };
    this.#working ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting = null;
    await this.#working;
  }

  async #run(): Promise<void> {
    // Not within `put`: its caller has more to do with what came.
    await Promise.resolve();
    while (this.#waiting !== null) {
      const { item } = this.#waiting;
      this.#waiting = null;
      await this.#work(item);
    }
    this.#working = null;
  }
}

/**
 * Commits that wait for room on the disk, in the order they came. Pure.
 *
 * Invariants (test/unit/store/held.test.ts):
 *  H1  Never more than `maxRecords` records are held. What is dropped for that is the oldest of those that are not precious; only
 *      where none is left the oldest of the precious.
 *  H2  Whatever is added is given back once: by `take` or as dropped.
 */
export interface Holdable {
  readonly records: number;
  /** May use the reserve: it holds an alert or an event. */
  readonly precious: boolean;
}

export class Held<T extends Holdable> {
  readonly #maxRecords: number;
  #jobs: T[] = [];
  #records = 0;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  get records(): number {
    return this.#records;
  }

  /** Returns what had to be dropped for it. */
  add(job: T): T[] {
    this.#jobs.push(job);
    this.#records += job.records;
    const dropped: T[] = [];
    while (this.#records > this.#maxRecords) {
      const plain = this.#jobs.findIndex(({ precious }) => !precious);
      const [out] = this.#jobs.splice(Math.max(0, plain), 1);
      if (out === undefined) break;
      this.#records -= out.records;
      dropped.push(out);
    }
    return dropped;
  }

  /** All of them, or the precious alone. */
  take(which: 'all' | 'precious'): T[] {
    const taken = this.#jobs.filter(({ precious }) => which === 'all' || precious);
    this.#jobs = this.#jobs.filter((job) => !taken.includes(job));
    for (const { records } of taken) this.#records -= records;
    return taken;
  }
}

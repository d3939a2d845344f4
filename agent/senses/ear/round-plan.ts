/**
 * Whose turn it is: branch B costs four times what judging by levels costs, so each machine is heard by it in a round a minute, and not too many
 * machines at a time. A machine asks whenever it runs; a turn is kept while it runs on, and given up when it stands. Pure: no clock.
 *
 * Invariants (test/unit/senses/ear-round-plan.test.ts):
 *  T1  No more than `mostOpen` machines have a turn, and no more than `mostWaiting` wait for one.
 *  T2  A turn of a machine begins `everyMs` after its last one began, at the earliest.
 *  T3  For each machine that waits a place is kept before those who asked later: nobody is passed, and nobody waits for one that stands while there is room.
 *  T4  A turn that was refused because the queue was full, or taken back before its round was whole, is counted.
 */

/** Who waits and is not heard running for so long gives its place up, and asks anew. */
const waitsMs = 5_000;
/** Who has a turn may stand so long: between two seams. */
const standsMs = 20_000;
/** Bursts of a sewing machine make a round in half a minute; a turn is taken back after so long, what was heard in it is kept. */
const mostTurnMs = 120_000;

export interface RoundPlanOptions {
  readonly everyMs: number;
  readonly mostOpen: number;
  readonly mostWaiting: number;
}

export interface RoundPlanCounts {
  readonly done: number;
  /** Turns that were refused, or taken back. */
  readonly dropped: number;
}

interface Turn {
  readonly beganMs: number;
  readonly heardMs: number;
}

export class RoundPlan {
  readonly #options: RoundPlanOptions;
  readonly #open = new Map<string, Turn>();
  /** In the order of asking; when each was heard last. */
  readonly #waiting = new Map<string, number>();
  readonly #nextMs = new Map<string, number>();
  readonly #counts = new Map<string, { done: number; dropped: number }>();

  constructor(options: RoundPlanOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#open.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  counts(machine: string): RoundPlanCounts {
    return { ...(this.#counts.get(machine) ?? { done: 0, dropped: 0 }) };
  }

  /** A machine runs: whether what is heard of it now belongs to a round. */
  asks(machine: string, nowMs: number): boolean {
    this.#sweep(nowMs);
    const own = this.#open.get(machine);
    if (own !== undefined) {
      this.#open.set(machine, { ...own, heardMs: nowMs });
      return true;
    }
    if (nowMs < (this.#nextMs.get(machine) ?? Number.NEGATIVE_INFINITY)) return false;
    const { mostOpen, mostWaiting, everyMs } = this.#options;
    if (!this.#waiting.has(machine) && this.#waiting.size >= mostWaiting) {
      this.#drop(machine);
      this.#nextMs.set(machine, nowMs + everyMs);
      return false;
    }
    // A key that is there keeps its place.
    this.#waiting.set(machine, nowMs);
    const before = [...this.#waiting.keys()].indexOf(machine);
    if (this.#open.size + before >= mostOpen) return false;
    this.#waiting.delete(machine);
    this.#open.set(machine, { beganMs: nowMs, heardMs: nowMs });
    this.#nextMs.set(machine, nowMs + everyMs);
    return true;
  }

  /** Its round is whole. */
  done(machine: string): void {
    if (this.#open.delete(machine)) this.#countsOf(machine).done += 1;
  }

  #sweep(nowMs: number): void {
    for (const [machine, heardMs] of this.#waiting) {
      if (nowMs - heardMs > waitsMs) this.#waiting.delete(machine);
    }
    for (const [machine, { beganMs, heardMs }] of this.#open) {
      if (nowMs - heardMs <= standsMs && nowMs - beganMs <= mostTurnMs) continue;
      this.#open.delete(machine);
      this.#drop(machine);
    }
  }

  #drop(machine: string): void {
    this.#countsOf(machine).dropped += 1;
  }

  #countsOf(machine: string): { done: number; dropped: number } {
    const there = this.#counts.get(machine) ?? { done: 0, dropped: 0 };
    this.#counts.set(machine, there);
    return there;
  }
}

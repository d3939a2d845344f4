/** Timers that go off when time is moved by hand, in the order they are due. Pure but for what the callbacks do. */

interface Timer {
  dueMs: number;
  /** Null: it goes off once. */
  readonly everyMs: number | null;
  readonly run: () => void;
}

export class HandTimers {
  nowMs = 0;
  readonly #timers = new Map<number, Timer>();
  #last = 0;

  set(run: () => void, ms: number, isInterval: boolean): number {
    const afterMs = Math.max(1, ms);
    this.#last += 1;
    this.#timers.set(this.#last, { dueMs: this.nowMs + afterMs, everyMs: isInterval ? afterMs : null, run });
    return this.#last;
  }

  clear(id: number): void {
    this.#timers.delete(id);
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.#next(untilMs); next !== null; next = this.#next(untilMs)) {
      const [id, timer] = next;
      this.nowMs = timer.dueMs;
      if (timer.everyMs === null) this.#timers.delete(id);
      else timer.dueMs += timer.everyMs;
      timer.run();
    }
    this.nowMs = untilMs;
  }

  #next(untilMs: number): [number, Timer] | null {
    let next: [number, Timer] | null = null;
    for (const one of this.#timers)
      if (one[1].dueMs <= untilMs && one[1].dueMs < (next?.[1].dueMs ?? Infinity)) next = one;
    return next;
  }
}

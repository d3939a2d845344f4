/**
 * A controller that restarts zeroes several counters, and they may be read at different moments. This collects what belongs
 * to one reset, so that it is one event: complete once every counter of the machine was read after it, or after `waitMs`.
 */
import type { CounterStep } from './counter.ts';

export interface ResetSeen {
  readonly signal: string;
  readonly step: CounterStep;
}

export interface ResetGroup {
  readonly fromMs: number;
  readonly atMs: number;
  readonly seen: readonly ResetSeen[];
}

export class ResetCollector {
  readonly #waitMs: number;
  #seen: ResetSeen[] = [];
  #sinceMonotonicMs = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  get pending(): boolean {
    return this.#seen.length > 0;
  }

  note(signal: string, step: CounterStep, monotonicMs: number): void {
    if (this.#seen.length === 0) this.#sinceMonotonicMs = monotonicMs;
    this.#seen.push({ signal, step });
  }

  /** The group when it is complete, else null. `allReadMs`: all counters were read at or after this time. */
  take(allReadMs: number, monotonicMs: number): ResetGroup | null {
    if (this.#seen.length === 0) return null;
    const latest = Math.max(...this.#seen.map((seen) => seen.step.to.tMs));
    if (allReadMs < latest && monotonicMs - this.#sinceMonotonicMs < this.#waitMs) return null;
    return this.flush();
  }

  /** The wall clock was stepped: what waits moves along. */
  shift(shiftMs: number): void {
    this.#seen = this.#seen.map(({ signal, step }) => ({
      signal,
      step: {
        ...step,
        from: { ...step.from, tMs: step.from.tMs + shiftMs },
        to: { ...step.to, tMs: step.to.tMs + shiftMs },
      },
    }));
  }

  flush(): ResetGroup | null {
    if (this.#seen.length === 0) return null;
    const seen = this.#seen;
    this.#seen = [];
    return {
      fromMs: Math.min(...seen.map(({ step }) => step.from.tMs)),
      atMs: Math.min(...seen.map(({ step }) => step.to.tMs)),
      seen,
    };
  }
}

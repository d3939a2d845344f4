/**
 * The states of one machine over the last minutes, on the summaries' time line. Kept as changes, so that a gap noticed late
 * can still be written where it began. Pure data.
 *
 * Invariants (test/unit/states/):
 *  T1  The seconds of a minute add up to the time of that minute since the machine was configured, UNKNOWN and OFFLINE included.
 *  T2  Forgetting old changes alters no second of a minute that is kept.
 */
import type { MachineState } from '../../cloud-bridge/contract.ts';

export interface StateChange {
  readonly tMs: number;
  readonly state: MachineState;
  readonly cause: string | null;
}

export interface StateSeconds {
  readonly seconds: Partial<Record<MachineState, number>>;
  readonly causes: Record<string, number>;
}

export class StateTimeline {
  #changes: StateChange[];

  constructor(first: StateChange) {
    this.#changes = [first];
  }

  get current(): StateChange {
    return this.#changes.at(-1) ?? { tMs: 0, state: 'UNKNOWN', cause: null };
  }

  /** The state held just before `tMs`. */
  before(tMs: number): StateChange {
    return this.#changes.findLast((change) => change.tMs < tMs) ?? this.current;
  }

  /** From `tMs` on it is this state; what was noted after `tMs` is overwritten. */
  set(tMs: number, state: MachineState, cause: string | null): void {
    const [first] = this.#changes;
    const fromMs = Math.max(tMs, first?.tMs ?? tMs);
    while (this.#changes.length > 0 && this.current.tMs >= fromMs) this.#changes.pop();
    const last = this.#changes.at(-1);
    if (last !== undefined && last.state === state && last.cause === cause) return;
    this.#changes.push({ tMs: fromMs, state, cause });
  }

  /** Seconds by state and by cause within [fromMs, toMs); time before the first change is not counted. */
  fold(fromMs: number, toMs: number): StateSeconds {
    const seconds: Partial<Record<MachineState, number>> = {};
    const causes: Record<string, number> = {};
    for (const [i, change] of this.#changes.entries()) {
      const start = Math.max(fromMs, change.tMs);
      const end = Math.min(toMs, this.#changes[i + 1]?.tMs ?? toMs);
      if (end <= start) continue;
      // Whole milliseconds are added first: the sum of a minute is then exact.
      seconds[change.state] = (seconds[change.state] ?? 0) + (end - start);
      if (change.cause !== null) causes[change.cause] = (causes[change.cause] ?? 0) + (end - start);
    }
    return { seconds: inSeconds(seconds), causes: inSeconds(causes) };
  }

  /** Goes on with the present state on another time line. */
  restart(tMs: number): void {
    this.#changes = [{ ...this.current, tMs }];
  }

  /** Drops what no minute from `tMs` on needs. */
  forgetBefore(tMs: number): void {
    let needed = 0;
    while ((this.#changes[needed + 1]?.tMs ?? Infinity) <= tMs) needed++;
    if (needed > 0) this.#changes = this.#changes.slice(needed);
  }
}

function inSeconds<T extends Record<string, number>>(ms: T): T {
  return Object.fromEntries(Object.entries(ms).map(([key, value]) => [key, value / 1000])) as T;
}

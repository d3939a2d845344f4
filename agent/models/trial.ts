/**
 * Leads the version of one model through its trial. The process that runs the model tells `beat` while it is healthy: a note of it is a
 * write that waits for the disk, which the polling loop must not. The agent, which sees that process end, tells `crashed`.
 *
 * Invariants (test/unit/models/trial.test.ts):
 *  T1  Between two beats at most `maxStepMs` count: a process that was stopped or starved was not healthy meanwhile.
 *  T2  Healthy running is noted every `noteEveryMs` and when the trial is through; a crash is noted before `crashed` returns.
 *  T3  Where a note cannot be made now it is made with the next beat or crash: nothing is counted twice, no crash is forgotten.
 */
import { AgentError } from '../errors.ts';
import type { InstalledModels } from './installed.ts';
import { crashed, noteEveryMs, ranHealthy, trialMs, type HostMoment, type Slot } from './slots.ts';

/** Beats come every few seconds. */
export const maxStepMs = 30_000;

export interface TrialPorts {
  readonly models: Pick<InstalledModels, 'change'>;
  readonly now: () => HostMoment;
  /** Monotonic, in ms. */
  readonly monotonicMs: () => number;
}

export class Trial {
  readonly id: string;
  readonly version: string;
  readonly #ports: TrialPorts;
  #lastBeatMs: number | null = null;
  #unnotedMs = 0;
  #unnotedCrashes = 0;

  constructor(id: string, version: string, ports: TrialPorts) {
    this.id = id;
    this.version = version;
    this.#ports = ports;
  }

  /** The process runs and answers. Returns the slot when something was noted, else null. */
  beat(): Slot | null {
    const nowMs = this.#ports.monotonicMs();
    if (this.#lastBeatMs !== null) this.#unnotedMs += Math.min(maxStepMs, Math.max(0, nowMs - this.#lastBeatMs));
    this.#lastBeatMs = nowMs;
    return this.#unnotedMs >= noteEveryMs || this.#unnotedCrashes > 0 ? this.#note() : null;
  }

  /** The process ended by itself. Returns the slot as it is then: where `active` is another version, it was taken back. */
  crashed(): Slot | null {
    this.#lastBeatMs = null;
    this.#unnotedCrashes += 1;
    return this.#note();
  }

  /** The slot; null where another process holds the lock. */
  #note(): Slot | null {
    const { models, now } = this.#ports;
    const [ranMs, crashes] = [this.#unnotedMs, this.#unnotedCrashes];
    try {
      const slot = models.change(this.id, (before) => {
        if (before.active !== this.version) return before;
        // Crashes come first: what ran healthily before the last of them confirms nothing.
        let after = before;
        for (let n = 0; n < crashes; n += 1) after = crashed(after, this.version);
        return after.active === this.version ? ranHealthy(after, Math.min(ranMs, trialMs), now()) : after;
      });
      this.#unnotedMs = 0;
      this.#unnotedCrashes = 0;
      return slot;
    } catch (error) {
      if (error instanceof AgentError && error.entry.retryable) return null;
      throw error;
    }
  }
}

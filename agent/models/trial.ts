/**
 * Leads the version of one model through its trial, in the process that runs the model: it tells `beat` while it is healthy. A note of it
 * is a write that waits for the disk, which the polling loop must not. That process's end is noted by who sees it, `crash-notes.ts`.
 *
 * Invariants (test/unit/models/trial.test.ts):
 *  T1  Between two beats at most `maxStepMs` count: a process that was stopped or starved was not healthy meanwhile.
 *  T2  Healthy running is noted every `noteEveryMs` and when the trial is through.
 *  T3  Where a note cannot be made now it is made with the next beat: nothing is counted twice.
 */
import { AgentError } from '../errors.ts';
import type { InstalledModels } from './installed.ts';
import { noteEveryMs, ranHealthy, trialMs, type HostMoment, type Slot } from './slots.ts';

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
    return this.#unnotedMs >= noteEveryMs ? this.#note() : null;
  }

  /** The process runs, and its model does not: what passes until the next beat does not count. */
  missed(): void {
    this.#lastBeatMs = null;
  }

  /** The slot; null where another process holds the lock. */
  #note(): Slot | null {
    const { models, now } = this.#ports;
    const ranMs = Math.min(this.#unnotedMs, trialMs);
    try {
      const slot = models.change(this.id, (before) =>
        before.active === this.version ? ranHealthy(before, ranMs, now()) : before,
      );
      this.#unnotedMs = 0;
      return slot;
    } catch (error) {
      if (error instanceof AgentError && error.entry.retryable) return null;
      throw error;
    }
  }
}

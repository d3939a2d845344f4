/**
 * The gateway's wall clock as the agent believes it. A computer without a clock of its own starts in 1970 (or at the last time it
 * saved) until somebody tells it the time: such a clock is `undated`.
 *
 * Invariants (test/unit/time/gateway-clock.test.ts):
 *  K1  Undated, the wall time is the one of the start moved on by the monotonic clock, whatever the system's clock does before the
 *      build date. So everything stored meanwhile is off by one and the same span.
 *  K2  Once dated it is never undated again: where the system's clock falls behind the build date, which cannot be true, the wall
 *      time goes on by the monotonic clock (`holdsOver`) until the system's clock is believable again.
 *  K3  Otherwise it is the system's clock, steps and all.
 */
export interface SystemClocks {
  /** UTC ms, as the system shows it. */
  wallMs(): number;
  monotonicMs(): number;
}

export class GatewayClock {
  readonly #system: SystemClocks;
  readonly #builtMs: number;
  /** Wall time less monotonic time, while the system's clock is not followed. */
  #offsetMs: number;
  #dated: boolean;
  #holdsOver = false;

  /** @param builtMs UTC ms before which no clock that shows the time can be */
  constructor(system: SystemClocks, builtMs: number) {
    this.#system = system;
    this.#builtMs = builtMs;
    const wallMs = system.wallMs();
    this.#offsetMs = wallMs - system.monotonicMs();
    this.#dated = wallMs >= builtMs;
  }

  /** UTC ms, whole. */
  wallMs(): number {
    const wallMs = this.#system.wallMs();
    if (wallMs >= this.#builtMs) {
      this.#dated = true;
      this.#holdsOver = false;
      this.#offsetMs = wallMs - this.#system.monotonicMs();
      return wallMs;
    }
    this.#holdsOver = this.#dated;
    return Math.round(this.#offsetMs + this.#system.monotonicMs());
  }

  monotonicMs(): number {
    return this.#system.monotonicMs();
  }

  /** True once the system's clock has shown a time that can be true. */
  get isDated(): boolean {
    this.wallMs();
    return this.#dated;
  }

  /** The system's clock shows a time before the build date, and the monotonic clock stands in. */
  get holdsOver(): boolean {
    this.wallMs();
    return this.#holdsOver;
  }
}

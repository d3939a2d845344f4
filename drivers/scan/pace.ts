/**
 * How fast a stranger's machine may be asked.
 *
 * Invariants:
 *  - Two turns are at least `spacingMs` apart, however many ask for one at once and whatever the timer does.
 *  - Turns are given first come, first served, and none is saved up while nobody asks.
 *  - After the signal has aborted no turn is given any more.
 */

export interface PacePorts {
  readonly monotonicMs: () => number;
  /** Resolves after `ms` or when the signal aborts, whichever is first; never rejects. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * At most five in any second on the wire: six requests span 5 × 225 ms = 1125 ms, of which a serial bus that falls quiet after a
 * failure may take 100 ms from the first, and networks and timers the rest.
 */
export const fivePerSecondMs = 225;

export class Pace {
  readonly #spacingMs: number;
  readonly #ports: PacePorts;
  #last = Number.NEGATIVE_INFINITY;
  #queue: Promise<unknown> = Promise.resolve();
  #turns = 0;

  constructor(spacingMs: number, ports: PacePorts) {
    this.#spacingMs = spacingMs;
    this.#ports = ports;
  }

  /** Turns given so far. */
  get turns(): number {
    return this.#turns;
  }

  /** Resolves with true when it is the caller's turn, with false when the signal has aborted before. */
  turn(signal: AbortSignal): Promise<boolean> {
    const mine = this.#queue.then(() => this.#wait(signal));
    this.#queue = mine;
    return mine;
  }

  async #wait(signal: AbortSignal): Promise<boolean> {
    // A timer may fire a little early, so the clock decides.
    for (;;) {
      if (signal.aborted) return false;
      const leftMs = this.#last + this.#spacingMs - this.#ports.monotonicMs();
      if (leftMs <= 0) break;
      await this.#ports.delay(Math.ceil(leftMs), signal);
    }
    this.#last = this.#ports.monotonicMs();
    this.#turns += 1;
    return true;
  }
}

/** For OPC UA: a channel is opened or closed beside each request, which are messages to the server as well. */
export const fivePerSecondWithChannelsMs = 2 * fivePerSecondMs;

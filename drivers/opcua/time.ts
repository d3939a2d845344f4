/**
 * When was a value true? Servers say so with their own clocks, which may be wrong by years. Pure.
 *
 * Invariants:
 *  - No source time leaves here that lies more than `toleranceMs` after its receipt, or before the subscription began.
 *  - Per signal, source times never fall unless our own clock is set back, so no later stage sees a counter run backwards.
 *  - A server clock off by more than `toleranceMs` is corrected by the measured offset, and its times are doubtful.
 */

/** How far a server's clock may be off before its times are corrected; also the tolerance of every other check here. */
export const toleranceMs = 2_000;

export interface Stamp {
  /** UTC ms. */
  readonly sourceTimeMs: number;
  /** Why the time is doubtful; null when it is not. */
  readonly doubt: string | null;
}

/** Offset of a server's clock to ours, from reads of its current time. */
export class ServerClock {
  /** Server minus ours, ms. */
  #offsetMs = 0;
  #off = false;
  #isMeasured = false;

  /** One measurement: `serverMs` was read between `sentMs` and `receivedMs` of our wall clock. */
  measure(serverMs: number, sentMs: number, receivedMs: number): void {
    const halfTripMs = (receivedMs - sentMs) / 2;
    // A wall clock set in between measures itself, not the server.
    if (!Number.isFinite(serverMs) || halfTripMs < 0) return;
    this.#isMeasured = true;
    const measuredMs = serverMs - (sentMs + halfTripMs);
    // Within its own error a new measurement says nothing new, and a steady offset keeps corrected times steady.
    if (Math.abs(measuredMs - this.#offsetMs) > halfTripMs + 100) this.#offsetMs = measuredMs;
    // Two thresholds, or a clock near the limit would change its treatment with every measurement.
    this.#off = Math.abs(this.#offsetMs) > (this.#off ? 0.75 * toleranceMs : toleranceMs);
  }

  get isMeasured(): boolean {
    return this.#isMeasured;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  get isOff(): boolean {
    return this.#off;
  }

  /** Of an instant of ours, what the server's clock shows. */
  toServer(ms: number): number {
    return this.#off ? Math.round(ms + this.#offsetMs) : ms;
  }

  toOurs(serverMs: number): number {
    return this.#off ? Math.round(serverMs - this.#offsetMs) : serverMs;
  }
}

/** The source times of one signal within one subscription. */
export class SignalTimeline {
  readonly #clock: ServerClock;
  #beganMs: number;
  /** As the server wrote it, of the last notification. */
  #lastServerMs: number | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** What was told last before the present subscription, and then out of the history. */
  #leftMs = Number.NEGATIVE_INFINITY;
  #wasOff = false;

  /** @param beganMs wall time at which the subscription was made */
  constructor(clock: ServerClock, beganMs: number) {
    this.#clock = clock;
    this.#beganMs = beganMs;
  }

  /** A new subscription: its first notification says again what is true now. */
  restart(beganMs: number): void {
    this.#beganMs = beganMs;
    this.#lastServerMs = null;
    this.#leftMs = this.#lastMs;
  }

  /**
   * A notification. Null when a heartbeat has already told something newer: the sample is superseded.
   * @param sourceMs source time as the server wrote it, null where it wrote none
   */
  notified(sourceMs: number | null, receivedMs: number): Stamp | null {
    this.#forgetOtherTimes(receivedMs);
    const previousMs = this.#lastServerMs;
    this.#lastServerMs = sourceMs;
    // The first notification says what is true now; its source time is that of the last change, maybe days ago.
    if (sourceMs === null || previousMs === null) return this.#advance(receivedMs, null);
    const mappedMs = this.#clock.toOurs(sourceMs);
    if (mappedMs > receivedMs + toleranceMs || mappedMs < this.#beganMs - toleranceMs) {
      return this.#advance(receivedMs, 'source-time-implausible');
    }
    if (sourceMs > previousMs) {
      if (mappedMs <= this.#lastMs) return null;
      return this.#advance(mappedMs, this.#clock.isOff ? 'server-clock-offset' : null);
    }
    // Two changes within one tick of the server's clock share their time; otherwise its time stands still or runs back.
    if (sourceMs === previousMs && mappedMs === this.#lastMs) {
      return { sourceTimeMs: mappedMs, doubt: this.#clock.isOff ? 'server-clock-offset' : null };
    }
    return this.#advance(receivedMs, 'source-time-not-advancing');
  }

  /**
   * A value that was read, not notified: true at the moment of the read.
   * @param serverMs the server's time of the read, null where it gave none
   */
  read(serverMs: number | null, sentMs: number, receivedMs: number): Stamp {
    this.#forgetOtherTimes(receivedMs);
    // Our own clock is the better witness as soon as the server's is wrong.
    const believed = serverMs !== null && !this.#clock.isOff && Math.abs(serverMs - sentMs) <= toleranceMs;
    const atMs = believed ? Math.min(serverMs, receivedMs + toleranceMs) : sentMs;
    return this.#advance(Math.max(atMs, this.#lastMs), null);
  }

  /**
   * A value out of the server's history. Null when it lies outside the span or is not newer than what was told last.
   * @param sourceMs as the server wrote it, null where it wrote none
   */
  past(sourceMs: number | null, span: { readonly fromMs: number; readonly toMs: number }): number | null {
    if (sourceMs === null) return null;
    const mappedMs = this.#clock.toOurs(sourceMs);
    if (mappedMs <= span.fromMs || mappedMs > span.toMs || mappedMs <= this.#leftMs) return null;
    this.#leftMs = mappedMs;
    return mappedMs;
  }

  #advance(ms: number, doubt: string | null): Stamp {
    this.#lastMs = Math.max(ms, this.#lastMs);
    return { sourceTimeMs: this.#lastMs, doubt };
  }

  /** What was told in another time than the present one must not hold the present back. */
  #forgetOtherTimes(receivedMs: number): void {
    const serverRegimeChanged = this.#wasOff !== this.#clock.isOff;
    const ownClockSetBack = this.#lastMs > receivedMs + toleranceMs;
    this.#wasOff = this.#clock.isOff;
    if (serverRegimeChanged || ownClockSetBack) this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#beganMs = Math.min(this.#beganMs, receivedMs);
  }
}

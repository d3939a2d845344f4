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
  /** Source time of the last read that was told, or else the server's time of it; null before the first. */
  #readServerMs: number | null = null;
  /** What was told last before the present subscription, and then out of the history. */
  #leftMs = Number.NEGATIVE_INFINITY;
  /** The same as the server wrote it; null where it wrote none. */
  #leftServerMs: number | null = null;
  #wasOff = false;

  /** @param beganMs wall time at which the subscription was made */
  constructor(clock: ServerClock, beganMs: number) {
    this.#clock = clock;
    this.#beganMs = beganMs;
  }

  /** A new subscription: its first notification says again what is true now. */
  restart(beganMs: number): void {
    this.#beganMs = beganMs;
    this.#readServerMs = null;
    this.#leftServerMs = this.#lastServerMs ?? this.#leftServerMs;
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
      if (this.#isSuperseded(sourceMs, mappedMs)) return null;
      // An offset is known to within a second; what is newer by the server's times is told as newer.
      return this.#advance(Math.max(mappedMs, this.#lastMs + 1), this.#clock.isOff ? 'server-clock-offset' : null);
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
   * @param sourceMs since when the value is what it is, as the server wrote it; null where it wrote none
   */
  read(serverMs: number | null, sentMs: number, receivedMs: number, sourceMs: number | null = null): Stamp {
    this.#forgetOtherTimes(receivedMs);
    // Our own clock is the better witness as soon as the server's is wrong.
    const believed = serverMs !== null && !this.#clock.isOff && Math.abs(serverMs - sentMs) <= toleranceMs;
    this.#readServerMs = sourceMs ?? serverMs;
    const atMs = believed ? Math.min(serverMs, receivedMs + toleranceMs) : sentMs;
    return this.#advance(Math.max(atMs, this.#lastMs), null);
  }

  /**
   * A value out of the server's history, the next in order of time. Null when it was told before, or is told by the present
   * subscription. That is judged by the server's own times, which fit together however wrong its clock is.
   * @param sourceMs as the server wrote it, null where it wrote none
   * @param span the hole, in our time
   */
  past(sourceMs: number | null, span: { readonly fromMs: number; readonly toMs: number }): number | null {
    if (sourceMs === null) return null;
    const mappedMs = this.#clock.toOurs(sourceMs);
    // A time from before the server's clock was set back says nothing about those after it.
    if (this.#leftServerMs !== null && this.#clock.toOurs(this.#leftServerMs) > span.toMs + toleranceMs) {
      this.#leftServerMs = null;
    }
    if (this.#leftServerMs === null ? mappedMs <= span.fromMs : sourceMs <= this.#leftServerMs) return null;
    if (this.#lastServerMs === null ? mappedMs > span.toMs + toleranceMs : sourceMs >= this.#lastServerMs) return null;
    this.#leftServerMs = sourceMs;
    this.#leftMs = Math.min(span.toMs, Math.max(mappedMs, this.#leftMs + 1, span.fromMs));
    return this.#leftMs;
  }

  /** A heartbeat has told this value or a newer one: by the server's own clock, which is the same for both. */
  #isSuperseded(sourceMs: number, mappedMs: number): boolean {
    return this.#readServerMs === null ? mappedMs <= this.#lastMs : sourceMs <= this.#readServerMs;
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
    if (serverRegimeChanged || ownClockSetBack) {
      this.#lastMs = Number.NEGATIVE_INFINITY;
      this.#readServerMs = null;
    }
    this.#beganMs = Math.min(this.#beganMs, receivedMs);
  }
}

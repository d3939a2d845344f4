/**
 * When was a value true? Servers say so with their own clocks, which may be wrong by years. Pure.
 *
 * A server's time has steps of 100 ns (OPC 10000-6, 5.2.2.5) and comes as ms with a fraction, exact to 0.3 µs. Server times are
 * compared with it.
 *
 * Invariants:
 *  - Every source time that leaves here is a whole millisecond.
 *  - Two changes are two, however near their times: the later one is told a millisecond after the other where they would share
 *    theirs, because what has the time of a known value counts as known.
 *  - No source time leaves here that lies more than `toleranceMs` after its receipt, or before the subscription began.
 *  - Per signal, source times never fall unless our own clock is set back, so no later stage sees a counter run backwards.
 *  - A server clock off by more than `toleranceMs` is corrected by the measured offset, and its times are doubtful.
 */
import type { Decoded } from '../decoded.ts';
import { alsoTold, untold, type Recorded, type Told } from './seam.ts';

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

  /** Of an instant of the server's clock, ours; a whole millisecond. */
  toOurs(serverMs: number): number {
    return this.#off ? Math.round(serverMs - this.#offsetMs) : Math.floor(serverMs);
  }
}

/** The source times of one signal within one subscription. */
export class SignalTimeline {
  readonly #clock: ServerClock;
  #beganMs: number;
  /** What the last notification told, by the server's time; null where it wrote none. */
  #last: Told | null = null;
  /** The same of the first notification of this subscription that had a time. */
  #first: Told | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Told last with the time of a notification, and nothing since; NaN otherwise. */
  #tickMs = Number.NaN;
  /** Source time of the last read that was told, or else the server's time of it; null before the first. */
  #readServerMs: number | null = null;
  /** What was told last before the present subscription, and then out of the history. */
  #leftMs = Number.NEGATIVE_INFINITY;
  /** The same by the server's time; null where it wrote none. */
  #left: Told | null = null;
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
    this.#left = this.#last ?? this.#left;
    this.#last = null;
    this.#first = null;
    this.#leftMs = this.#lastMs;
  }

  /**
   * A notification. Null when a heartbeat has already told something newer: the sample is superseded.
   * @param sourceMs source time as the server wrote it, null where it wrote none
   * @param decoded what it tells
   */
  notified(sourceMs: number | null, receivedMs: number, decoded: Decoded): Stamp | null {
    this.#forgetOtherTimes(receivedMs);
    const previousMs = this.#last?.serverMs ?? null;
    this.#note(sourceMs, decoded);
    const isSameTick = this.#lastMs === this.#tickMs;
    this.#tickMs = Number.NaN;
    // The first notification says what is true now; its source time is that of the last change, maybe days ago.
    if (sourceMs === null || previousMs === null) return this.#advance(receivedMs, null);
    const mappedMs = this.#clock.toOurs(sourceMs);
    if (mappedMs > receivedMs + toleranceMs || mappedMs < this.#beganMs - toleranceMs) {
      return this.#advance(receivedMs, 'source-time-implausible');
    }
    // A heartbeat has told this value or a newer one: by the server's own clock, which is the same for both.
    if (sourceMs > previousMs && this.#readServerMs !== null && sourceMs <= this.#readServerMs) return null;
    // Changes within one tick of the server's clock have one time; otherwise its time stands still or runs back.
    if (sourceMs > previousMs || (sourceMs === previousMs && isSameTick)) {
      // An offset is known to within a second; what is newer by the server's times or by its order is told as newer.
      const nextMs = Math.min(this.#lastMs + 1, receivedMs + toleranceMs);
      const stamp = this.#advance(Math.max(mappedMs, nextMs), this.#clock.isOff ? 'server-clock-offset' : null);
      this.#tickMs = stamp.sourceTimeMs;
      return stamp;
    }
    return this.#advance(receivedMs, 'source-time-not-advancing');
  }

  #note(serverMs: number | null, decoded: Decoded): void {
    if (serverMs === null) {
      this.#last = null;
      return;
    }
    const told = alsoTold(this.#last, { serverMs, decoded });
    const isStillFirst = this.#first === this.#last && this.#first?.serverMs === serverMs;
    if (this.#first === null || isStillFirst) this.#first = told;
    this.#last = told;
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
    this.#tickMs = Number.NaN;
    const atMs = believed ? Math.min(Math.floor(serverMs), receivedMs + toleranceMs) : sentMs;
    return this.#advance(atMs, null);
  }

  /**
   * The values out of the server's history that were not told before the hole and are not told by the present subscription, with
   * their source times. A value without a time cannot be told.
   * @param history in order of time; times as the server wrote them
   * @param span the hole, in our time
   */
  past<T extends Recorded>(
    history: readonly T[],
    span: { readonly fromMs: number; readonly toMs: number },
  ): readonly { readonly one: T; readonly sourceTimeMs: number }[] {
    // A time from before the server's clock was set back says nothing about those after it.
    if (this.#left !== null && this.#clock.toOurs(this.#left.serverMs) > span.toMs + toleranceMs) this.#left = null;
    const [left, first] = [this.#left, this.#first];
    const told = [];
    for (const one of untold(history, left, first)) {
      const mappedMs = this.#clock.toOurs(one.serverMs);
      if (left === null && mappedMs <= span.fromMs) continue;
      if (first === null && mappedMs > span.toMs + toleranceMs) continue;
      this.#left = alsoTold(this.#left, one);
      this.#leftMs = Math.min(span.toMs, Math.max(mappedMs, this.#leftMs + 1, span.fromMs));
      told.push({ one, sourceTimeMs: this.#leftMs });
    }
    return told;
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

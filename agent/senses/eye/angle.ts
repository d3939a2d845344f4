/**
 * The turn of one machine, frame by frame, from whichever source it has. What the sources are worth is reckoned in
 * `models/vision/turns.ts`; this keeps what has to be remembered between frames.
 *
 * Invariants (test/unit/senses/angle.test.ts):
 *  N1  Memory is bounded, however long the machine runs.
 *  N2  With a true source the turn of a frame is that of the machine within what it says of itself.
 *  N3  By a mark a frame is placed between two passes of it, as soon as the second is seen: no needle is named by a speed of the past.
 *      What waits is bounded, comes back in its order, and comes back once.
 */
import { findMark, type MarkWatch, noWatch, withMark } from '../../../models/vision/index-mark.ts';
import type { Grey as Picture } from '../../../models/vision/grey.ts';
import type { TubeGeometry } from '../../../models/vision/position.ts';
import {
  type SpeedReading,
  turnFromEncoder,
  turnFromTelemetry,
  unwrapped,
} from '../../../models/vision/counted-turns.ts';
import { type Mark, type Turn, turnFromIndex } from '../../../models/vision/turns.ts';
import type { Position } from './settings.ts';

type IndexPosition = Extract<Position, { kind: 'index' }>;

/** A poll each 100 ms for half a minute. */
const mostReadings = 300;
/** So many frames wait for the mark at most: a revolution of a slow machine. */
const mostHeld = 400;
/** A revolution that takes longer than the last by this factor was no revolution: nothing waits any longer. */
const waitTurns = 1.5;
/** The frames of the first revolution wait for the second: before, nobody knows how evenly the machine turns. */
const leastMarks = 3;
/** The mark is found to within this, px: one sigma. */
const markSdPx = 0.5;

export interface FrameMoment {
  /** UTC ms of the exposure, by the clock of whoever stamped it. */
  readonly timeMs: number;
  /** UTC ms at which it came in, by this gateway's clock; polls go by it. */
  readonly receivedMs?: number;
  /** Count of the encoder; null where the frame has none. */
  readonly count: number | null;
  readonly picture: Picture;
}

/** A frame whose turn is known by now; null: it never will be. */
export interface Placed<T> {
  readonly held: T;
  readonly turn: Turn | null;
}

/** @typeParam T what is kept of a frame until its turn is known */
export class Angle<T = null> {
  readonly #position: Position;
  readonly #geometry: TubeGeometry;
  #watch: MarkWatch = noWatch;
  #readings: readonly SpeedReading[] = [];
  #held: readonly { readonly timeMs: number; readonly held: T }[] = [];
  #settled: Placed<T>[] = [];
  #behindMs = Infinity;
  /** Time of the frame last asked for, by the clock its turn goes by. */
  #lastMs = 0;
  #encoder: { readonly total: number; readonly timeMs: number } | null = null;

  constructor(position: Position, geometry: TubeGeometry) {
    this.#position = position;
    this.#geometry = geometry;
  }

  /** A poll of the machine; those out of order are left out. */
  telemetry(reading: SpeedReading): void {
    const last = this.#readings.at(-1);
    if (last !== undefined && reading.timeMs <= last.timeMs) return;
    this.#readings = [...this.#readings, reading].slice(-mostReadings);
  }

  /** true where a frame without a turn yet may get one later. */
  get waits(): boolean {
    return this.#position.kind === 'index' || (this.#position.kind === 'telemetry' && !this.#isCounted && this.#counts);
  }

  /** Polls tell revolutions, and one was completed since the first poll. */
  get #isCounted(): boolean {
    return (this.#readings.at(-1)?.revolutions ?? 0) > (this.#readings[0]?.revolutions ?? 0);
  }
  get #counts(): boolean {
    return this.#readings.every(({ revolutions }) => revolutions !== null);
  }

  /** Keeps what was seen in a frame until its turn is known. @param timeMs as `turnOf` took it */
  hold(turn: Turn | null, held: T): void {
    if (this.waits) this.#held = [...this.#held, { timeMs: this.#lastMs, held }];
    else this.#settled.push({ held, turn });
  }

  /** What was held and has its turn now, in the order it was seen; each once. */
  settled(): readonly Placed<T>[] {
    const ready: Placed<T>[] = [];
    if (this.#position.kind === 'telemetry' && !this.waits) {
      const timing = this.#position;
      for (const { timeMs, held } of this.#held)
        ready.push({ held, turn: turnFromTelemetry(this.#readings, timeMs, timing) });
      this.#held = [];
    }
    ready.push(...this.#settled);
    this.#settled = [];
    if (this.#position.kind !== 'index') return this.#withoutSurplus(ready);
    const { index } = this.#watch;
    const last = index.marks.at(-1);
    const newest = this.#held.at(-1)?.timeMs ?? 0;
    const revolutionMs = last === undefined ? Infinity : lengthOf(index.marks);
    const isLate = last !== undefined && newest - last.timeMs > waitTurns * revolutionMs;
    const until = isLate ? Infinity : index.marks.length >= leastMarks ? (last?.timeMs ?? -Infinity) : -Infinity;
    const surplus = this.#held.length - mostHeld;
    const count = this.#held.filter(({ timeMs }, i) => timeMs <= until || i < surplus).length;
    for (const { timeMs, held } of this.#held.slice(0, count)) ready.push({ held, turn: this.#byMark(timeMs) });
    this.#held = this.#held.slice(count);
    return ready;
  }

  #withoutSurplus(ready: Placed<T>[]): Placed<T>[] {
    const surplus = this.#held.slice(0, Math.max(0, this.#held.length - mostHeld));
    this.#held = this.#held.slice(surplus.length);
    return [...surplus.map(({ held }) => ({ held, turn: null })), ...ready];
  }

  /**
   * By how many needles' worth of turns a place may jump from one revolution to the next beyond what is random in it: where polls say when a
   * revolution was complete, the time between two of them, twice. In turns.
   */
  jumpTurns(): number {
    const [before, last] = this.#readings.slice(-2);
    if (this.#position.kind !== 'telemetry' || before === undefined || last === undefined) return 0;
    return ((2 * (last.timeMs - before.timeMs)) / 60_000) * last.rpm + this.#position.speedError;
  }

  /** To be asked once for each frame, in their order. null: the turn of this frame cannot be told, or not yet (`waits`). */
  turnOf(frame: FrameMoment): Turn | null {
    const position = this.#position;
    switch (position.kind) {
      case 'encoder':
        return this.#fromEncoder(frame, position);
      case 'index':
        this.#lastMs = frame.timeMs;
        return this.#fromIndex(frame, position);
      case 'telemetry':
        this.#lastMs = this.#pollTime(frame);
        return turnFromTelemetry(this.#readings, this.#lastMs, position);
    }
  }

  /**
   * The time of a frame by the clock of the polls. A camera's own clock is anywhere; what came in soonest after its exposure says how far
   * off it is, but for the way it took at least. Clocks drift: an old least one is believed a little less each second.
   */
  #pollTime({ timeMs, receivedMs }: FrameMoment): number {
    if (receivedMs === undefined) return timeMs;
    this.#behindMs = Math.min(this.#behindMs + 0.01, receivedMs - timeMs);
    return timeMs + this.#behindMs;
  }

  #fromEncoder({ timeMs, count }: FrameMoment, scale: Extract<Position, { kind: 'encoder' }>): Turn | null {
    if (count === null) return null;
    const before = this.#encoder;
    const total = unwrapped(before?.total ?? null, count, scale.wrapsAt);
    const passedMs = before === null ? 0 : timeMs - before.timeMs;
    const perS = passedMs > 0 && before !== null ? ((total - before.total) / scale.countsPerTurn / passedMs) * 1000 : 0;
    this.#encoder = { total, timeMs };
    return turnFromEncoder(total, perS, scale);
  }

  /** A picture shows the mark once a revolution; the pictures in between have their angle from when it passed. */
  #fromIndex({ timeMs, picture }: FrameMoment, { ringRowsPx, fastestMs }: IndexPosition): Turn | null {
    const column = findMark(picture, 0, ringRowsPx);
    if (column !== null) this.#watch = withMark(this.#watch, timeMs, column, this.#geometry, fastestMs);
    return this.#byMark(timeMs);
  }

  #byMark(timeMs: number): Turn | null {
    if (this.#position.kind !== 'index') return null;
    const { frameJitterMs, speedSpread, speedCycle } = this.#position;
    const { marks } = this.#watch.index;
    const revolutionMs = marks.length < 2 ? 0 : lengthOf(marks);
    const markJitterMs = ((markSdPx * this.#geometry.mmPerPx) / this.#geometry.circumferenceMm) * revolutionMs;
    return turnFromIndex(this.#watch.index, timeMs, {
      frameJitterMs,
      pulseJitterMs: Math.hypot(frameJitterMs, markJitterMs),
      // Mark and cloth are in one picture: nothing comes between two clocks.
      offsetMs: 0,
      driftPpm: 0,
      sinceZeroMs: 0,
      speedSpread,
      speedCycle,
    });
  }
}

/** Time of the last revolution, ms; endless before it is over. */
function lengthOf(marks: readonly Mark[]): number {
  const [before, last] = marks.slice(-2);
  if (before === undefined || last === undefined) return Infinity;
  return (last.timeMs - before.timeMs) / (last.turn - before.turn);
}

/**
 * The turn of one machine, frame by frame, from whichever source it has. What the sources are worth is reckoned in
 * `models/vision/turns.ts`; this keeps what has to be remembered between frames.
 *
 * Invariants (test/unit/senses/angle.test.ts):
 *  N1  Memory is bounded, however long the machine runs.
 *  N2  With a true source the turn of a frame is that of the machine within what it says of itself.
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
import { type Turn, turnFromIndex } from '../../../models/vision/turns.ts';
import type { Position } from './settings.ts';

/** A poll each 100 ms for half a minute. */
const mostReadings = 300;
/** The mark is found to within this, px: one sigma. */
const markSdPx = 0.5;

export interface FrameMoment {
  /** UTC ms of the exposure. */
  readonly timeMs: number;
  /** Count of the encoder; null where the frame has none. */
  readonly count: number | null;
  readonly picture: Picture;
}

export class Angle {
  readonly #position: Position;
  readonly #geometry: TubeGeometry;
  #watch: MarkWatch = noWatch;
  #readings: readonly SpeedReading[] = [];
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

  /** To be asked once for each frame, in their order. null: the turn of this frame cannot be told. */
  turnOf(frame: FrameMoment): Turn | null {
    const position = this.#position;
    switch (position.kind) {
      case 'encoder':
        return this.#fromEncoder(frame, position);
      case 'index':
        return this.#fromIndex(frame, position);
      case 'telemetry':
        return turnFromTelemetry(this.#readings, frame.timeMs, position);
    }
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
  #fromIndex({ timeMs, picture }: FrameMoment, position: Extract<Position, { kind: 'index' }>): Turn | null {
    const { ringRowsPx, fastestMs, frameJitterMs, speedSpread, speedCycle } = position;
    const column = findMark(picture, 0, ringRowsPx);
    if (column !== null) this.#watch = withMark(this.#watch, timeMs, column, this.#geometry, fastestMs);
    const { marks } = this.#watch.index;
    const [before, last] = marks.slice(-2);
    const revolutionMs =
      before === undefined || last === undefined ? 0 : (last.timeMs - before.timeMs) / (last.turn - before.turn);
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

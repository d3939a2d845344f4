/**
 * The turn of one machine, frame by frame, from whichever source it has. What the sources are worth is reckoned in
 * `models/vision/turns.ts`; this keeps what has to be remembered between frames.
 *
 * Invariants (test/unit/senses/angle.test.ts):
 *  N1  Memory is bounded, however long the machine runs.
 *  N2  With a true source the turn of a frame is that of the machine within what it says of itself.
 */
import { columnsOfMark } from './mark.ts';
import type { Picture } from '../../../models/vision/look.ts';
import type { TubeGeometry } from '../../../models/vision/position.ts';
import {
  type IndexMarks,
  noMarks,
  type SpeedReading,
  type Turn,
  turnFromEncoder,
  turnFromIndex,
  turnFromTelemetry,
  unwrapped,
  withPulse,
} from '../../../models/vision/turns.ts';
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
  #marks: IndexMarks = noMarks;
  /** Of the mark, before its second sighting. */
  #firstSeen: { readonly timeMs: number; readonly ahead: number } | null = null;
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

  /**
   * The mark passes the reference column when it is seen in it. Seen in another column it passed some time before or will some time
   * after: its way there at the speed of the last revolution.
   */
  #fromIndex({ timeMs, picture }: FrameMoment, position: Extract<Position, { kind: 'index' }>): Turn | null {
    const { ringRowsPx, fastestMs, frameJitterMs, speedSpread, speedCycle } = position;
    const column = columnsOfMark(picture, ringRowsPx);
    if (column !== null) this.#markSeen(timeMs, column, fastestMs);
    const markJitterMs =
      ((markSdPx * this.#geometry.mmPerPx) / this.#geometry.circumferenceMm) * (this.#revolutionMs() ?? 0);
    return turnFromIndex(this.#marks, timeMs, {
      frameJitterMs,
      pulseJitterMs: Math.hypot(frameJitterMs, markJitterMs),
      offsetMs: 0,
      driftPpm: 0,
      sinceZeroMs: 0,
      speedSpread,
      speedCycle,
    });
  }

  #markSeen(timeMs: number, column: number, fastestMs: number): void {
    const { columns, direction, referenceColumnPx, mmPerPx, circumferenceMm } = this.#geometry;
    // Needles of higher number stand to the right (columns 1) and are in the middle later (direction 1): the mark moves to the left.
    const ahead = (columns * direction * (column - referenceColumnPx) * mmPerPx) / circumferenceMm;
    const revolutionMs = this.#revolutionMs();
    if (revolutionMs !== null) {
      this.#marks = withPulse(this.#marks, timeMs + ahead * revolutionMs, fastestMs);
      return;
    }
    // How long its way to the column takes is known with the second sighting: t₁ + a₁ · T and t₂ + a₂ · T are T apart.
    const first = this.#firstSeen;
    this.#firstSeen = { timeMs, ahead };
    if (first === null || timeMs - first.timeMs < fastestMs / 2) return;
    const lengthMs = (timeMs - first.timeMs) / (1 - (ahead - first.ahead));
    for (const seen of [first, this.#firstSeen])
      this.#marks = withPulse(this.#marks, seen.timeMs + seen.ahead * lengthMs, fastestMs);
  }

  #revolutionMs(): number | null {
    const [before, last] = this.#marks.marks.slice(-2);
    return before === undefined || last === undefined
      ? null
      : (last.timeMs - before.timeMs) / (last.turn - before.turn);
  }
}

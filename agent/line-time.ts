/** Our two clocks and the summaries' line, and where on the line a reading belongs. */
import type { Reading, ReadingsEvent } from '../drivers/contract.ts';
import type { PipelineClock } from './pipeline-ports.ts';
import { sourceTimeUsable } from './quality/check.ts';
import { SegmentClock } from './rollup/clock.ts';
import type { Instant } from './rules/conditions.ts';

/** Smaller contradictions are rounding, and drift that the line has not taken over yet; larger ones are a clock that was set. */
const restampMs = 25;

/** Drift and slewing stay below the step that opens a segment; a bit more than that was stepped. */
const stampedBeforeMs = 2_500;

/** A step of the wall clock: the same instant before and after it, in ms of the line. */
export interface ClockStep {
  readonly stepMs: number;
  readonly oldMs: number;
  readonly newMs: number;
  /** When it was seen, on the monotonic clock. */
  readonly monotonicMs: number;
}

export class LineTime {
  readonly #clock: PipelineClock;
  readonly #line: SegmentClock;
  readonly #lateMs: number;
  #datedFromMs = -Infinity;

  /**
   * @param lateMs a source time older than this at its receipt is not used
   * @param startedAt what both clocks showed when what an earlier process left was put on the clock of this one
   */
  constructor(clock: PipelineClock, lateMs: number, startedAt: Instant) {
    this.#clock = clock;
    this.#line = new SegmentClock(startedAt.wallMs, startedAt.monotonicMs);
    this.#lateMs = lateMs;
  }

  /** Before this, on the line, the time was not known; −Infinity where it always was. Readings of then are folded apart. */
  get datedFromMs(): number {
    return this.#datedFromMs;
  }
  /** The time has become known at this instant of the line. */
  datedFrom(lineMs: number): void {
    this.#datedFromMs = lineMs;
  }

  now(): Instant {
    return { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
  }
  get segment(): number {
    return this.#line.segment;
  }
  atMonotonic(monotonicMs: number): number {
    return this.#line.atMonotonic(monotonicMs);
  }
  atWall(wallMs: number): number {
    return this.#line.atWall(wallMs);
  }

  /** Compares the clocks; what is on the line moves along with a step that this returns. */
  observe(): ClockStep | null {
    const { wallMs, monotonicMs } = this.now();
    const oldMs = this.#line.atMonotonic(monotonicMs);
    const stepMs = this.#line.observe(wallMs, monotonicMs);
    return stepMs === null ? null : { stepMs, oldMs, newMs: this.#line.atMonotonic(monotonicMs), monotonicMs };
  }

  isUsable(reading: Reading): boolean {
    return sourceTimeUsable(reading, this.#lateMs);
  }

  /** Readings stamped before the wall clock was stepped and handed over after it, on the clock of now; nearly always as they are. */
  stampedAnew(event: ReadingsEvent): ReadingsEvent {
    const [first] = event.readings;
    if (first === undefined || Math.abs(this.#offMs(first)) < stampedBeforeMs) return event;
    const readings = event.readings.map((reading) => {
      const offMs = this.#offMs(reading);
      const { sourceTimeMs, receivedTimeMs } = reading;
      // A source with a clock of its own keeps its time.
      const own = !this.isUsable(reading);
      return {
        ...reading,
        receivedTimeMs: receivedTimeMs + offMs,
        sourceTimeMs: own ? sourceTimeMs : sourceTimeMs + offMs,
      };
    });
    return { ...event, readings };
  }

  /** How far the line has moved since a reading was stamped. */
  #offMs(reading: Reading): number {
    return this.#line.atMonotonic(reading.monotonicMs) - Math.round(reading.receivedTimeMs);
  }

  /**
   * By its wall time, so that spans between readings are those the source told, to the millisecond. Where that contradicts
   * its age, the wall clock was set between its stamp and its delivery: then by its age.
   */
  of(reading: Reading, isPast = false): number {
    const receivedMs = this.#line.atMonotonic(reading.monotonicMs);
    // What comes out of a memory is old on purpose, and its source has measured the time.
    if (!isPast && !this.isUsable(reading)) return receivedMs;
    const byAgeMs = receivedMs - Math.round(reading.receivedTimeMs - reading.sourceTimeMs);
    const byWallMs = this.#line.atWall(reading.sourceTimeMs);
    return Math.abs(byWallMs - byAgeMs) < restampMs ? byWallMs : byAgeMs;
  }
}

/**
 * The time line summaries are kept on: wall time as it was when the segment opened, moved on by the monotonic clock. On it
 * a minute has 60 seconds and nothing jumps. When the wall clock is stepped by more than 2 s the line ends and another
 * segment opens, so two passes over the same UTC minute never mix.
 */
const stepMs = 2000;
/** Jitter between the two clock readings that is no drift. */
const jitterMs = 20;

export class SegmentClock {
  #segment = 0;
  #offsetMs: number;
  #driftMs = 0;

  constructor(wallMs: number, monotonicMs: number) {
    this.#offsetMs = Math.round(wallMs - monotonicMs);
  }

  get segment(): number {
    return this.#segment;
  }

  /** Compares the clocks. Returns how far the wall clock was stepped when that opened a segment, else null. */
  observe(wallMs: number, monotonicMs: number): number | null {
    const drift = wallMs - monotonicMs - this.#offsetMs;
    if (Math.abs(drift) > stepMs) {
      this.#segment++;
      this.#offsetMs = Math.round(wallMs - monotonicMs);
      this.#driftMs = 0;
      return Math.round(drift);
    }
    if (Math.abs(drift - this.#driftMs) > jitterMs) this.#driftMs = Math.round(drift);
    return null;
  }

  /** The instant on the line at a monotonic time. */
  atMonotonic(monotonicMs: number): number {
    return Math.round(monotonicMs + this.#offsetMs);
  }

  /** The instant on the line of a wall-clock time of this segment. */
  atWall(wallMs: number): number {
    return Math.round(wallMs - this.#driftMs);
  }
}

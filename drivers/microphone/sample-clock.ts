/**
 * When a sample was: from the number of a sample to the monotonic clock and back. Blocks come late by a time that differs from one
 * to the next, never early; so the truth is the line below all arrivals, and of those the one that lies nearest to them all. What every
 * block is late by alike cannot be seen and is taken as nothing. Pure.
 *
 * Invariants (test/unit/drivers/microphone/sample-clock.test.ts):
 *  C1  After a minute of blocks of 20 ms that come up to 50 ms late (uniform), a clock off by up to 200 ppm is told to 1 ms. Where a late
 *      block holds up those behind it hardly any is in time: 2 ms; of up to 200 ms, 80 ms.
 *  C2  A block that is late, or a burst after a silence that holds all that was missing, is no jump.
 *  C3  Samples that a device dropped without a word are told as a jump, to the samples the line is shifted by, within `jumpMs` and a second.
 *  C4  Memory is bounded: `mostBins` points.
 */
const binMs = 500;
/** Two minutes. */
const mostBins = 240;
/** How far a sound card's clock may be off. */
const mostSkew = 250e-6;
/** So long all blocks have to be late for it to be a jump. */
const jumpMs = 2_000;
const settleMs = 500;
const mostPauseMs = 300;
const leastBins = 10;
const leastJumpMs = 20;
const leastBlocks = 10;

interface Point {
  /** Behind the last sample of a block, ms at the nominal rate. */
  readonly x: number;
  /** Arrival behind that, ms. */
  readonly late: number;
}

export interface Jump {
  /** Somewhere from here on: the last sample before the first late block. */
  readonly fromSample: number;
  /** Samples that were never sent. */
  readonly missing: number;
}

export class SampleClock {
  readonly #msPerSample: number;
  #bins: Point[] = [];
  #slope = 0;
  #offset = 0;
  #originMs = 0;
  /** Of the stretch in which every block is late. */
  #lateSinceMs: number | null = null;
  #lateFromSample = 0;
  #lateLeast = Infinity;
  #lateBlocks = 0;
  #lateBinsFrom = 0;
  #lastSample = 0;
  #lastMs = 0;

  constructor(rateHz: number) {
    this.#msPerSample = 1000 / rateHz;
  }

  get isKnown(): boolean {
    return this.#bins.length > 0;
  }

  /** How far the device's clock is off, as a share: positive where its samples come slower than it says. */
  get skew(): number {
    return this.#slope;
  }

  /** Nothing of before holds any more: another connection, or a gap of unknown length. */
  restart(): void {
    this.#bins = [];
    this.#slope = 0;
    this.#notLate();
  }

  /**
   * A block arrived whole.
   * @param endSample number of the sample behind it
   * @returns samples that must be missing before it, where all blocks have been late for too long
   */
  arrived(endSample: number, atMs: number): Jump | null {
    if (this.#bins.length === 0) this.#originMs = atMs - endSample * this.#msPerSample;
    const x = endSample * this.#msPerSample;
    const late = atMs - this.#originMs - x;
    const jump = this.#jumpOf(x, late, endSample, atMs);
    this.#lastSample = endSample;
    this.#lastMs = atMs;
    if (jump !== null) {
      this.restart();
      return jump;
    }
    const last = this.#bins.at(-1);
    if (last === undefined || Math.floor(last.x / binMs) !== Math.floor(x / binMs)) this.#bins.push({ x, late });
    else if (late < last.late) this.#bins[this.#bins.length - 1] = { x, late };
    else return null;
    if (this.#bins.length > mostBins) {
      this.#bins.shift();
      this.#lateBinsFrom = Math.max(0, this.#lateBinsFrom - 1);
    }
    this.#fit();
    return null;
  }

  /** Monotonic ms at which a sample was; before the first block came it is not known. */
  msOf(sample: number): number {
    const x = sample * this.#msPerSample;
    return this.#originMs + x + this.#offset + this.#slope * x;
  }

  /** Number of the sample at a time, with its fraction. */
  sampleAt(ms: number): number {
    return (ms - this.#originMs - this.#offset) / (1 + this.#slope) / this.#msPerSample;
  }

  #jumpOf(x: number, late: number, endSample: number, atMs: number): Jump | null {
    const behind = late - this.#offset - this.#slope * x;
    const pauseMs = atMs - this.#lastMs - (endSample - this.#lastSample) * this.#msPerSample;
    // A pause may be made up for: what follows one is judged by itself. And at first nobody knows what is usual.
    if (behind < leastJumpMs || pauseMs > mostPauseMs) this.#notLate();
    if (behind < leastJumpMs || this.#bins.length < leastBins) return null;
    if (this.#lateSinceMs === null) {
      this.#lateSinceMs = atMs;
      this.#lateFromSample = this.#lastSample;
      this.#lateBinsFrom = this.#bins.length;
    }
    // The stretch may begin with blocks that were late as they usually are.
    if (atMs - this.#lateSinceMs >= settleMs) this.#lateLeast = Math.min(this.#lateLeast, behind);
    this.#lateBlocks += 1;
    // Both clocks: what a burst brings at once is late together, and says nothing.
    const soundMs = (endSample - this.#lateFromSample) * this.#msPerSample;
    if (atMs - this.#lateSinceMs < jumpMs || soundMs < jumpMs || this.#lateBlocks < leastBlocks) return null;
    if (this.#lateLeast < 3 * this.#usualLateness()) return null;
    return { fromSample: this.#lateFromSample, missing: Math.round(this.#lateLeast / this.#msPerSample) };
  }

  /** How late the best block of half a second was at the worst, before it became late for long. */
  #usualLateness(): number {
    const before = this.#bins.slice(0, this.#lateBinsFrom).slice(-40);
    return Math.max(0, ...before.map((bin) => bin.late - this.#offset - this.#slope * bin.x));
  }

  #notLate(): void {
    this.#lateSinceMs = null;
    this.#lateLeast = Infinity;
    this.#lateBlocks = 0;
  }

  /** Of all lines below the points the one nearest to them: the edge of their lower hull that lies in the middle. */
  #fit(): void {
    const hull: Point[] = [];
    let sum = 0;
    for (const point of this.#bins) {
      sum += point.x;
      for (;;) {
        const [a, b] = [hull.at(-2), hull.at(-1)];
        if (a === undefined || b === undefined || slopeOf(a, b) < slopeOf(b, point)) break;
        hull.pop();
      }
      hull.push(point);
    }
    const middle = sum / this.#bins.length;
    const right = hull.findIndex((point) => point.x > middle);
    const [a, b] = [hull[right - 1], hull[right]];
    // Of a short stretch the slope is mostly lateness; no clock is off by more than it may be.
    const slope = a === undefined || b === undefined ? 0 : slopeOf(a, b);
    this.#slope = Math.max(-mostSkew, Math.min(mostSkew, slope));
    this.#offset = Math.min(...hull.map((point) => point.late - this.#slope * point.x));
  }
}

const slopeOf = (a: Point, b: Point) => (b.late - a.late) / (b.x - a.x);

/**
 * What of one machine goes to its feed, and in which order: while the past is read, the present waits.
 *
 * Invariants:
 *  - What the server kept or recorded while we were away is delivered before what is true now, in order of time.
 *  - What waits is bounded; of what is dropped the count is told, and the hole is not called filled.
 */
import type { Reading } from '../contract.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import { toleranceMs, type ServerClock } from './time.ts';

/** Readings that wait while the past is read; the oldest are dropped, and counted. */
const maxHeld = 50_000;
/** Of the past in one event, so that no other machine waits for long. */
const pastPerEvent = 1_000;

/** A hole, in our time, UTC ms. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export class Delivery {
  readonly #feed: MachineFeed;
  readonly #clock: ServerClock;
  readonly #onAlive: () => void;
  /** Null while nothing waits. */
  #held: Reading[] | null = null;
  /** Up to here values are missing, UTC ms. */
  #missingToMs = Number.NEGATIVE_INFINITY;

  /** @param onAlive at least one value was believed */
  constructor(feed: MachineFeed, clock: ServerClock, onAlive: () => void) {
    this.#feed = feed;
    this.#clock = clock;
    this.#onAlive = onAlive;
  }

  /** From now on readings wait for `release`. */
  hold(): void {
    this.#held = [];
    this.#missingToMs = Number.NEGATIVE_INFINITY;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#held?.length ?? 0;
  }

  /** Nothing waits any more, and what did is dropped. */
  dropHeld(): void {
    this.#held = null;
  }

  /** Not all up to here could be told: the past that is delivered begins behind it. */
  missTo(ms: number): void {
    this.#missingToMs = Math.max(this.#missingToMs, ms);
  }

  deliver(readings: readonly Reading[], at: Moment): void {
    if (this.#held !== null) {
      this.#held.push(...readings);
      const over = this.#held.length - maxHeld;
      if (over <= 0) return;
      this.#held.splice(0, over);
      this.#missingToMs = Number.POSITIVE_INFINITY;
      this.#feed.discard('overflow', over);
      return;
    }
    this.#feed.deliver(readings, at);
    if (readings.some((reading) => reading.quality !== 'bad')) this.#onAlive();
  }

  /**
   * Delivers the past, then what came meanwhile.
   * @param kept how many of those that wait came out of an earlier subscription: what is older than this session is the past
   */
  release(span: Span | null, recorded: readonly Reading[], kept: number): void {
    const held = this.#held ?? [];
    this.#held = null;
    const at = this.#feed.now();
    const isPast = ({ sourceTimeMs }: Reading, index: number) =>
      span !== null && index < kept && sourceTimeMs <= span.toMs + (this.#clock.isOff ? toleranceMs : 0);
    const past = [...recorded, ...held.filter(isPast)].sort((a, b) => a.sourceTimeMs - b.sourceTimeMs);
    if (span !== null) {
      const fromMs = Math.min(span.toMs, Math.max(span.fromMs, this.#missingToMs));
      for (let i = 0; i < past.length; i += pastPerEvent) {
        this.#feed.deliverPast(past.slice(i, i + pastPerEvent), { fromMs, toMs: span.toMs }, at);
      }
    }
    this.deliver(
      held.filter((reading, index) => !isPast(reading, index)),
      at,
    );
    if (past.length > 0) this.#onAlive();
  }
}

/**
 * How far a flat web had run when a picture was taken: by an encoder whose count comes with the picture, or by a speed that the machine
 * tells. Keeps what has to be remembered between pictures.
 *
 * Invariants (test/unit/senses/web-way.test.ts):
 *  Y1  The way only grows while the web runs forward, over a counter that starts again at 0.
 *  Y2  Without a count, or with a speed that is too old, there is no way, never a guess.
 */
import { unwrapped } from '../../../models/vision/counted-turns.ts';
import type { RollPlace } from '../../../models/vision/position.ts';
import type { WebPosition } from './settings.ts';

export interface WebSpeed {
  /** UTC ms. */
  readonly timeMs: number;
  readonly mPerMin: number;
}

const mmPerMs = (mPerMin: number): number => mPerMin / 60;

export class WebWay {
  readonly #position: WebPosition;
  #total: number | null = null;
  #speed: WebSpeed | null = null;
  /** By the speed: how far it had run when it was asked last. */
  #run: { readonly timeMs: number; readonly mm: number } | null = null;

  constructor(position: WebPosition) {
    this.#position = position;
  }

  /** A reading of the speed; those out of order are left out. */
  speed(reading: WebSpeed): void {
    if (this.#speed !== null && reading.timeMs <= this.#speed.timeMs) return;
    // What ran until now ran at the speed of before.
    if (this.#run !== null && this.#position.kind === 'speed') this.#run = this.#at(reading.timeMs, this.#run);
    this.#speed = reading;
  }

  /** To be asked once for each picture, in their order; `sdMm` is one sigma. null: nobody knows. */
  wayOf({ timeMs, count }: { readonly timeMs: number; readonly count: number | null }): RollPlace | null {
    const position = this.#position;
    if (position.kind === 'encoder') {
      if (count === null) return null;
      this.#total = unwrapped(this.#total, count, position.wrapsAt);
      // A count stands for the whole step it names; ± half a step is a bound.
      const sdMm = (0.5 * position.mmPerCount) / Math.sqrt(3);
      return { mm: (this.#total + 0.5) * position.mmPerCount, sdMm };
    }
    const speed = this.#speed;
    if (speed === null || Math.abs(timeMs - speed.timeMs) > position.oldestMs) {
      // It may have run at any speed since: the way goes on from where the next is known.
      this.#run = this.#run === null ? null : { ...this.#run, timeMs };
      return null;
    }
    this.#run = this.#run === null ? { timeMs, mm: 0 } : this.#at(timeMs, this.#run);
    // The age of the reading and its error put the way off, since it was last read; what is systematic grows with the roll.
    return {
      mm: this.#run.mm,
      sdMm: (position.speedError * mmPerMs(speed.mPerMin) * position.oldestMs) / Math.sqrt(3),
    };
  }

  #at(timeMs: number, run: { readonly timeMs: number; readonly mm: number }) {
    const passedMs = Math.max(0, timeMs - run.timeMs);
    return { timeMs: Math.max(timeMs, run.timeMs), mm: run.mm + mmPerMs(this.#speed?.mPerMin ?? 0) * passedMs };
  }
}

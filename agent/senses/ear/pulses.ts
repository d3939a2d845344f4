/**
 * Pulses of a shaft's mark, by the numbers of the microphone's samples: which of them belong to a piece, and over which of the last seconds the
 * shaft turned evenly. Pure.
 *
 * Invariants (test/unit/senses/ear-pulses.test.ts):
 *  L1  Marks of a piece reach two seconds beyond it on both sides, and are in samples at the model's rate.
 *  L2  An even run ends with the last pulse and begins where one was left out, came too much or the speed changed.
 *  L3  What is kept is bounded.
 */
import { modelRateHz } from '../../../models/voiceprint/front-end.ts';

/** The ring holds half a minute, and no machine turns faster than 200 times a second. */
const mostKept = 6_000;
/** The slowest sewing turns twice in it. */
const beyondS = 2;
/** From one turn to the next. */
const mostChange = 0.1;

export class Pulses {
  #pulses: number[] = [];

  add(atSample: number): void {
    this.#pulses.push(atSample);
    if (this.#pulses.length > 2 * mostKept) this.#pulses = this.#pulses.slice(-mostKept);
  }

  /** What comes next is numbered anew. */
  clear(): void {
    this.#pulses = [];
  }

  /** For `FaultPiece.marks`. */
  marksOf(fromSample: number, samples: number, rateHz: number): readonly number[] {
    const beyond = beyondS * rateHz;
    return this.#pulses
      .filter((at) => at >= fromSample - beyond && at <= fromSample + samples + beyond)
      .map((at) => ((at - fromSample) * modelRateHz) / rateHz);
  }

  /** Pulses of the last even run, none before `fromSample`. */
  evenSince(fromSample: number, toSample: number): readonly number[] {
    const there = this.#pulses.filter((at) => at >= fromSample && at < toSample);
    let first = there.length - 1;
    while (first > 0) {
      const [before = 0, here = 0, after] = [there[first - 1], there[first], there[first + 1]];
      if (after !== undefined && Math.abs((here - before) / (after - here) - 1) > mostChange) break;
      first -= 1;
    }
    return there.slice(Math.max(0, first));
  }
}

/**
 * What the ear makes of one machine's sound: pieces wait for the polls that say whether the machine ran, those that count are pooled, and
 * each sample is held against what was taught at that speed, or kept to be taught. No clock, no model, no microphone.
 *
 * Invariants (test/unit/senses/ear-hearing.test.ts):
 *  H1  Nothing that was heard while the machine stood, started, changed its speed or was not polled, or somebody spoke or an alarm went beside it
 *      (`models/voiceprint/foreign.ts`), is judged or taught; each such piece is counted by its reason. What was heard while it stood says what
 *      the hall is like, and nothing else (`judging.ts`).
 *  H2  An occurrence is told once when it begins and once when it ends, and its beginning is that of the sound, not of the telling.
 *  H3  A speed that was not taught is counted and never judged by another speed's print.
 *  H4  What staff said moves the threshold from the next sample on; what adds up already stays, and goes as normal samples take it away.
 *  H5  Pieces that wait are bounded; the oldest goes, counted.
 */
import type { Voiceprint } from '../../../models/voiceprint/ear.ts';
import { ForeignGate } from '../../../models/voiceprint/foreign.ts';
import { RunGate, taughtBandOf, type RunPoll } from '../../../models/voiceprint/gate.ts';
import { oddRanges, type OddRange } from '../../../models/voiceprint/odd-bands.ts';
import { addPiece, emptyPool, type Pool, type Sample } from '../../../models/voiceprint/pool.ts';
import { HallMemory } from './hall-memory.ts';
import { SoundHistory } from './history.ts';
import { Judging } from './judging.ts';
import { LeftOut } from './left-out.ts';
import type { Path } from './telling.ts';

/** Twenty seconds: polls come every second or so, late by some more. */
const mostWaiting = 40;

/** What was taught at one speed. */
export interface SpeedPrint {
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  readonly print: Voiceprint;
}

/** Half a second of sound, monotonic ms of this process. */
export interface SoundPiece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: Float32Array;
  readonly rateHz: number;
  /** Where it begins in the microphone's numbering; absent where nobody asks. */
  readonly place?: { readonly epoch: number; readonly fromSample: number };
}
export interface OpenPiece extends SoundPiece {
  /** 0: the machine stands, and the hall is heard. */
  readonly speed: number;
  /** Where the index pulse rose, in samples at the model's rate from the piece's beginning; absent without a pulse. */
  readonly marks?: readonly number[];
}

export type HearingTold =
  | {
      readonly kind: 'judged';
      readonly atMs: number;
      readonly speed: number;
      readonly score: number;
      readonly threshold: number;
      readonly evidence: number;
    }
  | {
      readonly kind: 'began';
      /** By which it was heard (`telling.ts`). */
      readonly path: Path;
      /** Of the first sound of the rise. */
      readonly sinceMs: number;
      readonly atMs: number;
      readonly speed: number;
      /** Median of the rise. */
      readonly score: number;
      /** In force: `moved` spreads from the one that was taught. */
      readonly threshold: number;
      readonly spread: number;
      readonly moved: number;
      readonly ranges: readonly OddRange[];
    }
  | { readonly kind: 'ended'; readonly sinceMs: number; readonly atMs: number };

export interface HearingCounts {
  readonly judged: number;
  readonly standing: number;
  readonly unsteady: number;
  readonly speedUnknown: number;
  readonly notPolled: number;
  readonly untaughtSpeed: number;
  /** Heard beside the machine while it ran steadily. */
  readonly speech: number;
  readonly alarm: number;
  readonly dropped: number;
}

export class Hearing {
  readonly #prints: readonly SpeedPrint[];
  readonly #gate = new RunGate();
  readonly #foreign = new ForeignGate();
  readonly #leftOut = new LeftOut();
  readonly history: SoundHistory;
  #waiting: SoundPiece[] = [];
  #pool: Pool = emptyPool;
  /** What was heard while it stood; rounds are judged by it, too (`rounds.ts`). */
  readonly hall = new HallMemory();
  readonly #judging = new Judging(this.hall);
  #moved: number;
  readonly #counts = {
    judged: 0,
    standing: 0,
    unsteady: 0,
    speedUnknown: 0,
    notPolled: 0,
    untaughtSpeed: 0,
    speech: 0,
    alarm: 0,
    dropped: 0,
  };

  /** @param moved what staff said moved the thresholds by, in spreads */
  constructor(prints: readonly SpeedPrint[], moved = 0) {
    this.#prints = prints;
    this.#moved = moved;
    this.history = new SoundHistory();
  }

  counts(): HearingCounts {
    return { ...this.#counts, dropped: this.#counts.dropped + this.#pool.dropped };
  }

  /** So much is left out for what is heard beside the machine that next to nothing is judged. */
  get leavesOutTooMuch(): boolean {
    return this.#leftOut.isTooMuch;
  }

  get isOdd(): boolean {
    return this.#judging.isOdd;
  }

  /** There is evidence, and nothing is told of it yet. */
  get isRising(): boolean {
    return this.#judging.isRising;
  }

  /** What the thresholds are moved by, in spreads. */
  get moved(): number {
    return this.#moved;
  }

  /** @param moved spreads */
  move(moved: number): void {
    this.#moved = moved;
  }

  poll(poll: RunPoll): void {
    this.#gate.saw(poll);
  }

  offer(piece: SoundPiece): void {
    this.#waiting.push(piece);
    if (this.#waiting.length <= mostWaiting) return;
    this.#waiting.shift();
    this.#counts.notPolled += 1;
  }

  /** Pieces of which the polls say by now that the machine ran at one speed, and in which it alone is heard, and some in which it stood; each once. */
  take(): OpenPiece[] {
    const open: OpenPiece[] = [];
    const waiting: SoundPiece[] = [];
    for (const piece of this.#waiting) {
      const answer = this.#gate.answer(piece.fromMs, piece.toMs);
      if (answer.kind === 'wait') waiting.push(piece);
      else if (answer.kind === 'open') {
        if (this.#isAlone(piece, answer.speed)) open.push({ ...piece, speed: answer.speed });
      } else {
        if (answer.reason === 'standing') {
          this.#foreign.standing(piece);
          if (this.#isOfTheHall(piece)) open.push({ ...piece, speed: 0 });
        }
        this.#counts[countOf[answer.reason]] += 1;
      }
    }
    this.#waiting = waiting;
    return open;
  }

  /** Words become no features, whether the machine runs or not. */
  #isOfTheHall(piece: SoundPiece): boolean {
    const { fromMs, toMs } = piece;
    return this.#gate.stood(fromMs, toMs) && this.hall.wants(toMs) && !this.#foreign.speaksBeside(piece);
  }

  #isAlone(piece: SoundPiece, speed: number): boolean {
    const reason = this.#foreign.running(piece, speed);
    this.#leftOut.add(reason !== null);
    if (reason !== null) this.#counts[reason] += 1;
    return reason === null;
  }

  /**
   * What the graph made of a piece that was taken.
   * @param features `parts` × `bands`
   */
  heard(
    { toMs, speed }: OpenPiece,
    features: Float32Array,
  ): { readonly sample: Sample | null; readonly told: readonly HearingTold[] } {
    if (speed === 0) {
      this.hall.add(toMs, features);
      return { sample: null, told: [] };
    }
    const step = addPiece(this.#pool, { atMs: toMs, speed, features });
    this.#pool = step.pool;
    const at = taughtBandOf(
      speed,
      this.#prints.map((one) => one.speed),
    );
    this.history.add(toMs, features, at === null ? null : (this.#prints[at]?.print ?? null));
    return { sample: step.sample, told: step.sample === null ? [] : this.#judge(step.sample) };
  }

  #judge(sample: Sample): HearingTold[] {
    const at = taughtBandOf(
      sample.speed,
      this.#prints.map(({ speed }) => speed),
    );
    const taught = at === null ? undefined : this.#prints[at];
    if (taught === undefined) {
      if (this.#prints.length > 0) this.#counts.untaughtSpeed += 1;
      return [];
    }
    this.#counts.judged += 1;
    const moved = this.#moved;
    const { score, threshold, sum, print, began, endedSinceMs } = this.#judging.judge(sample, taught.print, moved);
    const { toMs: atMs, speed } = sample;
    const told: HearingTold[] = [{ kind: 'judged', atMs, speed, score, threshold, evidence: sum }];
    if (began !== null) {
      const { sinceMs, scores } = began;
      const ranges = oddRanges(sample.features, print);
      const { spread } = print;
      const about = { sinceMs, atMs, speed, score: medianOf(scores), threshold, spread, moved, ranges };
      told.push({ kind: 'began', path: 'levels', ...about });
    }
    if (endedSinceMs !== null) told.push({ kind: 'ended', sinceMs: endedSinceMs, atMs });
    return told;
  }
}

const countOf = {
  standing: 'standing',
  unsteady: 'unsteady',
  'speed-unknown': 'speedUnknown',
  'not-polled': 'notPolled',
} as const;

export const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

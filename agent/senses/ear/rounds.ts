/**
 * The rounds of one machine (`models/voiceprint/rounds.ts`): pieces of a turn become a round, a round is held against what was taught at that
 * speed, rounds add up. What both branches hear is heard of a hall that is as it was while the machine was enrolled: branch B knows nothing
 * of halls, and a louder one is lines and noise beside those of the shaft. No clock, no model, no microphone.
 *
 * Invariants (test/unit/senses/ear-rounds.test.ts):
 *  V1  A round has pieces of one taught speed, none older than ten minutes; each is in one round.
 *  V2  No single round begins an occurrence, however odd; several in a row do, once, from the sound of the first on.
 *  V3  In another hall than was taught no round is weighed, and such rounds are counted. An occurrence is told when the hall was heard since its
 *      rise began and is the one that was taught, or at the latest after `mostRoundsHeldMs`.
 *  V4  A machine of which no speed was taught for rounds has none, and what is the matter is said.
 *  V5  What staff said of rounds moves their threshold from the next round on.
 *  V6  What is kept of a turn and of a rise is bounded.
 */
import { mean } from '../../../models/statistics/metrics.ts';
import { scoreOf, type Voiceprint } from '../../../models/voiceprint/ear.ts';
import { noEvidence, weigh, type Evidence } from '../../../models/voiceprint/evidence.ts';
import type { FaultSample, Observed } from '../../../models/voiceprint/fault-ear.ts';
import type { FaultPrint } from '../../../models/voiceprint/fault-print.ts';
import { together, type Suspicion } from '../../../models/voiceprint/faults.ts';
import { movedThreshold } from '../../../models/voiceprint/feedback.ts';
import { fusedScore } from '../../../models/voiceprint/fused-score.ts';
import { speedBandOf, taughtBandOf } from '../../../models/voiceprint/gate.ts';
import { amongHall, changedShare } from '../../../models/voiceprint/hall.ts';
import { oddRanges } from '../../../models/voiceprint/odd-bands.ts';
import { piecesASample, pooled } from '../../../models/voiceprint/pool.ts';
import type { RoundsPrint } from '../../../models/voiceprint/rounds.ts';
import { leastToTell, type HallMemory } from './hall-memory.ts';
import { medianOf, type HearingTold, type SpeedPrint } from './hearing.ts';
import { pooledSample, type FaultSpeedPrint } from './suspecting.ts';

/** A piece that waited so long was made in another state of the machine. */
const oldestMs = 600_000;
/** The sum of evidence is bounded: what came before the newest so many is of no matter. */
const mostOfARise = 12;
/** Suspicions that an alert is told with: of the newest rounds of its rise. */
const mostSuspicions = 6;
/** Of the bands, that may be heard in another hall than was taught. */
export const mostChanged = 0.1;

/**
 * So long an occurrence waits for the machine to stop, that its hall can be heard: a shift. What rounds alone hear is no emergency, and a hall that
 * grew loud in a run of an hour is likelier than that.
 */
export const mostRoundsHeldMs = 28_800_000;

/** What was taught of one speed, for rounds. */
export interface RoundSpeed {
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  readonly levels: Voiceprint;
  readonly faults: FaultPrint;
  readonly rounds: RoundsPrint;
}

/** Speeds of which all was taught that rounds need. */
export function roundSpeedsOf(
  prints: readonly SpeedPrint[],
  faults: readonly FaultSpeedPrint[],
): readonly RoundSpeed[] {
  return prints.flatMap(({ speed, print: levels }) => {
    const print = faults.find((one) => one.speed === speed)?.print;
    return print === undefined || print.rounds === null ? [] : [{ speed, levels, faults: print, rounds: print.rounds }];
  });
}

interface RoundPiece {
  /** Of its end. */
  readonly atMs: number;
  readonly speed: number;
  readonly features: Float32Array;
  readonly observed: Observed;
}

/** Pieces that make a round. */
export interface WholeRound {
  readonly fromMs: number;
  readonly toMs: number;
  /** Mean of its pieces. */
  readonly speed: number;
  /** Of branch A, pooled. */
  readonly features: Float32Array;
  readonly sample: FaultSample;
  readonly against: RoundSpeed;
}

interface JudgedRound {
  readonly score: number;
  readonly suspicion: Suspicion;
}

export interface RoundCounts {
  readonly judged: number;
  /** Not weighed: heard in another hall than was taught. */
  readonly otherHall: number;
  /** Pieces that waited too long for company, or of which branch B heard nothing. */
  readonly dropped: number;
}

export type RoundTold = HearingTold & { readonly suspicion?: Suspicion | null };

export class Rounds {
  readonly #speeds: readonly RoundSpeed[];
  readonly #hall: HallMemory;
  #moved: number;
  /** By speed band, oldest first; fewer than a round each. */
  readonly #pieces = new Map<number, readonly RoundPiece[]>();
  #whole: WholeRound[] = [];
  #evidence: Evidence = noEvidence;
  #rise: readonly JudgedRound[] = [];
  #told: { readonly sinceMs: number } | null = null;
  readonly #counts = { judged: 0, otherHall: 0, dropped: 0 };

  /** @param moved what staff said of rounds moved their threshold by, in spreads */
  constructor(speeds: readonly RoundSpeed[], hall: HallMemory, moved = 0) {
    this.#speeds = speeds;
    this.#hall = hall;
    this.#moved = moved;
  }

  get isOn(): boolean {
    return this.#speeds.length > 0;
  }

  get isOdd(): boolean {
    return this.#told !== null;
  }

  get moved(): number {
    return this.#moved;
  }

  /** @param moved spreads */
  move(moved: number): void {
    this.#moved = moved;
  }

  counts(): RoundCounts {
    return { ...this.#counts };
  }

  /** Whether a piece of that speed may be of a round. */
  accepts(speed: number): boolean {
    return this.#at(speed) !== null;
  }

  /** A piece of a turn. @param observed null: branch B heard nothing of it */
  add(piece: Omit<RoundPiece, 'observed'>, observed: Observed | null): void {
    if (observed === null || !this.accepts(piece.speed)) {
      this.#counts.dropped += 1;
      return;
    }
    const band = speedBandOf(piece.speed);
    const before = this.#pieces.get(band) ?? [];
    const fresh = before.filter(({ atMs }) => piece.atMs - atMs <= oldestMs);
    this.#counts.dropped += before.length - fresh.length;
    const all = [...fresh, { ...piece, observed }];
    this.#pieces.set(band, all.length < piecesASample ? all : []);
    if (all.length < piecesASample) return;
    const speed = mean(all.map((one) => one.speed));
    const against = this.#speeds[this.#at(speed) ?? -1];
    if (against === undefined) return;
    this.#whole = [
      ...this.#whole,
      {
        fromMs: all[0]?.atMs ?? piece.atMs,
        toMs: piece.atMs,
        speed,
        features: pooled(all.map(({ features }) => features)),
        sample: pooledSample(all.map((one) => one.observed)),
        against,
      },
    ].slice(-2);
  }

  /** Rounds that are whole, each once. */
  take(): readonly WholeRound[] {
    const whole = this.#whole;
    this.#whole = [];
    return whole;
  }

  /** @param suspicion what branch B makes of its sample */
  judge(round: WholeRound, suspicion: Suspicion): readonly RoundTold[] {
    const { fromMs, toMs, speed, features, against } = round;
    const { levels, rounds } = against;
    const now = this.#hall.since(Number.NEGATIVE_INFINITY);
    if (isAnother(levels, now)) {
      this.#counts.otherHall += 1;
      // Since when it is another one nobody knows.
      if (this.#told === null) this.#forget();
      return [];
    }
    this.#counts.judged += 1;
    const there = amongHall(levels, now);
    const own = scoreOf({ windows: [features], bands: there.bands }, there);
    const score = fusedScore({
      levels: (own - levels.threshold) / levels.spread,
      orders: suspicion.distance,
      signs: suspicion.signs,
    });
    const moved = this.#moved;
    const threshold = movedThreshold(rounds, moved);
    this.#evidence = weigh(this.#evidence, { fromMs, score }, { threshold, spread: rounds.spread });
    this.#rise = this.#evidence.sum === 0 ? [] : [...this.#rise, { score, suspicion }].slice(-mostOfARise);
    const told = this.#told;
    if (told === null && this.#evidence.isOdd) this.#weighHall(levels);
    const { sum, isOdd, sinceMs } = this.#evidence;
    const judged: RoundTold = { kind: 'judged', atMs: toMs, speed, score, threshold, evidence: sum };
    if (told !== null && !isOdd) {
      this.#told = null;
      return [judged, { kind: 'ended', sinceMs: told.sinceMs, atMs: toMs }];
    }
    const begins = told === null && isOdd && sinceMs !== null && score > threshold;
    if (!begins || !this.#mayTell(levels, sinceMs, toMs)) return [judged];
    this.#told = { sinceMs };
    return [
      judged,
      {
        kind: 'began',
        path: 'rounds',
        sinceMs,
        atMs: toMs,
        speed,
        score: medianOf(this.#rise.map((one) => one.score)),
        threshold,
        spread: rounds.spread,
        moved,
        ranges: oddRanges(features, there),
        suspicion: together(this.#rise.slice(-mostSuspicions).map((one) => one.suspicion)),
      },
    ];
  }

  /** A rise in a hall that was another one is none. */
  #weighHall(levels: Voiceprint): void {
    const since = this.#evidence.sinceMs;
    if (since === null || !isAnother(levels, this.#hall.since(since))) return;
    this.#forget();
  }

  #forget(): void {
    this.#evidence = noEvidence;
    this.#rise = [];
  }

  #mayTell({ hall }: Voiceprint, sinceMs: number, nowMs: number): boolean {
    return hall === null || this.#hall.since(sinceMs, leastToTell) !== null || nowMs - sinceMs >= mostRoundsHeldMs;
  }

  #at(speed: number): number | null {
    return taughtBandOf(
      speed,
      this.#speeds.map((one) => one.speed),
    );
  }
}

const isAnother = (levels: Voiceprint, now: readonly Float32Array[] | null): boolean =>
  (changedShare(levels, now) ?? 0) > mostChanged;

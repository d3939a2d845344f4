/**
 * One machine in the ear's process: its microphone's sound cut into pieces of half a second, judged or collected. What goes to the graph are whole
 * pieces without a gap; what has one is left out and counted by the microphone.
 */
import type { Microphone } from '../../../drivers/microphone/microphone.ts';
import { SoundMeter } from '../../../drivers/microphone/measure.ts';
import { ModelError } from '../../../models/errors.ts';
import type { Graph } from '../../../models/graph.ts';
import { statsOf } from '../../../models/voiceprint/print-file.ts';
import { blank, feedsOf, parts } from '../../../models/voiceprint/ear.ts';
import { bands, bandsHeard, hopSamples, modelRateHz, windowsOf } from '../../../models/voiceprint/front-end.ts';
import { mean } from '../../../models/statistics/metrics.ts';
import { writeStats } from '../../../models/stats-file.ts';
import { Enrolling } from './enrolling.ts';
import type { NeedleTask } from './needle-search.ts';
import type { Pulses } from './pulses.ts';
import { roundSpeedsOf, Rounds } from './rounds.ts';
import type { LearnedFaults, LeftOutLevels, Suspecting, TakesObserved } from './suspecting.ts';
import { Telling } from './telling.ts';
import { Hearing, type HearingTold, type OpenPiece, type SoundPiece, type SpeedPrint } from './hearing.ts';
import type { Enrolled, EarMessage } from './settings.ts';

/** Of a piece: 0.512 s. A sewing machine runs for a second or two at a time, and what is shorter says nothing of changes. */
export const hopsAPiece = 24;
/** More a turn would keep the polls and the others waiting. */
const mostPiecesATurn = 16;
const mostLevels = 600;
/** Of sound in which a needle is looked for. */
const searchedS = 20;

/** What branch B learned at a speed, as stats-file.ts has it; null: nothing. */
export type LearnFaults = (
  learned: LearnedFaults,
  speed: number,
  levels: readonly LeftOutLevels[],
) => Promise<Uint8Array<ArrayBuffer> | null>;

export interface ListeningOptions {
  /** What staff said moved the thresholds by, in spreads. */
  readonly moved: number;
  /** So much of what is judged is held for a clip; 0: none. */
  readonly clipSeconds: number;
  /** null: no fault is suspected. */
  readonly suspecting: Suspecting | null;
  /** The same of what they said of rounds. */
  readonly movedRounds?: number;
  /** Whether a machine that runs then has its turn; absent: it never has. */
  readonly hasTurn?: (nowMs: number) => boolean;
  /** null: the microphone carries none. */
  readonly pulses: Pulses | null;
}

interface Enrolment {
  readonly wanted: number;
  readonly enrolling: Enrolling;
  readonly rateHz: number;
  readonly meter: SoundMeter;
  levels: { readonly lowDb: number; readonly highDb: number }[];
}

export class Listening {
  readonly #microphone: Pick<Microphone, 'read' | 'msOf' | 'counts'>;
  readonly hearing: Hearing;
  /** null: nothing is known of faults of such a machine. */
  readonly suspecting: Suspecting | null;
  readonly rounds: Rounds;
  readonly telling = new Telling();
  readonly #hasTurn: (nowMs: number) => boolean;
  /** null: the microphone carries none. */
  readonly #pulses: Pulses | null;
  #epoch = 0;
  #next = 0;
  /** Asked for; begins with the first piece, whose rate says which bands there are. */
  #wanted: number | null = null;
  #enrolment: Enrolment | null = null;
  #seen = 0;

  readonly #clipSeconds: number;
  /** What was judged last; empty unless clips are kept. */
  #last: readonly SoundPiece[] = [];

  constructor(
    prints: readonly SpeedPrint[],
    microphone: Pick<Microphone, 'read' | 'msOf' | 'counts'>,
    { moved, clipSeconds, suspecting, pulses, movedRounds = 0, hasTurn = () => false }: ListeningOptions,
  ) {
    this.#clipSeconds = clipSeconds;
    this.#pulses = pulses;
    this.#microphone = microphone;
    this.suspecting = suspecting;
    this.hearing = new Hearing(prints, moved);
    this.rounds = new Rounds(roundSpeedsOf(prints, suspecting?.prints ?? []), this.hearing.hall, movedRounds);
    this.#hasTurn = hasTurn;
  }

  /** @param samples a speed; null: no more */
  enrol(samples: number | null): void {
    this.#wanted = samples;
    this.#enrolment = null;
    this.suspecting?.enrol(samples !== null);
    this.#seen = 0;
  }

  /** New pieces whose sound is there and whose run is known. */
  take(): OpenPiece[] {
    this.#cut();
    const pieces = this.hearing.take();
    const pulses = this.#pulses;
    if (pulses === null) return pieces;
    return pieces.map((piece) => {
      const { place, samples, rateHz } = piece;
      if (place?.epoch !== this.#epoch) return piece;
      return { ...piece, marks: pulses.marksOf(place.fromSample, samples.length, rateHz) };
    });
  }

  /** What the graph made of a piece: what is to be told of it. */
  heard(piece: OpenPiece, features: Float32Array): readonly HearingTold[] {
    if (piece.speed === 0) {
      this.#enrolment?.enrolling.stood(features);
      this.hearing.heard(piece, features);
      return [];
    }
    if (this.#clipSeconds > 0) this.#hold(piece);
    const { sample, told } = this.hearing.heard(piece, features);
    const isRising = this.hearing.isRising || told.some(({ kind }) => kind === 'began');
    this.suspecting?.saw(piece, isRising, this.#ofRound(piece, features));
    if (this.#wanted === null) return told;
    this.#enrolment ??= {
      wanted: this.#wanted,
      enrolling: new Enrolling(this.#wanted, bandsHeard(piece.rateHz)),
      rateHz: piece.rateHz,
      meter: new SoundMeter(piece.rateHz),
      levels: [],
    };
    // Another microphone was plugged in: what it hears is another sound.
    if (this.#enrolment.rateHz !== piece.rateHz) {
      this.#enrolment = null;
      this.suspecting?.enrol(true);
      return told;
    }
    const { meter, enrolling, levels } = this.#enrolment;
    if (levels.length < mostLevels) levels.push(...meter.push({ channels: [piece.samples], holes: [] }));
    if (sample !== null) enrolling.add(sample);
    return told;
  }

  /** Who is told what branch B hears of a piece of a round; null: it is of none. */
  #ofRound({ toMs: atMs, speed }: OpenPiece, features: Float32Array): TakesObserved | null {
    if (!this.rounds.accepts(speed) || !this.#hasTurn(atMs)) return null;
    return (observed) => this.rounds.add({ atMs, speed, features }, observed);
  }

  /** The last of what was judged, pieces of runs one behind the other; null where no clip is wanted or there is none. */
  clip(): { readonly rateHz: number; readonly samples: Float32Array } | null {
    const rateHz = this.#last.at(-1)?.rateHz;
    if (rateHz === undefined) return null;
    const samples = Float32Array.from(this.#last.flatMap((piece) => [...piece.samples]));
    return { rateHz, samples: samples.slice(-Math.round(this.#clipSeconds * rateHz)) };
  }

  #hold(piece: SoundPiece): void {
    const sameRate = this.#last.filter(({ rateHz }) => rateHz === piece.rateHz);
    const pieces = Math.ceil((this.#clipSeconds * modelRateHz) / (hopsAPiece * hopSamples));
    this.#last = [...sameRate, piece].slice(-pieces);
  }

  /**
   * How far an enrolment is, when that has changed; what it learned, when it is whole.
   * @param learnFaults learns of each speed for branch B
   */
  async enrolled(machine: string, model: string, learnFaults: LearnFaults): Promise<EarMessage | null> {
    const enrolment = this.#enrolment;
    if (enrolment === null) return null;
    const { enrolling, wanted, rateHz, levels } = enrolment;
    const speeds = [...enrolling.progress()];
    const seen = speeds.reduce((sum, { samples }) => sum + samples, enrolling.beyond);
    if (seen === this.#seen) return null;
    this.#seen = seen;
    if (!enrolling.isWhole || levels.length === 0) return { kind: 'enrolling', machine, wanted, speeds };
    const { prints, leftOut } = enrolling.learn();
    const heard = this.suspecting?.learned ?? null;
    this.enrol(null);
    const learned: Enrolled['prints'] = [];
    for (const { speed, samples, print, left } of prints) {
      learned.push({
        speed,
        samples,
        threshold: print.threshold,
        spread: print.spread,
        stats: Uint8Array.from(writeStats(statsOf(print, model))),
        faults: heard === null ? null : await learnFaults(heard, speed, left),
      });
    }
    const of = (which: 'lowDb' | 'highDb') => mean(levels.map((one) => one[which]));
    return {
      kind: 'enrolled',
      machine,
      rateHz,
      levels: { lowDb: of('lowDb'), highDb: of('highDb') },
      prints: learned,
      leftOut: [...leftOut],
    };
  }

  /** The last seconds in which the cylinder turned evenly; null where there are none without a gap. */
  lastTurns(): Omit<NeedleTask, 'cylinder'> | null {
    const { rateHz, epoch } = this.#microphone.counts();
    if (rateHz === null || epoch !== this.#epoch || this.#pulses === null) return null;
    const from = Math.max(0, Math.round(this.#next - searchedS * rateHz));
    const pulses = this.#pulses.evenSince(from, this.#next);
    const [begins = null] = pulses;
    if (begins === null) return null;
    const first = Math.floor(begins);
    const window = this.#microphone.read(0, first, this.#next);
    if (window?.kind !== 'samples') return null;
    return { samples: window.samples, rateHz, pulses: pulses.map((at) => at - first) };
  }

  #cut(): void {
    const microphone = this.#microphone;
    const { rateHz, epoch } = microphone.counts();
    if (rateHz === null) return;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#next = 0;
      this.#pulses?.clear();
    }
    const length = Math.ceil((hopsAPiece * hopSamples * rateHz) / modelRateHz) + (rateHz === modelRateHz ? 0 : 2);
    for (let turn = 0; turn < mostPiecesATurn; turn += 1) {
      const window = microphone.read(0, this.#next, this.#next + length);
      if (window === null || window.kind === 'to-come') return;
      if (window.kind === 'gap') {
        this.#next = Math.max(this.#next + 1, ...window.gaps.map(({ toSample }) => toSample));
        continue;
      }
      if (window.kind === 'overwritten') {
        this.#next = window.oldestSample + length;
        continue;
      }
      const place = { epoch, fromSample: this.#next };
      const [fromMs, toMs] = [microphone.msOf(this.#next), microphone.msOf(this.#next + length)];
      this.#next += length;
      if (fromMs === null || toMs === null) continue;
      this.hearing.offer({ fromMs, toMs, samples: window.samples, rateHz, place });
    }
  }
}

/**
 * What the graph makes of pieces, all of them in one run: `parts` × `bands` numbers each. null: a piece nothing can be heard in.
 * @throws ModelError `modelUnusable`
 */
export async function featuresOf(pieces: readonly SoundPiece[], graph: Graph): Promise<(Float32Array | null)[]> {
  const cut = pieces.map((piece) => windowOf(piece));
  const there = cut.flatMap((one) => one ?? []);
  const samples = Math.min(...there.map((one) => one.samples));
  if (there.length === 0) return pieces.map(() => null);
  const pcm = new Float32Array(there.length * samples);
  for (const [at, one] of there.entries()) pcm.set(one.pcm.subarray(0, samples), at * samples);
  const { features } = await graph.run(feedsOf({ count: there.length, samples, pcm }, blank), ['features']);
  const size = parts * bands;
  if (features === undefined || features.data.length !== there.length * size) {
    throw new ModelError('modelUnusable', 'the graph hears other features');
  }
  let at = 0;
  return cut.map((one) => {
    if (one === null) return null;
    at += 1;
    return features.data.slice((at - 1) * size, at * size);
  });
}

function windowOf(piece: SoundPiece) {
  try {
    return windowsOf(piece, 'half a second of sound');
  } catch (error) {
    if (error instanceof ModelError) return null;
    throw error;
  }
}

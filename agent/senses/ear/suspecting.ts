/**
 * Which fault it may be: branch B of the ear (`models/voiceprint/faults.ts`) beside one machine's hearing. It costs four times what judging costs, so it
 * hears only while evidence rises, while the machine is enrolled, and in a round when it has its turn (`rounds.ts`). A name is where to look first, and
 * never begins or ends anything.
 *
 * Invariants (test/unit/senses/ear-suspecting.test.ts):
 *  U1  Nothing is asked for while a machine sounds like itself, has no turn and nobody enrols it.
 *  U2  A fault is suspected from the pieces of the rise alone, of the speed that is told, by that speed's print; from fewer than four none is.
 *  U3  What waits, what is kept of a rise and what is learned from are bounded.
 *  U4  Of each piece of a round is told what was heard of it, once; of one that had to go, that nothing was.
 */
import type { Graph } from '../../../models/graph.ts';
import { leastClips } from '../../../models/voiceprint/ear.ts';
import { observe, sampleOf, type FaultSample, type Observed } from '../../../models/voiceprint/fault-ear.ts';
import { enrolFaultsWithLeft, type FaultPrint } from '../../../models/voiceprint/fault-print.ts';
import { suspect, together, type Suspicion } from '../../../models/voiceprint/faults.ts';
import { modelRateHz } from '../../../models/voiceprint/front-end.ts';
import { speedBandOf, taughtBandOf } from '../../../models/voiceprint/gate.ts';
import { piecesASample } from '../../../models/voiceprint/pool.ts';
import { roundsPrintOf } from '../../../models/voiceprint/rounds.ts';
import { resample } from '../../../models/voiceprint/resample.ts';
import type { Turner } from '../../../models/voiceprint/turning.ts';
import type { OpenPiece } from './hearing.ts';

/** Pieces that wait for the graph: they hold sound. */
const mostQueued = 32;
/** Pieces of a rise that are kept, the newest: six samples. */
const mostOfARise = 6 * piecesASample;
const leastPieces = 4;
const mostASpeed = 200;
const mostSpeeds = 24;
/** Pieces in one run of the graph. */
const mostInARun = 16;

/** What branch B learned at one speed. */
export interface FaultSpeedPrint {
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  readonly print: FaultPrint;
}

/** A piece that is to be heard by the graph of faults. */
interface Queued {
  readonly piece: OpenPiece;
  /** Of the rise with this number; null: of none. */
  readonly rise: number | null;
  /** Of a round; null: of none. */
  readonly ofRound: TakesObserved | null;
}

/** Is told what was heard of a piece. */
export type TakesObserved = (observed: Observed | null) => void;

/** When it was heard, ms of this process. */
interface Spanned {
  readonly fromMs: number;
  readonly toMs: number;
}
type LearnedSample = FaultSample & Spanned;

interface LearnedSpeed {
  waiting: { readonly observed: Observed; readonly span: Spanned }[];
  readonly samples: LearnedSample[];
}

/** How far a sample that was enrolled lies by its levels, in spreads above their threshold, held against the others. */
export interface LeftOutLevels extends Spanned {
  readonly levels: number;
}

/** Samples of a machine that is being enrolled, by the speed band they were heard at. */
export type LearnedFaults = ReadonlyMap<number, LearnedSpeed>;

export class Suspecting {
  readonly turner: Turner;
  readonly prints: readonly FaultSpeedPrint[];
  #queue: Queued[] = [];
  #rise: { readonly speed: number; readonly observed: Observed }[] = [];
  /** Number of the rise that lasts, or of the next. */
  #riseNo = 0;
  #learned: Map<number, LearnedSpeed> | null = null;

  constructor(turner: Turner, prints: readonly FaultSpeedPrint[]) {
    this.turner = turner;
    this.prints = prints;
  }

  /** Begins an enrolment anew, or ends one. */
  enrol(isWanted: boolean): void {
    this.#learned = isWanted ? new Map() : null;
  }

  /**
   * @param isRising there is evidence, and no occurrence yet that was told before this piece
   * @param ofRound wants to know what is heard of it
   */
  saw(piece: OpenPiece, isRising: boolean, ofRound: TakesObserved | null = null): void {
    if (!isRising && this.#rise.length > 0) this.#rise = [];
    if (!isRising) this.#riseNo += 1;
    const isOfRise = isRising && this.prints.length > 0;
    if (!isOfRise && this.#learned === null && ofRound === null) return;
    this.#queue.push({ piece, rise: isOfRise ? this.#riseNo : null, ofRound });
    if (this.#queue.length > mostQueued) this.#queue.shift()?.ofRound?.(null);
  }

  /** What waits for the graph, each once. */
  take(): readonly Queued[] {
    const queued = this.#queue;
    this.#queue = [];
    return queued.filter(({ rise, ofRound }) => ofRound !== null || this.#learned !== null || rise === this.#riseNo);
  }

  /** @param observed what the graph made of what was taken; null: the shaft turns too slowly */
  observed({ piece: { speed, fromMs, toMs }, rise, ofRound }: Queued, observed: Observed | null): void {
    ofRound?.(observed);
    if (observed === null) return;
    if (rise === this.#riseNo) this.#rise = [...this.#rise, { speed, observed }].slice(-mostOfARise);
    if (this.#learned !== null) learn(this.#learned, speed, { observed, span: { fromMs, toMs } });
  }

  /**
   * Which faults the pieces of the rise look like; null where too little was heard or nothing was taught at that speed.
   * @throws ModelError `modelUnusable`
   */
  async suspected(speed: number, graph: Graph): Promise<Suspicion | null> {
    const speeds = this.prints.map((one) => one.speed);
    const at = taughtBandOf(speed, speeds);
    const print = at === null ? undefined : this.prints[at]?.print;
    if (print === undefined) return null;
    const pieces = this.#rise.flatMap((one) => (taughtBandOf(one.speed, speeds) === at ? [one.observed] : []));
    const found: Suspicion[] = [];
    // The newest are nearest to what it has come to.
    for (let to = pieces.length; to >= leastPieces; to -= piecesASample) {
      const sample = pooledSample(pieces.slice(Math.max(0, to - piecesASample), to));
      found.push(await suspect(sample, print, this.turner, graph));
    }
    return together(found);
  }

  /** What was heard for an enrolment so far; null where none goes on. */
  get learned(): LearnedFaults | null {
    return this.#learned;
  }
}

/**
 * Has all that waits heard, those of equal machines together.
 * @throws ModelError `modelUnusable`
 */
export async function observeQueued(several: readonly Suspecting[], graph: Graph): Promise<void> {
  const byTurner = new Map<string, { readonly one: Suspecting; readonly queued: Queued }[]>();
  for (const one of several) {
    const key = JSON.stringify(one.turner);
    const there = byTurner.get(key) ?? [];
    there.push(...one.take().map((queued) => ({ one, queued })));
    byTurner.set(key, there);
  }
  for (const waiting of byTurner.values()) {
    for (let from = 0; from < waiting.length; from += mostInARun) {
      const run = waiting.slice(from, from + mostInARun);
      const [first] = run;
      if (first === undefined) continue;
      const pieces = run.map(({ queued: { piece } }) => ({
        pcm: resample(piece, modelRateHz).samples,
        speed: piece.speed,
        marks: piece.marks ?? null,
      }));
      const heard = await observe(pieces, first.one.turner, graph);
      for (const [at, { one, queued }] of run.entries()) one.observed(queued, heard[at] ?? null);
    }
  }
}

/**
 * What branch B learns of one speed, and with the levels of what was heard at the same times where normal rounds end; null where it heard
 * too few samples of it.
 * @throws ModelError `modelUnusable`
 */
export async function faultsAt(
  learned: LearnedFaults,
  speed: number,
  turner: Turner,
  graph: Graph,
  levels: readonly LeftOutLevels[],
): Promise<FaultPrint | null> {
  const samples = learned.get(speedBandOf(speed))?.samples ?? [];
  // A pulse that was missed now and then is no reason to know no angle.
  const marked = samples.filter(({ profile }) => profile !== null);
  const used = marked.length >= leastClips && 2 * marked.length >= samples.length ? marked : samples;
  if (used.length < leastClips) return null;
  const { print, left } = await enrolFaultsWithLeft(used, turner, graph);
  const both = used.flatMap((sample, at) => {
    const [own, beside] = [left[at], heardWith(sample, levels)];
    return own === undefined || beside === null ? [] : [{ ...own, levels: beside.levels }];
  });
  return { ...print, rounds: roundsPrintOf(both) };
}

/** The levels of which most was heard at the same time; null: of none was. */
function heardWith({ fromMs, toMs }: Spanned, levels: readonly LeftOutLevels[]): LeftOutLevels | null {
  const shared = (one: Spanned) => Math.min(toMs, one.toMs) - Math.max(fromMs, one.fromMs);
  const [best] = levels.toSorted((a, b) => shared(b) - shared(a));
  return best === undefined || shared(best) <= 0 ? null : best;
}

/** Its angles are those of the pieces that came with a pulse, if they are at least half of them. */
export function pooledSample(pieces: readonly Observed[]): FaultSample {
  const marked = pieces.filter(({ profile }) => profile !== null);
  const { heard } = sampleOf(pieces);
  return { heard, profile: marked.length > 0 && 2 * marked.length >= pieces.length ? sampleOf(marked).profile : null };
}

function learn(learned: Map<number, LearnedSpeed>, speed: number, piece: LearnedSpeed['waiting'][number]): void {
  const band = speedBandOf(speed);
  const there = learned.get(band) ?? { waiting: [], samples: [] };
  if (!learned.has(band) && learned.size >= mostSpeeds) return;
  learned.set(band, there);
  if (there.samples.length >= mostASpeed) return;
  there.waiting.push(piece);
  if (there.waiting.length < piecesASample) return;
  const [first = piece] = there.waiting;
  const { fromMs } = first.span;
  const sample = pooledSample(there.waiting.map(({ observed }) => observed));
  there.samples.push({ ...sample, fromMs, toMs: piece.span.toMs });
  there.waiting = [];
}

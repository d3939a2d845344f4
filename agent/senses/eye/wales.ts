/**
 * What the wales of a tube say beside the model's map: which is none of the crowd in one picture, which is odd as it was a revolution ago, and
 * which of the map's lines has no wale to it. Scores are on the scale of the map's.
 *
 * Invariants (test/integration/eye-watching.test.ts):
 *  L1  However odd, a wale is told of nobody by one picture: a thread that lies on the cloth is odd too, once.
 *  L2  Where the needle is not known, no wale is held against what a needle made before.
 *  L3  What is told of a wale alone carries how it is odd, whether or not the needle is known (test/unit/senses/wales.test.ts).
 */
import { causeOf, type Classified } from '../../../models/vision/classify.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { type WaleLook, WaleCrowd } from '../../../models/vision/odd-wales.ts';
import { type TubeGeometry, walePitchMm } from '../../../models/vision/position.ts';
import { type Looked, type OddColumn, type Placing, withoutSpots } from '../../../models/vision/sight.ts';
import { waleLineSd } from '../../../models/vision/wale-line.ts';
import { WaleMemory } from '../../../models/vision/wale-memory.ts';

/** As odd as that at least is the wale of a faint line; most are half as odd. */
const leastOddness = 0.65;
/** From one revolution to the next a wale is found again within so many needles, where its place is known best. */
const leastGateNeedles = 1.6;
/** From this on two revolutions that agree are enough. */
const plainOddness = 1.3;
/** Odd wales nearer than this are one, in wales. */
const apartWales = 2.5;

export interface WaleScores {
  /** From this score on a line is looked at, and from this one it is told by itself. */
  readonly from: number;
  readonly alone: number;
}

export class Wales {
  readonly #pitchPx: number;
  readonly #scores: WaleScores;
  /** null: only polls say where the machine stands. */
  readonly #memory: WaleMemory | null;
  readonly #crowd: WaleCrowd;

  /** @param isNeedleKnown false: the place of a needle jumps from one revolution to the next */
  constructor(geometry: TubeGeometry, isNeedleKnown: boolean, scores: WaleScores) {
    this.#pitchPx = walePitchMm(geometry) / geometry.mmPerPx;
    this.#scores = scores;
    this.#memory = isNeedleKnown ? new WaleMemory(geometry.needles) : null;
    this.#crowd = new WaleCrowd(this.#pitchPx);
  }

  /** Of the last picture: what `again` takes when its place is known. */
  get last(): readonly WaleLook[] {
    return this.#crowd.wales;
  }

  /** How the wale in a column of the last picture looks, where lines are told apart by it; null where by their needles. */
  get lookAt(): ((xPx: number) => Float32Array) | null {
    return this.#memory === null ? (xPx) => this.#crowd.lookAt(xPx) : null;
  }

  /**
   * Takes in a picture. @returns wales that are none of the crowd, each with its look: two that are odd, each in its own way, are two chances
   * that fell on needles near each other.
   */
  look(picture: Grey, cloth: Box): readonly OddColumn[] {
    return this.#crowd.look(picture, cloth).map(({ xPx, linePx, oddness }) => {
      const column = this.#columnOf({ xPx, linePx }, oddness);
      return { ...column, look: this.#crowd.lookAt(column.xPx) };
    });
  }

  /**
   * What the map takes for a line along a wale, held against the wale itself. One that is like all others has no line in it: what is plain
   * there is a spot that the map made long, and what is faint is nothing, for another faint one would be found beside it some day.
   */
  withoutDoubtful(seen: Looked): Looked {
    const { alone } = this.#scores;
    const all = seen.details.map((detail, i) => {
      const line = seen.lines[i] ?? { column: null, look: null };
      const { blob, classified } = detail;
      if (classified.shape !== 'vertical') return { detail, line };
      const oddness = this.#crowd.oddnessAt(line.column?.xPx ?? blob.centreX * seen.scale);
      if ((oddness ?? 0) >= leastOddness || (oddness === null && blob.peak >= alone)) return { detail, line };
      if (blob.peak < alone) return null;
      const spot: Classified = { class: 'anomaly', shape: 'spot', cause: causeOf('spot', true) };
      return { detail: { ...detail, classified: spot }, line: { column: null, look: null } };
    });
    const kept = all.filter((one) => one !== null);
    return { ...seen, details: kept.map(({ detail }) => detail), lines: kept.map(({ line }) => line) };
  }

  /** A picture whose place is known. @param wales what `last` was after it; @returns it with the wales that are odd as they were a revolution ago */
  again(seen: Looked, wales: readonly WaleLook[], placing: Placing): Looked {
    const { whitening } = this.#crowd;
    if (whitening === null || this.#memory === null) return seen;
    const { view, scale } = seen;
    const ends = [view.cloth.top, view.cloth.bottom].map((y) => placing.along(y * scale, 0).mm);
    const places = wales.map(({ xPx, values, halves }) => {
      return { ...placing.across(xPx, waleLineSd * this.#pitchPx), values, halves };
    });
    const picture = {
      turns: placing.turns,
      alongFromMm: Math.min(...ends),
      alongToMm: Math.max(...ends),
      wales: places,
    };
    const gate = Math.max(leastGateNeedles, 3 * (places[0]?.randomSd ?? 0));
    const found = this.#memory.add(picture, whitening, gate).flatMap(({ index, oddness, before }): OddColumn[] => {
      const wale = wales[index];
      if (wale === undefined) return [];
      const column = this.#columnOf(wale, oddness);
      // What is not plain waits for another revolution that shows it, odd the same way.
      return [oddness < plainOddness ? { ...column, look: whitening(wale.values) } : { ...column, look: null, before }];
    });
    const told = withoutSpots(found, seen.details, scale);
    const isTold = ({ xPx }: OddColumn) => told.some((one) => Math.abs(one.xPx - xPx) < apartWales * this.#pitchPx);
    return { ...seen, odd: [...seen.odd.filter((one) => !isTold(one)), ...told] };
  }

  #columnOf({ xPx, linePx }: Pick<WaleLook, 'xPx' | 'linePx'>, oddness: number) {
    return {
      xPx: linePx ?? xPx,
      sdPx: (linePx === null ? 0.5 : waleLineSd) * this.#pitchPx,
      score: Math.min(oddness * this.#scores.from, 0.99 * this.#scores.alone),
    };
  }
}

/**
 * What a camera before a tube (`watching.ts`) and one over a flat web (`flat.ts`) have in common: one picture judged or counted as not judged,
 * and a fault told in the words of the eye's process.
 *
 * Invariant (test/integration/eye-watching.test.ts, test/integration/eye-flat.test.ts):
 *  L1  Every picture is counted once: judged, without a place, or not judged and why.
 */
import { ModelError } from '../../../models/errors.ts';
import { type BlobOptions, defaultBlobOptions } from '../../../models/vision/blobs.ts';
import { judge, type Judged } from '../../../models/vision/eye.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { coverage } from '../../../models/vision/position.ts';
import { levelOf } from '../../../models/vision/prepare.ts';
import { SeenCloth, type SeenReport } from '../../../models/vision/seen-cloth.ts';
import type { Looked } from '../../../models/vision/sight.ts';
import type { Graph } from '../../../models/graph.ts';
import type { Taught } from '../../../models/vision/taught.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import type { TrackerEvent, TrackerState } from '../../../models/vision/tracker.ts';
import type { Cut, Heat } from './cut.ts';
import type { EyeMessage } from './settings.ts';

/** A blob reaches as far as the scores are this share of what it must reach. */
const lowShare = 0.5;
/** Darker or lighter than the cloth that was taught by more than this is another light, not another cloth: nothing is judged. */
const lightRange = [0.7, 1.4] as const;

export interface WatchedFrame extends Grey {
  /** UTC ms of the exposure. */
  readonly timeMs: number;
  /** UTC ms at which it came in, by this gateway's clock. */
  readonly receivedMs?: number;
  /** Of an encoder; null where the picture has none. */
  readonly count: number | null;
}

export type EyeFinding = Extract<EyeMessage, { kind: 'finding' }>['finding'];

/** What is told, and the piece of the picture that showed it: for a crop. null where it is not seen in that picture. */
export interface ToldFinding {
  readonly finding: EyeFinding;
  readonly cut: Cut | null;
}

export interface WatchCounts {
  readonly judged: number;
  /** Pictures without a place in the cloth. */
  readonly placeless: number;
  /** Pictures that cannot be judged, by the code of the reason; `light`: another light than when it was taught. */
  readonly unjudged: Readonly<Record<string, number>>;
  /** Faults that found no room, in a picture or between them. */
  readonly dropped: number;
  /** What one picture alone showed, too little to be told: a speck, a line that did not come back. */
  readonly unconfirmed: number;
}

export interface Watched {
  readonly findings: readonly ToldFinding[];
  /** true once: the eye has looked long enough since the start to have told every line that is there. */
  readonly hasLooked: boolean;
}

/** Where a fault lies across the cloth, and which needle made it. */
export type AcrossAndNeedle = Pick<EyeFinding, 'needle' | 'k' | 'needleUnknown' | 'acrossFromMm' | 'acrossToMm'>;

export class Looking {
  readonly taught: Taught;
  /** Between the threshold and what is a fault by itself: a line must reach it in two views. */
  readonly from: number;
  readonly blobs: BlobOptions;
  /** Which cloth was looked at. */
  readonly cloth = new SeenCloth();
  readonly #graph: Graph;
  #judged = 0;
  #placeless = 0;
  #dropped = 0;
  readonly #unjudged = new Map<string, number>();

  constructor(taught: Taught, graph: Graph) {
    this.taught = taught;
    this.#graph = graph;
    this.from = Math.sqrt(taught.threshold * taught.alone);
    this.blobs = { ...defaultBlobOptions, leastPixels: 1, high: this.from, low: lowShare * this.from };
  }

  /** @param tracked faults that found no room between the pictures, and those that were seen once */
  counts({ dropped, unconfirmed }: Pick<TrackerState, 'dropped' | 'unconfirmed'>): WatchCounts {
    return {
      judged: this.#judged,
      placeless: this.#placeless,
      unjudged: Object.fromEntries(this.#unjudged),
      dropped: this.#dropped + dropped,
      unconfirmed,
    };
  }

  /** Since it was asked last; null before the first picture. */
  seen(): SeenReport | null {
    return this.cloth.take();
  }

  /** How far each place is from good cloth; null: the picture cannot be judged, and that is counted. */
  async judge(picture: Grey): Promise<Judged | null> {
    const light = levelOf(picture) / this.taught.level;
    if (!(light >= lightRange[0] && light <= lightRange[1])) return this.#unjudge('light');
    try {
      const judged = await judge(picture, this.taught, this.#graph);
      this.#judged += 1;
      return judged;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return this.#unjudge(error.entry.code);
    }
  }

  #unjudge(reason: string): null {
    this.cloth.missed('camera');
    this.#unjudged.set(reason, (this.#unjudged.get(reason) ?? 0) + 1);
    return null;
  }

  misplace(): void {
    this.#placeless += 1;
    this.cloth.missed('no-position');
  }

  /** Counts what of a picture found no room. */
  drop({ beyond, pixels }: Looked['dropped']): void {
    this.#dropped += beyond + pixels;
  }

  /** For a crop: what the picture's places scored, against what was taught. */
  heatOf({ map }: Judged): Heat {
    return { map, scale: cellPx, threshold: this.taught.threshold };
  }

  told({ kind, finding, mergedInto }: TrackerEvent, across: AcrossAndNeedle): EyeFinding {
    return {
      id: finding.id,
      phase: kind,
      class: finding.class,
      shape: finding.shape,
      cause: finding.cause,
      score: finding.score,
      threshold: this.taught.threshold,
      ...across,
      rollFromMm: finding.alongFromMm,
      rollToMm: finding.alongToMm,
      alongErrorMm: coverage * finding.alongSdMm,
      revolutions: Math.max(1, finding.revolutions),
      firstMs: finding.firstTimeMs,
      lastMs: finding.lastTimeMs,
      mergedInto,
    };
  }
}

/** Whole cells of a box of pixels. */
export const inMap = (box: Box): Box => ({
  left: Math.ceil(box.left / cellPx),
  top: Math.ceil(box.top / cellPx),
  right: Math.floor(box.right / cellPx),
  bottom: Math.floor(box.bottom / cellPx),
});

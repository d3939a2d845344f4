/**
 * One camera over a flat web, as at an inspection table or before a stenter: picture after picture in, what is found in the cloth out. The
 * counterpart of `watching.ts` where nothing turns: no needle is named, and cloth that is not knitted has the classes that need no needle.
 *
 * Invariants (test/integration/eye-flat.test.ts, on the shipped model and simulated cloth):
 *  B1  A hole is told once, at its millimetre of the web, however many pictures show it, with no needle and the reason.
 *  B2  Good cloth tells nothing.
 *  B3  Pictures that cannot be judged, or that have no place, are counted by their reason, and nothing is made of them.
 */
import { ModelError } from '../../../models/errors.ts';
import { defaultBlobOptions } from '../../../models/vision/blobs.ts';
import { type Graph, judge, levelOf, type Taught } from '../../../models/vision/eye.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { coverage } from '../../../models/vision/position.ts';
import { SeenCloth, type SeenReport } from '../../../models/vision/seen-cloth.ts';
import { type Sighted, sighted, webPlacing } from '../../../models/vision/sight.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import { cutOf } from './cut.ts';
import type { FlatWeb } from './settings.ts';
import {
  type EyeFinding,
  lightRange,
  lowShare,
  type WatchCounts,
  type Watched,
  type WatchedFrame,
} from './watching.ts';
import { WebWay, type WebSpeed } from './web-way.ts';

/** The eye has looked long enough for every line when so many views have passed. */
const lookedViews = 3;

export class FlatWatching {
  readonly #web: FlatWeb;
  readonly #taught: Taught;
  readonly #graph: Graph;
  readonly #options: TrackerOptions;
  readonly #way: WebWay;
  /** Between the threshold and what is a fault by itself: a line must reach it in two views. */
  readonly #from: number;
  readonly #cloth = new SeenCloth();
  #state = emptyTracker;
  #told = false;
  #judged = 0;
  #placeless = 0;
  #dropped = 0;
  readonly #unjudged = new Map<string, number>();

  /** @param size of the pictures, px */
  constructor(web: FlatWeb, size: Pick<Grey, 'width' | 'height'>, taught: Taught, graph: Graph) {
    this.#web = web;
    this.#taught = taught;
    this.#graph = graph;
    this.#way = new WebWay(web.position);
    this.#from = Math.sqrt(taught.threshold * taught.alone);
    this.#options = {
      ...defaultTrackerOptions,
      isKnit: web.isKnit,
      period: null,
      stepMm: size.height * web.mmPerPx,
      loneScore: taught.alone,
    };
  }

  speed(reading: WebSpeed): void {
    this.#way.speed(reading);
  }

  counts(): WatchCounts {
    return {
      judged: this.#judged,
      placeless: this.#placeless,
      unjudged: Object.fromEntries(this.#unjudged),
      dropped: this.#dropped + this.#state.dropped,
    };
  }

  /** Which cloth it looked at since it was asked last; null before the first picture. */
  seen(): SeenReport | null {
    return this.#cloth.take();
  }

  /** One picture after the other, in their order. Never rejects for what a picture shows. */
  async frame(frame: WatchedFrame): Promise<Watched> {
    const { timeMs, count } = frame;
    const way = this.#way.wayOf({ timeMs, count });
    if (way === null) {
      this.#placeless += 1;
      this.#cloth.missed('no-position');
      return { findings: [], hasLooked: false };
    }
    const light = levelOf(frame) / this.#taught.level;
    if (!(light >= lightRange[0] && light <= lightRange[1])) return this.#unjudge('light');
    let judged: Awaited<ReturnType<typeof judge>>;
    try {
      judged = await judge(frame, this.#taught, this.#graph);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return this.#unjudge(error.entry.code);
    }
    this.#judged += 1;
    const { map, cloth } = judged;
    const { mmPerPx, leftMm, widthMm, newest, isKnit, behind } = this.#web;
    // The newest cloth is at one edge of the picture; the way is counted there.
    const viewMm = frame.height * mmPerPx;
    const top = newest === 'top' ? way : { ...way, mm: way.mm - viewMm };
    const placing = webPlacing(mmPerPx, leftMm, top, newest === 'top' ? -1 : 1, viewMm);
    const seen = sighted(
      {
        timeMs,
        map,
        picture: frame,
        scale: cellPx,
        view: {
          mmPerPx: mmPerPx * cellPx,
          walePitchMm: null,
          coursePitchMm: null,
          behind,
          isKnit,
          cloth: inMap(cloth),
        },
        // Turns go on with the cloth, whichever edge is the newest.
        placing: { ...placing, turns: way.mm / viewMm },
      },
      { ...defaultBlobOptions, leastPixels: 1, high: this.#from, low: lowShare * this.#from },
    );
    this.#dropped += seen.dropped.beyond + seen.dropped.pixels;
    const { alongFromMm, alongToMm } = seen.frame;
    this.#cloth.looked({
      alongFromMm,
      alongToMm,
      acrossFrom: Math.max(0, (leftMm + cloth.left * mmPerPx) / widthMm),
      acrossShare: ((cloth.right - cloth.left) * mmPerPx) / widthMm,
    });
    const { state, events } = track(this.#state, seen.frame, this.#options);
    this.#state = state;
    const hasLooked = !this.#told && state.looked >= lookedViews;
    this.#told ||= hasLooked;
    const heat = { map, scale: cellPx, full: this.#taught.alone };
    const findings = events.map((event) => {
      const box = boxOf(event, seen);
      return { finding: this.#finding(event), cut: box === null ? null : cutOf(frame, box, heat) };
    });
    return { findings, hasLooked };
  }

  #unjudge(reason: string): Watched {
    this.#cloth.missed('camera');
    this.#unjudged.set(reason, (this.#unjudged.get(reason) ?? 0) + 1);
    return { findings: [], hasLooked: false };
  }

  #finding({ kind, finding, mergedInto }: TrackerEvent): EyeFinding {
    return {
      id: finding.id,
      phase: kind,
      class: finding.class,
      shape: finding.shape,
      cause: finding.cause,
      score: finding.score,
      threshold: this.#taught.threshold,
      needle: null,
      k: null,
      needleUnknown: 'no-needle',
      rollFromMm: finding.alongFromMm,
      rollToMm: finding.alongToMm,
      alongErrorMm: coverage * finding.alongSdMm,
      acrossFromMm: finding.acrossFrom,
      acrossToMm: finding.acrossTo,
      revolutions: Math.max(1, finding.revolutions),
      firstMs: finding.firstTimeMs,
      lastMs: finding.lastTimeMs,
      mergedInto,
    };
  }
}

const inMap = (box: Box): Box => ({
  left: Math.ceil(box.left / cellPx),
  top: Math.ceil(box.top / cellPx),
  right: Math.floor(box.right / cellPx),
  bottom: Math.floor(box.bottom / cellPx),
});

/** Where the fault stands in the picture that told it, in its pixels; null where it is not seen in it. */
function boxOf({ finding }: TrackerEvent, { frame, details }: Sighted): Box | null {
  const mid = (from: number, to: number) => (from + to) / 2;
  const at = mid(finding.alongFromMm, finding.alongToMm);
  const near = frame.sightings
    .map((one, i) => ({
      i,
      off: Math.abs(mid(one.alongFromMm, one.alongToMm) - at),
      isIt: one.shape === finding.shape,
    }))
    .filter(({ isIt }) => isIt)
    .toSorted((a, b) => a.off - b.off)[0];
  const blob = near === undefined ? undefined : details[near.i]?.blob;
  if (blob === undefined) return null;
  return { left: blob.left * cellPx, top: blob.top * cellPx, right: blob.right * cellPx, bottom: blob.bottom * cellPx };
}

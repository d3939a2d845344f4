/**
 * One camera over a flat web, as at an inspection table or before a stenter: picture after picture in, what is found in the cloth out. The
 * counterpart of `watching.ts` where nothing turns: no needle is named, and cloth that is not knitted has the classes that need no needle.
 *
 * Invariants (test/integration/eye-flat.test.ts, on the shipped model and simulated cloth):
 *  B1  A hole is told once, at its millimetre of the web, however many pictures show it, with no needle and the reason.
 *  B2  Good cloth tells nothing.
 *  B3  Pictures that cannot be judged, or that have no place, are counted by their reason, and nothing is made of them.
 */
import type { Box, Grey } from '../../../models/vision/grey.ts';
import type { SeenReport } from '../../../models/vision/seen-cloth.ts';
import { type Sighted, sighted, webPlacing } from '../../../models/vision/sight.ts';
import type { Graph } from '../../../models/graph.ts';
import type { Taught } from '../../../models/vision/taught.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import { cutOf, inPixels } from './cut.ts';
import { type EyeFinding, inMap, Looking, type WatchCounts, type Watched, type WatchedFrame } from './looking.ts';
import type { FlatWeb } from './settings.ts';
import { WebWay, type WebSpeed } from './web-way.ts';

/** The eye has looked long enough for every line when so many views have passed. */
const lookedViews = 3;
const nothing: Watched = { findings: [], hasLooked: false };

export class FlatWatching {
  readonly #web: FlatWeb;
  readonly #looking: Looking;
  readonly #options: TrackerOptions;
  readonly #way: WebWay;
  #state = emptyTracker;
  #told = false;

  /** @param size of the pictures, px */
  constructor(web: FlatWeb, size: Pick<Grey, 'width' | 'height'>, taught: Taught, graph: Graph) {
    this.#web = web;
    this.#looking = new Looking(taught, graph);
    this.#way = new WebWay(web.position);
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
    return this.#looking.counts(this.#state);
  }

  /** Which cloth it looked at since it was asked last; null before the first picture. */
  seen(): SeenReport | null {
    return this.#looking.seen();
  }

  /** One picture after the other, in their order. Never rejects for what a picture shows. */
  async frame(frame: WatchedFrame): Promise<Watched> {
    const { timeMs, count } = frame;
    const way = this.#way.wayOf({ timeMs, count });
    if (way === null) {
      this.#looking.misplace();
      return nothing;
    }
    const judged = await this.#looking.judge(frame);
    if (judged === null) return nothing;
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
      this.#looking.blobs,
    );
    this.#looking.drop(seen.dropped);
    const { alongFromMm, alongToMm } = seen.frame;
    this.#looking.cloth.looked({
      alongFromMm,
      alongToMm,
      acrossFrom: Math.max(0, (leftMm + cloth.left * mmPerPx) / widthMm),
      acrossShare: ((cloth.right - cloth.left) * mmPerPx) / widthMm,
    });
    const { state, events } = track(this.#state, seen.frame, this.#options);
    this.#state = state;
    const hasLooked = !this.#told && state.looked >= lookedViews;
    this.#told ||= hasLooked;
    const heat = this.#looking.heatOf(judged);
    const findings = events.map((event) => {
      const box = boxOf(event, seen);
      return { finding: this.#finding(event), cut: box === null ? null : cutOf(frame, box, heat) };
    });
    return { findings, hasLooked };
  }

  #finding(event: TrackerEvent): EyeFinding {
    const { acrossFrom, acrossTo } = event.finding;
    const needle = { needle: null, k: null, needleUnknown: 'no-needle' } as const;
    return this.#looking.told(event, { ...needle, acrossFromMm: acrossFrom, acrossToMm: acrossTo });
  }
}

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
  return inPixels(blob, cellPx);
}

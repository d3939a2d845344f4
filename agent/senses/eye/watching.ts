/**
 * One camera before one machine: picture after picture in, what is found in the cloth out. Everything it decides is decided in
 * `models/vision/`; this ties the parts together and keeps what has to be remembered between pictures.
 *
 * Invariants (test/integration/eye-watching.test.ts, on the shipped model and simulated cloth):
 *  W1  A needle line is told within three revolutions, once, and its needle lies within ± k of the one that made it.
 *  W2  Good cloth tells nothing.
 *  W3  Pictures that cannot be judged, or that have no place, are counted by their reason, and nothing is made of them.
 */
import { ModelError } from '../../../models/errors.ts';
import { defaultBlobOptions } from '../../../models/vision/blobs.ts';
import { type Graph, judge, levelOf, type Taught } from '../../../models/vision/eye.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { coverage, nameNeedle, needleNumber, type TubeGeometry, walePitchMm } from '../../../models/vision/position.ts';
import { SeenCloth, type SeenReport } from '../../../models/vision/seen-cloth.ts';
import { sighted, type Sighted, tubePlacing } from '../../../models/vision/sight.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import type { SpeedReading } from '../../../models/vision/counted-turns.ts';
import { Angle } from './angle.ts';
import type { EyeMachine, EyeMessage } from './settings.ts';

/** A blob reaches as far as the scores are this share of what it must reach. */
const lowShare = 0.5;
/** Darker or lighter than the cloth that was taught by more than this is another light, not another cloth: nothing is judged. */
const lightRange = [0.7, 1.4] as const;
/** The eye has looked long enough for every line when it has looked for so many revolutions. */
const lookedTurns = 3;

export type WatchSettings = Pick<EyeMachine, 'geometry' | 'position' | 'coursePitchMm' | 'behind'>;

export interface WatchedFrame extends Grey {
  /** UTC ms of the exposure. */
  readonly timeMs: number;
  /** Of an encoder; null where the picture has none. */
  readonly count: number | null;
}

export type EyeFinding = Extract<EyeMessage, { kind: 'finding' }>['finding'];

/** What is told, and where it is seen in this picture: for a crop. */
export interface ToldFinding {
  readonly finding: EyeFinding;
  readonly box: Box | null;
}

export interface WatchCounts {
  readonly judged: number;
  /** Pictures without a turn of the machine. */
  readonly placeless: number;
  /** Pictures that cannot be judged, by the code of the reason; `light`: another light than when it was taught. */
  readonly unjudged: Readonly<Record<string, number>>;
  /** Faults that found no room, in a picture or between them. */
  readonly dropped: number;
}

export interface Watched {
  readonly findings: readonly ToldFinding[];
  /** true once: the eye has looked long enough since the start to have told every line that is there. */
  readonly hasLooked: boolean;
}

export class Watching {
  readonly #settings: WatchSettings;
  readonly #geometry: TubeGeometry;
  readonly #taught: Taught;
  readonly #graph: Graph;
  readonly #options: TrackerOptions;
  readonly #angle: Angle;
  /** Between the threshold and what is a fault by itself: a line must reach it in two revolutions. */
  readonly #from: number;
  #state = emptyTracker;
  #told = false;
  #judged = 0;
  #placeless = 0;
  #dropped = 0;
  readonly #unjudged = new Map<string, number>();
  readonly #cloth = new SeenCloth();

  /** @param size of the pictures, px */
  constructor(settings: WatchSettings, size: Pick<Grey, 'width' | 'height'>, taught: Taught, graph: Graph) {
    this.#settings = settings;
    const ringRowsPx = settings.position.kind === 'index' ? settings.position.ringRowsPx : 0;
    this.#geometry = {
      ...settings.geometry,
      referenceColumnPx: size.width / 2,
      referenceRowPx: (size.height - ringRowsPx) / 2,
    };
    this.#taught = taught;
    this.#graph = graph;
    this.#angle = new Angle(settings.position, this.#geometry);
    this.#from = Math.sqrt(taught.threshold * taught.alone);
    const { needles, advanceMm } = settings.geometry;
    this.#options = { ...defaultTrackerOptions, period: needles, stepMm: advanceMm, loneScore: taught.alone };
  }

  telemetry(reading: SpeedReading): void {
    this.#angle.telemetry(reading);
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
    const turn = this.#angle.turnOf({ timeMs, count, picture: frame });
    if (turn === null) {
      this.#placeless += 1;
      this.#cloth.missed('no-position');
      return { findings: [], hasLooked: false };
    }
    const { position, coursePitchMm, behind } = this.#settings;
    const geometry = this.#geometry;
    const picture = position.kind === 'index' ? without(frame, position.ringRowsPx) : frame;
    const light = levelOf(picture) / this.#taught.level;
    if (!(light >= lightRange[0] && light <= lightRange[1])) return this.#unjudge('light');
    let judged: Awaited<ReturnType<typeof judge>>;
    try {
      judged = await judge(picture, this.#taught, this.#graph);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return this.#unjudge(error.entry.code);
    }
    this.#judged += 1;
    const { map, cloth } = judged;
    const inMap = (box: Box): Box => ({
      left: Math.ceil(box.left / cellPx),
      top: Math.ceil(box.top / cellPx),
      right: Math.floor(box.right / cellPx),
      bottom: Math.floor(box.bottom / cellPx),
    });
    const placing = tubePlacing(geometry, turn);
    const seen = sighted(
      {
        timeMs,
        map,
        picture,
        scale: cellPx,
        view: {
          mmPerPx: geometry.mmPerPx * cellPx,
          walePitchMm: walePitchMm(geometry),
          coursePitchMm,
          behind,
          isKnit: true,
          cloth: inMap(cloth),
        },
        placing,
      },
      { ...defaultBlobOptions, leastPixels: 1, high: this.#from, low: lowShare * this.#from },
    );
    const { alongFromMm, alongToMm } = seen.frame;
    this.#cloth.looked({
      alongFromMm,
      alongToMm,
      acrossFrom: placing.across(cloth.left, 0).at / geometry.needles,
      acrossShare: ((cloth.right - cloth.left) * placing.acrossPerPx) / geometry.needles,
    });
    this.#dropped += seen.dropped.beyond + seen.dropped.pixels;
    const { state, events } = track(this.#state, seen.frame, this.#options);
    this.#state = state;
    const hasLooked = !this.#told && state.looked >= lookedTurns;
    this.#told ||= hasLooked;
    const findings = events.map((event): ToldFinding => ({ finding: this.#finding(event), box: boxOf(event, seen) }));
    return { findings, hasLooked };
  }

  #unjudge(reason: string): Watched {
    this.#cloth.missed('camera');
    this.#unjudged.set(reason, (this.#unjudged.get(reason) ?? 0) + 1);
    return { findings: [], hasLooked: false };
  }

  #finding({ kind, finding, mergedInto }: TrackerEvent): EyeFinding {
    const geometry = this.#geometry;
    const named = finding.place === null ? null : nameNeedle(finding.place, geometry);
    const pitch = walePitchMm(geometry);
    const acrossFromMm = (needleNumber(finding.acrossFrom, geometry) - geometry.firstNeedle) * pitch;
    return {
      id: finding.id,
      phase: kind,
      class: finding.class,
      shape: finding.shape,
      cause: finding.cause,
      score: finding.score,
      threshold: this.#taught.threshold,
      needle: named?.needle ?? null,
      k: named?.k ?? null,
      needleUnknown: named === null ? 'no-needle' : named.reason,
      rollFromMm: finding.alongFromMm,
      rollToMm: finding.alongToMm,
      alongErrorMm: coverage * finding.alongSdMm,
      acrossFromMm,
      acrossToMm: acrossFromMm + (finding.acrossTo - finding.acrossFrom) * pitch,
      revolutions: Math.max(1, finding.revolutions),
      firstMs: finding.firstTimeMs,
      lastMs: finding.lastTimeMs,
      mergedInto,
    };
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
  return { left: blob.left * cellPx, top: blob.top * cellPx, right: blob.right * cellPx, bottom: blob.bottom * cellPx };
}

/** The picture below the rows that show the ring: the rest is cloth. Row 0 of the geometry is its first row. */
function without({ width, height, pixels }: Grey, rows: number): Grey {
  return { width, height: height - rows, pixels: pixels.subarray(rows * width) };
}

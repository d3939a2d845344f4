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
import { type Graph, judge, type Taught } from '../../../models/vision/eye.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { nameNeedle, needleNumber, walePitchMm } from '../../../models/vision/position.ts';
import { sighted, tubePlacing } from '../../../models/vision/sight.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type TrackedFinding, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import type { SpeedReading } from '../../../models/vision/turns.ts';
import { Angle } from './angle.ts';
import type { EyeMachine } from './settings.ts';

/** A blob reaches as far as the scores are this share of the threshold. */
const lowShare = 0.6;
/** The eye has looked long enough for every line when it has looked for so many revolutions. */
const lookedTurns = 3;

export interface WatchedFrame extends Grey {
  /** UTC ms of the exposure. */
  readonly timeMs: number;
  /** Of an encoder; null where the picture has none. */
  readonly count: number | null;
}

/** What is told of a fault; `FabricFinding` of the agent but for what the agent adds. */
export interface EyeFinding {
  readonly id: number;
  readonly phase: TrackerEvent['kind'];
  readonly class: TrackedFinding['class'];
  readonly shape: TrackedFinding['shape'];
  readonly cause: TrackedFinding['cause'];
  readonly score: number;
  readonly threshold: number;
  readonly needle: number | null;
  readonly k: number | null;
  readonly needleUnknown: string | null;
  readonly rollFromMm: number;
  readonly rollToMm: number;
  readonly acrossFromMm: number;
  readonly acrossToMm: number;
  readonly revolutions: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface WatchCounts {
  readonly judged: number;
  /** Pictures without a turn of the machine. */
  readonly placeless: number;
  /** Pictures that cannot be judged, by the code of the reason. */
  readonly unjudged: Readonly<Record<string, number>>;
  /** Faults that found no room, in a picture or between them. */
  readonly dropped: number;
}

export interface Watched {
  readonly findings: readonly EyeFinding[];
  /** true once: the eye has looked long enough since the start to have told every line that is there. */
  readonly hasLooked: boolean;
}

export class Watching {
  readonly #settings: EyeMachine;
  readonly #taught: Taught;
  readonly #graph: Graph;
  readonly #options: TrackerOptions;
  readonly #angle: Angle;
  #state = emptyTracker;
  #told = false;
  #judged = 0;
  #placeless = 0;
  #dropped = 0;
  readonly #unjudged = new Map<string, number>();

  constructor(settings: EyeMachine, taught: Taught, graph: Graph) {
    this.#settings = settings;
    this.#taught = taught;
    this.#graph = graph;
    this.#angle = new Angle(settings.position, settings.geometry);
    const { needles, advanceMm } = settings.geometry;
    this.#options = { ...defaultTrackerOptions, period: needles, stepMm: advanceMm, aloneFrom: taught.alone };
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

  /** One picture after the other, in their order. Never rejects for what a picture shows. */
  async frame(frame: WatchedFrame): Promise<Watched> {
    const { timeMs, count } = frame;
    const turn = this.#angle.turnOf({ timeMs, count, picture: frame });
    if (turn === null) {
      this.#placeless += 1;
      return { findings: [], hasLooked: false };
    }
    const { position, geometry, coursePitchMm, behind } = this.#settings;
    const picture = position.kind === 'index' ? without(frame, position.ringRowsPx) : frame;
    let judged: Awaited<ReturnType<typeof judge>>;
    try {
      judged = await judge(picture, this.#taught, this.#graph);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#unjudged.set(error.entry.code, (this.#unjudged.get(error.entry.code) ?? 0) + 1);
      return { findings: [], hasLooked: false };
    }
    this.#judged += 1;
    const { map, cloth } = judged;
    const inMap = (box: Box): Box => ({
      left: Math.ceil(box.left / cellPx),
      top: Math.ceil(box.top / cellPx),
      right: Math.floor(box.right / cellPx),
      bottom: Math.floor(box.bottom / cellPx),
    });
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
          cloth: inMap(cloth),
        },
        placing: tubePlacing(geometry, turn),
      },
      { ...defaultBlobOptions, leastPixels: 1, high: this.#taught.threshold, low: lowShare * this.#taught.threshold },
    );
    this.#dropped += seen.dropped.beyond + seen.dropped.pixels;
    const { state, events } = track(this.#state, seen.frame, this.#options);
    this.#state = state;
    const hasLooked = !this.#told && state.looked >= lookedTurns;
    this.#told ||= hasLooked;
    return { findings: events.map((event) => this.#finding(event)), hasLooked };
  }

  #finding({ kind, finding }: TrackerEvent): EyeFinding {
    const { geometry } = this.#settings;
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
      acrossFromMm,
      acrossToMm: acrossFromMm + (finding.acrossTo - finding.acrossFrom) * pitch,
      revolutions: Math.max(1, finding.revolutions),
      firstMs: finding.firstTimeMs,
      lastMs: finding.lastTimeMs,
    };
  }
}

/** The picture below the rows that show the ring: the rest is cloth. Row 0 of the geometry is its first row. */
function without({ width, height, pixels }: Grey, rows: number): Grey {
  return { width, height: height - rows, pixels: pixels.subarray(rows * width) };
}

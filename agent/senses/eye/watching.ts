/**
 * One camera before one machine: picture after picture in, what is found in the cloth out. Everything it decides is decided in
 * `models/vision/`; this ties the parts together and keeps what has to be remembered between pictures.
 *
 * Invariants (test/integration/eye-watching.test.ts, on the shipped model and simulated cloth):
 *  W1  A needle line is told within three revolutions, once, and its needle lies within ± k of the one that made it.
 *  W2  Good cloth tells nothing.
 *  W3  Pictures that cannot be judged, or that have no place, are counted by their reason, and nothing is made of them.
 */
import type { SpeedReading } from '../../../models/vision/counted-turns.ts';
import type { Grey } from '../../../models/vision/grey.ts';
import type { WaleLook } from '../../../models/vision/odd-wales.ts';
import { nameNeedle, needleNumber, type TubeGeometry, walePitchMm } from '../../../models/vision/position.ts';
import type { SeenReport } from '../../../models/vision/seen-cloth.ts';
import { looked, type Looked, placed, type Placing, tubePlacing } from '../../../models/vision/sight.ts';
import type { Graph } from '../../../models/graph.ts';
import type { Taught } from '../../../models/vision/taught.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type Sighting, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import { nearZero } from '../../../models/vision/turns.ts';
import { Angle } from './angle.ts';
import { cutOfSighting, type Shown } from './cut.ts';
import {
  type EyeFinding,
  inMap,
  Looking,
  type ToldFinding,
  type WatchCounts,
  type Watched,
  type WatchedFrame,
} from './looking.ts';
import type { EyeMachine } from './settings.ts';
import { Wales } from './wales.ts';

/** What is seen once must be so much plainer than teaching says: a fibre in the air before the lens was not in the cloth that was taught. */
const spotFactor = 1.6;
/** Pictures that wait for their place are kept for their crops up to so many bytes a machine; those beyond have no crop. */
const mostHeldBytes = 64 * 1024 * 1024;
/** What is smaller may be a fibre in the air, mm; none was more than 2.4 times as plain as what is a fault by itself. */
const speckMm = 20;
const speckFactor = 4;
/** The eye has looked long enough for every line when it has looked for so many revolutions. */
const lookedTurns = 3;

export type WatchSettings = Pick<EyeMachine, 'geometry' | 'position' | 'coursePitchMm' | 'behind'>;

/** What is kept of a picture until its turn is known. */
interface Held {
  readonly seen: Looked;
  readonly wales: readonly WaleLook[];
  /** For crops; null where too many pictures wait. */
  readonly shown: Shown | null;
}

export class Watching {
  readonly #settings: WatchSettings;
  readonly #geometry: TubeGeometry;
  readonly #looking: Looking;
  readonly #options: TrackerOptions;
  readonly #angle: Angle<Held>;
  readonly #wales: Wales;
  #heldBytes = 0;
  #state = emptyTracker;

  /** @param size of the pictures, px */
  constructor(settings: WatchSettings, size: Pick<Grey, 'width' | 'height'>, taught: Taught, graph: Graph) {
    this.#settings = settings;
    const ringRowsPx = settings.position.kind === 'index' ? settings.position.ringRowsPx : 0;
    this.#geometry = {
      ...settings.geometry,
      referenceColumnPx: size.width / 2,
      referenceRowPx: (size.height - ringRowsPx) / 2,
    };
    this.#looking = new Looking(taught, graph);
    this.#angle = new Angle(settings.position, this.#geometry);
    const { from } = this.#looking;
    this.#wales = new Wales(this.#geometry, !this.#isLoose, { from, alone: taught.alone });
    const { needles, advanceMm } = settings.geometry;
    this.#options = {
      ...defaultTrackerOptions,
      period: needles,
      stepMm: advanceMm,
      loneScore: spotFactor * taught.alone,
      speck: { across: speckMm / walePitchMm(this.#geometry), alongMm: speckMm, score: speckFactor * taught.alone },
      lineScore: from,
      // Where the needle is not known, two wales that are odd alike are often two.
      plainLineScore: this.#isLoose ? taught.alone : 0,
    };
  }

  telemetry(reading: SpeedReading): void {
    this.#angle.telemetry(reading);
  }

  counts(): WatchCounts {
    return this.#looking.counts(this.#state);
  }

  /** Which cloth it looked at since it was asked last; null before the first picture. */
  seen(): SeenReport | null {
    return this.#looking.seen();
  }

  /**
   * One picture after the other, in their order. Never rejects for what a picture shows. What is told may have been seen in an earlier
   * picture: where a mark says how far the machine has turned, that is known when the mark comes by again.
   */
  async frame(frame: WatchedFrame): Promise<Watched> {
    const turn = this.#angle.turnOf({ ...frame, picture: frame });
    if (turn === null && !this.#angle.waits) this.#looking.misplace();
    else {
      const held = await this.#look(frame);
      if (held !== null) this.#angle.hold(turn, held);
      this.#heldBytes += held?.shown?.picture.pixels.length ?? 0;
    }
    const before = this.#state.looked;
    const findings = this.#angle.settled().flatMap(({ held, turn: by }) => {
      this.#heldBytes -= held.shown?.picture.pixels.length ?? 0;
      if (by !== null) return this.#track(held, tubePlacing(this.#geometry, by));
      this.#looking.misplace();
      return [];
    });
    return { findings, hasLooked: before < lookedTurns && this.#state.looked >= lookedTurns };
  }

  /** Where a needle's place jumps from one revolution to the next, two lines are one only if they look alike. */
  get #isLoose(): boolean {
    return this.#settings.position.kind === 'telemetry';
  }

  /** What a picture shows, wherever that is; null: it cannot be judged. */
  async #look(frame: WatchedFrame): Promise<Held | null> {
    const { position, coursePitchMm, behind } = this.#settings;
    const geometry = this.#geometry;
    const picture = position.kind === 'index' ? without(frame, position.ringRowsPx) : frame;
    const judged = await this.#looking.judge(picture);
    if (judged === null) return null;
    const { map, cloth } = judged;
    const view = {
      mmPerPx: geometry.mmPerPx * cellPx,
      walePitchMm: walePitchMm(geometry),
      coursePitchMm,
      behind,
      isKnit: true,
      cloth: inMap(cloth),
    };
    const seen = looked(
      { timeMs: frame.timeMs, map, picture, scale: cellPx, view },
      this.#looking.blobs,
      this.#wales.look(picture, cloth),
      this.#wales.lookAt,
    );
    this.#looking.drop(seen.dropped);
    const hasRoom = this.#heldBytes + picture.pixels.length <= mostHeldBytes;
    const shown = hasRoom ? { picture, heat: this.#looking.heatOf(judged) } : null;
    return { seen: this.#wales.withoutDoubtful(seen), wales: this.#wales.last, shown };
  }

  #track({ seen: before, wales, shown }: Held, placing: Placing): ToldFinding[] {
    const seen = this.#wales.again(before, wales, placing);
    const { frame } = placed(seen, placing);
    const { needles } = this.#geometry;
    const { left, right } = seen.view.cloth;
    this.#looking.cloth.looked({
      alongFromMm: frame.alongFromMm,
      alongToMm: frame.alongToMm,
      acrossFrom: placing.across(left * seen.scale, 0).at / needles,
      acrossShare: ((right - left) * seen.scale * placing.acrossPerPx) / needles,
    });
    // With polls a needle's place jumps from one revolution to the next.
    const gateLines = Math.max(this.#options.gateLines, this.#angle.jumpTurns() * needles);
    const { state, events } = track(this.#state, frame, { ...this.#options, gateLines });
    this.#state = state;
    return events.map((event) => {
      const at = sightingOf(event, frame.sightings, needles);
      return {
        finding: this.#finding(event),
        cut: at === null || shown === null ? null : cutOfSighting(seen, at, shown),
      };
    });
  }

  #finding(event: TrackerEvent): EyeFinding {
    const { finding } = event;
    const geometry = this.#geometry;
    const named = finding.place === null ? null : nameNeedle(finding.place, geometry);
    const pitch = walePitchMm(geometry);
    const acrossFromMm = (needleNumber(finding.acrossFrom, geometry) - geometry.firstNeedle) * pitch;
    return this.#looking.told(event, {
      needle: named?.needle ?? null,
      k: named?.k ?? null,
      needleUnknown: named === null ? 'no-needle' : named.reason,
      acrossFromMm,
      acrossToMm: acrossFromMm + (finding.acrossTo - finding.acrossFrom) * pitch,
    });
  }
}

/** Which sighting of a picture a finding was told of; null where none is like it. */
function sightingOf({ finding }: TrackerEvent, sightings: readonly Sighting[], needles: number): number | null {
  const mid = (from: number, to: number) => (from + to) / 2;
  const at = mid(finding.alongFromMm, finding.alongToMm);
  const offOf = (one: Sighting): number =>
    finding.shape === 'vertical'
      ? Math.abs(nearZero(one.place.at - (finding.place?.at ?? one.place.at), needles))
      : Math.abs(mid(one.alongFromMm, one.alongToMm) - at);
  let best: { readonly i: number; readonly off: number } | null = null;
  for (const [i, one] of sightings.entries()) {
    const off = offOf(one);
    if (one.shape === finding.shape && (best === null || off < best.off)) best = { i, off };
  }
  return best?.i ?? null;
}

/** The picture below the rows that show the ring: the rest is cloth. Row 0 of the geometry is its first row. */
function without({ width, height, pixels }: Grey, rows: number): Grey {
  return { width, height: height - rows, pixels: pixels.subarray(rows * width) };
}

/**
 * One camera before one machine: picture after picture in, what is found in the cloth out. Everything it decides is decided in
 * `models/vision/`; this ties the parts together and keeps what has to be remembered between pictures.
 *
 * Invariants (test/integration/eye-watching.test.ts, on the shipped model and simulated cloth):
 *  W1  A needle line is told within three revolutions, once, and its needle lies within ± k of the one that made it.
 *  W2  Good cloth tells nothing.
 *  W3  Pictures that cannot be judged, or that have no place, are counted by their reason, and nothing is made of them.
 */
import { causeOf, type Classified } from '../../../models/vision/classify.ts';
import type { SpeedReading } from '../../../models/vision/counted-turns.ts';
import type { Box, Grey } from '../../../models/vision/grey.ts';
import { type WaleLook, WaleCrowd } from '../../../models/vision/odd-wales.ts';
import { nameNeedle, needleNumber, type TubeGeometry, walePitchMm } from '../../../models/vision/position.ts';
import type { SeenReport } from '../../../models/vision/seen-cloth.ts';
import { looked, type Looked, placed, type Placing, tubePlacing, withoutSpots } from '../../../models/vision/sight.ts';
import type { Graph, Taught } from '../../../models/vision/taught.ts';
import { cellPx } from '../../../models/vision/tiles.ts';
import { defaultTrackerOptions, type Sighting, type TrackerOptions } from '../../../models/vision/track.ts';
import { emptyTracker, track, type TrackerEvent } from '../../../models/vision/tracker.ts';
import { nearZero } from '../../../models/vision/turns.ts';
import { columnOfLine, waleLineSd } from '../../../models/vision/wale-line.ts';
import { WaleMemory } from '../../../models/vision/wale-memory.ts';
import { Angle } from './angle.ts';
import { type Cut, cutOf, type Heat } from './cut.ts';
import {
  type EyeFinding,
  inMap,
  inPixels,
  Looking,
  type ToldFinding,
  type WatchCounts,
  type Watched,
  type WatchedFrame,
} from './looking.ts';
import type { EyeMachine } from './settings.ts';

/** What is seen once must be so much plainer than teaching says: a fibre in the air before the lens was not in the cloth that was taught. */
const spotFactor = 1.6;
/** Pieces kept of one picture. */
const mostCuts = 3;
/** As odd as that at least is the wale of a faint line; most are half as odd. */
const leastOddness = 0.65;
/** From one revolution to the next a wale is found again within so many needles, where its place is known best. */
const leastGateNeedles = 1.6;
/** From this on two revolutions that agree are enough. */
const plainOddness = 1.6;
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
  /** Of its plainest sightings, in their order; null of others. */
  readonly cuts: readonly (Cut | null)[];
}

export class Watching {
  readonly #settings: WatchSettings;
  readonly #geometry: TubeGeometry;
  readonly #looking: Looking;
  readonly #options: TrackerOptions;
  readonly #angle: Angle<Held>;
  readonly #wales: WaleCrowd;
  readonly #memory: WaleMemory;
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
    this.#wales = new WaleCrowd(walePitchMm(this.#geometry) / this.#geometry.mmPerPx);
    const { needles, advanceMm } = settings.geometry;
    this.#memory = new WaleMemory(needles);
    this.#options = {
      ...defaultTrackerOptions,
      period: needles,
      stepMm: advanceMm,
      loneScore: spotFactor * taught.alone,
      speck: { across: speckMm / walePitchMm(this.#geometry), alongMm: speckMm, score: speckFactor * taught.alone },
      lineScore: this.#looking.from,
      // Where the needle is not known, two wales that are odd alike are often two.
      plainLineScore: this.#isLoose ? taught.alone : 0,
    };
  }

  telemetry(reading: SpeedReading): void {
    this.#angle.telemetry(reading);
  }

  counts(): WatchCounts {
    return this.#looking.counts(this.#state.dropped);
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
    }
    const before = this.#state.looked;
    const findings = this.#angle.settled().flatMap(({ held, turn: by }) => {
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
      this.#oddIn(picture, cloth),
      this.#isLoose ? (xPx) => this.#wales.lookAt(xPx) : null,
    );
    this.#looking.drop(seen.dropped);
    const kept = this.#withoutDoubtful(seen);
    return { seen: kept, wales: this.#wales.wales, cuts: cutsOf(kept, picture, this.#looking.heatOf(judged)) };
  }

  /**
   * What the map takes for a line along a wale, held against the wale itself. One that is like all others has no line in it: what is plain
   * there is a spot that the map made long, and what is faint is nothing, for another faint one would be found beside it some day.
   */
  #withoutDoubtful(seen: Looked): Looked {
    const { alone } = this.#looking.taught;
    const all = seen.details.map((detail, i) => {
      const line = seen.lines[i] ?? { column: null, look: null };
      const { blob, classified } = detail;
      if (classified.shape !== 'vertical') return { detail, line };
      const oddness = this.#wales.oddnessAt(line.column?.xPx ?? blob.centreX * seen.scale);
      if ((oddness ?? 0) >= leastOddness || (oddness === null && blob.peak >= alone)) return { detail, line };
      if (blob.peak < alone) return null;
      const spot: Classified = { class: 'anomaly', shape: 'spot', cause: causeOf('spot', true) };
      return { detail: { ...detail, classified: spot }, line: { column: null, look: null } };
    });
    const kept = all.filter((one) => one !== null);
    return { ...seen, details: kept.map(({ detail }) => detail), lines: kept.map(({ line }) => line) };
  }

  /** Wales that are none of the crowd, each with its column and a score on the scale of the map's. */
  #oddIn(picture: Grey, cloth: Box): Looked['odd'] {
    const pitchPx = walePitchMm(this.#geometry) / this.#geometry.mmPerPx;
    return this.#wales.look(picture, cloth).map(({ xPx, oddness }) => {
      const box = { left: xPx - pitchPx / 2, top: cloth.top, right: xPx + pitchPx / 2, bottom: cloth.bottom };
      const column = columnOfLine(picture, box, pitchPx);
      // However odd, alone it is told of nobody: a thread that lies on the cloth is odd too, once.
      const score = Math.min(oddness * this.#looking.from, 0.99 * this.#looking.taught.alone);
      const at = column ?? xPx;
      const look = this.#isLoose ? this.#wales.lookAt(at) : null;
      return { xPx: at, sdPx: (column === null ? 0.5 : waleLineSd) * pitchPx, score, look };
    });
  }

  /** Wales that are odd as they were a revolution ago, beside what this picture shows by itself. */
  #oddAgain({ seen, wales }: Held, placing: Placing): Looked['odd'] {
    const { view, scale } = seen;
    const { needles } = this.#geometry;
    const { whitening } = this.#wales;
    if (whitening === null || this.#isLoose) return seen.odd;
    const pitchPx = walePitchMm(this.#geometry) / this.#geometry.mmPerPx;
    const ends = [view.cloth.top, view.cloth.bottom].map((y) => placing.along(y * scale, 0).mm);
    const places = wales.map(({ xPx, values, halves }) => {
      return { ...placing.across(xPx, waleLineSd * pitchPx), values, halves };
    });
    const jump = this.#angle.jumpTurns() * needles;
    const gate = Math.max(leastGateNeedles, 3 * (places[0]?.randomSd ?? 0), jump);
    const picture = {
      turns: placing.turns,
      alongFromMm: Math.min(...ends),
      alongToMm: Math.max(...ends),
      wales: places,
    };
    const odd = this.#memory.add(picture, whitening, gate).flatMap(({ index, oddness, before }) => {
      const wale = wales[index];
      if (wale === undefined) return [];
      const score = Math.min(oddness * this.#looking.from, 0.99 * this.#looking.taught.alone);
      const look = this.#isLoose ? whitening(wale.values) : null;
      const sdPx = (wale.linePx === null ? 0.5 : waleLineSd) * pitchPx;
      // What is not plain waits for the revolution after.
      return [{ xPx: wale.linePx ?? wale.xPx, sdPx, score, look, ...(oddness < plainOddness ? {} : { before }) }];
    });
    const told = withoutSpots(odd, seen.details, scale);
    const isNear = (one: { readonly xPx: number }) => told.some(({ xPx }) => Math.abs(xPx - one.xPx) < 2.5 * pitchPx);
    return [...seen.odd.filter((one) => !isNear(one)), ...told];
  }

  #track({ seen: before, wales, cuts }: Held, placing: Placing): ToldFinding[] {
    const seen = { ...before, odd: this.#oddAgain({ seen: before, wales, cuts }, placing) };
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
      return { finding: this.#finding(event), cut: at === null ? null : (cuts[at] ?? null) };
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

/** Pieces of the picture for the sightings with the highest scores, in the order of all. */
function cutsOf({ details, odd, scale, view }: Looked, picture: Grey, heat: Heat): Held['cuts'] {
  const half = ((view.walePitchMm ?? view.mmPerPx) / view.mmPerPx / 2) * scale;
  const { top, bottom } = view.cloth;
  const boxes = [
    ...details.map(({ blob }) => ({ blob, score: blob.peak })),
    ...odd.map(({ xPx, score }) => {
      const [left, right] = [(xPx - half) / scale, (xPx + half) / scale];
      return { blob: { left, right, top, bottom }, score };
    }),
  ];
  const least = boxes.map(({ score }) => score).toSorted((a, b) => b - a)[mostCuts - 1] ?? 0;
  return boxes.map(({ blob, score }) => (score < least ? null : cutOf(picture, inPixels(blob, scale), heat)));
}

/** The picture below the rows that show the ring: the rest is cloth. Row 0 of the geometry is its first row. */
function without({ width, height, pixels }: Grey, rows: number): Grey {
  return { width, height: height - rows, pixels: pixels.subarray(rows * width) };
}

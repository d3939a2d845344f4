/**
 * From what is seen in frames to findings: one fault is one finding, however many frames and revolutions show it. A pure reducer.
 *
 * A spot is told at once. A line along a wale is told when the same needle shows it in two revolutions, on more cloth than one view:
 * a scratch that stays in view for two is none. A line along a course stands still in the view while the tube turns, and is told after
 * half a revolution.
 *
 * Invariants (test/unit/models/vision-tracker.test.ts):
 *  R1  Findings hang on the frames and their order alone, not on how they were cut into batches.
 *  R2  One fault is one finding: what turns out to be one is merged, the younger id is closed and names the older.
 *  R3  What moves across from revolution to revolution is not a line; a line that stops is closed, and one nobody looked for is not.
 *  R4  Faults followed at a time are bounded; sightings beyond are counted.
 *  R5  Each id is found at most once and closed at most once, in that order.
 */
import {
  belongs,
  findingOf,
  isEvident,
  merged,
  seenAgain,
  type Sighting,
  type Track,
  type TrackedFinding,
  trackOf,
  type TrackerOptions,
} from './track.ts';

/** What the eye saw in one frame. */
export interface SeenFrame {
  readonly timeMs: number;
  /** Turns of the machine; on a flat web cloth passed, in steps. */
  readonly turns: number;
  /** The stretch of the roll the frame shows, mm. */
  readonly alongFromMm: number;
  readonly alongToMm: number;
  readonly sightings: readonly Sighting[];
}

export interface TrackerState {
  readonly nextId: number;
  /** By rising id. */
  readonly tracks: readonly Track[];
  readonly lastTurns: number | null;
  /** Turns the camera has looked at; a pause of the camera is left out. */
  readonly looked: number;
  /** Sightings that found no room. */
  readonly dropped: number;
  /** Lines along a wale that did not come back and were too weak to be told alone, and specks that one picture alone showed. */
  readonly unconfirmed: number;
}

export interface TrackerEvent {
  readonly kind: 'found' | 'changed' | 'closed';
  readonly finding: TrackedFinding;
  /** closed: it was the fault with this id. */
  readonly mergedInto: number | null;
}

export const emptyTracker: TrackerState = {
  nextId: 1,
  tracks: [],
  lastTurns: null,
  looked: 0,
  dropped: 0,
  unconfirmed: 0,
};

/** Frames further apart than this, in turns, have cloth between them that nobody saw. */
const blindTurns = 0.5;

export interface Tracked {
  readonly state: TrackerState;
  readonly events: readonly TrackerEvent[];
}

/** Takes in one frame. */
export function track(before: TrackerState, frame: SeenFrame, options: TrackerOptions): Tracked {
  const events: TrackerEvent[] = [];
  const passed = before.lastTurns === null ? 0 : frame.turns - before.lastTurns;
  const looked = before.looked + (passed > 0 && passed <= blindTurns ? passed : 0);
  const now = { timeMs: frame.timeMs, viewMm: frame.alongToMm - frame.alongFromMm, turns: frame.turns, looked };
  const tracks = new Map(before.tracks.map((one) => [one.id, one]));
  let { nextId, dropped, unconfirmed } = before;
  for (const sighting of frame.sightings) {
    const own = [...tracks.values()].filter((one) => belongs(sighting, one, frame.turns, options));
    const [first, ...others] = own;
    if (first === undefined) {
      if (tracks.size >= options.mostOpen) {
        dropped += 1;
        continue;
      }
      tracks.set(nextId, trackOf(nextId, sighting, now, options));
      nextId += 1;
      continue;
    }
    let one = first;
    for (const other of others) {
      one = merged(one, other, options);
      tracks.delete(other.id);
      if (other.isReported) {
        events.push({ kind: 'closed', finding: findingOf(other, options), mergedInto: one.id });
      }
    }
    tracks.set(one.id, seenAgain(one, sighting, now, options));
  }
  const olds = new Map(before.tracks.map((one) => [one.id, one]));
  const kept: Track[] = [];
  for (const one of tracks.values()) {
    events.push(...newsOf(one, olds.get(one.id) ?? null, options));
    if (hasEnded(one, frame, looked, options)) {
      const last = closing(one, options);
      if (last.length === 0) unconfirmed += 1;
      events.push(...last);
    } else kept.push(isEvident(one, options) ? { ...one, isReported: true } : one);
  }
  return { state: { nextId, tracks: kept, lastTurns: frame.turns, looked, dropped, unconfirmed }, events };
}

/** Takes in frames one after the other. */
export function trackAll(before: TrackerState, frames: readonly SeenFrame[], options: TrackerOptions): Tracked {
  let state = before;
  const events: TrackerEvent[] = [];
  for (const frame of frames) {
    const next = track(state, frame, options);
    state = next.state;
    events.push(...next.events);
  }
  return { state, events };
}

/** The roll is over: everything open is closed. What was waiting for a second revolution is told, as what it is without one. */
export function endRoll(before: TrackerState, options: TrackerOptions): Tracked {
  const last = before.tracks.map((one) => closing(one, options));
  const unconfirmed = before.unconfirmed + last.filter(({ length }) => length === 0).length;
  return {
    state: { ...emptyTracker, nextId: before.nextId, dropped: before.dropped, unconfirmed },
    events: last.flat(),
  };
}

/** Findings that are open and told. */
export function openFindings({ tracks }: TrackerState, options: TrackerOptions): readonly TrackedFinding[] {
  return tracks.filter(({ isReported }) => isReported).map((one) => findingOf(one, options));
}

function newsOf(one: Track, old: Track | null, options: TrackerOptions): readonly TrackerEvent[] {
  if (!isEvident(one, options)) return [];
  const finding = findingOf(one, options);
  if (!one.isReported) return [{ kind: 'found', finding, mergedInto: null }];
  const isNews =
    old !== null &&
    (old.passes !== one.passes || old.shape !== one.shape || findingOf(old, options).class !== finding.class);
  return isNews ? [{ kind: 'changed', finding, mergedInto: null }] : [];
}

function hasEnded(one: Track, frame: SeenFrame, looked: number, options: TrackerOptions): boolean {
  if (one.shape === 'spot') return frame.alongFromMm > one.alongToMm + options.gateAlongMm;
  return looked - one.lastLooked > options.closeAfterTurns + 0.5;
}

/** Without evidence of a line it is told now, where it is strong enough: it was above the threshold, and the roll map must have it. */
function closing(one: Track, options: TrackerOptions): readonly TrackerEvent[] {
  const finding = findingOf(one, options);
  const isTold = one.isReported || isEvident(one, options);
  if (!isTold && one.shape !== 'horizontal' && (one.shape === 'spot' || one.score < options.loneScore)) return [];
  return [
    ...(isTold ? [] : [{ kind: 'found', finding, mergedInto: null } as const]),
    { kind: 'closed', finding, mergedInto: null },
  ];
}

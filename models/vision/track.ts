/** One fault as it is followed over frames: what a sighting adds to it, and what is told of it. Pure; `tracker.ts` runs it. */
import { causeOf, type Cause, type DefectClass, defectClasses, type Shape } from './classify.ts';
import { meanPlace, type Place, type PlaceSums, withPlace } from './position.ts';
import { likeness } from './odd-wales.ts';
import { nearZero } from './turns.ts';

/** A fault in one frame. Places across are needles on a tube and mm on a flat web; along they are mm of the roll. */
export interface Sighting {
  readonly class: DefectClass;
  readonly shape: Shape;
  readonly score: number;
  readonly place: Place;
  /** Its box, going on past the last needle where it lies across it. */
  readonly acrossFrom: number;
  readonly acrossTo: number;
  readonly alongFromMm: number;
  readonly alongToMm: number;
  /** One sigma of its place along the roll, mm. */
  readonly alongSdMm: number;
  /** Of a wale that is odd: how. Two that are odd otherwise are not one fault, however near they are. */
  readonly look?: Float32Array;
  /** Revolutions that show it, this one and those before; its stretch of the roll is that of all of them. Absent: 1. */
  readonly passes?: number;
}

export interface TrackerOptions {
  /** Whether the cloth is knitted: what a line hints at. */
  readonly isKnit: boolean;
  /** Needles of the tube; null: a flat web. */
  readonly period: number | null;
  /** Cloth a revolution, mm; on a flat web the height of the view. A turn is so much cloth. */
  readonly stepMm: number;
  /** Sightings of one fault may lie this far apart, across (needles or mm) and along. */
  readonly gateAcross: number;
  /**
   * Two sightings of a line along a wale, across: it must cover what a needle's place jumps by from one revolution to the next beyond its
   * random part. With telemetry that are the needles that pass between two polls, twice.
   */
  readonly gateLines: number;
  readonly gateAlongMm: number;
  /** A line along a wale is told when it was seen in so many revolutions. */
  readonly lineAfterTurns: number;
  /** A line along a course is told when it went on for so many revolutions. */
  readonly bandAfterTurns: number;
  /** A line has ended when it was looked for and not seen for so many revolutions. */
  readonly closeAfterTurns: number;
  /**
   * What is seen once, with nothing that confirms it, is told from this score on; below it is counted alone. A line is confirmed by the next
   * revolution; a spot is one of thousands of places a second, and a line along a wale that did not come back is no better. 0: always told.
   */
  readonly loneScore: number;
  /**
   * A spot smaller than this in both directions that is no opening and no oil is a speck: in one picture a fibre in the air before the lens
   * looks the same, so it is told when a second picture shows it at the same place of the cloth, or from `score` on. Across in needles
   * or mm. null: told at once.
   */
  readonly speck: { readonly across: number; readonly alongMm: number; readonly score: number } | null;
  /** A line along a wale is told from this score on, that of its plainest sighting. */
  readonly lineScore: number;
  /** One that never reached this needs a revolution more. 0: none does. */
  readonly plainLineScore: number;
  /** So many faults are followed at a time; sightings of more are dropped and counted. */
  readonly mostOpen: number;
}

export const defaultTrackerOptions = {
  isKnit: true,
  gateAcross: 3,
  gateLines: 3,
  gateAlongMm: 4,
  lineAfterTurns: 2,
  bandAfterTurns: 0.5,
  closeAfterTurns: 2,
  loneScore: 0,
  speck: null,
  lineScore: 0,
  plainLineScore: 0,
  mostOpen: 200,
} as const;

export interface Track {
  readonly id: number;
  readonly shape: Shape;
  readonly isReported: boolean;
  readonly votes: Readonly<Partial<Record<DefectClass, number>>>;
  readonly score: number;
  readonly sightings: number;
  /** Revolutions it was seen in. */
  readonly passes: number;
  /** Turns at the beginning of the pass that is on, and of the first. */
  readonly passTurns: number;
  readonly firstTurns: number;
  readonly lastTurns: number;
  /** How long the camera had looked when it was last seen, in turns. */
  readonly lastLooked: number;
  /** Over the passes before this one; a pass counts once, for its frames share the errors of the same pulses. */
  readonly sums: PlaceSums | null;
  /** Where it stood in the view when it was last seen, mm; what tells lines along a course apart. */
  readonly standingMm: number;
  /** How the wale was odd when it was last seen so; null: never. */
  readonly look: Float32Array | null;
  /** The surest sighting of the pass that is on. */
  readonly passPlace: Place;
  readonly acrossFrom: number;
  readonly acrossTo: number;
  /** Widest sighting across. */
  readonly widest: number;
  readonly alongFromMm: number;
  readonly alongToMm: number;
  /** Largest of all sightings. */
  readonly alongSdMm: number;
  /** Length of roll one frame shows, mm; the largest of those that showed it. */
  readonly viewMm: number;
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
}

/** What is told of a fault. */
export interface TrackedFinding {
  readonly id: number;
  readonly class: DefectClass;
  readonly shape: Shape;
  readonly cause: Cause;
  /** Highest score of all sightings. */
  readonly score: number;
  readonly sightings: number;
  readonly revolutions: number;
  /** Middle across; null for a line along a course, which lies on every needle. */
  readonly place: Place | null;
  readonly acrossFrom: number;
  readonly acrossTo: number;
  readonly alongFromMm: number;
  readonly alongToMm: number;
  /** Largest of all sightings. */
  readonly alongSdMm: number;
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
}

export interface Moment {
  readonly timeMs: number;
  readonly viewMm: number;
  readonly turns: number;
  readonly looked: number;
}

export function trackOf(id: number, s: Sighting, now: Moment, options: TrackerOptions): Track {
  return {
    id,
    shape: s.shape,
    isReported: false,
    votes: { [s.class]: 1 },
    score: s.score,
    sightings: 1,
    passes: s.passes ?? 1,
    passTurns: now.turns,
    firstTurns: now.turns,
    lastTurns: now.turns,
    lastLooked: now.looked,
    sums: null,
    standingMm: standingOf(s, now.turns, options),
    look: s.look ?? null,
    passPlace: s.place,
    acrossFrom: s.acrossFrom,
    acrossTo: s.acrossTo,
    widest: s.acrossTo - s.acrossFrom,
    alongFromMm: s.alongFromMm,
    alongToMm: s.alongToMm,
    alongSdMm: s.alongSdMm,
    viewMm: now.viewMm,
    firstTimeMs: now.timeMs,
    lastTimeMs: now.timeMs,
  };
}

/** Adds a sighting. A line that was taken for a spot while little of it was in view becomes a line, under the same id. */
export function seenAgain(track: Track, s: Sighting, now: Moment, options: TrackerOptions): Track {
  // On a tube the same needle comes by once a turn; a line on a flat web and one along a course are in view all the time.
  const isInView = options.period === null || track.shape === 'horizontal';
  const isNewPass = now.turns - track.passTurns > (isInView ? 1 : 0.5);
  const isSurer = s.place.randomSd < track.passPlace.randomSd;
  const shape = track.shape === 'spot' ? s.shape : track.shape;
  const votes = shape === track.shape ? track.votes : {};
  const box = unwrappedBox(s.acrossFrom, s.acrossTo, track, options.period);
  return {
    ...track,
    shape,
    votes: s.shape === shape ? { ...votes, [s.class]: (votes[s.class] ?? 0) + 1 } : votes,
    score: Math.max(track.score, s.score),
    sightings: track.sightings + 1,
    passes: Math.max(track.passes + (isNewPass ? 1 : 0), s.passes ?? 1),
    passTurns: isNewPass ? now.turns : track.passTurns,
    lastTurns: Math.max(track.lastTurns, now.turns),
    lastLooked: now.looked,
    standingMm: standingOf(s, now.turns, options),
    sums: isNewPass ? withPlace(track.sums, track.passPlace, options.period) : track.sums,
    look: s.look ?? track.look,
    passPlace: isNewPass || isSurer ? s.place : track.passPlace,
    ...box,
    widest: Math.max(track.widest, s.acrossTo - s.acrossFrom),
    alongFromMm: Math.min(track.alongFromMm, s.alongFromMm),
    alongToMm: Math.max(track.alongToMm, s.alongToMm),
    alongSdMm: Math.max(track.alongSdMm, s.alongSdMm),
    viewMm: Math.max(track.viewMm, now.viewMm),
    lastTimeMs: now.timeMs,
  };
}

/** Two tracks turn out to be one fault: the older id stays. */
export function merged(a: Track, b: Track, options: TrackerOptions): Track {
  const [older, younger] = a.id < b.id ? [a, b] : [b, a];
  const line = older.shape === 'spot' ? younger : older;
  const longer = older.passes >= younger.passes ? older : younger;
  return {
    ...longer,
    id: older.id,
    shape: line.shape,
    isReported: older.isReported,
    votes: line.votes,
    score: Math.max(a.score, b.score),
    sightings: a.sightings + b.sightings,
    firstTurns: Math.min(a.firstTurns, b.firstTurns),
    lastTurns: Math.max(a.lastTurns, b.lastTurns),
    lastLooked: Math.max(a.lastLooked, b.lastLooked),
    ...unwrappedBox(younger.acrossFrom, younger.acrossTo, older, options.period),
    widest: Math.max(a.widest, b.widest),
    alongFromMm: Math.min(a.alongFromMm, b.alongFromMm),
    alongToMm: Math.max(a.alongToMm, b.alongToMm),
    alongSdMm: Math.max(a.alongSdMm, b.alongSdMm),
    viewMm: Math.max(a.viewMm, b.viewMm),
    firstTimeMs: Math.min(a.firstTimeMs, b.firstTimeMs),
    lastTimeMs: Math.max(a.lastTimeMs, b.lastTimeMs),
  };
}

function unwrappedBox(
  from: number,
  to: number,
  track: Track,
  period: number | null,
): { readonly acrossFrom: number; readonly acrossTo: number } {
  const middle = (track.acrossFrom + track.acrossTo) / 2;
  const own = (from + to) / 2;
  const shift = period === null ? 0 : middle + nearZero(own - middle, period) - own;
  const acrossFrom = Math.min(track.acrossFrom, from + shift);
  const acrossTo = Math.max(track.acrossTo, to + shift);
  return { acrossFrom, acrossTo: period === null ? acrossTo : Math.min(acrossTo, acrossFrom + period) };
}

/** The same wale is off the same way in every revolution; what two odd wales have in common by chance is a third of that. */
const leastLikeness = 0.5;

/** Whether a sighting belongs to a fault that is followed. */
export function belongs(s: Sighting, track: Track, turns: number, options: TrackerOptions): boolean {
  if (track.shape === 'horizontal' || s.shape === 'horizontal') return belongsToBand(s, track, turns, options);
  if (track.shape === 'spot' && s.shape === 'spot')
    return acrossGap(s, track, options) <= 0 && isNearAlong(s, track, options);
  // A line along a wale, and a sighting of it or of a piece. A hole stays a finding of its own.
  if (s.class === 'hole' || classOf(track) === 'hole') return false;
  if (track.shape === 'spot') return acrossGap(s, track, options) <= 0 && isNearAlong(s, track, options);
  if (acrossGap(s, track, options) > 0) return false;
  if (s.look !== undefined && track.look !== null && likeness(s.look, track.look) < leastLikeness) return false;
  return (
    s.shape === 'vertical' ||
    (s.alongFromMm <= track.alongToMm + options.stepMm + options.gateAlongMm &&
      s.alongToMm >= track.alongFromMm - options.gateAlongMm)
  );
}

/**
 * What one feeder knits stands still before the camera while the tube turns: it goes up the roll by one step a turn, as a thread of a
 * screw. So its place is where it stands in the view, and it is there again one step further.
 */
function belongsToBand(s: Sighting, track: Track, turns: number, options: TrackerOptions): boolean {
  const isPiece = s.shape === 'spot' && s.class === 'slub_thick_thin';
  if (s.shape === 'vertical' || track.shape !== 'horizontal' || !(s.shape === 'horizontal' || isPiece)) return false;
  if (options.period === null) return isNearAlong(s, track, options);
  const off = nearZero(standingOf(s, turns, options) - track.standingMm, options.stepMm);
  return Math.abs(off) <= options.gateAlongMm + (s.alongToMm - s.alongFromMm) / 2;
}

/** Where in the view its middle stands, mm: the same in every frame for what one feeder knits. */
const standingOf = (s: Sighting, turns: number, { stepMm }: TrackerOptions): number =>
  (s.alongFromMm + s.alongToMm) / 2 - turns * stepMm;

function isNearAlong(s: Sighting, track: Track, { gateAlongMm }: TrackerOptions): boolean {
  return s.alongFromMm <= track.alongToMm + gateAlongMm && s.alongToMm >= track.alongFromMm - gateAlongMm;
}

/** How far apart both lie across beyond what the gate and both uncertainties allow; 0 or less: they may be one. */
function acrossGap(s: Sighting, track: Track, { period, gateAcross, gateLines }: TrackerOptions): number {
  // A line is where it was last, not as wide as all its sightings together: else it would creep along with a fault that moves.
  const [from, to] =
    track.shape === 'vertical'
      ? [track.passPlace.at - track.widest / 2, track.passPlace.at + track.widest / 2]
      : [track.acrossFrom, track.acrossTo];
  const off = (s.acrossFrom + s.acrossTo) / 2 - (from + to) / 2;
  const distance = Math.abs(period === null ? off : nearZero(off, period));
  const halves = (s.acrossTo - s.acrossFrom) / 2 + (to - from) / 2;
  const gate = track.shape === 'vertical' && s.shape === 'vertical' ? gateLines : gateAcross;
  return distance - halves - gate - 2 * Math.hypot(s.place.randomSd, track.passPlace.randomSd);
}

/** The class most sightings gave; of equals `anomaly`, then the first of the list. */
export function classOf(track: Track): DefectClass {
  const most = Math.max(...Object.values(track.votes));
  const best = defectClasses.filter((name) => track.votes[name] === most);
  return best.includes('anomaly') ? 'anomaly' : (best[0] ?? 'anomaly');
}

/** Whether there is enough of a fault to tell it. */
export function isEvident(track: Track, options: TrackerOptions): boolean {
  if (track.shape === 'spot') return track.score >= options.loneScore && !isLoneSpeck(track, options);
  if (track.shape === 'horizontal') {
    return options.period === null || track.lastTurns - track.firstTurns >= options.bandAfterTurns;
  }
  // Cloth that stays in view for two revolutions is one fault seen twice: a line must also have become longer. Where a view is lower
  // than a step it never shows the same cloth twice.
  const after = options.lineAfterTurns + (track.score < options.plainLineScore ? 1 : 0);
  const turns = after - 1;
  const longEnough = turns * options.stepMm + Math.min(options.stepMm / 4, track.viewMm / 2);
  return track.score >= options.lineScore && track.passes >= after && track.alongToMm - track.alongFromMm >= longEnough;
}

/** Nothing but cloth can be open or oiled; everything else may fly by. */
const ofCloth: ReadonlySet<DefectClass> = new Set(['hole', 'oil_spot']);

function isLoneSpeck(track: Track, { speck }: TrackerOptions): boolean {
  if (speck === null || track.score >= speck.score) return false;
  if (track.lastTimeMs > track.firstTimeMs || ofCloth.has(classOf(track))) return false;
  return track.acrossTo - track.acrossFrom < speck.across && track.alongToMm - track.alongFromMm < speck.alongMm;
}

/** Classes that say “in every revolution”: what ended before that was seen is none. */
const repeating: ReadonlySet<DefectClass> = new Set(['needle_line', 'barre']);

export function findingOf(track: Track, options: TrackerOptions): TrackedFinding {
  const name = classOf(track);
  const places = withPlace(track.sums, track.passPlace, options.period);
  const place = track.shape === 'horizontal' ? null : meanPlace(places);
  const isLine = track.shape === 'vertical' && place !== null;
  return {
    id: track.id,
    class: repeating.has(name) && !isEvident(track, options) ? 'anomaly' : name,
    shape: track.shape,
    cause: causeOf(track.shape, options.isKnit),
    score: track.score,
    sightings: track.sightings,
    revolutions: track.passes,
    place,
    acrossFrom: isLine ? place.at - track.widest / 2 : track.acrossFrom,
    acrossTo: isLine ? place.at + track.widest / 2 : track.acrossTo,
    alongFromMm: track.alongFromMm,
    alongToMm: track.alongToMm,
    alongSdMm: track.alongSdMm,
    firstTimeMs: track.firstTimeMs,
    lastTimeMs: track.lastTimeMs,
  };
}

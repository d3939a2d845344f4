/**
 * Whether alerts of one machine can be about the same needle, and which. Each alert has one or more places where it may be: one for each line
 * the eye told of it, or the candidates of the ear. Alerts belong together when one place of each has a needle in common with all the
 * others', and each began within the hour of what the others had told by then. Pure.
 *
 * Invariants (test/unit/incidents/joint.test.ts):
 *  J1  The needles of a joint lie in a place of every alert of it: so any two of them overlap there.
 *  J2  It is the same in whatever order the alerts are given.
 *  J3  What began more than an hour after the last evidence of all others is not joined to them.
 */
import { arcOf, meet, rangeOf, type Arc, type Cylinder, type NeedleRange } from './arcs.ts';

/** One place where it may be. */
export interface Sighting extends NeedleRange {
  /** 0 for the likeliest; of the eye's lines each is one. */
  readonly rank: number;
  /** UTC ms. */
  readonly fromMs: number;
  /** UTC ms of the last evidence; Infinity while it lasts. */
  readonly lastMs: number;
}

/** What is told of one alert. */
export interface Told<S extends Sighting = Sighting> {
  readonly occurrence: string;
  readonly sightings: readonly S[];
}

export interface Joint<S extends Sighting = Sighting> extends NeedleRange {
  /** Sum of the ranks: the lowest is the likeliest. */
  readonly rank: number;
  /** Needles it may be. */
  readonly count: number;
  /** Of each alert the place that counts. */
  readonly of: readonly S[];
}

/** Between the last evidence of one and the beginning of the other. */
export const togetherMs = 3_600_000;
/** Beyond this the unlikeliest are not followed. */
const mostFollowed = 64;

interface Followed<S> {
  readonly arc: Arc;
  readonly rank: number;
  readonly fromMs: number;
  readonly lastMs: number;
  readonly of: readonly S[];
}

const byLikelihood = <S>(a: Followed<S>, b: Followed<S>): number =>
  a.rank - b.rank || a.arc.count - b.arc.count || a.arc.from - b.arc.from || a.fromMs - b.fromMs;

const begins = ({ sightings }: Told): number => Math.min(...sightings.map(({ fromMs }) => fromMs));

/** The likeliest needle all of them can be about; null where there is none. */
export function jointOf<S extends Sighting>(alerts: readonly Told<S>[], cylinder: Cylinder): Joint<S> | null {
  const [first, ...others] = alerts.toSorted((a, b) => begins(a) - begins(b) || (a.occurrence < b.occurrence ? -1 : 1));
  if (first === undefined) return null;
  let followed = first.sightings.map((one): Followed<S> => ({ ...one, arc: arcOf(one, cylinder), of: [one] }));
  for (const { sightings } of others) {
    const places = sightings.map((one) => ({ one, arc: arcOf(one, cylinder) }));
    followed = followed
      .flatMap((so) => places.flatMap(({ one, arc }) => (isNear(so, one) ? joined(so, one, arc, cylinder) : [])))
      .sort(byLikelihood)
      .slice(0, mostFollowed);
  }
  const [best] = followed.sort(byLikelihood);
  if (best === undefined) return null;
  return { ...rangeOf(best.arc, cylinder), rank: best.rank, count: best.arc.count, of: best.of };
}

function isNear(a: Pick<Sighting, 'fromMs' | 'lastMs'>, b: Pick<Sighting, 'fromMs' | 'lastMs'>): boolean {
  return Math.max(a.fromMs - b.lastMs, b.fromMs - a.lastMs) <= togetherMs;
}

function joined<S extends Sighting>(so: Followed<S>, one: S, arc: Arc, cylinder: Cylinder): readonly Followed<S>[] {
  return meet(so.arc, arc, cylinder).map((both) => ({
    arc: both,
    rank: so.rank + one.rank,
    fromMs: Math.min(so.fromMs, one.fromMs),
    lastMs: Math.max(so.lastMs, one.lastMs),
    of: [...so.of, one],
  }));
}

/**
 * Needles that lie side by side on a cylinder, round its end: the arithmetic of needle ± k. Pure.
 *
 * Invariants (test/unit/incidents/arcs.test.ts):
 *  R1  Two arcs meet in exactly the needles both have, whichever is asked first, round the end as anywhere else.
 *  R2  The needle ± k of an arc has all needles of the arc, and at most one more.
 */

/** The needles of a circular machine, as it counts them. */
export interface Cylinder {
  readonly needles: number;
  readonly firstNeedle: 0 | 1;
}

export interface NeedleRange {
  readonly needle: number;
  readonly k: number;
}

/** `count` needles from `from` upwards, both counted from 0; never more than the cylinder has. */
export interface Arc {
  readonly from: number;
  readonly count: number;
}

const turned = (place: number, needles: number): number => ((place % needles) + needles) % needles;

/** Needle ± k as an arc. */
export function arcOf({ needle, k }: NeedleRange, { needles, firstNeedle }: Cylinder): Arc {
  const count = 2 * k + 1;
  if (count >= needles) return { from: 0, count: needles };
  return { from: turned(needle - firstNeedle - k, needles), count };
}

/** The needles both have: none, one arc, or two where together they go all round. */
export function meet(a: Arc, b: Arc, { needles }: Cylinder): readonly Arc[] {
  if (a.count === needles) return [b];
  if (b.count === needles) return [a];
  const [ahead, behind] = [turned(b.from - a.from, needles), turned(a.from - b.from, needles)];
  const found: Arc[] = [];
  if (ahead < a.count) found.push({ from: b.from, count: Math.min(a.count - ahead, b.count) });
  if (ahead !== 0 && behind < b.count) found.push({ from: a.from, count: Math.min(b.count - behind, a.count) });
  return found;
}

/** The middle of an arc ± k, as the machine counts. */
export function rangeOf({ from, count }: Arc, { needles, firstNeedle }: Cylinder): NeedleRange {
  const k = Math.ceil((count - 1) / 2);
  return { needle: turned(from + Math.floor((count - 1) / 2), needles) + firstNeedle, k };
}

/**
 * The four-point score of a roll after ASTM D5430, point assignment option A. Pure.
 *
 * The standard itself is sold; the rules are taken from public descriptions of it that agree (garmentstech.com, “Fabric inspection”,
 * option A word for word; apparelscience.com; jozwiak.eu). They are:
 *  - a defect of up to 3 in 1 point, up to 6 in 2, up to 9 in 3, longer 4, by its longest dimension;
 *  - a hole or opening of up to 1 in 2 points, larger 4, by its largest dimension;
 *  - no more than 4 points to any one linear metre (or yard), whatever is in it;
 *  - 4 points to each consecutive linear metre in which a continuous running defect exceeds 9 in;
 *  - points per 100 m² = 100,000 · P / (W · L), W in mm, L in m.
 * Descriptions in millimetres round the inches to 75, 150, 230 and 25; here they are exact: 76.2, 152.4, 228.6 and 25.4 mm. Which limits
 * make which grade is agreed between buyer and seller, and comes in from outside.
 *
 * Invariants (test/unit/models/vision-four-point.test.ts):
 *  F1  At 76.2, 152.4, 228.6 and 25.4 mm exactly the smaller number of points holds, and the larger one just above.
 *  F2  No linear metre has more than 4 points.
 *  F3  A further defect never makes a roll better, nor does a longer one of the same kind in the same place begin.
 *  F4  Cloth nobody looked at has no score: only inspected length counts, by the share of the width that was looked at, and a roll with
 *      gaps is told as not complete. A gap of no length is one too: nobody knows how much cloth passed there.
 */

/** A defect on the roll, mm from its beginning and from its left edge. */
export interface ScoredDefect {
  readonly fromMm: number;
  readonly toMm: number;
  readonly acrossFromMm: number;
  readonly acrossToMm: number;
  /** An opening: hole, ladder one sees through. */
  readonly isHole: boolean;
}

/** A stretch that was not looked at, mm from the beginning of the roll; `share` of its width, 1 where it is not told. */
export interface UnseenStretch {
  readonly fromMm: number;
  readonly toMm: number;
  readonly share?: number;
}

export interface FourPointOptions {
  /** What no more than 4 points are given to: 1000 mm, or 914.4 for a yard. */
  readonly linearUnitMm: number;
  /** `by-size` as the standard; `four`: every hole has 4, as many buyers want it. */
  readonly holes: 'by-size' | 'four';
  /** Grades with the most points per 100 m² they may have, best first; empty where nothing was agreed. */
  readonly grades: readonly { readonly name: string; readonly most: number }[];
}

export const defaultFourPointOptions: FourPointOptions = { linearUnitMm: 1000, holes: 'by-size', grades: [] };

export interface FourPointScore {
  /** Points of each defect, in the order they came in, before any metre is capped. */
  readonly points: readonly number[];
  /** Points that count: no metre above 4. */
  readonly total: number;
  /** Metres of full width: of a stretch of which half the width was looked at, half. */
  readonly inspectedM: number;
  /** false: some of the roll was not looked at; what lies there has no points. */
  readonly isComplete: boolean;
  /** null: no area was looked at. */
  readonly pointsPer100M2: number | null;
  /** Name of the best grade whose limit holds; `none` when none does; null: nothing agreed, or no score. */
  readonly grade: string | null;
}

const inchMm = 25.4;
export const lengthLimitsMm = [3 * inchMm, 6 * inchMm, 9 * inchMm] as const;
export const holeLimitMm = inchMm;
/** A continuous running defect is one that is longer than this along the roll. */
const runningMm = lengthLimitsMm[2];
const mostPoints = 4;
/** A millionth of a millimetre: 3 · 25.4 and a box that came out of sums are the same length. */
const dustMm = 1e-6;

/** Points of a length, mm: 1 to 4. */
export function pointsOfLength(mm: number): 1 | 2 | 3 | 4 {
  if (mm <= lengthLimitsMm[0] + dustMm) return 1;
  if (mm <= lengthLimitsMm[1] + dustMm) return 2;
  return mm <= lengthLimitsMm[2] + dustMm ? 3 : 4;
}

/** Points of a hole by its largest dimension, mm: 2 or 4. */
export function pointsOfHole(mm: number): 2 | 4 {
  return mm <= holeLimitMm + dustMm ? 2 : 4;
}

/** Points of one defect by itself, as one that does not run on. */
export function pointsOf(defect: ScoredDefect, holes: FourPointOptions['holes'] = 'by-size'): number {
  const mm = Math.max(defect.toMm - defect.fromMm, defect.acrossToMm - defect.acrossFromMm);
  if (!defect.isHole) return pointsOfLength(mm);
  return holes === 'four' ? mostPoints : pointsOfHole(mm);
}

/**
 * @param roll lengthMm from its beginning, widthMm usable (of a tube: opened), gaps: stretches nobody looked at, or with a share of the
 *   width (1 where none is told) that nobody looked at
 */
export function scoreRoll(
  roll: {
    readonly lengthMm: number;
    readonly widthMm: number;
    readonly gaps: readonly UnseenStretch[];
  },
  defects: readonly ScoredDefect[],
  options: FourPointOptions = defaultFourPointOptions,
): FourPointScore {
  const units = new Map<number, number>();
  const give = (unit: number, points: number): void => {
    units.set(unit, Math.min((units.get(unit) ?? 0) + points, mostPoints));
  };
  const points = defects.map((defect) => {
    const given = pointsByUnit(defect, roll.lengthMm, options);
    for (const { unit, points: count } of given) give(unit, count);
    return given.reduce((sum, { points: count }) => sum + count, 0);
  });
  const total = [...units.values()].reduce((a, b) => a + b, 0);
  const unseenMm = unseen(roll.gaps, roll.lengthMm);
  const inspectedM = Math.max(roll.lengthMm - unseenMm, 0) / 1000;
  const areaMmM = roll.widthMm * inspectedM;
  const pointsPer100M2 = areaMmM > 0 ? (100_000 * total) / areaMmM : null;
  return {
    points,
    total,
    inspectedM,
    isComplete: !roll.gaps.some(({ fromMm, toMm }) => toMm >= 0 && fromMm <= roll.lengthMm),
    pointsPer100M2,
    grade: gradeOf(pointsPer100M2, options.grades),
  };
}

/**
 * A defect that does not run on counts where it begins. One that does has 4 points in each linear unit that holds more than 9 in of it;
 * where no unit does (it lies across a border), 4 in the one that holds most.
 */
function pointsByUnit(
  defect: ScoredDefect,
  lengthMm: number,
  { linearUnitMm, holes }: FourPointOptions,
): readonly { readonly unit: number; readonly points: number }[] {
  const from = Math.min(Math.max(defect.fromMm, 0), lengthMm);
  const to = Math.min(Math.max(defect.toMm, from), lengthMm);
  // What lies wholly beyond the roll's ends belongs to another roll.
  if (defect.toMm < 0 || defect.fromMm > lengthMm) return [];
  const lastUnit = Math.max(Math.ceil(lengthMm / linearUnitMm) - 1, 0);
  const first = Math.min(Math.floor(from / linearUnitMm), lastUnit);
  if (to - from <= runningMm + dustMm) return [{ unit: first, points: pointsOf(defect, holes) }];
  const last = Math.min(Math.max(Math.ceil(to / linearUnitMm) - 1, first), lastUnit);
  const parts = Array.from({ length: last - first + 1 }, (_, i) => {
    const unit = first + i;
    return { unit, mm: Math.min(to, (unit + 1) * linearUnitMm) - Math.max(from, unit * linearUnitMm) };
  });
  const long = parts.filter(({ mm }) => mm > runningMm + dustMm);
  const largest = parts.reduce((a, b) => (b.mm > a.mm ? b : a));
  return (long.length > 0 ? long : [largest]).map(({ unit }) => ({ unit, points: mostPoints }));
}

/** Length of the gaps within the roll by their shares, mm; where several lie over each other the largest counts. */
function unseen(gaps: readonly UnseenStretch[], lengthMm: number): number {
  const cut = gaps.flatMap(({ fromMm, toMm, share = 1 }) => {
    const [from, to] = [Math.max(fromMm, 0), Math.min(toMm, lengthMm)];
    return to > from ? [{ from, to, share }] : [];
  });
  const edges = [
    ...cut.map((gap) => ({ at: gap.from, share: gap.share, opens: 1 })),
    ...cut.map((gap) => ({ at: gap.to, share: gap.share, opens: -1 })),
  ].sort((a, b) => a.at - b.at);
  // Shares come in few sizes where they come from one eye; of each how many gaps are open.
  const open = new Map<number, number>();
  let sum = 0;
  let last = 0;
  for (const { at, share, opens } of edges) {
    if (open.size > 0) sum += (at - last) * Math.max(...open.keys());
    const count = (open.get(share) ?? 0) + opens;
    if (count > 0) open.set(share, count);
    else open.delete(share);
    last = at;
  }
  return sum;
}

function gradeOf(pointsPer100M2: number | null, grades: FourPointOptions['grades']): string | null {
  if (pointsPer100M2 === null || grades.length === 0) return null;
  return grades.find(({ most }) => pointsPer100M2 <= most)?.name ?? 'none';
}

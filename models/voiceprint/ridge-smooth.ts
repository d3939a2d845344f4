/**
 * A ridge made as smooth as a cylinder turns. Where clicks are faint a path finds what it likes; but a cylinder of half a ton cannot change its
 * speed by much within a feeder's pitch, and at every pulse it is where it is known to be. Of all ways to turn the likeliest is taken: the
 * one whose second differences and whose distances from the clicks, each by its own deviation, have the least squares. Pure.
 *
 * Invariants (test/unit/models/voiceprint-ridge-smooth.test.ts):
 *  S1  Where nothing is heard between two pulses the path is what the neighbours make likeliest, and it is nothing at the pulses.
 *  S2  One place for all: what is the same at every row is the place, not the path.
 */

/** From one pitch to the next the speed changes so much, in needles a pitch: by what speeds wander (a hundredth within seconds). */
const bendNeedles = 0.03;
/** Deviation of the path at a pulse, needles: of the pulse's own time. */
const pulseNeedles = 0.1;

export interface Clicks {
  /** Needles from the beginning of the pitch, row by row. */
  readonly at: Float64Array;
  /** One over the square of its deviation, needles; 0 where nothing was heard. */
  readonly weight: Float64Array;
  /** Rows that begin at a pulse; the last is behind the end. */
  readonly pulses: readonly number[];
}

/** @returns the place and how far each row's clicks lie behind it, needles */
export function smoothRidge({ at, weight, pulses }: Clicks): { readonly place: number; readonly ahead: Float64Array } {
  const rows = at.length;
  // Row i stands in the middle of pitch i: a pulse lies half a row before its row.
  const bands = [new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)] as const;
  const [middle, one, two] = bands;
  const bend = 1 / (bendNeedles * bendNeedles);
  for (let i = 0; i + 2 < rows; i += 1) {
    add(middle, i, bend);
    add(middle, i + 1, 4 * bend);
    add(middle, i + 2, bend);
    add(one, i, -2 * bend);
    add(one, i + 1, -2 * bend);
    add(two, i, bend);
  }
  const hold = 1 / (pulseNeedles * pulseNeedles);
  for (const pulse of pulses) {
    // The middle of the rows on both sides of it.
    if (pulse > 0 && pulse < rows) {
      add(middle, pulse - 1, hold / 4);
      add(middle, pulse, hold / 4);
      add(one, pulse - 1, hold / 4);
    } else add(middle, Math.min(pulse, rows - 1), hold);
  }
  for (let i = 0; i < rows; i += 1) add(middle, i, weight[i] ?? 0);
  const factor = factorOf(bands);
  const own = solved(
    factor,
    Float64Array.from(at, (value, i) => (weight[i] ?? 0) * value),
  );
  const unit = solved(
    factor,
    Float64Array.from(weight, (value) => -value),
  );
  let [above, below] = [0, 0];
  for (let i = 0; i < rows; i += 1) {
    above += (weight[i] ?? 0) * ((at[i] ?? 0) - (own[i] ?? 0));
    below += (weight[i] ?? 0) * (1 + (unit[i] ?? 0));
  }
  const place = below > 0 ? above / below : 0;
  return { place, ahead: own.map((value, i) => value + place * (unit[i] ?? 0)) };
}

function add(values: Float64Array, i: number, by: number): void {
  values[i] = (values[i] ?? 0) + by;
}

type Bands = readonly [Float64Array, Float64Array, Float64Array];

/** Cholesky of a symmetric matrix with two bands beside its diagonal: L with the same bands. */
function factorOf([middle, one, two]: Bands): Bands {
  const n = middle.length;
  const [d, a, b] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  // a[i] = L[i, i−1], b[i] = L[i, i−2].
  for (let i = 0; i < n; i += 1) {
    b[i] = i < 2 ? 0 : (two[i - 2] as number) / (d[i - 2] as number);
    a[i] =
      i < 1
        ? 0
        : ((one[i - 1] as number) - (i < 2 ? 0 : (b[i] as number) * (a[i - 1] as number))) / (d[i - 1] as number);
    d[i] = Math.sqrt((middle[i] as number) - (a[i] as number) ** 2 - (b[i] as number) ** 2);
  }
  return [d, a, b];
}

function solved([d, a, b]: Bands, right: Float64Array): Float64Array {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i += 1) {
    const before =
      (i < 1 ? 0 : (a[i] as number) * (x[i - 1] as number)) + (i < 2 ? 0 : (b[i] as number) * (x[i - 2] as number));
    x[i] = ((x[i] as number) - before) / (d[i] as number);
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    const after =
      (i + 1 < n ? (a[i + 1] as number) * (x[i + 1] as number) : 0) +
      (i + 2 < n ? (b[i + 2] as number) * (x[i + 2] as number) : 0);
    x[i] = ((x[i] as number) - after) / (d[i] as number);
  }
  return x;
}

/**
 * The classical way to find a needle line, to be printed beside every figure of the eye: mean brightness of the columns, against
 * the wales around, added up over revolutions by needle (a comb). It learns nothing and knows one fault only. Pure.
 *
 * A needle's value in a frame is the mean over exactly one wale less the mean over the wales around. Whole wales are taken, so the
 * pattern of the loops falls out however the pixels lie on it.
 *
 * Invariants (test/unit/models/vision-baseline.test.ts): what comes back at the same needle adds up, what moves does not; memory
 * goes by needles and the revolutions kept, not by frames.
 */
import type { Grey } from './grey.ts';

/** Wales to each side a wale is held against. */
const around = 10;

/** Mean brightness of each column between two rows. */
export function columnMeans({ width, pixels }: Grey, top: number, bottom: number): Float64Array {
  const means = new Float64Array(width);
  for (let y = top; y < bottom; y += 1) {
    for (let x = 0; x < width; x += 1) means[x] = (means[x] ?? 0) + (pixels[y * width + x] ?? 0);
  }
  for (let x = 0; x < width; x += 1) means[x] = (means[x] ?? 0) / (bottom - top);
  return means;
}

/** Mean of a stretch of columns with fractions of pixels at its ends. */
function stretchMean(sums: Float64Array, from: number, to: number): number {
  return (sumUntil(sums, to) - sumUntil(sums, from)) / (to - from);
}

function sumUntil(sums: Float64Array, x: number): number {
  const whole = Math.min(Math.floor(x), sums.length - 1);
  const next = sums[whole + 1] ?? sums[whole] ?? 0;
  return (sums[whole] ?? 0) + (x - whole) * (next - (sums[whole] ?? 0));
}

/** A needle whose wale is darker or lighter than those around, the same way in the revolutions kept. */
export interface CombLine {
  /** Counted from 0, as they pass; the caller's numbering is its own. */
  readonly needle: number;
  /** Mean over the revolutions against the spread of all needles (median of absolute differences · 1.4826); the sign is that of the light. */
  readonly z: number;
  readonly revolutions: number;
}

export class NeedleComb {
  readonly #needles: number;
  readonly #kept: number;
  /** Sums and counts of the revolutions kept, the oldest overwritten. */
  readonly #sums: readonly Float64Array[];
  readonly #counts: readonly Uint32Array[];
  readonly #revolutions: Float64Array;

  /** @param kept revolutions added up */
  constructor(needles: number, kept = 3) {
    this.#needles = needles;
    this.#kept = kept;
    this.#sums = Array.from({ length: kept }, () => new Float64Array(needles));
    this.#counts = Array.from({ length: kept }, () => new Uint32Array(needles));
    this.#revolutions = new Float64Array(kept).fill(Number.NaN);
  }

  /**
   * Takes in one frame.
   * @param means of the columns
   * @param revolution whole number it is counted to
   * @param needleAtLeft needle at the left edge of column 0, with its fraction
   * @param perPx needles a pixel; negative where numbers fall to the right
   */
  add(means: Float64Array, revolution: number, needleAtLeft: number, perPx: number): void {
    const slot = this.#slotOf(revolution);
    const sums = this.#sums[slot];
    const counts = this.#counts[slot];
    if (sums === undefined || counts === undefined) return;
    const running = new Float64Array(means.length + 1);
    for (let x = 0; x < means.length; x += 1) running[x + 1] = (running[x] ?? 0) + (means[x] ?? 0);
    const pitchPx = 1 / Math.abs(perPx);
    const margin = (around + 0.5) * pitchPx;
    const ends = [margin, means.length - margin].map((x) => needleAtLeft + x * perPx);
    const from = Math.ceil(Math.min(...ends));
    const to = Math.floor(Math.max(...ends));
    for (let needle = from; needle <= to; needle += 1) {
      const x = (needle - needleAtLeft) / perPx;
      const own = stretchMean(running, x - pitchPx / 2, x + pitchPx / 2);
      const wide = stretchMean(running, x - margin, x + margin);
      const at = ((needle % this.#needles) + this.#needles) % this.#needles;
      sums[at] = (sums[at] ?? 0) + own - wide;
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }

  #slotOf(revolution: number): number {
    const slot = ((revolution % this.#kept) + this.#kept) % this.#kept;
    if (this.#revolutions[slot] !== revolution) {
      this.#sums[slot]?.fill(0);
      this.#counts[slot]?.fill(0);
      this.#revolutions[slot] = revolution;
    }
    return slot;
  }

  /** @returns needles beyond the threshold that were seen in at least two revolutions, each the extreme of its neighbours; by falling |z| */
  lines(threshold: number): readonly CombLine[] {
    const means = new Float64Array(this.#needles).fill(Number.NaN);
    const seen = new Uint32Array(this.#needles);
    for (let needle = 0; needle < this.#needles; needle += 1) {
      let sum = 0;
      for (let slot = 0; slot < this.#kept; slot += 1) {
        const count = this.#counts[slot]?.[needle] ?? 0;
        if (count === 0) continue;
        sum += (this.#sums[slot]?.[needle] ?? 0) / count;
        seen[needle] = (seen[needle] ?? 0) + 1;
      }
      if ((seen[needle] ?? 0) >= 2) means[needle] = sum / (seen[needle] ?? 1);
    }
    const known = means.filter((mean) => !Number.isNaN(mean)).sort();
    const middle = known[Math.floor(known.length / 2)] ?? 0;
    const off = known.map((mean) => Math.abs(mean - middle)).sort();
    const spread = 1.4826 * (off[Math.floor(off.length / 2)] ?? 0);
    if (!(spread > 0)) return [];
    const zOf = (needle: number) =>
      ((means[((needle % this.#needles) + this.#needles) % this.#needles] ?? NaN) - middle) / spread;
    const lines: CombLine[] = [];
    for (let needle = 0; needle < this.#needles; needle += 1) {
      const z = zOf(needle);
      if (!(Math.abs(z) > threshold)) continue;
      if (Math.abs(zOf(needle - 1)) > Math.abs(z) || Math.abs(zOf(needle + 1)) >= Math.abs(z)) continue;
      lines.push({ needle, z, revolutions: seen[needle] ?? 0 });
    }
    return lines.sort((a, b) => Math.abs(b.z) - Math.abs(a.z) || a.needle - b.needle);
  }
}

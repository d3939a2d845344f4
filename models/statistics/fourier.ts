/**
 * Fourier's transform of short stretches of sound, and their powers. Pure but for its tables, which are made once for each length.
 *
 * Invariants (test/unit/models/short-time.test.ts): the transform is the sum it stands for, and a sine has its power in its own bin.
 */

/** Of two stretches. */
export type Powers = readonly [Float64Array, Float64Array];

/** Powers of one length of transform; the tables are made once. */
export class Spectrum {
  readonly size: number;
  readonly #transform: (re: Float64Array, im: Float64Array) => void;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @param size a power of two */
  constructor(size: number) {
    this.size = size;
    this.#transform = fourier(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
  }

  /**
   * Powers of two stretches in one transform (one is its real, one its imaginary part); what is shorter is filled with silence.
   * @param into where the powers go, `size / 2 + 1` of each; new arrays where nobody says
   */
  powersOf(one: Float64Array, other: Float64Array, into: Powers = this.powers()): Powers {
    const { size } = this;
    const [re, im] = [this.#re.fill(0), this.#im.fill(0)];
    re.set(one);
    im.set(other);
    this.#transform(re, im);
    const [ones, others] = into;
    for (let k = 0; k <= size / 2; k += 1) {
      const back = (size - k) & (size - 1);
      const a = re[k] as number;
      const b = im[k] as number;
      const c = re[back] as number;
      const d = im[back] as number;
      ones[k] = ((a + c) * (a + c) + (b - d) * (b - d)) / 4;
      others[k] = ((b + d) * (b + d) + (c - a) * (c - a)) / 4;
    }
    return into;
  }

  /** Room for what `powersOf` gives. */
  powers(): Powers {
    const half = this.size / 2 + 1;
    return [new Float64Array(half), new Float64Array(half)];
  }
}

/** The transform of so many numbers, a power of two, in place (Cooley and Tukey). */
export function fourier(size: number): (re: Float64Array, im: Float64Array) => void {
  const swaps = swapsOf(size);
  const isOdd = Math.log2(size) % 2 === 1;
  const steps: Float64Array[] = [];
  for (let quarter = isOdd ? 2 : 1; quarter < size; quarter *= 4) steps.push(turnsOf(quarter));
  return (re, im) => {
    swap(re, swaps);
    swap(im, swaps);
    if (isOdd) addPairs(re, im);
    for (const turns of steps) addFours(re, im, turns);
  };
}

/** By how much each of a quarter is turned, one after the other as `addFours` needs them: cosine and sine of the first step, and of the second. */
function turnsOf(quarter: number): Float64Array {
  const turns = new Float64Array(4 * quarter);
  for (let i = 0; i < quarter; i += 1) {
    const angle = (Math.PI * i) / (2 * quarter);
    turns.set([Math.cos(2 * angle), Math.sin(2 * angle), Math.cos(angle), Math.sin(angle)], 4 * i);
  }
  return turns;
}

/** Places that change with one another, in pairs: those whose bits are the other's from behind. */
function swapsOf(size: number): Uint32Array {
  const swaps: number[] = [];
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) swaps.push(i, j);
  }
  return Uint32Array.from(swaps);
}

function swap(values: Float64Array, swaps: Uint32Array): void {
  for (let at = 0; at < swaps.length; at += 2) {
    const i = swaps[at] as number;
    const j = swaps[at + 1] as number;
    const value = values[i] as number;
    values[i] = values[j] as number;
    values[j] = value;
  }
}

/** The first step of a length that is no power of four. */
function addPairs(re: Float64Array, im: Float64Array): void {
  for (let a = 0; a < re.length; a += 2) {
    const real = re[a + 1] as number;
    const imaginary = im[a + 1] as number;
    re[a + 1] = (re[a] as number) - real;
    im[a + 1] = (im[a] as number) - imaginary;
    re[a] = (re[a] as number) + real;
    im[a] = (im[a] as number) + imaginary;
  }
}

/** Two steps of halves in one, so that each number is read and written half as often: it runs for every stretch of sound of every microphone. */
function addFours(re: Float64Array, im: Float64Array, turns: Float64Array): void {
  const quarter = turns.length / 4;
  for (let from = 0; from < re.length; from += 4 * quarter) {
    for (let i = 0; i < quarter; i += 1) {
      const cos1 = turns[4 * i] as number;
      const sin1 = turns[4 * i + 1] as number;
      const cos2 = turns[4 * i + 2] as number;
      const sin2 = turns[4 * i + 3] as number;
      const a = from + i;
      const b = a + quarter;
      const c = b + quarter;
      const d = c + quarter;
      const br = (re[b] as number) * cos1 + (im[b] as number) * sin1;
      const bi = (im[b] as number) * cos1 - (re[b] as number) * sin1;
      const dr = (re[d] as number) * cos1 + (im[d] as number) * sin1;
      const di = (im[d] as number) * cos1 - (re[d] as number) * sin1;
      const sumR = (re[c] as number) + dr;
      const sumI = (im[c] as number) + di;
      const differenceR = (re[c] as number) - dr;
      const differenceI = (im[c] as number) - di;
      const evenR = sumR * cos2 + sumI * sin2;
      const evenI = sumI * cos2 - sumR * sin2;
      // A quarter of a turn farther.
      const oddR = differenceI * cos2 - differenceR * sin2;
      const oddI = -differenceR * cos2 - differenceI * sin2;
      const plusR = (re[a] as number) + br;
      const plusI = (im[a] as number) + bi;
      const minusR = (re[a] as number) - br;
      const minusI = (im[a] as number) - bi;
      re[a] = plusR + evenR;
      im[a] = plusI + evenI;
      re[c] = plusR - evenR;
      im[c] = plusI - evenI;
      re[b] = minusR + oddR;
      im[b] = minusI + oddI;
      re[d] = minusR - oddR;
      im[d] = minusI - oddI;
    }
  }
}

/**
 * Fourier's transform of short stretches of sound, and their powers. Pure but for its tables, which are made once for each length.
 *
 * Invariant (test/unit/models/short-time.test.ts): a sine has its power in its own bin.
 */

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

  /** Powers of two stretches in one transform (one is its real, one its imaginary part); what is shorter is filled with silence. */
  powersOf(one: Float64Array, other: Float64Array): readonly [Float64Array, Float64Array] {
    const { size } = this;
    const [re, im] = [this.#re.fill(0), this.#im.fill(0)];
    re.set(one);
    im.set(other);
    this.#transform(re, im);
    const half = size / 2 + 1;
    const powers = [new Float64Array(half), new Float64Array(half)] as const;
    for (let k = 0; k < half; k += 1) {
      const back = (size - k) % size;
      const a = re[k] as number;
      const b = im[k] as number;
      const c = re[back] as number;
      const d = im[back] as number;
      powers[0][k] = ((a + c) ** 2 + (b - d) ** 2) / 4;
      powers[1][k] = ((b + d) ** 2 + (c - a) ** 2) / 4;
    }
    return powers;
  }
}

/** The transform of so many numbers, a power of two, in place (Cooley and Tukey). */
export function fourier(size: number): (re: Float64Array, im: Float64Array) => void {
  const cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
  return (re, im) => transform(re, im, cosines, sines);
}

/** Plain steps and no pairs: it runs for every stretch of sound of every microphone. */
function transform(re: Float64Array, im: Float64Array, cosines: Float64Array, sines: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const real = re[i] as number;
    re[i] = re[j] as number;
    re[j] = real;
    const imaginary = im[i] as number;
    im[i] = im[j] as number;
    im[j] = imaginary;
  }
  for (let half = 1; half < size; half *= 2) {
    const step = size / (2 * half);
    for (let i = 0; i < half; i += 1) {
      const cos = cosines[i * step] as number;
      const sin = sines[i * step] as number;
      for (let a = i; a < size; a += 2 * half) {
        const b = a + half;
        const br = re[b] as number;
        const bi = im[b] as number;
        const real = br * cos + bi * sin;
        const imaginary = bi * cos - br * sin;
        re[b] = (re[a] as number) - real;
        im[b] = (im[a] as number) - imaginary;
        re[a] = (re[a] as number) + real;
        im[a] = (im[a] as number) + imaginary;
      }
    }
  }
}

/** The discrete Fourier transform of square blocks, in place. Pure; sizes are powers of two. */

/** Twiddle factors and the order of a transform of one length. */
export interface Plan {
  readonly size: number;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly reversed: Uint32Array;
}

/** @param size a power of two */
export function planOf(size: number): Plan {
  const bits = Math.log2(size);
  const half = size / 2;
  return {
    size,
    cos: Float64Array.from({ length: half }, (_, i) => Math.cos((2 * Math.PI * i) / size)),
    sin: Float64Array.from({ length: half }, (_, i) => -Math.sin((2 * Math.PI * i) / size)),
    reversed: Uint32Array.from({ length: size }, (_, i) => reverseBits(i, bits)),
  };
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let bit = 0; bit < bits; bit += 1) reversed |= ((value >> bit) & 1) << (bits - 1 - bit);
  return reversed;
}

/** Transforms a square block of complex numbers in place, forwards, without scaling. */
export function transformSquare(plan: Plan, re: Float64Array, im: Float64Array): void {
  const { size } = plan;
  for (let row = 0; row < size; row += 1) transformLine(plan, re, im, row * size, 1);
  for (let column = 0; column < size; column += 1) transformLine(plan, re, im, column, size);
}

/** Cooley and Tukey, radix 2, decimation in time. */
function transformLine(plan: Plan, re: Float64Array, im: Float64Array, offset: number, stride: number): void {
  const { size, cos, sin, reversed } = plan;
  for (let i = 0; i < size; i += 1) {
    const j = reversed[i] ?? 0;
    if (j > i) {
      swap(re, offset + i * stride, offset + j * stride);
      swap(im, offset + i * stride, offset + j * stride);
    }
  }
  for (let half = 1; half < size; half *= 2) {
    const step = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const a = offset + (start + k) * stride;
        const b = a + half * stride;
        const wr = cos[k * step] ?? 0;
        const wi = sin[k * step] ?? 0;
        const br = re[b] ?? 0;
        const bi = im[b] ?? 0;
        const tr = br * wr - bi * wi;
        const ti = br * wi + bi * wr;
        const ar = re[a] ?? 0;
        const ai = im[a] ?? 0;
        re[a] = ar + tr;
        im[a] = ai + ti;
        re[b] = ar - tr;
        im[b] = ai - ti;
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] ?? 0;
  values[i] = values[j] ?? 0;
  values[j] = kept;
}

/**
 * Powers in decibels, many at a time: a tenth of what the logarithm of the language costs, which was as much as the transform. Pure.
 *
 * Invariant (test/unit/models/short-time.test.ts): every power between 1e-30 and 1e30 comes out as `10 · log10` says, to 0.0001 dB.
 */

/** The leading bits of a number of four bytes say where it lies between one power of two and the next; in each part of it a line will do. */
const leadingBits = 8;
const parts = 2 ** leadingBits;
const fractionBits = 23;
const fraction = 2 ** fractionBits - 1;
const bias = 127;
const octave = 10 * Math.log10(2);

const middleOf = (part: number) => 1 + (part + 0.5) / parts;
const offsets = Float64Array.from({ length: parts }, (_, part) => 10 * Math.log10(middleOf(part)) - 10 / Math.LN10);
const slopes = Float64Array.from({ length: parts }, (_, part) => 10 / Math.LN10 / middleOf(part));

/** @param powers above zero; written over with their decibels */
export function inDecibels(powers: Float32Array): void {
  const bits = new Uint32Array(powers.buffer, powers.byteOffset, powers.length);
  for (let k = 0; k < powers.length; k += 1) {
    const all = bits[k] as number;
    const part = (all >>> (fractionBits - leadingBits)) & (parts - 1);
    const within = 1 + (all & fraction) / 2 ** fractionBits;
    const octaves = (all >>> fractionBits) - bias;
    powers[k] = octaves * octave + (offsets[part] as number) + (slopes[part] as number) * within;
  }
}

/** Generator b's own chance: xoshiro128** (Blackman and Vigna) seeded by splitmix32. Nothing of generator a is used in this folder. */

/** Uniform in [0, 1). */
export type Dice = () => number;
/** A closed span a value is drawn from. */
export type Span = readonly [from: number, to: number];

/** The dice of a seed and a name: other names, other throws. */
export function diceOf(seed: number, name: string): Dice {
  let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 4_294_967_296) + 0x1f3d, 0x9e37_79b1);
  const split = (): number => {
    state = (state + 0x9e37_79b9) | 0;
    let x = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a_2d97);
    return x ^ (x >>> 15);
  };
  for (let i = 0; i < name.length; i += 1) state = split() ^ Math.imul(name.charCodeAt(i), 0x85eb_ca77);
  let [a, b, c, d] = [split(), split(), split(), split() | 1];
  return () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 4_294_967_296;
  };
}

export const pick = (dice: Dice, [from, to]: Span): number => from + (to - from) * dice();
/** Between two numbers above 0, evenly over their ratio. */
export const pickRatio = (dice: Dice, [from, to]: Span): number => from * (to / from) ** dice();
/** A whole number of the closed span. */
export const count = (dice: Dice, [from, to]: Span): number => from + Math.floor((to - from + 1) * dice());
/** Normal with standard deviation 1 (Box and Muller). */
export const bell = (dice: Dice): number => Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice());

const poolBits = 14;
/** Normal numbers to draw from, of mean 0 and deviation 1 exactly. */
const pool = ((): Float32Array => {
  const dice = diceOf(0xb, 'pool');
  const half = 1 << (poolBits - 1);
  const values = Float32Array.from({ length: half }, () => bell(dice));
  const scale = 1 / Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / half);
  return Float32Array.from({ length: 2 * half }, (_, i) => (i < half ? scale : -scale) * (values[i % half] ?? 0));
})();

/** Fills with white noise of normal numbers: a permuted congruential generator chooses them from a pool. */
export function fillBell(dice: Dice, out: Float32Array): void {
  let state = Math.floor(dice() * 4_294_967_296) | 0;
  for (let i = 0; i < out.length; i += 1) {
    state = (Math.imul(state, 747_796_405) + 0x2ca5_b37d) | 0;
    const word = Math.imul(((state >>> ((state >>> 28) + 4)) ^ state) | 0, 277_803_737);
    out[i] = pool[(word ^ (word >>> 22)) >>> (32 - poolBits)] as number;
  }
}

/** Generator b's own chance: an integer hash and gradient noise on it. Nothing of generator a is used in this folder. */

/** 32 bits of three numbers (the "lowbias32" rounds of C. Wellons' search). */
function scramble(a: number, b: number, c: number): number {
  let x = (a * 374_761_393 + b * 668_265_263 + c * 2_147_483_587) | 0;
  x = (x ^ (x >>> 16)) >>> 0;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** In [0, 1). */
export const dice = (seed: number, a: number, b = 0): number => scramble(seed | 0, a | 0, b | 0) / 4_294_967_296;
/** In [from, to). */
export const roll = (seed: number, a: number, from: number, to: number): number =>
  from + dice(seed, a, 77) * (to - from);
/** Normal with standard deviation 1, cut at 4 (Box and Muller). */
export function normal(seed: number, a: number, b = 0): number {
  const u = Math.max(1e-4, dice(seed, a, 2 * b + 1));
  const v = dice(seed ^ 0x51ab, a, 2 * b);
  return Math.max(-4, Math.min(4, Math.sqrt(-2 * Math.log(u)) * Math.cos(6.283_185_307 * v)));
}

/** A seed for a part. */
export const child = (seed: number, part: number): number => scramble(seed % 4_294_967_296, part, 991) | 0;

const fade = (t: number): number => t * t * t * (t * (t * 6 - 15) + 10);

const directions = 256;
const cosines = Float64Array.from({ length: directions }, (_, k) => Math.cos((2 * Math.PI * k) / directions));
const sines = Float64Array.from({ length: directions }, (_, k) => Math.sin((2 * Math.PI * k) / directions));
const pull = (seed: number, cx: number, cy: number, dx: number, dy: number): number => {
  const k = scramble(seed, cx, cy) >>> 24;
  return (cosines[k] ?? 0) * dx + (sines[k] ?? 0) * dy;
};

/** Gradient noise in a plane (Perlin 2002), between −1 and 1, no longer alike after a distance of 1. */
export function gradientNoise(seed: number, x: number, y: number): number {
  const cx = Math.floor(x);
  const cy = Math.floor(y);
  const fx = x - cx;
  const fy = y - cy;
  const u = fade(fx);
  const nw = pull(seed, cx, cy, fx, fy);
  const sw = pull(seed, cx, cy + 1, fx, fy - 1);
  const top = nw + u * (pull(seed, cx + 1, cy, fx - 1, fy) - nw);
  const bottom = sw + u * (pull(seed, cx + 1, cy + 1, fx - 1, fy - 1) - sw);
  return 1.4 * (top + fade(fy) * (bottom - top));
}

/**
 * Chance by place: what is irregular in a cloth is a pure function of the seed and of where it is, never of what was drawn before.
 * So a strip with a defect and the same strip without one differ by the defect alone, and a place looks the same in every frame.
 */

/** 32 well-mixed bits of a place (murmur3's finaliser over its coordinates). */
export function bits(seed: number, a: number, b: number): number {
  let h = Math.imul(a ^ 0x5bd1e995, 0xcc9e2d51) ^ Math.imul(b + 0x27d4eb2f, 0x1b873593) ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in [0, 1). */
export const uniform = (seed: number, a: number, b = 0): number => bits(seed, a, b) / 0x1_0000_0000;

/** Uniform in [from, to). */
export const within = (seed: number, a: number, from: number, to: number): number =>
  from + (to - from) * uniform(seed, a);

/** Bell-shaped around 0 with standard deviation 1, bounds ±3.2. */
export function bell(seed: number, a: number, b = 0): number {
  const x = bits(seed, a, b);
  const sum = (x & 0xff) + ((x >>> 8) & 0xff) + ((x >>> 16) & 0xff) + (x >>> 24);
  return (sum - 510) / 147.8;
}

/** Smooth along `s`, one knot per 1, standard deviation near 0.8; each `lane` has its own course and its own places for the knots. */
export function drift(seed: number, lane: number, s: number): number {
  const at = s + uniform(seed, lane, 0x3ade);
  const i = Math.floor(at);
  const f = at - i;
  const ease = f * f * (3 - 2 * f);
  const from = bell(seed, lane, i);
  return from + (bell(seed, lane, i + 1) - from) * ease;
}

/** A seed of its own for a part of what `seed` describes. */
export const branch = (seed: number, label: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i += 1) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return bits(Math.trunc(seed % 0x1_0000_0000), hash, Math.trunc(seed / 0x1_0000_0000));
};

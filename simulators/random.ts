/**
 * Seeded randomness. One seed makes a whole floor; every machine, fault and disturbance draws from a stream of its own, named
 * by a label, so that leaving one fault out changes nothing in the others.
 *
 * Invariant: the same (seed, label) always yields the same sequence, on every platform (32-bit integer arithmetic only).
 */

/** Uniform in [0, 1). */
export type Random = () => number;

/** A closed span a value is drawn from. */
export type Range = readonly [from: number, to: number];

/** 32-bit FNV-1a over UTF-16 code units; spreads a label into a number. */
function hashLabel(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i += 1) {
    hash ^= label.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/**
 * The small fast counting generator of Chris Doty-Humphrey (sfc32): 128 bits of state, passes PractRand, needs four integer
 * additions a number.
 */
export function createRandom(seed: number, label: string): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = hashLabel(label);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  // The first outputs still resemble the seed; fifteen rounds mix it through.
  for (let i = 0; i < 15; i += 1) next();
  return next;
}

/** Uniform in [from, to). */
export function between(random: Random, range: Range): number {
  return range[0] + (range[1] - range[0]) * random();
}

/** A whole number of the closed span. */
export function wholeBetween(random: Random, range: Range): number {
  return Math.floor(range[0] + (range[1] - range[0] + 1) * random());
}

/** Bell-shaped around 0 with standard deviation 1 and hard bounds ±3 (sum of three uniforms): sensor noise has no far outliers. */
export function noise(random: Random): number {
  return (random() + random() + random() - 1.5) * 2;
}

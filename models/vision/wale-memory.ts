/**
 * What a wale looked like a revolution ago. A worn needle is off the same way in every revolution; yarn, thread and light are another time
 * otherwise. So two looks that are each no odder than many are plain where they agree: what is held against a limit is the product of
 * both, in standard deviations of the crowd (`odd-wales.ts`), for wales that may be the same needle's, less where one is odder than the other: a worn needle
 * is about as far off in both, so what they agree in is worth no more than the lesser look. A wale that meanders is odd in a
 * part of the height, so both halves of both revolutions have to agree: it is the least of their four products. Where the cloth is
 * restless all wales are odd; a wale is held against those around it.
 *
 * Needles differ a little for good, and how much is the machine's own: the limit is where the upper end of the products of
 * this machine's last wales would be passed once in ten million, taken as exponential from their highest hundredth on, and further out
 * the fewer of them were seen.
 *
 * Invariants (test/unit/models/wale-memory.test.ts):
 *  M1  A needle that is off the same way in two revolutions is told in the second; what is off once, however far, is not.
 *  M2  Where a needle's place is known to some needles only, it is found within them, and not beyond.
 *  M3  Needles that differ for good, as all of a machine do, are not told.
 *  M4  Memory goes by needles, not by pictures, and what is older than a revolution and a half is forgotten.
 */

import type { WaleLook } from './odd-wales.ts';

/** From the values of a wale to standard deviations of the crowd. */
export type Whitening = (values: Float32Array) => Float32Array;

/** A picture whose place is known. */
export interface PlacedWales {
  readonly turns: number;
  /** The stretch of the roll it shows, mm. */
  readonly alongFromMm: number;
  readonly alongToMm: number;
  /** From left to right: needle with its fraction, in [0, needles), and how the light goes across. */
  readonly wales: readonly (Pick<WaleLook, 'values' | 'halves'> & { readonly at: number })[];
}

export interface OddAgain {
  /** Of the picture's wales. */
  readonly index: number;
  /** 1 and more. */
  readonly oddness: number;
  /** The stretch of the roll that showed it the revolution before, mm. */
  readonly before: { readonly alongFromMm: number; readonly alongToMm: number };
}

/** Looks of one revolution and those of the next lie this far apart, in turns: what a picture is high and what places are off. */
const fromTurns = 0.7;
const toTurns = 1.5;
/** Overlapping pictures show a needle twice a revolution. */
const mostLooks = 4;
/** Wales to each side that say how restless the cloth is. */
const aroundWales = 8;
/** Products of the last wales. */
const keptProducts = 4096;
const leastProducts = 500;
const tailShare = 0.01;
const toldShare = 1e-7;
/** How steep the tail is, is known by few products: taken as far out as it lies in 95 of 100 draws. */
const sureness = 1.645;
/** Odd wales nearer than this are one, needles. */
const apartNeedles = 2.5;

type Halves = readonly [upper: Float32Array, lower: Float32Array];

interface Look {
  readonly turns: number;
  readonly at: number;
  /** Both halves, in standard deviations of the crowd, where all around are restless of theirs. */
  readonly halves: Halves;
  readonly alongFromMm: number;
  readonly alongToMm: number;
}

/** A wale and the look of a revolution before that is most alike. */
interface Pair {
  readonly index: number;
  readonly at: number;
  readonly product: number;
  readonly before: Look;
}

export class WaleMemory {
  readonly #needles: number;
  /** By needle. */
  readonly #looks: (readonly Look[])[];
  readonly #products = new Float32Array(keptProducts);
  #count = 0;

  constructor(needles: number) {
    this.#needles = needles;
    this.#looks = Array.from({ length: needles }, () => []);
  }

  /**
   * Takes in a picture. @param gate a needle's place may be off by so many from one revolution to the next
   * @returns the wales that are odd as they were a revolution ago
   */
  add({ wales, ...picture }: PlacedWales, whiten: Whitening, gate: number): readonly OddAgain[] {
    const looks = wales.map(({ values }) => whiten(values));
    const calm = calming(looks.map(lengthOf), Math.sqrt(looks[0]?.length ?? 0));
    const own = wales.map(({ at, halves: [upper, lower] }, index) => {
      const halves = [upper, lower].map((half) => whiten(half).map((value) => value * (calm[index] ?? 1)));
      return { ...picture, index, at, halves: [halves[0] ?? upper, halves[1] ?? lower] as const };
    });
    const odd = this.#compared(own, Math.min(gate, this.#needles / 4));
    for (const one of own) {
      const slot = this.#slot(Math.round(one.at));
      const fresh = (this.#looks[slot] ?? []).filter(({ turns }) => Math.abs(picture.turns - turns) < toTurns);
      this.#looks[slot] = [...fresh, one].slice(-mostLooks);
    }
    return odd;
  }

  #compared(wales: readonly (Look & { readonly index: number })[], gate: number): readonly OddAgain[] {
    const pairs = wales.flatMap((own) => {
      let best: Pair | null = null;
      for (let needle = Math.round(own.at - gate); needle <= Math.round(own.at + gate); needle += 1) {
        for (const before of this.#looks[this.#slot(needle)] ?? []) {
          const passed = own.turns - before.turns;
          if (passed < fromTurns || passed > toTurns || Math.abs(this.#apart(own.at, before.at)) > gate) continue;
          const product = leastAgreement(own.halves, before.halves);
          if (best === null || product > best.product) best = { index: own.index, at: own.at, product, before };
        }
      }
      return best === null ? [] : [best];
    });
    const limit = this.#limit();
    for (const { product } of pairs) {
      if (limit !== null && product >= limit) continue;
      this.#products[this.#count % keptProducts] = product;
      this.#count += 1;
    }
    if (limit === null) return [];
    return pairs
      .filter(({ product }) => product >= limit)
      .filter((one, _, all) => !all.some((other) => this.#isBefore(other, one)))
      .map(({ index, product, before: { alongFromMm, alongToMm } }) => {
        return { index, oddness: product / limit, before: { alongFromMm, alongToMm } };
      });
  }

  /** Of neighbours the one that agrees best stands for all. */
  #isBefore(other: Pair, one: Pair): boolean {
    if (other === one || Math.abs(this.#apart(other.at, one.at)) > apartNeedles) return false;
    return other.product > one.product || (other.product === one.product && other.index < one.index);
  }

  /** Null before enough products were seen. */
  #limit(): number | null {
    const count = Math.min(this.#count, keptProducts);
    if (count < leastProducts) return null;
    const sorted = this.#products.slice(0, count).sort();
    const tail = Math.floor(count * tailShare);
    const start = sorted[count - tail - 1] ?? 0;
    const excess = sorted.slice(count - tail).reduce((sum, product) => sum + product - start, 0) / tail;
    return start + excess * (1 + sureness / Math.sqrt(tail)) * Math.log(tailShare / toldShare);
  }

  #slot(needle: number): number {
    return ((needle % this.#needles) + this.#needles) % this.#needles;
  }

  /** The shorter way round. */
  #apart(a: number, b: number): number {
    const half = this.#needles / 2;
    return this.#slot(a - b + half) - half;
  }
}

function productOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** The product of two looks by how much the lesser is of the greater: at most the square of the lesser. */
function agreementOf(a: Float32Array, b: Float32Array): number {
  const [own, other] = [lengthOf(a), lengthOf(b)];
  return own > 0 && other > 0 ? (productOf(a, b) * Math.min(own, other)) / Math.max(own, other) : 0;
}

function leastAgreement([upper, lower]: Halves, [upperBefore, lowerBefore]: Halves): number {
  return Math.min(
    agreementOf(upper, upperBefore),
    agreementOf(upper, lowerBefore),
    agreementOf(lower, upperBefore),
    agreementOf(lower, lowerBefore),
  );
}

const lengthOf = (look: Float32Array): number => Math.sqrt(productOf(look, look));

/**
 * By what the looks of the wales of a picture are to be taken, from left to right: each is held against those around it.
 * @param distances from the crowd; @param usual of a look whose values have a standard deviation of one
 */
function calming(distances: readonly number[], usual: number): readonly number[] {
  return distances.map((_, i) => {
    const around = distances.slice(Math.max(0, i - aroundWales), i + aroundWales + 1).toSorted((a, b) => a - b);
    return Math.min(1, usual / (around[Math.floor(around.length / 2)] ?? 0));
  });
}

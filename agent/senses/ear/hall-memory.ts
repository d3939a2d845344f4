/**
 * What was heard lately while the machine stood: the hall, by which running sound is judged. Levels of bands; no sound is kept.
 *
 * Invariant (test/unit/senses/ear-judging.test.ts): it holds the newest sixty pieces, none ten minutes older than the
 * newest, and of a machine that stands wants no more than one a second.
 */
const mostPieces = 60;
/** Before the newest: a hall is another one after so long. */
const spanMs = 600_000;
const everyMs = 1_000;
/** Of fewer nothing is known. */
const leastPieces = 3;
/** Neighbours come and go: an alert is not refuted, nor upheld, by fewer. */
export const leastToTell = 8;
/** To be what an enrolled speed is held against. */
export const leastTaught = 10;

export class HallMemory {
  #pieces: { readonly atMs: number; readonly features: Float32Array }[] = [];
  #askedMs = Number.NEGATIVE_INFINITY;

  /** Whether a piece that ended then is to be heard. */
  wants(atMs: number): boolean {
    if (atMs - this.#askedMs < everyMs) return false;
    this.#askedMs = atMs;
    return true;
  }

  add(atMs: number, features: Float32Array): void {
    const fresh = this.#pieces.filter((one) => atMs - one.atMs <= spanMs);
    this.#pieces = [...fresh, { atMs, features }].slice(-mostPieces);
  }

  /** Of the newest piece; null: there is none. */
  get newestMs(): number | null {
    return this.#pieces.at(-1)?.atMs ?? null;
  }

  /** The pieces of the hall since a time; null: it was heard too little since. */
  since(fromMs: number, least = leastPieces): readonly Float32Array[] | null {
    const pieces = this.#pieces.flatMap(({ atMs, features }) => (atMs >= fromMs ? [features] : []));
    return pieces.length < least ? null : pieces;
  }
}

/**
 * How much of a machine's steady running is left out because of what is heard beside it. An ear that judges next to nothing is to say so: it is
 * no better than none. Pure.
 *
 * Invariant (test/unit/senses/ear-hearing.test.ts): it is too much when more than half of the last two minutes of steady running was left out, and until
 * that is less than a quarter; before one minute has been heard nothing is said.
 */
const lookedAt = 240;
const leastHeard = 120;
const tooMuchShare = 0.5;
const fineShare = 0.25;

export class LeftOut {
  #last: boolean[] = [];
  #tooMuch = false;

  /** A piece of steady running. */
  add(isLeftOut: boolean): void {
    this.#last.push(isLeftOut);
    if (this.#last.length > lookedAt) this.#last.shift();
    if (this.#last.length < leastHeard) return;
    const share = this.#last.filter(Boolean).length / this.#last.length;
    this.#tooMuch = share > (this.#tooMuch ? fineShare : tooMuchShare);
  }

  get isTooMuch(): boolean {
    return this.#tooMuch;
  }
}

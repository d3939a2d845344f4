/**
 * Which messages of a subscription are missing (OPC 10000-4, 5.14.1.1 and 7.26). Pure.
 *
 * Invariants:
 *  - Every message is let through once; a repeated one is none.
 *  - Of a hole that is wider than the server can still have, only the newest numbers are asked for, and the rest is lost.
 */

/** Numbers run from 1 to this and begin anew at 1; 0 is never used. */
const last = 0xffff_ffff;
/** No server keeps more sent messages than this for a second sending. */
export const maxRepublished = 32;

export interface Arrival {
  /** Numbers to ask the server for again, oldest first. */
  readonly missing: readonly number[];
  /** Missing as well, and too many to be asked for. */
  readonly lost: number;
  /** False for a message that was let through before. */
  readonly isNew: boolean;
}

export class SequenceWatch {
  #next: number;

  /** @param next the first number expected */
  constructor(next = 1) {
    this.#next = next;
  }

  /** The number the next message has. */
  get next(): number {
    return this.#next;
  }

  /** @param isKeepAlive it has no content and names the number of the message after it */
  arrived(sequence: number, isKeepAlive: boolean): Arrival {
    const ahead = distance(this.#next, sequence);
    // More than half around the circle is behind, not ahead.
    if (ahead > last / 2) return { missing: [], lost: 0, isNew: false };
    const asked = Math.min(ahead, maxRepublished);
    const missing = Array.from({ length: asked }, (_, i) => plus(sequence, i - asked));
    this.#next = isKeepAlive ? sequence : plus(sequence, 1);
    return { missing, lost: ahead - asked, isNew: true };
  }
}

/** Steps from one number forward to another. */
function distance(from: number, to: number): number {
  return to >= from ? to - from : to - from + last;
}

function plus(sequence: number, steps: number): number {
  return ((((sequence - 1 + steps) % last) + last) % last) + 1;
}

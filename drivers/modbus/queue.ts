/**
 * What waits for a bus, and when it may be asked. One queue for all machines of a bus; each of them has at most one
 * question and one write in it. Pure, on the monotonic clock.
 *
 * Invariants:
 *  - Of what may be asked, the earliest deadline comes first, and of equal ones what came first. Deadlines are moments, so what waits
 *    rises by itself: nobody is put off for ever.
 *  - A write goes before what waits, because somebody stands there and waits for it; each machine has one at most, so that it
 *    costs the others one turn.
 *  - Between two requests lies at least 1/maxRequestsPerS; a pause is not saved up for a burst after it.
 */
import { isRead, type BusRequest } from './pdu.ts';

interface Queued {
  readonly request: BusRequest;
  /** When it should have been asked, in ms. */
  readonly deadlineMs: number;
}

/** `waitMs`: nothing may be asked before so long. null: nothing waits. */
export type Turn<Waiting> = { readonly waiting: Waiting } | { readonly waitMs: number } | null;

/** Chooses what of the waiting may be asked now, and takes it out. */
export interface Chooser {
  take<Waiting extends { readonly request: BusRequest }>(waiting: Waiting[], nowMs: number): Turn<Waiting>;
}

export class BusQueue<Waiting extends Queued> {
  readonly #waiting: Waiting[] = [];
  readonly #spacingMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** @param maxRequestsPerS of the bus, all machines together; null: as fast as it answers */
  constructor(maxRequestsPerS: number | null) {
    this.#spacingMs = maxRequestsPerS === null ? 0 : 1000 / maxRequestsPerS;
  }

  push(waiting: Waiting): void {
    const all = this.#waiting;
    let at = all.length;
    const deadlineMs = turnOf(waiting);
    for (let before = all[at - 1]; before !== undefined && turnOf(before) > deadlineMs; before = all[at - 1]) at -= 1;
    if (at === all.length) all.push(waiting);
    else all.splice(at, 0, waiting);
  }

  /** Takes what is to be asked now. Whoever takes it must ask it. */
  take(nowMs: number, owed: Chooser | null = null): Turn<Waiting> {
    if (this.#waiting.length === 0) return null;
    if (nowMs < this.#nextMs) return { waitMs: this.#nextMs - nowMs };
    const first = owed === null ? this.#waiting.shift() : undefined;
    const turn = first === undefined ? (owed?.take(this.#waiting, nowMs) ?? null) : { waiting: first };
    if (turn !== null && 'waiting' in turn && this.#spacingMs > 0) {
      this.#nextMs = nowMs + this.#spacingMs;
    }
    return turn;
  }

  /** Everything that waits, taken out. */
  clear(): Waiting[] {
    return this.#waiting.splice(0);
  }
}

function turnOf({ request, deadlineMs }: Queued): number {
  return isRead(request) ? deadlineMs : Number.NEGATIVE_INFINITY;
}

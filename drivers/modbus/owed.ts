/**
 * Which requests may be asked next on an RTU bus. RTU has no transaction id: the answer to a request that has timed out can be
 * told from the answer to the next one by little more than unit and function. Pure, on the monotonic clock.
 *
 * Invariant: while an answer may still come for a request that timed out, nothing is asked that this answer would fit and that
 * means other registers. Asking the same registers again is always allowed: either answer is true. Other units go on. Of two writes
 * the answer to one is never true of the other, whatever they wrote.
 *
 * A machine that takes longer than twice its time-out for an answer cannot be told apart by anybody; its time-out is too short.
 */
import { isRead, type BusRequest } from './pdu.ts';

interface Debt {
  readonly request: BusRequest;
  untilMs: number;
}

/** More than any machine can owe within two time-outs; the oldest is given up first. */
const maxDebts = 64;

export class OwedReplies {
  readonly #debts: Debt[] = [];

  /** `request`, sent at `sentMs`, is given up; its answer may come until twice its time-out. */
  owe(request: BusRequest, sentMs: number, timeoutMs: number): void {
    if (this.#debts.length >= maxDebts) this.#debts.shift();
    this.#debts.push({ request, untilMs: sentMs + 2 * timeoutMs });
  }

  /** `request` was answered, but perhaps by the answer owed before: then its own is owed now. */
  answered(request: BusRequest, sentMs: number, timeoutMs: number, nowMs: number): void {
    for (const debt of this.#debts) {
      if (debt.untilMs > nowMs && fits(debt.request, request)) {
        debt.untilMs = Math.max(debt.untilMs, sentMs + 2 * timeoutMs);
      }
    }
  }

  /** An answer that fits `request` came while nobody was asked: one debt less. */
  paid(request: BusRequest): void {
    const at = this.#debts.findIndex((debt) => fits(debt.request, request));
    if (at !== -1) this.#debts.splice(at, 1);
  }

  /** How long `request` must wait, in ms; 0 when it may be asked now. */
  waitMs(request: BusRequest, nowMs: number): number {
    let waitMs = 0;
    for (let at = this.#debts.length - 1; at >= 0; at -= 1) {
      const debt = this.#debts[at];
      if (debt === undefined) continue;
      if (debt.untilMs <= nowMs) this.#debts.splice(at, 1);
      else if (fits(debt.request, request) && !isSame(debt.request, request)) {
        waitMs = Math.max(waitMs, debt.untilMs - nowMs);
      }
    }
    return waitMs;
  }

  /** Takes the first of `queue` that may be asked; else how long until one may, or null when none waits. */
  take<Waiting extends { readonly request: BusRequest }>(
    queue: Waiting[],
    nowMs: number,
  ): { readonly waiting: Waiting } | { readonly waitMs: number } | null {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [at, waiting] of queue.entries()) {
      const waitMs = this.waitMs(waiting.request, nowMs);
      if (waitMs === 0) {
        queue.splice(at, 1);
        return { waiting };
      }
      soonestMs = Math.min(soonestMs, waitMs);
    }
    return queue.length === 0 ? null : { waitMs: soonestMs };
  }
}

/**
 * An answer to one could pass for an answer to the other. The length does not count: a refusal fits requests of any length, and
 * one that is late must not condemn other registers.
 */
function fits(a: BusRequest, b: BusRequest): boolean {
  return a.unit === b.unit && a.fn === b.fn;
}

function isSame(a: BusRequest, b: BusRequest): boolean {
  return isRead(a) && isRead(b) && a.address === b.address && a.count === b.count;
}

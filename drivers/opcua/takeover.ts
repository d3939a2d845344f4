/**
 * From session to session: the subscription that the last one left at the server, taken over by the next.
 *
 * Invariant: one that was taken over counts only when it has brought a message; from a server that hands over what brings
 * nothing, none is taken again.
 */
import { Subscription, type LeftSubscription } from './subscription.ts';
import type { SessionParts, SubscriptionSink, WantedItem } from './subscription.ts';

/** A subscription that was taken over brings what was kept for us with its first message. */
const keptWithinMs = 3_000;

export class Takeover {
  /** What the last session left at the server. */
  #left: LeftSubscription | null = null;
  #onSign: ((isSign: boolean) => void) | null = null;
  #handsOverNothing = false;

  /** The session is gone; null where it had no subscription, and then what an earlier one left stays. */
  leave(subscription: Subscription | null): void {
    this.#left = subscription?.leave() ?? this.#left;
    this.#onSign?.(false);
    this.#onSign = null;
  }

  /** Whatever was left is not worth taking. */
  forget(): void {
    this.#left = null;
  }

  /** A message came. */
  sign(): void {
    this.#onSign?.(true);
  }

  /** Null when there is nothing to take over, or the server hands over what brings nothing: some do, for good. */
  async take(
    session: SessionParts,
    items: readonly WantedItem[],
    sink: SubscriptionSink,
  ): Promise<Subscription | null> {
    const left = this.#left;
    this.#left = null;
    if (left === null || this.#handsOverNothing) return null;
    const sign = new Promise<boolean>((resolve) => {
      this.#onSign = resolve;
    });
    const taken = await Subscription.takeOver(session, left, items, sink);
    if (taken === null) return null;
    const timer = setTimeout(() => this.#onSign?.(false), Math.max(keptWithinMs, 2 * taken.publishingIntervalMs));
    const hasSign = await sign;
    clearTimeout(timer);
    this.#onSign = null;
    if (hasSign) return taken;
    this.#handsOverNothing = true;
    await taken.end();
    return null;
  }
}

/**
 * Where a server's history meets what the subscriptions before and after a hole told: which of the recorded values are new.
 * Pure; all times are the server's own, which fit together however wrong its clock is.
 *
 * Invariants:
 *  - Every recorded value is one of its own, also when another has the same time: servers write times by the tick of a clock
 *    that may be a second long.
 *  - At the time of the last value told before the hole, and of the first told after it, only what was told is left out.
 */
import type { Decoded } from '../decoded.ts';
import { sameDecoded } from './decode.ts';

/** What was told of one instant of the server's clock, in its order. */
export interface Told {
  /** UTC ms with a fraction, by the server's clock. */
  readonly serverMs: number;
  readonly values: readonly Decoded[];
}

export interface Recorded {
  /** UTC ms with a fraction, by the server's clock. */
  readonly serverMs: number;
  readonly decoded: Decoded;
}

/** Of one instant. A server whose clock stands still tells more: then all of that instant is taken for told. */
const maxTold = 100;

/** `told` with one more value; of another instant, that alone. */
export function alsoTold(told: Told | null, { serverMs, decoded }: Recorded): Told {
  if (told?.serverMs !== serverMs) return { serverMs, values: [decoded] };
  return told.values.length < maxTold ? { serverMs, values: [...told.values, decoded] } : told;
}

/**
 * The recorded values that neither side told, in the order of `history`.
 * @param before told last before the hole; null where that is not known, and nothing is left out for it
 * @param after told first after the hole, by what goes on telling; null as above
 */
export function untold<T extends Recorded>(
  history: readonly T[],
  before: Told | null,
  after: Told | null,
): readonly T[] {
  const known = new Set<T>();
  if (before !== null) {
    const atOnce = history.filter((one) => one.serverMs === before.serverMs);
    for (const one of atOnce.slice(0, toldOf(atOnce, before.values))) known.add(one);
  }
  if (after !== null) {
    const atOnce = history.filter((one) => one.serverMs === after.serverMs).reverse();
    for (const one of atOnce.slice(0, toldOf(atOnce, after.values.toReversed()))) known.add(one);
  }
  return history.filter(
    (one) =>
      !known.has(one) &&
      (before === null || one.serverMs >= before.serverMs) &&
      (after === null || one.serverMs <= after.serverMs),
  );
}

/** How many of `recorded` are over when all of `told` was told: a subscription may leave some out, and never changes the order. */
function toldOf(recorded: readonly Recorded[], told: readonly Decoded[]): number {
  if (told.length >= maxTold) return recorded.length;
  let over = 0;
  for (const value of told) {
    const next = recorded.findIndex(({ decoded }, index) => index >= over && sameDecoded(decoded, value));
    if (next >= 0) over = next + 1;
  }
  return over;
}

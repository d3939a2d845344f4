/**
 * Which of several brokers is tried when, and how tries are spread: pure.
 *
 * Invariants (test/unit/sync/brokers.test.ts):
 *  B1  After a failure the next broker in order is tried; each is tried once before the wait between tries grows.
 *  B2  Away from the first broker, the first is tried again after ten minutes of health and not before; a broker that works is left
 *      only when the first has taken the connection.
 *  B3  What many gateways do at one moment is spread: no two waits of different gateways follow from the event alone.
 */
import { backoffDelayMs, type BackoffOptions } from '../../drivers/contract.ts';

const returnAfterMs = 600_000;

export function nextBroker(at: number, count: number): number {
  return (at + 1) % count;
}

/** @param failures tries that failed since the last connection, this one included */
export function reconnectMs(options: BackoffOptions, failures: number, brokers: number, random: () => number): number {
  const rounds = Math.floor((Math.max(1, failures) - 1) / brokers);
  return backoffDelayMs(options, rounds, random);
}

/** From when a broker that is not the first took the connection until the first is tried: 10 to 12 minutes. */
export function returnMs(random: number): number {
  return returnAfterMs * (1 + 0.2 * random);
}

/** What a gateway makes of a wait the bridge asks for: never shorter, and up to twice as long, so that not all come back at once. */
export function spreadRetryAfterS(retryAfterS: number, random: number): number {
  return retryAfterS * (1 + random);
}

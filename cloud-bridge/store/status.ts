/**
 * Which of two births or deaths of a gateway is the newer. The will is written when the connection is made and sent by
 * the broker at some time after it was lost, so it may arrive after the next birth; retained ones arrive again at will.
 *
 * Invariants:
 *  T1  Within a boot the higher connection number wins; within a connection death wins over birth.
 *  T2  A later boot of a chain wins over an earlier one.
 *  T3  A death of a boot that is neither the stored one nor after it changes nothing.
 */
import type { StatusMessage } from '../contract.ts';

export interface KnownStatus {
  readonly boot: string;
  readonly connection: number;
  readonly online: boolean;
}

/** `comesAfter(a, b)`: boot a is known to have been started after boot b. */
export function supersedes(
  incoming: StatusMessage,
  stored: KnownStatus | null,
  comesAfter: (later: string, earlier: string) => boolean,
): boolean {
  if (stored === null) return true;
  if (incoming.boot === stored.boot) {
    if (incoming.connection !== stored.connection) return incoming.connection > stored.connection;
    return stored.online && !incoming.online;
  }
  if (comesAfter(incoming.boot, stored.boot)) return true;
  if (comesAfter(stored.boot, incoming.boot)) return false;
  // Unrelated: an emptied journal, or a fork. A birth is someone alive now; a death may be of the other one.
  return incoming.online;
}

/**
 * Slows guessing of keys down, by address: `burst` wrong keys at once, then one every `refillMs`. While an address has none
 * left nothing of it is judged, the right key neither. IPv6 addresses count by their /64, which one household has whole.
 *
 *  L1  In any time t an address has at most burst + t / refillMs wrong keys judged.
 *  L2  Memory is bounded: the address that failed longest ago is forgotten first.
 */
export interface Limiter {
  /** Milliseconds until a key of this address is judged again; 0: now. */
  waitMs(address: string): number;
  failed(address: string): void;
}

export const burst = 30;
export const refillMs = 10_000;
const maxAddresses = 1_000;

/** `monotonicMs` must never go back. */
export function createLimiter(monotonicMs: () => number): Limiter {
  /** By address: the time at which its burst is whole again. */
  const wholeAt = new Map<string, number>();
  return {
    waitMs: (address) => Math.max(0, (wholeAt.get(groupOf(address)) ?? 0) - monotonicMs() - (burst - 1) * refillMs),
    failed(address) {
      const group = groupOf(address);
      const from = Math.max(monotonicMs(), wholeAt.get(group) ?? 0);
      wholeAt.delete(group);
      wholeAt.set(group, from + refillMs);
      const [oldest] = wholeAt.keys();
      if (wholeAt.size > maxAddresses && oldest !== undefined) wholeAt.delete(oldest);
    },
  };
}

function groupOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address.replace('::ffff:', '');
  const [head = ''] = address.split('::');
  return [...head.split(':'), '0', '0', '0', '0'].slice(0, 4).join(':');
}

/**
 * Slows guessing down. Failures are counted by (address, name) and by address; after some free tries each failure doubles
 * a wait. Counting by name alone would let anybody lock a maintainer out of the alarms.
 *
 *  L1  After `free` failures a further try is answered only when the wait is over; a wait never exceeds `maxWaitMs`.
 *  L2  Memory is bounded: the least recently failed key is forgotten first.
 */
export interface Limiter {
  /** Milliseconds to wait before this try may be made; 0: now. */
  waitMs(address: string, name: string): number;
  failed(address: string, name: string): void;
  /** Takes back the failure that was counted when this try began, and every earlier one of the pair. */
  succeeded(address: string, name: string): void;
}

const free = { pair: 5, address: 30 } as const;
const firstWaitMs = 2_000;
const maxWaitMs = 5 * 60_000;
const forgetMs = 30 * 60_000;
const maxKeys = 1_000;

interface Count {
  readonly failures: number;
  readonly atMs: number;
}

const pairKey = (address: string, name: string) => `p ${address} ${name}`;
const addressKey = (address: string) => `a ${address}`;

/** `monotonicMs` must never go back. */
export function createLimiter(monotonicMs: () => number): Limiter {
  const counts = new Map<string, Count>();

  const waitOf = (key: string, allowed: number): number => {
    const count = counts.get(key);
    if (count === undefined || count.failures < allowed) return 0;
    const waitMs = Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(20, count.failures - allowed));
    return Math.max(0, count.atMs + waitMs - monotonicMs());
  };
  const count = (key: string): void => {
    const now = monotonicMs();
    const old = counts.get(key);
    const failures = old === undefined || now - old.atMs > forgetMs ? 1 : old.failures + 1;
    counts.delete(key);
    counts.set(key, { failures, atMs: now });
    if (counts.size > maxKeys) {
      const [oldest] = counts.keys();
      if (oldest !== undefined) counts.delete(oldest);
    }
  };

  return {
    waitMs: (address, name) =>
      Math.max(waitOf(pairKey(address, name), free.pair), waitOf(addressKey(address), free.address)),
    failed(address, name) {
      count(pairKey(address, name));
      count(addressKey(address));
    },
    succeeded(address, name) {
      counts.delete(pairKey(address, name));
      const old = counts.get(addressKey(address));
      if (old !== undefined) counts.set(addressKey(address), { ...old, failures: Math.max(0, old.failures - 1) });
    },
  };
}

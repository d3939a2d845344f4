/**
 * Births and deaths on their way to the store, one after another.
 *
 * Invariants (test/unit/bridge/statuses.test.ts):
 *  S1  A status waits while the store is down and is stored afterwards: no gateway tells it a second time.
 *  S2  At most `maxStatuses` wait; one more is dropped and counted.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { StatusMessage } from './contract.ts';
import { BridgeError } from './errors.ts';
import { reasonOf } from './files.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { BridgeStore, Fork } from './store/bridge-store.ts';

export const maxStatuses = 10_000;
const waitMs = { first: 500, most: 15_000 } as const;

export interface StatusParts {
  readonly store: Pick<BridgeStore, 'applyStatus' | 'troubleOf'>;
  readonly metrics: BridgeMetrics;
  readonly nowMs: () => number;
  readonly onFork: (fork: Fork) => void;
  /** It is the newest, and no other worker had it before. */
  readonly onTaken?: (status: StatusMessage) => void;
  readonly report: (error: BridgeError) => void;
  /** Resolves after that many milliseconds, or at once when the signal says stop. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const sleep = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal, ref: false }).catch(() => undefined);

export class Statuses {
  readonly #parts: StatusParts;
  readonly #waiting: { readonly site: string; readonly status: StatusMessage; readonly receivedMs: number }[] = [];
  readonly #stop = new AbortController();
  #draining: Promise<void> | null = null;

  constructor(parts: StatusParts) {
    this.#parts = parts;
  }

  accept(site: string, status: StatusMessage): void {
    if (this.#stop.signal.aborted) return;
    if (this.#waiting.length >= maxStatuses) {
      this.#parts.metrics.dropped.status += 1;
      return;
    }
    this.#waiting.push({ site, status, receivedMs: this.#parts.nowMs() });
    this.#draining ??= this.#drain();
  }

  /** Stores what waits, if the store takes it at the first try; then takes nothing more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#draining;
  }

  async #drain(): Promise<void> {
    const { store, metrics, onFork, report } = this.#parts;
    let delayMs: number = waitMs.first;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        const { taken, forks } = await store.applyStatus(next.site, next.status, next.receivedMs);
        metrics.statuses[taken ? 'taken' : 'older'] += 1;
        for (const fork of forks) onFork(fork);
        if (taken) this.#parts.onTaken?.(next.status);
        delayMs = waitMs.first;
      } catch (error) {
        if (delayMs === waitMs.first) {
          report(
            new BridgeError('storeUnwritable', `a status could not be stored: ${reasonOf(error)}`, { cause: error }),
          );
        }
        if (store.troubleOf(error) !== null && !this.#stop.signal.aborted) {
          await (this.#parts.wait ?? sleep)(delayMs, this.#stop.signal);
          delayMs = Math.min(waitMs.most, delayMs * 2);
          continue;
        }
        metrics.dropped.status += 1;
      }
      this.#waiting.shift();
    }
    this.#draining = null;
  }
}

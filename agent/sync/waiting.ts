/**
 * The store's side of the uplink: what waits, taken, sealed, counted and let go. Every refusal of the store is a line of the
 * log and a retry by the caller, never an exception.
 */
import type { Lane } from '../../cloud-bridge/contract.ts';
import type { OutboxCounts, SealContext, SealedBatch, TakeRequest } from '../store/outbox.ts';
import type { UplinkOptions } from './uplink-ports.ts';
import type { WindowEffect } from './window.ts';

const housekeepingMs = 1_000;
const defaultBacklogAfterMs = 120_000;
/** So many waiting records are sealed while there is no uplink. */
const compactAfterRecords = 2_000;

type LoadEffect = Extract<WindowEffect, { kind: 'load' }>;
type Linger = Pick<TakeRequest, 'lingerMs' | 'minuteLingerMs'>;
type Settlement = Extract<WindowEffect, { kind: 'settle' }>['settlement'];

export class Waiting {
  readonly #o: UplinkOptions;
  readonly #isConnected: () => boolean;
  #counts: OutboxCounts | null = null;
  #stale = true;
  #running = false;
  #housekeeping: NodeJS.Timeout | null = null;
  #unsubscribe: () => void = () => undefined;
  #begin: () => boolean = () => true;
  #begun = false;

  constructor(options: UplinkOptions, isConnected: () => boolean) {
    this.#o = options;
    this.#isConnected = isConnected;
  }

  /**
   * `onCommitted` is called whenever something new waits; `begin` at each turn until it gives true, and before that nothing is
   * sealed. Resolves when the counts were read.
   */
  async start(onCommitted: () => void, begin: () => boolean): Promise<void> {
    this.#running = true;
    this.#begin = begin;
    this.#unsubscribe = this.#o.store.onCommitted(() => {
      this.#stale = true;
      onCommitted();
    });
    this.#housekeeping = setInterval(() => void this.#keepHouse(), housekeepingMs);
    await this.#refresh();
    this.#mayBegin();
  }

  #mayBegin(): boolean {
    if (this.#running && !this.#begun) this.#begun = this.#begin();
    return this.#begun;
  }

  stop(): void {
    this.#running = false;
    this.#unsubscribe();
    if (this.#housekeeping !== null) clearInterval(this.#housekeeping);
    this.#housekeeping = null;
  }

  /** As last read, at most a second old; null before the first. */
  get counts(): OutboxCounts | null {
    return this.#counts;
  }

  /** The oldest batches of a lane, those in `exclude` not; null when the store could not. */
  async take(lane: Lane, limit: number, exclude: LoadEffect['exclude'], linger: Linger) {
    const { store, backlogAfterMs = defaultBacklogAfterMs } = this.#o;
    const request = { lane, limit, exclude, seal: this.#sealContext(), ...linger, backlogAfterMs };
    return store.take(request).catch((error: unknown) => this.#failed('take', error));
  }

  /** The alerts that are active now, ahead of their history; empty when the store could not. */
  async snapshot(): Promise<readonly SealedBatch[]> {
    const sealing = this.#o.store.sealSnapshot(this.#sealContext());
    return (await sealing.catch((error: unknown) => this.#failed('make a snapshot', error))) ?? [];
  }

  /** A batch has left for the `sends`th time. */
  noteSent(batch: SealedBatch, sends: number): void {
    const noting = this.#o.store.noteSent([batch], this.#o.clock.wallMs());
    noting.then(
      () => {
        // Where answers stay away nothing else makes the counts be read anew.
        if (sends > 1) this.#stale = true;
      },
      (error: unknown) => this.#failed('count a send', error),
    );
  }

  /** Whether the answer changed anything; null when the store could not note it. */
  async settle(settlement: Settlement): Promise<boolean | null> {
    const settling = this.#o.store.settle({ ...settlement, atMs: this.#o.clock.wallMs() });
    const changed = await settling.catch((error: unknown) => this.#failed('note an answer', error));
    if (changed !== null) this.#stale = true;
    return changed;
  }

  /** An evidence file was let go: the counts are not what they were. */
  fileSettled(): void {
    this.#stale = true;
  }

  async #keepHouse(): Promise<void> {
    if (this.#stale) await this.#refresh();
    if (!this.#mayBegin()) return;
    const unsealed = this.#counts?.unsealed.other ?? 0;
    if (this.#isConnected() || unsealed < compactAfterRecords) return;
    // Without uplink the waiting records are sealed: compressed they take a tenth of the room.
    this.#stale = true;
    const sealing = this.#o.store.sealBacklog({ seal: this.#sealContext(), lingerMs: 0, backlogAfterMs: 0 });
    await sealing.catch((error: unknown) => this.#failed('seal the backlog', error));
  }

  async #refresh(): Promise<void> {
    this.#stale = false;
    const counts = await this.#o.store
      .outboxCounts()
      .catch((error: unknown) => this.#failed('count the outbox', error));
    if (counts !== null) this.#counts = counts;
  }

  #failed(doing: string, error: unknown): null {
    // After stop the store may be closed before a last answer is noted; the bridge will say `repeat` next time.
    if (!this.#running) return null;
    this.#o.log('warn', `uplink: the store could not ${doing}`, {
      error: error instanceof Error ? error.message : String(error),
    });
    return null;
  }

  #sealContext(): SealContext {
    const { site, gateway, clock, clockState } = this.#o;
    return { site, gateway, clock: clockState(), nowMs: clock.wallMs() };
  }
}

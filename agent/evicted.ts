/**
 * What the store removed or folded, told to the bridge: the store's notes become events, one after the other. The event marks its note
 * as told in the transaction that stores it, so a note is asked for again until it is.
 */
import type { DraftOf } from './records.ts';
import type { GapNote } from './store/gaps.ts';
import { evictedEvent } from './store/evicted-event.ts';

const askEveryMs = 10_000;

export interface EvictedPorts {
  /** Notes that are due. */
  notes(): Promise<readonly GapNote[]>;
  /** Resolves when their events are durable. */
  tell(notes: readonly GapNote[]): Promise<void>;
}

/**
 * The gap as a record: `step` is what of (`ring`, `acked-minutes` …), `why` is `age` or `room`, `fromMs` and `toMs` the span, `records`
 * how many went, `folded` whether their hours are still there.
 */
export function evictedDraft(note: GapNote, nowMs: number): Omit<DraftOf<'event'>, 'kind'> {
  const { id, step, why, fromMs, toMs, records, bytes } = note;
  const folded = step.endsWith('-minutes');
  const data = { note: id, step, why, toMs, records, bytes, folded };
  return { machine: 'gateway', atMs: Math.round(nowMs), event: evictedEvent, phase: 'instant', fromMs, data };
}

/** Asks the store now and then. Only one question at a time: a note under way is not told again. */
export class EvictedTeller {
  readonly #ports: EvictedPorts;
  #timer: NodeJS.Timeout | null = null;
  #asking = false;

  constructor(ports: EvictedPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.ask(), askEveryMs);
  }
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const notes = await this.#ports.notes();
      if (notes.length > 0) await this.#ports.tell(notes);
    } catch {
      // The store says itself what it refuses; the notes are there the next time.
    } finally {
      this.#asking = false;
    }
  }
}

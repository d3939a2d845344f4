/** One machine's questions on its bus, and how long its answers take. At most one is under way (the poller waits for it). */
import type { MachineFeed } from '../feed.ts';
import type { Bus } from './bus.ts';
import type { SignalItem } from './decode.ts';
import type { ReadRequest, Reply } from './pdu.ts';
import { functionOfTable, type Block } from './plan.ts';
import type { Refusals } from './refusals.ts';

/** Shortest time a silent machine gets for its answer, in ms. */
const minShortMs = 250;

export interface AskerParts {
  readonly unit: number;
  readonly timeoutMs: number;
  /** Other machines wait while this one is asked. */
  readonly sharesLine: boolean;
  readonly feed: MachineFeed;
  readonly refusals: Refusals;
  readonly monotonicMs: () => number;
  /** Called at every answer, good or exception. */
  readonly onAnswer: () => void;
}

export class Asker {
  readonly #parts: AskerParts;
  #replyMs = 0;

  constructor(parts: AskerParts) {
    this.#parts = parts;
  }

  /** Another connection: how long answers take is not known. */
  restart(): void {
    this.#replyMs = 0;
  }

  /** A few times as long as its last answer took, waiting for its turn included, in ms. */
  get shortMs(): number {
    return Math.min(this.#parts.timeoutMs, Math.max(minShortMs, 4 * this.#replyMs));
  }

  /** How long a poll waits for its answer: on a shared line no longer than this machine has shown to need, in ms. */
  get pollMs(): number {
    return this.#parts.sharesLine && this.#replyMs > 0 ? this.shortMs : this.#parts.timeoutMs;
  }

  /** @param deadlineMs monotonic; of what waits for the bus, the earliest goes first */
  async ask(bus: Bus, block: Block<SignalItem>, timeoutMs: number, deadlineMs: number): Promise<Reply> {
    const { unit, feed, refusals, monotonicMs, onAnswer } = this.#parts;
    const request: ReadRequest = { unit, fn: functionOfTable[block.table], address: block.address, count: block.count };
    const startMs = monotonicMs();
    feed.requested();
    const reply = await bus.read(request, timeoutMs, deadlineMs);
    if (reply.kind === 'data') {
      this.#replyMs = monotonicMs() - startMs;
      refusals.worked(block.table, block.count);
    } else feed.failed();
    if (reply.kind !== 'failed') onAnswer();
    return reply;
  }
}

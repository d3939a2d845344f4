/**
 * How the blocks of one poll class stand with the machine: which work, which are refused, what is still searched. Pure.
 *
 * Invariants:
 *  - Every signal of the class is in exactly one part, whatever was cut or put together.
 *  - Only what was refused alone is kept apart; what works is read in as few requests as the limits and refusals allow.
 */
import type { SignalItem } from './decode.ts';
import type { Block } from './plan.ts';
import type { Cut, Refusals } from './refusals.ts';

export interface Part {
  readonly block: Block<SignalItem>;
  /** `open`: refused, and not yet searched for what of it is refused. */
  status: 'unknown' | 'good' | 'bad' | 'open';
  /** bad because the machine refuses it, not for want of an answer. */
  isRefused: boolean;
  failures: number;
  /** Until then a bad part is not asked and its signals are bad with `reason`. */
  restUntilMs: number;
  reason: string;
  /** The block it is a half of, until it has worked. */
  cut: Cut<SignalItem> | null;
}

export function fresh(block: Block<SignalItem>, cut: Cut<SignalItem> | null = null): Part {
  return { block, status: 'unknown', isRefused: false, failures: 0, restUntilMs: 0, reason: '', cut };
}

export class PollClass {
  readonly intervalMs: number;
  dueMs = 0;
  parts: Part[] = [];
  /** Something was cut, or works again: what works is to be planned anew. */
  isChanged = false;
  readonly #items: readonly SignalItem[];

  constructor(items: readonly SignalItem[], intervalMs: number) {
    this.#items = items;
    this.intervalMs = intervalMs;
  }

  /** As if nothing had been asked yet, but for what is known to be refused as a whole. */
  restart(refusals: Refusals, nowMs: number): void {
    this.parts = refusals.plan(this.#items).map((block) => fresh(block));
    this.isChanged = false;
    this.dueMs = nowMs;
  }

  /** Puts together what works, once nothing is searched any more and no part is bad only for want of an answer. */
  settle(refusals: Refusals): void {
    const { parts } = this;
    if (!this.isChanged || !parts.every((part) => part.status === 'good' || part.isRefused)) return;
    this.isChanged = false;
    const refused = parts.filter((part) => part.isRefused);
    const works = parts.filter((part) => !part.isRefused).flatMap((part) => part.block.items);
    const blocks = refusals.plan(
      works,
      refused.map(({ block: { table, address, count } }) => ({ table, address, length: count })),
    );
    this.parts = [...blocks.map((block) => fresh(block)), ...refused];
  }

  get isAllBad(): boolean {
    return this.parts.every((part) => part.status === 'bad');
  }

  get isAllRefused(): boolean {
    return this.parts.every((part) => part.isRefused);
  }
}

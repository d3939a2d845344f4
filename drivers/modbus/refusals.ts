/**
 * What one machine refuses (exceptions 2 and 3, MODBUS Application Protocol V1.1b3 §7), and what follows from it. Pure.
 *
 * A refused block is halved, and its refused halves again, until the refused span stands alone: one refused span among n costs
 * 2·⌈log₂ n⌉ requests. Where both halves of a refused block work, it is not an address that is refused but the read as a whole; it
 * is asked once more, because one wrong answer must not make all later reads short, and if refused again
 *  - unasked addresses between the halves are not bridged any more;
 *  - else the machine refuses long reads, and no more is asked of that table at once than the longer half had;
 *  - unless a read as long has worked elsewhere: then the two halves lie in areas that are read apart.
 *
 * Invariants:
 *  - Every confirmed refusal adds one fact, and no later plan repeats a read that a fact rules out; so the search ends.
 *  - Limits only fall. All of it is kept for the life of the connection and forgotten with it.
 */
import { functionOfTable, planBlocks, type Block, type Learned, type PlanItem, type PlanLimits } from './plan.ts';
import type { Table } from './plan.ts';

/** A refused block and how its halves fared. */
export interface Cut<Item extends PlanItem> {
  readonly block: Block<Item>;
  readonly halves: readonly [Block<Item>, Block<Item>];
  goods: number;
}

export class Refusals {
  readonly #bounds: PlanLimits;
  readonly #limits = new Map<Table, number>();
  #spans: PlanItem[] = [];
  /** Longest read that worked, by function. */
  readonly #longest = new Uint16Array(5);

  constructor(bounds: PlanLimits) {
    this.#bounds = bounds;
  }

  /** Another connection may lead to another machine. */
  forget(): void {
    this.#limits.clear();
    this.#spans = [];
    this.#longest.fill(0);
  }

  /** A read of `count` addresses worked. */
  worked(table: Table, count: number): void {
    const fn = functionOfTable[table];
    if (count > (this.#longest[fn] ?? 0)) this.#longest[fn] = count;
  }

  /** Both halves of a refused block work, and the block was refused again. */
  learn({ block, halves: [first, second] }: Cut<PlanItem>): void {
    const { table } = block;
    const end = first.address + first.count;
    const gap = second.address - end;
    if (gap > 0) this.#spans.push({ table, address: end, length: gap });
    else if (gap < 0) this.#spans.push({ table, address: block.address, length: block.count });
    else if ((this.#longest[functionOfTable[table]] ?? 0) >= block.count) {
      this.#spans.push({ table, address: end - 1, length: 2 });
    } else this.#limits.set(table, Math.max(first.count, second.count));
  }

  /** @param refused spans that are refused by themselves */
  plan<Item extends PlanItem>(items: readonly Item[], refused: readonly PlanItem[] = []): Block<Item>[] {
    const learned: Learned = { limits: this.#limits, refused: [...this.#spans, ...refused] };
    return planBlocks(items, this.#bounds, learned);
  }
}

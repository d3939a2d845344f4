/**
 * Which reads bring all signals of a machine in few requests. Pure.
 *
 * Invariants:
 *  - Every item is in exactly one block, whole.
 *  - No block is longer than the cap, and none reads more than `maxGap` unasked addresses in a row. An item longer than the cap is
 *    a block by itself.
 *  - No block of several items contains a span that is known to be refused.
 *  - Tables are never mixed in a block; the caller plans each unit and poll class for itself.
 *  - Blocks of one table do not overlap, unless items themselves overlap.
 *  - Halving ends: of n spans that can be told apart, one is alone after ⌈log₂ n⌉ cuts.
 */
import type { ModbusTable } from '../profiles/modbus.ts';
import type { ReadFunction } from './pdu.ts';

export type Table = ModbusTable;

export const functionOfTable: Readonly<Record<Table, ReadFunction>> = { coil: 1, discrete: 2, holding: 3, input: 4 };

export interface PlanItem {
  readonly table: Table;
  /** Protocol address, from 0. */
  readonly address: number;
  /** Registers, or bits in the tables of bits. */
  readonly length: number;
}

export interface Block<Item extends PlanItem> {
  readonly table: Table;
  readonly address: number;
  readonly count: number;
  /** In the order of their addresses. */
  readonly items: readonly Item[];
}

export interface PlanLimits {
  /** Registers in one read; 16 times as many bits, up to the 2000 of V1.1b3 §6.1. */
  readonly maxRegisters: number;
  /** Unasked registers that may be read along to save a request; 16 times as many bits. */
  readonly maxGapRegisters: number;
}

/** What the caller has learned of one machine, beyond what its profile says. */
export interface Learned {
  /** The most addresses of a table that the machine gives at once, where less than the profile says. */
  readonly limits: ReadonlyMap<Table, number>;
  /** Spans that the machine refuses whenever a read contains them whole. */
  readonly refused: readonly PlanItem[];
}
const nothingLearned: Learned = { limits: new Map(), refused: [] };

export function planBlocks<Item extends PlanItem>(
  items: readonly Item[],
  limits: PlanLimits,
  learned: Learned = nothingLearned,
): Block<Item>[] {
  const blocks: Block<Item>[] = [];
  const tables = [...new Set(items.map((item) => item.table))];
  for (const table of tables) {
    const perAddress = functionOfTable[table] <= 2 ? 16 : 1;
    const cap = Math.min(
      limits.maxRegisters * perAddress,
      perAddress === 16 ? 2000 : 125,
      learned.limits.get(table) ?? Number.POSITIVE_INFINITY,
    );
    const maxGap = limits.maxGapRegisters * perAddress;
    const refused = learned.refused.filter((span) => span.table === table);
    const mayBeOne = (from: number, to: number): boolean =>
      to - from <= cap && !refused.some((span) => from <= span.address && span.address + span.length <= to);
    const sorted = items.filter((item) => item.table === table).sort(bySpan);
    let open: Item[] = [];
    let end = 0;
    for (const item of sorted) {
      const first = open[0];
      const newEnd = Math.max(end, item.address + item.length);
      if (first !== undefined && isCovered(item, first, end)) {
        // Nothing more is read for it.
        open.push(item);
        continue;
      }
      if (first !== undefined && item.address - end <= maxGap && mayBeOne(first.address, newEnd)) {
        open.push(item);
        end = newEnd;
        continue;
      }
      if (first !== undefined) blocks.push(blockOf(open));
      open = [item];
      end = item.address + item.length;
    }
    if (open.length > 0) blocks.push(blockOf(open));
  }
  return blocks;
}

function isCovered(item: PlanItem, first: PlanItem, end: number): boolean {
  return item.address >= first.address && item.address + item.length <= end;
}

function bySpan(a: PlanItem, b: PlanItem): number {
  return a.address - b.address || a.length - b.length;
}

/**
 * Two blocks with half the spans each, to find which one a machine refuses; null when all items have the same span. Items that
 * overlap are told apart too, so that a refused second half of a long value does not condemn what shares the first half.
 */
export function splitBlock<Item extends PlanItem>(block: Block<Item>): readonly [Block<Item>, Block<Item>] | null {
  const cuts: number[] = [];
  for (const [at, item] of block.items.entries()) {
    const before = block.items[at - 1];
    if (before !== undefined && bySpan(before, item) !== 0) cuts.push(at);
  }
  const cut = cuts[(cuts.length - 1) >> 1];
  if (cut === undefined) return null;
  return [blockOf(block.items.slice(0, cut)), blockOf(block.items.slice(cut))];
}

/** `items` must not be empty and be in the order of their addresses. */
function blockOf<Item extends PlanItem>(items: readonly Item[]): Block<Item> {
  const first = items[0];
  const address = first?.address ?? 0;
  const end = items.reduce((end, item) => Math.max(end, item.address + item.length), address);
  return { table: first?.table ?? 'holding', address, count: end - address, items };
}

/**
 * Which reads bring all signals of a machine in few requests. Pure.
 *
 * Invariants:
 *  - Every item is in exactly one block, whole.
 *  - No block is longer than the cap, and none reads more than `maxGap` unasked addresses in a row.
 *  - Tables are never mixed in a block; the caller plans each unit and poll class for itself.
 *  - Blocks of one table do not overlap, unless items themselves overlap across the cap.
 */
import type { modbusTables } from '../profiles/schema.ts';
import type { ReadFunction } from './pdu.ts';

export type Table = (typeof modbusTables)[number];

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

export function planBlocks<Item extends PlanItem>(items: readonly Item[], limits: PlanLimits): Block<Item>[] {
  const blocks: Block<Item>[] = [];
  const tables = [...new Set(items.map((item) => item.table))];
  for (const table of tables) {
    const perAddress = functionOfTable[table] <= 2 ? 16 : 1;
    const cap = Math.min(limits.maxRegisters * perAddress, perAddress === 16 ? 2000 : 125);
    const maxGap = limits.maxGapRegisters * perAddress;
    const sorted = items
      .filter((item) => item.table === table)
      .sort((a, b) => a.address - b.address || a.length - b.length);
    let open: Item[] = [];
    let end = 0;
    for (const item of sorted) {
      const first = open[0];
      const newEnd = Math.max(end, item.address + item.length);
      if (first !== undefined && item.address - end <= maxGap && newEnd - first.address <= cap) {
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

/**
 * Two smaller blocks with the same items, to find which one a machine refuses; null when there is nothing to cut. The cut
 * is at the widest gap, because unasked addresses are the likeliest culprits, else near the middle.
 */
export function splitBlock<Item extends PlanItem>(block: Block<Item>): readonly [Block<Item>, Block<Item>] | null {
  const middle = block.address + block.count / 2;
  let cut: { readonly at: number; readonly gap: number; readonly distance: number } | null = null;
  let end = block.address;
  for (const [at, item] of block.items.entries()) {
    const gap = item.address - end;
    const distance = Math.abs(item.address - middle);
    if (at > 0 && gap >= 0 && (cut === null || gap > cut.gap || (gap === cut.gap && distance < cut.distance))) {
      cut = { at, gap, distance };
    }
    end = Math.max(end, item.address + item.length);
  }
  if (cut === null) return null;
  return [blockOf(block.items.slice(0, cut.at)), blockOf(block.items.slice(cut.at))];
}

/** `items` must not be empty and be in the order of their addresses. */
function blockOf<Item extends PlanItem>(items: readonly Item[]): Block<Item> {
  const first = items[0];
  const address = first?.address ?? 0;
  const end = items.reduce((end, item) => Math.max(end, item.address + item.length), address);
  return { table: first?.table ?? 'holding', address, count: end - address, items };
}

/** The planner's promises, over arbitrary maps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { planBlocks, splitBlock, type Block, type PlanItem } from '../../../drivers/modbus/plan.ts';

const item = fc.record({
  table: fc.constantFrom('holding' as const, 'input' as const, 'coil' as const, 'discrete' as const),
  address: fc.integer({ min: 0, max: 400 }),
  length: fc.constantFrom(1, 1, 1, 2, 4),
});
const limits = fc.record({
  maxRegisters: fc.integer({ min: 4, max: 125 }),
  maxGapRegisters: fc.integer({ min: 0, max: 20 }),
});

/** Without items that overlap and are not the same: then nothing may be read twice. */
function disjoint(items: readonly PlanItem[]): PlanItem[] {
  const kept: PlanItem[] = [];
  for (const one of items) {
    const clashes = kept.some(
      (other) =>
        other.table === one.table &&
        one.address < other.address + other.length &&
        other.address < one.address + one.length &&
        !(one.address === other.address && one.length === other.length),
    );
    if (!clashes) kept.push(one);
  }
  return kept;
}

function covers(block: Block<PlanItem>, one: PlanItem): boolean {
  return (
    block.table === one.table && one.address >= block.address && one.address + one.length <= block.address + block.count
  );
}

test('every item is in exactly one block, whole; no block is over the cap or bridges more than the gap', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), limits, (items, bounds) => {
      const blocks = planBlocks(items, bounds);
      assert.deepEqual(new Set(blocks.flatMap((block) => block.items)), new Set(items));
      assert.equal(blocks.flatMap((block) => block.items).length, items.length);
      for (const block of blocks) {
        const per = block.table === 'coil' || block.table === 'discrete' ? 16 : 1;
        assert.ok(block.count <= bounds.maxRegisters * per && block.count <= (per === 16 ? 2000 : 125));
        assert.ok(block.items.every((one) => covers(block, one)));
        assert.equal(block.items[0]?.address, block.address);
        let end = block.address;
        for (const one of block.items) {
          assert.ok(one.address - end <= bounds.maxGapRegisters * per);
          end = Math.max(end, one.address + one.length);
        }
        assert.equal(end, block.address + block.count);
      }
    }),
  );
});

test('every asked address is read exactly once', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), limits, (any, bounds) => {
      const items = disjoint(any);
      const blocks = planBlocks(items, bounds);
      for (const one of items) assert.equal(blocks.filter((block) => covers(block, one)).length, 1);
      for (const a of blocks) {
        for (const b of blocks) {
          const overlap =
            a !== b && a.table === b.table && a.address < b.address + b.count && b.address < a.address + a.count;
          assert.ok(!overlap, 'blocks do not overlap');
        }
      }
    }),
  );
});

test('splitting loses nothing, always gets smaller and ends with items that cannot be told apart', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 40 }), limits, (items, bounds) => {
      const open = planBlocks(items, bounds);
      const ends: Block<PlanItem>[] = [];
      for (let block = open.pop(); block !== undefined; block = open.pop()) {
        const halves = splitBlock(block);
        if (halves === null) ends.push(block);
        else {
          for (const half of halves) assert.ok(half.items.length > 0 && half.items.length < block.items.length);
          open.push(...halves);
        }
      }
      assert.equal(ends.flatMap((block) => block.items).length, items.length);
      for (const block of ends) assert.ok(block.count <= Math.max(...block.items.map((one) => one.length)) * 2);
    }),
  );
});

test('the cut is at the widest gap, because nobody asked for those registers', () => {
  const items: PlanItem[] = [0, 1, 2, 8, 9].map((address) => ({ table: 'input', address, length: 1 }));
  const [block] = planBlocks(items, { maxRegisters: 125, maxGapRegisters: 8 });
  assert.ok(block !== undefined);
  const halves = splitBlock(block);
  assert.deepEqual(
    halves?.map((half) => [half.address, half.count]),
    [
      [0, 3],
      [8, 2],
    ],
  );
});

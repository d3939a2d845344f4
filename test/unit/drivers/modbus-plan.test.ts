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

test('splitting loses nothing, always gets smaller and ends with items of one span', () => {
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
      for (const block of ends) assert.ok(block.items.every((one) => one.length === block.count));
    }),
  );
});

test('a block is halved by its spans, and values that overlap are told apart', () => {
  const cut = (spans: readonly (readonly [number, number])[]) => {
    const items = spans.map(([address, length]): PlanItem => ({ table: 'input', address, length }));
    const [block] = planBlocks(items, { maxRegisters: 125, maxGapRegisters: 8 });
    assert.ok(block !== undefined);
    return splitBlock(block)?.map((half) => [half.address, half.count]) ?? null;
  };
  // oxfmt-ignore
  assert.deepEqual(cut([[0, 1], [1, 1], [2, 1], [8, 1], [9, 1]]), [[0, 2], [2, 8]]);
  // oxfmt-ignore
  assert.deepEqual(cut([[4, 1], [4, 1], [4, 2]]), [[4, 1], [4, 2]]);
  assert.equal(cut([[4, 1], [4, 1]]), null); // oxfmt-ignore
});

test('n spans are told apart after ⌈log₂ n⌉ cuts', () => {
  for (let n = 1; n <= 125; n += 1) {
    let open = planBlocks(
      Array.from({ length: n }, (_, address): PlanItem => ({ table: 'input', address, length: 1 })),
      { maxRegisters: 125, maxGapRegisters: 0 },
    );
    for (let depth = 0; depth < Math.ceil(Math.log2(n)); depth += 1) open = open.flatMap((b) => splitBlock(b) ?? [b]);
    assert.ok(open.every((block) => block.count === 1), `${n}`); // oxfmt-ignore
  }
});

test('no block of several items is over a learned limit or contains a refused span', () => {
  const spans = fc.array(item, { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), limits, spans, fc.integer({ min: 1, max: 50 }), (...args) => {
      const [items, bounds, refused, limit] = args;
      const learned = { limits: new Map([['holding' as const, limit]]), refused };
      const blocks = planBlocks(items, bounds, learned);
      assert.equal(blocks.flatMap((block) => block.items).length, items.length);
      for (const block of blocks) {
        assert.ok(block.items.every((one) => covers(block, one)));
        // What one item needs is asked whatever is known.
        if (block.items.some((one) => one.address === block.address && one.length === block.count)) continue;
        assert.ok(block.table !== 'holding' || block.count <= limit);
        assert.ok(!refused.some((span) => covers(block, span)));
      }
    }),
  );
});

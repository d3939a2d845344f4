import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addNumbers, type Range } from '../../../cloud-bridge/store/ledger.ts';

const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });

test('L1 L2: ranges are the union, sorted and apart; fresh numbers are those that were not in it', () => {
  fc.assert(
    fc.property(fc.array(numbers, { maxLength: 6 }), (groups) => {
      let ranges: readonly Range[] = [];
      const model = new Set<number>();
      for (const group of groups) {
        const expectedFresh = new Set(group.filter((n) => !model.has(n)));
        const added = addNumbers(ranges, group);
        for (const n of group) model.add(n);
        assert.deepEqual(
          [...added.fresh].sort((a, b) => a - b),
          [...expectedFresh].sort((a, b) => a - b),
        );
        ranges = added.ranges;
        for (const [at, range] of ranges.entries()) {
          assert.ok(range.from <= range.to);
          const before = ranges[at - 1];
          if (before !== undefined) assert.ok(before.to + 1 < range.from, 'ranges touch');
        }
        const held = ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
        assert.deepEqual(
          held,
          [...model].sort((a, b) => a - b),
        );
      }
    }),
  );
});

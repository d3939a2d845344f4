import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CropBudget, cropLimit } from '../../../agent/senses/eye/crop-budget.ts';

test('B1, B2: in any minute a machine brings at most twelve crops; the others are counted, and another machine is not kept short', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ machine: fc.constantFrom('a', 'b'), afterMs: fc.nat(15_000) }), { maxLength: 300 }),
      (asked) => {
        const budget = new CropBudget();
        const through = { a: [] as number[], b: [] as number[] };
        const held = { a: 0, b: 0 };
        let nowMs = 0;
        for (const { machine, afterMs } of asked) {
          nowMs += afterMs;
          const name = machine === 'a' ? 'a' : 'b';
          const others = through[name].filter((atMs) => nowMs - atMs < 60_000).length;
          if (budget.allows(name, nowMs)) through[name].push(nowMs);
          else {
            held[name] += 1;
            assert.equal(others, 12, 'only when the minute is full');
          }
        }
        for (const name of ['a', 'b'] as const) {
          for (const fromMs of through[name]) {
            assert.ok(through[name].filter((atMs) => atMs >= fromMs && atMs < fromMs + 60_000).length <= 12);
          }
          assert.equal(budget.heldBack(name), held[name]);
        }
      },
    ),
  );
  assert.deepEqual(cropLimit, { most: 12, windowMs: 60_000 });
});

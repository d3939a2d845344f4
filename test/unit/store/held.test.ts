import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Held, type Holdable } from '../../../agent/store/held.ts';

const job = fc.record({ records: fc.integer({ min: 1, max: 9 }), precious: fc.boolean() });

test('H1, H2: bounded, minutes dropped before alerts, and every job comes back once', () => {
  fc.assert(
    fc.property(fc.array(job, { maxLength: 60 }), (jobs) => {
      const held = new Held<Holdable>(20);
      const out: Holdable[] = [];
      const inside = new Set<Holdable>();
      for (const one of jobs) {
        inside.add(one);
        for (const dropped of held.add(one)) {
          if (dropped.precious)
            assert.ok(
              [...inside].every(({ precious }) => precious),
              'a minute was still there',
            );
          inside.delete(dropped);
          out.push(dropped);
        }
        assert.ok(held.records <= 20);
      }
      const precious = held.take('precious');
      assert.ok(precious.every((one) => one.precious));
      out.push(...precious, ...held.take('all'));
      assert.equal(held.records, 0);
      assert.deepEqual(new Set(out), new Set(jobs));
      assert.equal(out.length, jobs.length);
    }),
  );
});

test('what waits is given back in the order it came', () => {
  const held = new Held<Holdable & { readonly name: string }>(10);
  for (const name of ['a', 'b', 'c']) held.add({ name, records: 1, precious: name === 'b' });
  assert.deepEqual(
    held.take('all').map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alarmsIn } from '../../../agent/web/alarms.ts';
import type { Alert } from '../../../agent/web/floor-state.ts';

const states = ['active-unacked', 'active-acked', 'returned-unacked', 'latched', 'shelved', 'normal'] as const;
const some = fc.array(
  fc.record({
    occurrence: fc.constantFrom('a', 'b', 'c', 'd'),
    priority: fc.constantFrom('urgent', 'high', 'medium', 'low'),
    state: fc.constantFrom(...states),
  }),
  { maxLength: 4 },
) as unknown as fc.Arbitrary<Alert[]>;

test('each new urgent or high alert that waits for somebody sounds once, and nothing at the first look', () => {
  fc.assert(
    fc.property(fc.array(some, { maxLength: 8 }), (looks) => {
      let known: ReadonlySet<string> | null = null;
      for (const alerts of looks) {
        const { fresh, open } = alarmsIn(alerts, known);
        if (known === null) assert.deepEqual(fresh, []);
        for (const alert of fresh) {
          assert.ok(alert.priority === 'urgent' || alert.priority === 'high');
          assert.ok(!known?.has(alert.occurrence));
          assert.ok(alert.state !== 'active-acked' && alert.state !== 'shelved' && alert.state !== 'normal');
        }
        assert.deepEqual(alarmsIn(alerts, open).fresh, [], 'the same again is no news');
        known = open;
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageSources } from '../../../agent/page-sources.ts';
import { createFloor } from './floor.ts';

test('a past alert carries the runbook its rule has today, and none when the rule is gone', async () => {
  const record = (rule: string) => ({ machine: 'ls-1', rule, state: 'normal', transition: 'closed' });
  const sources = pageSources({
    pipeline: {
      machinesView: () => [],
      alertsView: () => [],
      alertAction: () => ({ outcome: 'not-open', durable: Promise.resolve() }),
      runbook: (machine, rule) => (machine === 'ls-1' && rule === 'oil-low' ? 'Fill up.' : null),
      incident: () => null,
      needles: createFloor().needles,
      fabric: { rollBegin: () => assert.fail('not asked') },
    },
    store: {
      alerts: async () => ({ items: [record('oil-low'), record('gone')] as never[], next: null }),
      summaries: () => assert.fail('not asked'),
      trend: () => assert.fail('not asked'),
      rolls: () => assert.fail('not asked'),
      rollFile: () => assert.fail('not asked'),
      readFile: () => assert.fail('not asked'),
    },
    scores: new Map(),
    uplink: () => assert.fail('not asked'),
    health: () => ({}),
    writes: {} as never,
    cloth: null,
    sound: null,
  });
  const { items } = await sources.alertHistory({ states: ['normal'], machine: null, limit: 10 }, null);
  assert.deepEqual(
    items.map(({ runbook }) => runbook),
    ['Fill up.', null],
  );
});

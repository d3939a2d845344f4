import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noActs } from '../../../agent/alerts/acts.ts';
import { pageSources } from '../../../agent/page-sources.ts';
import { createFloor } from './floor.ts';

test('a past alert carries what people did with it and the runbook its rule has today, and none when the rule is gone', async () => {
  const record = (rule: string) => ({
    occurrence: `o-${rule}`,
    machine: 'ls-1',
    rule,
    state: 'normal',
    transition: 'closed',
  });
  const sources = pageSources({
    pipeline: {
      machinesView: () => [],
      alertsView: () => [],
      alertAction: () => ({ outcome: 'not-open', durable: Promise.resolve() }),
      acts: { told: () => assert.fail('not asked'), state: () => assert.fail('not asked') },
      runbook: (machine, rule) => (machine === 'ls-1' && rule === 'oil-low' ? 'Fill up.' : null),
      incident: () => null,
      needles: createFloor().needles,
      fabric: { rollBegin: () => assert.fail('not asked') },
    },
    store: {
      alerts: async () => ({ items: [record('oil-low'), record('gone')] as never[], next: null }),
      alertActs: async (occurrences) => ({ [String(occurrences[1])]: { ...noActs, count: 1 } }),
      alertFigures: () => assert.fail('not asked'),
      occurrence: () => assert.fail('not asked'),
      occurrenceRecords: () => assert.fail('not asked'),
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
    views: {} as never,
    runbooks: {} as never,
  });
  const { items } = await sources.alertHistory({ states: ['normal'], machine: null, limit: 10 }, null);
  assert.deepEqual(
    items.map(({ runbook }) => runbook),
    ['Fill up.', null],
  );
  assert.deepEqual(
    items.map(({ acts }) => acts?.count ?? null),
    [null, 1],
  );
});

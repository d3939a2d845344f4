import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tortureDocument, tortureTable, type LongRuns } from '../../check/torture-docs.ts';

const run: LongRuns[number] = {
  seed: 9,
  kills: { agent: 3, worker: 2, broker: 1 },
  restores: 4,
  redelivered: 5,
  committed: 60,
  rolledBack: 7,
  atBridge: 53,
  lost: 0,
  duplicated: 0,
  counters: { series: 8, exact: 7 },
  seconds: 99.6,
  ok: true,
};

test('a long run that failed stands there as failed, with what was lost', () => {
  const [, , passed, failed] = tortureTable([run, { ...run, lost: 2, ok: false }]).split('\n');
  assert.equal(
    passed,
    '| 9 | 3 agents, 2 workers, 1 brokers | 4 | 60 | 53, and 7 taken back by a copy | 5 | 0 | 0 | 7 of 8 | passed, 100 s |',
  );
  assert.match(String(failed), / \| 2 \| 0 \| 7 of 8 \| \*\*failed\*\*, 100 s \|$/);
});

test('README.md has the table between its marks', () => {
  assert.match(tortureDocument().text, /torture:begin[^\n]*\n\| seed \|/);
});

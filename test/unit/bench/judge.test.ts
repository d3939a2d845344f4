import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, leastBaseline, median, percentile, referenceScore, type Bar } from '../../bench/judge.ts';

const bar: Bar = {
  name: 'bench:metric',
  unit: 'reads/s',
  direction: 'higher',
  judged: 'ratio',
  limit: 1.5,
  referenceBaseline: 1000,
};
const five = (ours: number, baseline: number | null) => Array.from({ length: 5 }, () => ({ ours, baseline }));

test('the median is the middle one, and the mean of the middle two', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
  assert.equal(median([]), null);
});

test('a percentile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile([7], 0.5), 7);
  assert.equal(percentile([], 0.5), null);
});

test('J1: a row passes by the median of five runs against its limit', () => {
  const runs = [...five(1500, 1000).slice(2), { ours: 1, baseline: 1000 }, { ours: 2, baseline: 1000 }];
  const { pass, ratio, ours, reason } = judge(bar, runs, referenceScore);
  assert.deepEqual({ pass, ratio, ours, reason }, { pass: true, ratio: 1.5, ours: 1500, reason: undefined });
  assert.equal(judge(bar, five(1499, 1000), referenceScore).pass, false);
  assert.equal(judge(bar, five(1500, 1000).slice(1), referenceScore).reason, '4 of 5 runs');
});

test('J1: the lower may be the better one', () => {
  const lower: Bar = { ...bar, direction: 'lower', judged: 'ours', limit: 20, referenceBaseline: null };
  assert.equal(judge(lower, five(20, null), 1).pass, true);
  assert.equal(judge(lower, five(20.1, null), 1).reason, '20.1 is above 20');
});

test('J2: a baseline under half of what this machine should do fails its row', () => {
  assert.equal(leastBaseline(1000, 2 * referenceScore), 1000);
  assert.equal(judge(bar, five(5000, 499), referenceScore).pass, false);
  assert.equal(judge(bar, five(5000, 500), referenceScore).pass, true);
  assert.match(judge(bar, five(5000, 500), 2 * referenceScore).reason ?? '', /disturbed/);
});

test('J2: where the baseline is another work, the control beside it is judged in its place', () => {
  const runs = (baseline: number, control: number) => five(5000, baseline).map((run) => ({ ...run, control }));
  assert.equal(judge(bar, runs(10, 500), referenceScore).pass, true);
  assert.match(judge(bar, runs(2000, 499), referenceScore).reason ?? '', /its control did 499 .* disturbed/);
  assert.equal(judge(bar, runs(10, 500), referenceScore).runs[0]?.control, 500);
});

test('J2: a baseline that takes more than twice of what it should fails a row in which less is better', () => {
  const bytes: Bar = { ...bar, direction: 'lower', limit: 1 };
  assert.equal(judge(bytes, five(10, 2000), referenceScore / 4).pass, true);
  assert.match(judge(bytes, five(10, 2001), referenceScore).reason ?? '', /disturbed/);
});

test('J4: a delay holds by its limit or beside what the same takes idle', () => {
  const delay: Bar = {
    ...bar,
    direction: 'lower',
    judged: 'ours',
    limit: 250,
    orTimesIdle: 3,
    referenceBaseline: null,
  };
  assert.equal(judge(delay, five(250, 1), 1).pass, true);
  assert.equal(judge(delay, five(600, 200), 1).pass, true);
  assert.equal(judge(delay, five(601, 200), 1).pass, false);
  assert.equal(judge(delay, five(251, null), 1).pass, false);
});

test('J3: what was not measured does not pass and says why', () => {
  assert.equal(judge(bar, five(5000, null), referenceScore).pass, false);
  assert.equal(judge(bar, [], referenceScore, 'not run: no cc').reason, 'not run: no cc');
  const holed = [...five(5000, 1000), { ours: null, baseline: 1000 }];
  assert.equal(judge(bar, holed, referenceScore).reason, '1 of 6 runs measured nothing');
});

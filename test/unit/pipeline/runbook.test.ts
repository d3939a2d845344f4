import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRuleSet } from '../../../agent/rules/load.ts';
import { Rig } from './rig.ts';

test('the runbook of a rule is told while the rule is configured, in its words of today', () => {
  const { pipeline } = new Rig();
  assert.match(String(pipeline.runbook('ls-1', 'oil-low')), /^Fill up/);
  assert.equal(pipeline.runbook('ls-1', 'no-such-rule'), null);
  assert.equal(pipeline.runbook('nobody', 'oil-low'), null);
  pipeline.setRules(loadRuleSet({ 'oil-low': { runbook: 'Ask Mo.' }, 'thread-break': { enabled: false } }));
  assert.equal(pipeline.runbook('ls-1', 'oil-low'), 'Ask Mo.');
  assert.equal(pipeline.runbook('ls-1', 'thread-break'), null);
});

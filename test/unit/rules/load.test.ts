import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../agent/errors.ts';
import {
  loadRuleSet,
  matchesCause,
  overrideRules,
  parseRules,
  rulesFor,
  shippedRules,
} from '../../../agent/rules/load.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';

const shipped = parseRules(shippedRules());
const ids = (profile: string, kind: string) =>
  rulesFor(loadRuleSet(), 'm', kind, loadProfile(profile, [])).map((rule) => rule.id);

test('the shipped rules have one id each, a text and a runbook', () => {
  assert.equal(new Set(shipped.map((rule) => rule.id)).size, shipped.length);
  for (const rule of shipped) assert.ok(rule.text !== '' && (rule.runbook !== null || rule.id === ''), rule.id);
});

test('a machine gets the rules that can hold on it, and a fallback only where nothing else tells', () => {
  const reference = ids('sewing-modbus-ref', 'lockstitch');
  for (const id of ['offline', 'thread-break', 'bobbin-empty', 'oil-low', 'motor-overload']) {
    assert.ok(reference.includes(id), id);
  }
  for (const id of ['bobbin-run-out', 'yarn-break', 'needle-fault', 'stuck-vibration']) {
    assert.ok(!reference.includes(id), id);
  }
  const retrofit = ids('sewing-retrofit-csv', 'lockstitch');
  for (const id of ['bobbin-run-out', 'oil-low', 'stuck-vibration']) assert.ok(retrofit.includes(id), id);
  const knitting = ids('knit-circular-opcua', 'circular-knit');
  for (const id of ['yarn-break', 'needle-fault', 'oil-low']) assert.ok(knitting.includes(id), id);
});

test('an override reaches fields of the rule and fields of its conditions', () => {
  const { rules, issues } = overrideRules(shipped, {
    offline: { afterS: 4, priority: 'urgent' },
    'oil-low': { limit: 20 },
  });
  assert.deepEqual(issues, []);
  const offline = rules.find((rule) => rule.id === 'offline');
  assert.equal(offline?.priority, 'urgent');
  assert.deepEqual(offline?.when, [{ kind: 'offline', afterS: 4 }]);
  const below = rules.find((rule) => rule.id === 'oil-low')?.when.find((c) => c.kind === 'below');
  assert.equal(below?.limit, 20);
  assert.equal(shipped.find((rule) => rule.id === 'offline')?.priority, 'high', 'the shipped rules stay as they are');
});

test('an override of one machine lies over those of the site and touches no other machine', () => {
  const set = loadRuleSet({ offline: { afterS: 60 } }, { 'ls-1': { offline: { priority: 'low' } } });
  const profile = loadProfile('sewing-modbus-ref', []);
  const one = rulesFor(set, 'ls-1', 'lockstitch', profile).find((rule) => rule.id === 'offline');
  const other = rulesFor(set, 'ls-2', 'lockstitch', profile).find((rule) => rule.id === 'offline');
  assert.deepEqual([one?.priority, one?.when], ['low', [{ kind: 'offline', afterS: 60 }]]);
  assert.equal(other?.priority, 'high');
});

test('every wrong override is told at once, with its path, and leaves the rule as it was', () => {
  const { rules, issues } = overrideRules(shipped, {
    offline: { afterS: -1 },
    'oil-low': { colour: 'red' },
    'thread-break': 'off',
    'no-such-rule': { priority: 'low' },
  });
  const paths = issues.map((issue) => issue.path.join('.'));
  for (const path of ['offline.when.0.afterS', 'oil-low.colour', 'thread-break', 'no-such-rule.type']) {
    assert.ok(paths.includes(path), `${path} in ${paths.join(', ')}`);
  }
  assert.deepEqual(
    rules.find((rule) => rule.id === 'offline'),
    shipped.find((rule) => rule.id === 'offline'),
  );
  assert.throws(
    () => loadRuleSet({ offline: { afterS: -1 } }),
    (error: unknown) => error instanceof AgentError && error.entry.code === 'AGT-400',
  );
});

test('a rule of the site’s own is taken when it is whole, and a disabled one is not used', () => {
  const own = {
    type: 'hot_head',
    priority: 'low',
    text: 'Hot',
    when: [{ kind: 'above', signal: 'head.temp', limit: 60 }],
  };
  const set = loadRuleSet({ 'hot-head': own, 'stuck-vibration': { enabled: false } });
  const used = rulesFor(set, 'm', 'lockstitch', loadProfile('sewing-retrofit-csv', [])).map((rule) => rule.id);
  assert.ok(used.includes('hot-head'));
  assert.ok(!used.includes('stuck-vibration'));
});

test('a star matches what begins so, without it the whole cause must be equal', () => {
  assert.ok(matchesCause('knit.yarn_break_*', 'knit.yarn_break_top'));
  assert.ok(!matchesCause('knit.yarn_break', 'knit.yarn_break_top'));
});

test('what an ear says of itself is an alert where a machine has one, and no rule of a machine without', () => {
  const profile = loadProfile('sewing-modbus-ref', []);
  const of = (senses: { hasEye: boolean; hasEar: boolean }) =>
    rulesFor(loadRuleSet(), 'm', 'lockstitch', profile, senses)
      .map((rule) => rule.id)
      .filter((id) => /^(?:microphone|ear|camera|eye)-/.test(id));
  const ears = of({ hasEye: false, hasEar: true });
  for (const id of ['microphone-stalled', 'microphone-dead', 'microphone-clipped', 'microphone-muffled']) {
    assert.ok(ears.includes(id), id);
  }
  for (const id of ['ear-not-taught', 'ear-judges-nothing', 'ear-down']) assert.ok(ears.includes(id), id);
  assert.ok(ears.every((id) => !/^(?:camera|eye)-/.test(id)));
  assert.ok(of({ hasEye: true, hasEar: false }).every((id) => /^(?:camera|eye)-/.test(id)));
  assert.deepEqual(of({ hasEye: false, hasEar: false }), []);
});

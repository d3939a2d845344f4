import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuleWatch } from '../../../agent/alerts/watch.ts';
import type { Facts } from '../../../agent/rules/conditions.ts';
import { ruleSchema, type Rule } from '../../../agent/rules/schema.ts';

const wall0 = 1_000_000;
const rule = (fields: object): Rule =>
  ruleSchema.parse({
    id: 'r',
    type: 't',
    priority: 'low',
    text: 'x',
    when: [{ kind: 'above', signal: 'a.b', limit: 10, deadband: 2 }],
    ...fields,
  });
function facts(ms: number, value: number | null, more: Partial<Facts> = {}): Facts {
  return {
    now: { wallMs: wall0 + ms, monotonicMs: ms },
    state: 'RUN',
    value: () => value,
    changed: () => null,
    conditions: null,
    causes: [],
    gap: null,
    implausible: [],
    ...more,
  };
}
const tell = (watch: RuleWatch, ms: number, value: number | null, more: Partial<Facts> = {}) =>
  watch.judge(facts(ms, value, more), wall0 + ms)?.kind ?? null;

test('a threshold raises above its limit and returns only behind the deadband', () => {
  const watch = new RuleWatch(rule({}));
  assert.equal(tell(watch, 0, 10), null);
  assert.equal(tell(watch, 1, 10.1), 'activate');
  assert.equal(tell(watch, 2, 8.1), null);
  assert.equal(tell(watch, 3, 8), 'clear');
});

test('the on-delay needs unbroken truth: an unknown or a moment inside the limit starts it anew', () => {
  const watch = new RuleWatch(rule({ onDelayS: 10 }));
  assert.equal(tell(watch, 0, 11), null);
  assert.equal(tell(watch, 9_000, null), null);
  assert.equal(tell(watch, 10_000, 11), null);
  assert.equal(tell(watch, 19_000, 7), null);
  assert.equal(tell(watch, 20_000, 11), null);
  assert.equal(tell(watch, 29_999, 11), null);
  const output = watch.judge(facts(30_000, 11), wall0 + 30_000);
  assert.equal(output?.kind, 'activate');
  assert.equal(output?.kind === 'activate' && output.activation.onsetMs, wall0 + 20_000);
  assert.equal(output?.kind === 'activate' && output.activation.raisedMs, wall0 + 30_000);
});

test('delays follow the monotonic clock, whatever the wall clock does', () => {
  const watch = new RuleWatch(rule({ onDelayS: 10 }));
  assert.equal(watch.judge(facts(0, 11), wall0), null);
  const jumped = facts(5000, 11, { now: { wallMs: wall0 + 7_200_000, monotonicMs: 5000 } });
  assert.equal(watch.judge(jumped, wall0), null);
});

test('unknown never clears', () => {
  const watch = new RuleWatch(rule({}));
  tell(watch, 0, 11);
  for (let ms = 1; ms < 100_000; ms += 1000) assert.equal(tell(watch, ms, null), null);
  assert.equal(watch.active, true);
});

test('a chattering alert is kept until it has been quiet for its window', () => {
  const watch = new RuleWatch(rule({ chatter: { activations: 3, withinS: 60 } }));
  const outputs: (string | null)[] = [];
  for (let i = 0; i < 6; i++) {
    outputs.push(tell(watch, i * 2000, 11), tell(watch, i * 2000 + 1000, 0));
  }
  assert.deepEqual(outputs.slice(0, 6), ['activate', 'clear', 'activate', 'clear', 'activate', null]);
  assert.deepEqual(outputs.slice(6), [null, null, null, null, null, null]);
  assert.equal(tell(watch, 69_999, 0), null);
  assert.equal(tell(watch, 70_000, 0), 'clear');
});

test('an occurrence from before the start is confirmed or cleared by the first judgement, never raised anew', () => {
  const confirmed = new RuleWatch(rule({}), 'held');
  assert.equal(tell(confirmed, 0, null), null);
  assert.equal(tell(confirmed, 1, 9), 'confirm', 'within the deadband it still holds');
  assert.equal(tell(confirmed, 2, 11), null);
  const cleared = new RuleWatch(rule({}), 'held');
  assert.equal(tell(cleared, 1, 3), 'clear');
});

test('a stuck value: no change while the machine answers; not judged before a change was seen or the time is up', () => {
  const watch = new RuleWatch(rule({ when: [{ kind: 'stuck', signal: 'a.b', forS: 12 }] }), 'held');
  const changed = (ms: number, seen: boolean) => ({
    changed: () => ({ at: { wallMs: wall0 + ms, monotonicMs: ms }, seen }),
  });
  assert.equal(tell(watch, 5000, 1, changed(0, false)), null, 'an open alert is not cleared by ignorance');
  assert.equal(tell(watch, 12_000, 1, changed(0, false)), 'confirm');
  assert.equal(tell(watch, 13_000, 2, changed(13_000, true)), 'clear');
  assert.equal(tell(watch, 24_000, 2, changed(13_000, true)), null);
  assert.equal(tell(watch, 25_000, 2, changed(13_000, true)), 'activate');
});

test('any of the conditions is enough, and none may be unknown for all to be over', () => {
  const both = rule({
    when: [
      { kind: 'code', causes: ['knit.yarn_break_*'] },
      { kind: 'above', signal: 'a.b', limit: 10 },
    ],
  });
  const yarn = { causes: [{ cause: 'knit.yarn_break_top', signal: 's', code: 'c', text: 'Yarn' }] };
  const watch = new RuleWatch(both);
  assert.equal(tell(watch, 0, null, yarn), 'activate');
  assert.equal(tell(watch, 1, null), null);
  assert.equal(tell(watch, 2, 3), 'clear');
});

test('a rate of change is judged over its whole window', () => {
  const watch = new RuleWatch(rule({ when: [{ kind: 'rate', signal: 'a.b', perS: 2, overS: 5 }] }));
  for (let ms = 0; ms <= 5000; ms += 250) assert.equal(tell(watch, ms, ms / 1000), null);
  let raised: number | null = null;
  for (let ms = 5250; ms <= 12_000 && raised === null; ms += 250) {
    if (tell(watch, ms, 5 + ((ms - 5000) / 1000) * 4) === 'activate') raised = ms;
  }
  assert.ok(raised !== null && raised > 6000 && raised < 10_000, String(raised));
});

test('over random values activations and clears alternate, and an unknown produces neither', () => {
  const step = fc.record({ ms: fc.integer({ min: 1, max: 8000 }), value: fc.option(fc.integer({ min: 0, max: 20 })) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 10 }), (steps, delayS) => {
      const watch = new RuleWatch(rule({ onDelayS: delayS, offDelayS: delayS }));
      let ms = 0;
      let active = false;
      for (const one of steps) {
        ms += one.ms;
        const output = tell(watch, ms, one.value);
        if (one.value === null) assert.equal(output, null);
        if (output === 'activate') {
          assert.equal(active, false);
          active = true;
        } else if (output === 'clear') {
          assert.equal(active, true);
          active = false;
        } else assert.equal(output, null);
        assert.equal(watch.active, active);
      }
    }),
    { numRuns: 500, seed: 5 },
  );
});

test('an occurrence whose condition was over before the start is confirmed by the first judgement, or comes back', () => {
  const over = new RuleWatch(rule({}), 'was-over');
  assert.equal(tell(over, 0, null), null, 'nothing is known yet');
  assert.equal(tell(over, 1, 5), 'confirm');
  assert.equal(tell(over, 2, 5), null);
  const back = new RuleWatch(rule({}), 'was-over');
  assert.equal(tell(back, 0, 11), 'activate');
});

test('implausible steps are counted by counter: one step in each of many is a restart, many in one are a fault', () => {
  const watch = new RuleWatch(rule({ when: [{ kind: 'counter', steps: 3, withinS: 600 }] }));
  const steps = (...signals: string[]) => ({ implausible: signals.map((signal, i) => ({ signal, monotonicMs: i })) });
  assert.equal(tell(watch, 10, 1, steps('a.a', 'b.b', 'c.c', 'd.d')), null);
  const output = watch.judge(facts(11, 1, steps('a.a', 'b.b', 'b.b', 'a.a', 'b.b')), wall0 + 11);
  assert.equal(output?.kind === 'activate' && output.activation.signal, 'b.b');
});

test('an unreachable machine is told with the reason it was last told for', () => {
  const watch = new RuleWatch(rule({ when: [{ kind: 'offline', afterS: 30 }], text: 'No answer' }));
  const gap = { since: { wallMs: wall0, monotonicMs: 0 }, reason: 'server-certificate-not-trusted' };
  assert.equal(watch.judge(facts(29_999, null, { gap }), wall0), null);
  const output = watch.judge(facts(30_000, null, { gap }), wall0 + 30_000);
  assert.equal(output?.kind, 'activate');
  if (output?.kind !== 'activate') return;
  assert.equal(output.activation.text, 'No answer (server certificate not trusted)');
  assert.deepEqual(output.activation.evidence, { afterS: 30, reason: 'server-certificate-not-trusted' });
  assert.equal(output.activation.onsetMs, wall0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AlertDesk } from '../../../agent/alerts/desk.ts';
import { alertDraft } from '../../../agent/alerts/record.ts';
import type { AlertStep } from '../../../agent/alerts/occurrence.ts';
import { ruleSchema } from '../../../agent/rules/schema.ts';

const rule = ruleSchema.parse({
  id: 'oil-low',
  type: 'oil_low',
  priority: 'medium',
  when: [{ kind: 'below', signal: 'oil.level', limit: 15 }],
  text: 'Oil level low',
});
const activation = { onsetMs: 1000, raisedMs: 1000, signal: 'oil.level', cause: null, text: 'low', evidence: {} };
const at = (ms: number) => ({ wallMs: 1_000_000 + ms, monotonicMs: ms });

function newDesk(boot = 'aa') {
  const steps: AlertStep[] = [];
  const floods: string[] = [];
  const desk = new AlertDesk({ boot, step: (step) => steps.push(step), flood: (phase) => floods.push(phase) });
  return { desk, steps, floods };
}

test('one machine and rule have one open occurrence, however often the condition is told', () => {
  const { desk, steps } = newDesk();
  desk.activate('m', rule, activation, false, false, at(0));
  desk.activate('m', rule, activation, false, false, at(10));
  desk.activate('n', rule, activation, false, false, at(20));
  assert.equal(desk.open().length, 2);
  assert.equal(steps.length, 2);
});

test('what hangs on the occurrence is asked once it has an id, and is in the evidence from its first record on', () => {
  const { desk, steps } = newDesk();
  const asked: string[] = [];
  const about = (occurrence: string) => {
    asked.push(occurrence);
    return { incident: occurrence };
  };
  desk.activate('m', rule, { ...activation, evidence: { needle: 7 } }, false, false, at(0), about);
  desk.activate('m', rule, activation, false, false, at(10), about);
  desk.activate('n', rule, activation, false, false, at(20), about);
  assert.deepEqual(asked, ['aa-1', 'aa-1', 'aa-2']);
  assert.deepEqual(
    steps.map(({ evidence }) => evidence),
    [{ needle: 7, incident: 'aa-1' }, { incident: 'aa-2' }],
  );
});

test('after the close the next activation is another occurrence', () => {
  const { desk, steps } = newDesk();
  desk.activate('m', rule, activation, false, false, at(0));
  const [first] = desk.open();
  assert.equal(desk.act(first?.id ?? '', { kind: 'ack', actor: 'mo', comment: null }, at(5)), 'done');
  assert.equal(desk.act(first?.id ?? '', { kind: 'ack', actor: 'mo', comment: null }, at(6)), 'not-open');
  desk.clear('m', 'oil-low', 2000, at(10));
  assert.equal(desk.act(first?.id ?? '', { kind: 'ack', actor: 'mo', comment: null }, at(11)), 'unknown-occurrence');
  desk.activate('m', rule, activation, false, false, at(20));
  assert.notEqual(desk.open()[0]?.id, first?.id);
  assert.equal(steps.filter((s) => s.transition === 'raised').length, 2);
});

test('a latched occurrence is closed by an acknowledgement after its condition is over, also after a start', () => {
  const latching = { ...rule, latch: true };
  const ack = { kind: 'ack', actor: 'mo', comment: 'looked' } as const;
  const before = newDesk();
  before.desk.activate('m', latching, activation, false, false, at(0));
  const id = before.desk.open()[0]?.id ?? '';
  assert.equal(before.desk.act(id, ack, at(5)), 'done');
  before.desk.clear('m', 'oil-low', 2000, at(10));
  assert.equal(before.steps.at(-1)?.state, 'latched');
  const last = before.steps.at(-1);
  assert.ok(last !== undefined);
  const after = newDesk('bb');
  after.desk.recover({ n: 1, v: 1 as const, ...alertDraft(last, 0) }, latching, at(20));
  for (const { desk, steps } of [before, after]) {
    assert.equal(desk.act(id, ack, at(30)), 'done');
    assert.equal(steps.at(-1)?.transition, 'closed');
    assert.equal(desk.open().length, 0);
    assert.equal(desk.act(id, ack, at(31)), 'unknown-occurrence');
  }
});

test('a shelf ends by itself, on the monotonic clock', () => {
  const { desk, steps } = newDesk();
  desk.activate('m', rule, activation, false, false, at(0));
  desk.act(desk.open()[0]?.id ?? '', { kind: 'shelve', actor: 'mo', forS: 60, comment: null }, at(0));
  desk.tick({ wallMs: 99_000_000, monotonicMs: 59_000 });
  assert.equal(steps.at(-1)?.state, 'shelved');
  desk.tick({ wallMs: 0, monotonicMs: 60_000 });
  assert.deepEqual([steps.at(-1)?.transition, steps.at(-1)?.state], ['unshelved', 'active-unacked']);
});

test('a recovered shelf goes on for the rest of its time, and an occurrence without its rule is closed with the reason', () => {
  const before = newDesk();
  before.desk.activate('m', rule, activation, false, false, at(0));
  before.desk.act(before.desk.open()[0]?.id ?? '', { kind: 'shelve', actor: 'mo', forS: 60, comment: null }, at(0));
  const last = before.steps.at(-1);
  assert.ok(last !== undefined);
  const record = { n: 1, v: 1 as const, ...alertDraft(last, 0) };

  const after = newDesk('bb');
  assert.equal(after.desk.recover(record, rule, { wallMs: 1_000_000 + 20_000, monotonicMs: 7 }), 'held');
  assert.equal(after.steps[0]?.transition, 'unverified');
  after.desk.tick({ wallMs: 0, monotonicMs: 39_000 });
  assert.equal(after.steps.length, 1);
  after.desk.tick({ wallMs: 0, monotonicMs: 40_007 });
  assert.equal(after.steps.at(-1)?.transition, 'unshelved');

  const orphaned = newDesk('cc');
  assert.equal(orphaned.desk.recover(record, undefined, at(0)), null);
  assert.deepEqual([orphaned.steps.at(-1)?.transition, orphaned.steps.at(-1)?.state], ['closed', 'normal']);
  assert.equal(orphaned.steps.at(-1)?.evidence['reason'], 'rule-not-configured');
  assert.equal(orphaned.desk.open().length, 0);
});

test('more than ten alerts in ten minutes are a flood, counted once and told when it is over', () => {
  const { desk, floods } = newDesk();
  for (let i = 0; i < 12; i++) desk.activate(`m-${i}`, rule, activation, false, false, at(i * 1000));
  assert.deepEqual(floods, ['opened']);
  desk.tick(at(700_000));
  assert.deepEqual(floods, ['opened', 'closed']);
  assert.equal(desk.counts().floods, 1);
});

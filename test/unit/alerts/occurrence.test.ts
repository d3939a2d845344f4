import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alertRecord, type AlertRecord } from '../../../cloud-bridge/contract.ts';
import {
  advance,
  occurrenceFrom,
  raise,
  stateOf,
  type Activation,
  type AlertInput,
  type AlertStep,
  type NewOccurrence,
  type Occurrence,
} from '../../../agent/alerts/occurrence.ts';
import { alertDraft } from '../../../agent/alerts/record.ts';

const identity = (latching: boolean): NewOccurrence => ({
  id: 'aa-1',
  machine: 'ls-1',
  rule: 'thread-break',
  type: 'thread_break',
  priority: 'medium',
  latching,
});
const activation = (onsetMs: number): Activation => ({
  onsetMs,
  raisedMs: onsetMs + 5,
  signal: 'error.code',
  cause: 'material.thread_break',
  text: 'Needle thread broken',
  evidence: { code: '11' },
});
const ack: AlertInput = { kind: 'ack', actor: 'mo', comment: null };

function walk(inputs: readonly AlertInput[], latching = false): { open: Occurrence | null; steps: AlertStep[] } {
  const first = raise(identity(latching), activation(1000));
  const steps = [...first.steps];
  let open = first.occurrence;
  for (const input of inputs) {
    if (open === null) break;
    const next = advance(open, input);
    open = next.occurrence;
    steps.push(...next.steps);
  }
  return { open, steps };
}
const told = (steps: readonly AlertStep[]) => steps.map((s) => `${s.transition} ${s.state}`);

test('acknowledged and then over, it closes', () => {
  const { open, steps } = walk([ack, { kind: 'clear', clearedMs: 2000 }]);
  assert.equal(open, null);
  assert.deepEqual(told(steps), ['raised active-unacked', 'acked active-acked', 'returned normal', 'closed normal']);
  assert.equal(steps.at(-1)?.occurrence.clearedMs, 2000);
});

test('over before anybody saw it, it waits for the acknowledgement', () => {
  const { steps } = walk([{ kind: 'clear', clearedMs: 2000 }, ack]);
  assert.deepEqual(told(steps), [
    'raised active-unacked',
    'returned returned-unacked',
    'acked normal',
    'closed normal',
  ]);
});

test('a condition that comes back before the acknowledgement activates the same occurrence, unacknowledged', () => {
  const { open, steps } = walk([
    { kind: 'clear', clearedMs: 2000 },
    { kind: 'activate', activation: activation(3000) },
  ]);
  assert.equal(steps.at(-1)?.transition, 'reactivated');
  assert.equal(open?.onsetMs, 3000);
  assert.equal(open?.clearedMs, null);
  assert.equal(open?.activations, 2);
});

const clear: AlertInput = { kind: 'clear', clearedMs: 2000 };

test('a latching alert stays when it is over, until somebody confirms that by an acknowledgement or a reset', () => {
  const before = walk([ack, clear], true);
  assert.equal(before.open === null ? null : stateOf(before.open), 'latched');
  const second = walk([ack, clear, ack], true);
  assert.equal(second.open, null, 'acknowledged while it was active, it needs a second one');
  assert.deepEqual(told(second.steps), [
    'raised active-unacked',
    'acked active-acked',
    'returned latched',
    'acked normal',
    'closed normal',
  ]);
  assert.equal(walk([clear, ack], true).open, null, 'of one nobody had seen the first is enough');
  assert.equal(walk([ack, clear, { kind: 'reset', actor: 'mo', comment: null }], true).open, null);
});

test('a latching alert that comes back before it is confirmed is active again, and latches again', () => {
  const again: AlertInput = { kind: 'activate', activation: activation(3000) };
  const { open } = walk([ack, clear, again, ack, { kind: 'clear', clearedMs: 4000 }], true);
  assert.equal(open === null ? null : stateOf(open), 'latched');
  assert.equal(walk([ack, clear, again, ack, { kind: 'clear', clearedMs: 4000 }, ack], true).open, null);
});

test('a latched alert confirmed under a mask closes when the mask is taken off', () => {
  const shelve: AlertInput = { kind: 'shelve', actor: 'mo', untilMs: 9000, comment: null };
  const { open } = walk([shelve, clear, ack], true);
  assert.equal(open === null ? null : stateOf(open), 'shelved');
  assert.equal(walk([shelve, clear, ack, { kind: 'unshelve', actor: null }], true).open, null);
});

test('shelved, it is not shown, but what happens underneath is known when the shelf ends', () => {
  const { open, steps } = walk([
    { kind: 'shelve', actor: 'mo', untilMs: 9000, comment: 'part ordered' },
    { kind: 'clear', clearedMs: 2000 },
    { kind: 'unshelve', actor: null },
  ]);
  assert.deepEqual(told(steps), [
    'raised active-unacked',
    'shelved shelved',
    'returned shelved',
    'unshelved returned-unacked',
  ]);
  assert.equal(steps[1]?.evidence['comment'], 'part ordered');
  assert.equal(steps[1]?.evidence['shelvedUntilMs'], 9000);
  assert.ok(open !== null);
});

test('after a start it is unverified until the condition is judged, and then neither raised anew nor forgotten', () => {
  const before = walk([]).open;
  assert.ok(before !== null);
  const recovered = advance({ ...before, verified: false }, { kind: 'recover' });
  assert.deepEqual(told(recovered.steps), ['unverified active-unacked']);
  assert.ok(recovered.occurrence !== null);
  const confirmed = advance(recovered.occurrence, { kind: 'verify' });
  assert.deepEqual(told(confirmed.steps), ['verified active-unacked']);
  assert.equal(confirmed.occurrence?.onsetMs, 1000);
  const over = advance(recovered.occurrence, { kind: 'clear', clearedMs: 5000 });
  assert.deepEqual(told(over.steps), ['returned returned-unacked']);
  assert.equal(over.occurrence?.verified, true);
});

const input: fc.Arbitrary<AlertInput> = fc.oneof(
  fc.integer({ min: 2000, max: 9000 }).map((ms): AlertInput => ({ kind: 'activate', activation: activation(ms) })),
  fc.integer({ min: 2000, max: 9000 }).map((clearedMs): AlertInput => ({ kind: 'clear', clearedMs })),
  fc.constantFrom<AlertInput>(
    ack,
    { kind: 'reset', actor: 'mo', comment: 'done' },
    { kind: 'shelve', actor: 'mo', untilMs: 9999, comment: null },
    { kind: 'unshelve', actor: 'mo' },
    { kind: 'suppress' },
    { kind: 'unsuppress' },
    { kind: 'remove', actor: 'mo', comment: null },
    { kind: 'restore', actor: 'mo' },
    { kind: 'recover' },
    { kind: 'verify' },
  ),
);

test('over any sequence of inputs the invariants hold and the last record tells the whole state', () => {
  let closed = 0;
  let masked = 0;
  fc.assert(
    fc.property(fc.array(input, { maxLength: 25 }), fc.boolean(), (inputs, latching) => {
      let open = raise(identity(latching), activation(1000)).occurrence;
      let acked = false;
      // By somebody, since the condition was over.
      let confirmed = false;
      for (const one of inputs) {
        if (open === null) break;
        const before: Occurrence = open;
        const next = advance(before, one);
        if (one.kind === 'ack' || one.kind === 'reset') {
          acked ||= next.steps.length > 0;
          confirmed ||= before.clearedMs !== null && next.steps.length > 0;
          // What is shown as waiting for a person takes the acknowledgement.
          const waits = ['active-unacked', 'returned-unacked', 'latched'].includes(stateOf(before));
          if (waits && one.kind === 'ack') assert.ok(next.steps.length > 0);
        }
        if (one.kind === 'activate' && next.occurrence?.clearedMs === null) confirmed = false;
        if (one.kind === 'activate' && next.occurrence?.activations !== before.activations) acked = false;
        // A2: only an acknowledged, returned, unmasked, unlatched occurrence closes.
        if (next.occurrence === null) {
          closed++;
          const last: Occurrence | undefined = next.steps.at(-1)?.occurrence;
          assert.ok(acked && last?.clearedMs !== null && last?.mask === null && !last.latched);
          assert.ok(!latching || confirmed, 'a latch is released by a person, after the condition is over');
          assert.equal(next.steps.at(-1)?.transition, 'closed');
        } else {
          if (next.occurrence.mask !== null) masked++;
          assert.notEqual(stateOf(next.occurrence), 'normal');
          // A6: a mask alone changes neither condition nor acknowledgement.
          if (['shelve', 'unshelve', 'suppress', 'unsuppress', 'remove', 'restore', 'recover'].includes(one.kind)) {
            assert.equal(next.occurrence.clearedMs, before.clearedMs);
            assert.equal(next.occurrence.acked, before.acked);
          }
          // A5
          if (!before.verified && next.occurrence.verified) {
            assert.ok(one.kind === 'activate' || one.kind === 'clear' || one.kind === 'verify');
          }
        }
        for (const step of next.steps) {
          const record: AlertRecord = alertRecord.parse({ n: 1, v: 1, ...alertDraft(step, 1) });
          // A4: the record alone brings the occurrence back.
          const again = occurrenceFrom(record, latching);
          if (record.state === 'normal') assert.equal(again, null);
          else {
            assert.deepEqual(again, { ...step.occurrence, verified: false });
          }
        }
        open = next.occurrence;
      }
    }),
    { numRuns: 3000, seed: 3 },
  );
  assert.ok(closed > 50 && masked > 500, `${closed} closed, ${masked} masked`);
});

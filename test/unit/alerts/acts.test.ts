import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closingActions, closingCauses } from '../../../agent/alerts/act-words.ts';
import {
  actData,
  actEvent,
  actOf,
  actsByOccurrence,
  datedActs,
  foldActs,
  mostActs,
  mostComments,
  noActs,
  takeAct,
  type Act,
  type Acts,
} from '../../../agent/alerts/acts.ts';
import type { EventRecord } from '../../../cloud-bridge/contract.ts';

const who = fc.constantFrom('omar', 'asha', '\u202Enimda');
const done = { by: who, atMs: fc.integer({ min: 0, max: 1e12 }) };
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('assign' as const), to: fc.option(who), ...done }),
  fc.record({ kind: fc.constant('comment' as const), text: fc.string({ minLength: 1, maxLength: 500 }), ...done }),
  fc.record({
    kind: fc.constant('close' as const),
    cause: fc.constantFrom(...closingCauses),
    action: fc.constantFrom(...closingActions),
    comment: fc.option(fc.string({ maxLength: 500 })),
    ...done,
  }),
);

/** As the desk does it: an act that changes nothing is not stored. */
function live(acts: readonly Act[]): { readonly standing: Acts; readonly stored: readonly Act[] } {
  let standing = noActs;
  const stored: Act[] = [];
  for (const one of acts) {
    const after = takeAct(standing, one);
    if (after === null) continue;
    standing = after;
    stored.push(one);
  }
  return { standing, stored };
}
const eventOf = (occurrence: string, one: Act, n: number): EventRecord => ({
  n: n + 1,
  v: 1,
  kind: 'event',
  machine: 'ls-1',
  event: actEvent,
  phase: 'instant',
  fromMs: null,
  atMs: one.atMs,
  data: actData(occurrence, one),
});

test('the newest comments are kept in their order, and the others are counted (T1)', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const { standing } = live(acts);
      const comments = acts.filter((one) => one.kind === 'comment').map(({ text }) => text);
      assert.deepEqual(
        standing.comments.map(({ text }) => text),
        comments.slice(-mostComments),
      );
      assert.equal(standing.comments.length + standing.commentsNotShown, comments.length);
    }),
  );
});

test('the same again is no act, and what was said last counts (T2)', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), act, (acts, last) => {
      const before = live(acts).standing;
      const after = takeAct(before, last) ?? before;
      if (last.kind === 'assign') assert.equal(after.assigned?.to ?? null, last.to);
      if (last.kind === 'close') assert.equal(after.closing?.cause, last.cause);
      if (last.kind !== 'comment') assert.equal(takeAct(after, { ...last, by: 'another', atMs: 7 }), null);
    }),
  );
  assert.equal(takeAct(noActs, { kind: 'assign', to: null, by: 'omar', atMs: 1 }), null, 'nobody has it already');
});

test('what was stored, of several occurrences mixed, gives what stood (T3)', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), act), { maxLength: 60 }), (told) => {
      const of = (id: string) => live(told.filter(([occurrence]) => occurrence === id).map(([, one]) => one));
      const events: EventRecord[] = [];
      const standing = new Map<string, Acts>();
      for (const [occurrence, one] of told) {
        const after = takeAct(standing.get(occurrence) ?? noActs, one);
        if (after === null) continue;
        standing.set(occurrence, after);
        // Over the disk and back.
        events.push(JSON.parse(JSON.stringify(eventOf(occurrence, one, events.length))) as EventRecord);
      }
      const folded = actsByOccurrence(events);
      for (const id of ['a', 'b', 'c']) {
        assert.deepEqual(folded.get(id) ?? noActs, of(id).standing);
        assert.deepEqual(foldActs(of(id).stored), of(id).standing);
      }
    }),
  );
});

test('an occurrence takes a bounded number of acts (T4)', () => {
  let standing = noActs;
  const comment = { kind: 'comment', text: 'again', by: 'omar', atMs: 1 } as const;
  for (let i = 0; i < mostActs; i++) standing = takeAct(standing, comment) ?? assert.fail('too early');
  assert.equal(takeAct(standing, comment), null);
  assert.deepEqual([standing.count, standing.comments.length], [mostActs, mostComments]);
});

test('an event that is no act, or one of another version, is passed over', () => {
  const whole = eventOf(
    'a',
    { kind: 'close', cause: 'needle', action: 'oiled', comment: null, by: 'omar', atMs: 5 },
    1,
  );
  assert.deepEqual(actOf(whole)?.act.kind, 'close');
  const { data } = whole;
  for (const broken of [
    { ...whole, event: 'gap' },
    { ...whole, data: { ...data, occurrence: 5 } },
    { ...whole, data: { ...data, by: null } },
    { ...whole, data: { ...data, cause: 'moon' } },
    { ...whole, data: { ...data, act: 'dance' } },
    { ...whole, data: { ...data, act: 'comment' } },
    { ...whole, data: { ...data, act: 'assign' } },
  ])
    assert.equal(actOf(broken), null, JSON.stringify(broken.data));
});

test('times of a clock that showed no time are put right, and nothing else changes', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const dated = datedActs(foldActs(acts), (atMs) => atMs + 1000);
      assert.deepEqual(dated, foldActs(acts.map((one) => ({ ...one, atMs: one.atMs + 1000 }))));
    }),
  );
});

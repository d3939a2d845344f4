/** Answers that come late, early or not at all: what the view of a case shows of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acted, looked, noAnswers, requested, type Answers } from '../../../agent/web/needle-answers.ts';

type Seen = Answers<string, string>;
const none: Seen = noAnswers;
const good = (value: string) => ({ ok: true, value }) as const;
const bad = (problem: string) => ({ ok: false, problem }) as const;

test('a look that was sent before a tick and is answered after it does not take the tick away', () => {
  const look = requested(none);
  const ticked = acted(requested(look), good('ticked'));
  assert.equal(looked(ticked, look.sent, good('not ticked')).shown, 'ticked');
  // Sent while the tick was on its way: nobody knows which of both the gateway took first.
  const between = requested(requested(none));
  assert.equal(looked(acted(between, good('ticked')), between.sent, good('not ticked')).shown, 'ticked');
  const after = requested(ticked);
  assert.equal(looked(after, after.sent, good('found by another')).shown, 'found by another');
});

test('what hindered a look is gone with the next good one; why an act was refused stays until the next act', () => {
  const failed = looked(requested(none), 1, bad('offline'));
  assert.equal(failed.lookProblem, 'offline');
  const refused = acted(requested(failed), bad('same person'));
  const good3 = looked(requested(refused), 3, good('case'));
  assert.deepEqual([good3.lookProblem, good3.actProblem, good3.shown], [null, 'same person', 'case']);
  assert.equal(looked(good3, 1, bad('offline')).lookProblem, null, 'a failure that comes late is old');
  const failedAgain = looked(requested(good3), 4, bad('offline'));
  assert.equal(failedAgain.shown, 'case', 'what is known stays');
  const done = acted(requested(failedAgain), good('closed'));
  assert.deepEqual([done.lookProblem, done.actProblem, done.shown], [null, null, 'closed']);
});

test('in whatever order answers come, nothing that was shown is taken back by an older state, and the last look is shown', () => {
  const step = fc.record({ isAct: fc.boolean(), takesMs: fc.nat(30), travelsMs: fc.nat(30), fails: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      // One act at a time, as the page sends them: each is answered before the next is sent.
      let freeMs = 0;
      const requests = steps.map(({ isAct, takesMs, travelsMs, fails }, i) => {
        const sentMs = isAct ? Math.max(i * 5, freeMs) : i * 5;
        const servedMs = sentMs + takesMs;
        const answeredMs = servedMs + travelsMs;
        if (isAct) freeMs = answeredMs + 1;
        return { isAct, fails, sentMs, servedMs, answeredMs };
      });
      const lastMs = Math.max(0, ...requests.map(({ answeredMs }) => answeredMs)) + 1;
      requests.push({ isAct: false, fails: false, sentMs: lastMs, servedMs: lastMs, answeredMs: lastMs + 1 });
      const numbers = new Map<object, number>();
      const served = new Map<object, number>();
      let state = 0;
      let page: Answers<number, string> = noAnswers;
      const events = requests.flatMap((one) => [
        { atMs: one.sentMs, order: 0, one },
        { atMs: one.servedMs, order: 1, one },
        { atMs: one.answeredMs, order: 2, one },
      ]);
      let own = 0;
      for (const { order, one } of events.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)) {
        if (order === 0) {
          page = requested(page);
          numbers.set(one, page.sent);
        } else if (order === 1) {
          if (one.isAct && !one.fails) state += 1;
          served.set(one, state);
        } else {
          const answer = one.fails ? bad('failed') : ({ ok: true, value: served.get(one) ?? 0 } as const);
          page = one.isAct ? acted(page, answer) : looked(page, numbers.get(one) ?? 0, answer);
          if (one.isAct && answer.ok) own = answer.value;
          assert.ok((page.shown ?? 0) >= own, 'an act that was answered is never shown undone');
        }
      }
      assert.equal(page.shown, state);
      assert.equal(page.lookProblem, null);
    }),
  );
});

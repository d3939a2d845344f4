import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { liveThrough, type Outage } from '../../outage/outage.ts';
import { temporaryDir } from './making.ts';

const mib = 1024 * 1024;

/** Five machines. `npm run outage` lives through thirty days of fifty. */
function outage(t: TestContext, days: number, budgetMiB: number): Outage {
  const options = { machines: 5, signals: 8, days, budgetBytes: budgetMiB * mib };
  const lived = liveThrough({ dir: temporaryDir(t), ...options });
  t.after(() => lived[Symbol.asyncDispose]());
  return lived;
}

test('a hundredth of thirty days without uplink in a hundredth of the budget: every minute is kept and waits, nothing is folded, and the ring alone has yielded', (t) => {
  // Logs and what is kept free do not get smaller with it: 16 MiB.
  const budgetMiB = Math.floor(2_048 / 100) + 16;
  const { result, toMs, fromMs, journal } = outage(t, 3, budgetMiB);
  const { made, waiting, evicted } = result;
  assert.deepEqual(evicted, {});
  assert.equal(waiting.records, made.minutes + made.events + made.alerts);
  assert.equal(waiting.alerts, made.alerts);
  assert.ok(result.maxFileBytes <= budgetMiB * mib, `${result.maxFileBytes}`);
  const shown =
    journal.summariesBetween(fromMs, fromMs + 59_000).length + journal.summariesBetween(toMs - 60_000, toMs).length;
  assert.equal(shown, 2 * 5 * 8);
});

test('beyond what the budget holds the oldest minutes are hours, told as such, and no alert and no event is missing', (t) => {
  const { result, journal, fromMs, toMs } = outage(t, 2, 20);
  const { made, waiting, evicted } = result;
  const folded = evicted['unacked-minutes'] ?? 0;
  assert.ok(folded > 0);
  assert.deepEqual(Object.keys(evicted), ['kept-minutes', 'unacked-minutes']);
  assert.ok(result.maxFileBytes <= 20 * mib, `${result.maxFileBytes}`);
  assert.equal(waiting.alerts, made.alerts);
  const whole = made.minutes + made.events + made.alerts;
  assert.ok(waiting.records < whole && waiting.records >= whole - folded, 'what is not folded waits as it was');
  const [note, ...more] = journal.transaction(() => journal.gaps.due(toMs));
  assert.deepEqual([note?.step, note?.why, note?.records], ['unacked-minutes', 'room', folded]);
  assert.deepEqual(
    more.map(({ step }) => step),
    ['kept-minutes'],
  );
  assert.equal(note?.fromMs, fromMs, 'the oldest');
});

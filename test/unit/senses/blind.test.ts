import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginSight, seeSight, type Looked, type Sight } from '../../../agent/senses/eye/blind.ts';

/** What was counted every two seconds. */
function after(counts: readonly Looked[], from: Sight = beginSight(0)): Sight {
  return counts.reduce<Sight>((sight, looked, i) => seeSight(sight, looked, from.sinceMs + 2_000 * (i + 1)), from);
}
const counts = (n: number, of: (i: number) => Looked) => Array.from({ length: n }, (_, i) => of(i + 1));

test('L1: blind is who could judge nothing for a minute, and no sooner', () => {
  const failing = (i: number) => ({ judged: 0, unjudged: 24 * i });
  assert.equal(after(counts(29, failing)).isBlind, false);
  assert.equal(after(counts(30, failing)).isBlind, true);
  // Few pictures say little.
  assert.equal(after(counts(30, (i) => ({ judged: 0, unjudged: Math.floor(i / 2) }))).isBlind, false);
});

test('L1: one picture that was judged ends it, and begins the minute anew', () => {
  const blind = after(counts(40, (i) => ({ judged: 0, unjudged: 24 * i })));
  const again = seeSight(blind, { judged: 1, unjudged: 1_000 }, 90_000);
  assert.deepEqual([again.isBlind, again.failed], [false, 0]);
  assert.equal(seeSight(again, { judged: 1, unjudged: 2_000 }, 140_000).isBlind, false);
  assert.equal(seeSight(again, { judged: 1, unjudged: 2_000 }, 150_000).isBlind, true);
});

test('L2: no pictures, or a few bad ones among good ones, are no blindness', () => {
  assert.equal(after(counts(500, () => ({ judged: 0, unjudged: 0 }))).isBlind, false);
  assert.equal(after(counts(500, (i) => ({ judged: i, unjudged: 200 * i }))).isBlind, false);
});

test('another process counts from nothing: what it could not judge counts on', () => {
  const half = after(counts(10, (i) => ({ judged: 0, unjudged: 24 * i })));
  const restarted = counts(20, (i) => ({ judged: 0, unjudged: 3 * i }));
  const sight = restarted.reduce<Sight>((all, looked, i) => seeSight(all, looked, 20_000 + 2_000 * (i + 1)), half);
  assert.equal(sight.failed, 240 + 60);
  assert.equal(sight.isBlind, true);
});

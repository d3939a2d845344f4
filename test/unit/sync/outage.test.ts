import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { noOutage, outageDueMs, stepOutage, type Outage, type OutageEvent } from '../../../agent/sync/outage.ts';

const afterMs = 3_000;
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: 1_760_000_000_000 + monotonicMs });

/** Runs events at times and gives the outages found. */
function run(events: readonly (readonly [atMs: number, event: OutageEvent])[]): Outage[] {
  let state = noOutage(at(0));
  const found: Outage[] = [];
  for (const [ms, event] of events) {
    const next = stepOutage(state, event, at(ms), afterMs);
    state = next.state;
    if (next.outage !== null) found.push(next.outage);
  }
  return found;
}
const tick: OutageEvent = { kind: 'tick' };
const up: OutageEvent = { kind: 'connected' };
const down: OutageEvent = { kind: 'disconnected', reason: 'connection-lost' };
const answered: OutageEvent = { kind: 'answered' };

test('O1, O3: an outage opens after the time, from the moment the connection broke, and closes with the first answer', () => {
  const found = run([
    [100, up],
    [200, answered],
    [1_000, down],
    [3_900, tick],
    [4_000, tick],
    [15_000, up],
    [15_100, answered],
  ]);
  assert.deepEqual(found, [
    { phase: 'opened', fromMs: at(1_000).wallMs, toMs: null, reason: 'connection-lost' },
    { phase: 'closed', fromMs: at(1_000).wallMs, toMs: at(15_100).wallMs, reason: 'connection-lost' },
  ]);
});

test('O2: an idle connection is no outage, and neither is a short break', () => {
  assert.deepEqual(
    run([
      [100, up],
      [200, answered],
      [90_000, tick],
      [100_000, down],
      [100_500, up],
      [190_000, tick],
    ]),
    [],
  );
});

test('O2: one lost answer is no outage; a batch sent three times without one is', () => {
  const sent = (sends: number): OutageEvent => ({ kind: 'sent', sends, first: at(1_000) });
  assert.deepEqual(
    run([
      [100, up],
      [1_000, sent(1)],
      [2_000, sent(2)],
      [5_000, tick],
    ]),
    [],
  );
  const found = run([
    [100, up],
    [200, answered],
    [1_000, sent(1)],
    [2_000, sent(2)],
    [3_000, sent(3)],
    [4_000, tick],
  ]);
  assert.deepEqual(
    found.map(({ phase, fromMs, reason }) => [phase, fromMs, reason]),
    [['opened', at(1_000).wallMs, 'no-answer']],
  );
});

test('O3: a broker that takes the connection does not end an outage', () => {
  assert.deepEqual(
    run([
      [100, down],
      [3_100, tick],
      [4_000, up],
      [60_000, tick],
    ]).map(({ phase }) => phase),
    ['opened'],
  );
});

test('a connection that flaps without an answer is an outage from its first break', () => {
  const flaps = [1, 2, 3, 4].flatMap(
    (s) =>
      [
        [s * 1_000, down],
        [s * 1_000 + 500, up],
      ] as const,
  );
  const [found] = run([[100, up], [200, answered], ...flaps, [5_000, down]]);
  assert.equal(found?.fromMs, at(1_000).wallMs);
});

test('O1: opened and closed alternate and belong together, whatever happens', () => {
  const event = fc.oneof(
    fc.constantFrom(tick, up, down, answered),
    fc.record({ kind: fc.constant('sent' as const), sends: fc.integer({ min: 1, max: 5 }), first: fc.constant(at(0)) }),
  );
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), event), { maxLength: 60 });
  fc.assert(
    fc.property(history, (steps) => {
      let nowMs = 0;
      const found = run(steps.map(([byMs, one]) => [(nowMs += byMs), one] as const));
      for (const [index, outage] of found.entries()) {
        assert.equal(outage.phase, index % 2 === 0 ? 'opened' : 'closed');
        if (outage.phase === 'closed') assert.equal(outage.fromMs, found[index - 1]?.fromMs);
      }
    }),
  );
});

test('the tick that opens an outage is asked for at its time', () => {
  const { state } = stepOutage(noOutage(at(0)), down, at(500), afterMs);
  assert.equal(outageDueMs(state, afterMs), 3_000);
});

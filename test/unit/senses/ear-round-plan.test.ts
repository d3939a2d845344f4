import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RoundPlan } from '../../../agent/senses/ear/round-plan.ts';

const everyMs = 60_000;
const pieceMs = 512;
const pieces = 8;

/** Machines that run all the time or as `runs` says; each round is whole after eight pieces. Gives when each had its turns. */
function hall(
  {
    machines,
    mostOpen,
    mostWaiting = 200,
    minutes,
  }: { machines: number; mostOpen: number; mostWaiting?: number; minutes: number },
  runs: (machine: number, nowMs: number) => boolean = () => true,
) {
  const plan = new RoundPlan({ everyMs, mostOpen, mostWaiting });
  const heard = new Map<string, number>();
  const turns = new Map<string, number[]>();
  let [open, waiting] = [0, 0];
  for (let nowMs = 0; nowMs < minutes * 60_000; nowMs += pieceMs) {
    for (let i = 0; i < machines; i += 1) {
      const machine = `m-${i}`;
      if (!runs(i, nowMs) || !plan.asks(machine, nowMs)) continue;
      const count = (heard.get(machine) ?? 0) + 1;
      heard.set(machine, count % pieces);
      if (count === 1) turns.set(machine, [...(turns.get(machine) ?? []), nowMs]);
      if (count === pieces) plan.done(machine);
      open = Math.max(open, plan.open);
    }
    waiting = Math.max(waiting, plan.waiting);
  }
  return { plan, turns, open, waiting };
}

test('T1, T2: turns that are had and that are waited for are bounded, and a machine has one a minute at most', () => {
  fc.assert(
    fc.property(
      fc.record({
        machines: fc.integer({ min: 1, max: 30 }),
        mostOpen: fc.integer({ min: 1, max: 8 }),
        mostWaiting: fc.integer({ min: 1, max: 10 }),
      }),
      fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      (how, pattern) => {
        const { turns, open, waiting } = hall(
          { ...how, minutes: 4 },
          (i, nowMs) => pattern[(i + Math.floor(nowMs / 3_000)) % pattern.length] ?? true,
        );
        assert.ok(open <= how.mostOpen && waiting <= how.mostWaiting, `${open} open, ${waiting} wait`);
        for (const times of turns.values()) {
          for (const [at, ms] of times.entries()) assert.ok(at === 0 || ms - (times[at - 1] ?? 0) >= everyMs);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('T3: fifty machines that run all day each have their turn every minute', () => {
  const { turns, plan } = hall({ machines: 50, mostOpen: 8, minutes: 10 });
  assert.equal(turns.size, 50);
  for (const times of turns.values()) assert.ok(times.length >= 9, `${times.length} turns in ten minutes`);
  assert.equal(plan.counts('m-7').dropped, 0);
});

test('T3: where there are too few places all machines have turns alike', () => {
  const { turns } = hall({ machines: 40, mostOpen: 1, minutes: 60 });
  const counts = Array.from({ length: 40 }, (_, i) => turns.get(`m-${i}`)?.length ?? 0);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
});

test('T3: one that waits and stands keeps nobody from a place that is free, nor for long from the last one', () => {
  const plan = new RoundPlan({ everyMs, mostOpen: 2, mostWaiting: 10 });
  assert.ok(plan.asks('a', 0) && plan.asks('b', 0));
  assert.ok(!plan.asks('stands', 0) && !plan.asks('c', 0));
  plan.done('a');
  assert.ok(!plan.asks('c', 512), 'a place is kept for who asked before');
  plan.done('b');
  assert.ok(plan.asks('c', 1_024), 'there is room for both');
  assert.ok(!plan.asks('d', 1_024));
  assert.ok(plan.asks('d', 6_000), 'who stands has given up');
});

test('T4: a turn that is not brought to its end is taken back, and one that finds the queue full is refused; both are counted', () => {
  const plan = new RoundPlan({ everyMs, mostOpen: 1, mostWaiting: 1 });
  assert.ok(plan.asks('a', 0));
  assert.ok(!plan.asks('b', 0));
  assert.ok(!plan.asks('c', 0), 'the queue is full');
  assert.equal(plan.counts('c').dropped, 1);
  for (let nowMs = 500; nowMs <= 130_000; nowMs += 500) plan.asks('a', nowMs);
  assert.deepEqual(plan.counts('a'), { done: 0, dropped: 1 });
  assert.ok(plan.asks('b', 20_000_000));
  assert.equal(plan.counts('b').done, 0);
  plan.done('b');
  assert.equal(plan.counts('b').done, 1);
});

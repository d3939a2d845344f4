import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { openJournal } from '../../../agent/store/journal.ts';
import { ShiftEvents, shiftOf } from '../../../agent/store/shift-sums.ts';
import { SummaryList } from '../../../agent/store/summary-list.ts';
import { ViewQueries } from '../../../agent/store/view-queries.ts';
import { addSums, noSums } from '../../../agent/store/view-sums.ts';
import type { EventRecord, StateSummaryRecord, SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, entry, nowMs, temporaryDir } from './making.ts';

const minute = (index: number) => nowMs + index * 60_000;
let numbers = 0;

function rig(t: TestContext) {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: false });
  t.after(() => journal.close());
  const parts = { summaries: new SummaryList(journal.db), raw: () => null, monotonicMs: () => 0 };
  return {
    journal,
    made: () => new ViewQueries(journal.db, parts),
    store: (records: readonly (SummaryRecord | StateSummaryRecord | EventRecord)[], boot = bootA) =>
      journal.transaction(() => {
        journal.insert(
          boot,
          records.map((record) => entry(record)),
        );
      }),
  };
}
const happens = (
  machine: string,
  at: number,
  event: string,
  data: EventRecord['data'],
  phase: EventRecord['phase'] = 'instant',
): EventRecord => ({ n: ++numbers, v: 1, machine, atMs: minute(at), kind: 'event', event, phase, fromMs: null, data });
const minutesOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => minute(from + i)).flatMap((minuteMs) => {
    const key = { machine: 'ls-1', minuteMs, atMs: minuteMs + 65_000 };
    return [
      stateSummary(++numbers, { ...key, seconds: { RUN: 40, FAULT: 15 }, causes: { 'drive.stall': 10 } }),
      summary(++numbers, { ...key, samples: 10, good: 10 }),
    ];
  });
const over = (from: number, to: number) => ({ fromMs: minute(from), toMs: minute(to), isOver: true });
const stall = { from: 'RUN', to: 'FAULT', cause: 'drive.stall' };

test('the seconds of a shift that is over add up to its length, and shifts side by side share no second, packed or not', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 400));
  // The ends of the spans lie within hours that are packed whole.
  const asked = () => [r.made().shift(over(10, 130)), r.made().shift(over(130, 399)), r.made().shift(over(399, 460))];
  const before = asked();
  for (const [at, length] of [120, 269, 61].entries()) {
    const one = before[at]?.machines[0];
    const told = Object.values(one?.seconds ?? {}).reduce((sum, s) => sum + s, 0) + (one?.unknownS ?? 0);
    assert.ok(Math.abs(told - length * 60) < 1e-6, `${at}: ${told}`);
  }
  assert.deepEqual(
    before.map(({ machines }) => machines[0]?.counters[0]?.delta),
    [120 * 4, 269 * 4, 4],
  );
  assert.deepEqual(before[0]?.machines[0]?.stops, [
    { cause: 'drive.stall', seconds: 1200, times: 0 },
    { cause: null, seconds: 600, times: 0 },
  ]);
  assert.equal(before[2]?.machines[0]?.unknownS, 61 * 60 - 55);
  while (r.journal.transaction(() => r.journal.minutes.pack()));
  assert.deepEqual(asked(), before);
  // Sums that were kept of one span do not stand in for another.
  const kept = r.made();
  assert.deepEqual([kept.shift(over(10, 130)), kept.shift(over(130, 399))], before.slice(0, 2));
  assert.equal(kept.shift(over(10, 100)).machines[0]?.counters[0]?.delta, 90 * 4);
});

test('stops are counted by cause, a machine of which no minute tells among them', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 60));
  r.store([
    happens('ls-1', 1, 'state_changed', stall),
    happens('ls-1', 2, 'state_changed', { from: 'FAULT', to: 'RUN', cause: null }),
    happens('ls-1', 3, 'state_changed', stall),
    happens('ls-1', 60, 'state_changed', stall),
    happens('ls-2', 5, 'state_changed', stall),
  ]);
  const { machines, isCounted } = r.made().shift(over(0, 60));
  assert.equal(isCounted, true);
  const of = (id: string) => machines.find(({ machine }) => machine === id);
  assert.deepEqual(
    of('ls-1')?.stops.map(({ cause, times }) => [cause, times]),
    [
      ['drive.stall', 2],
      [null, 0],
    ],
  );
  assert.deepEqual(of('ls-2')?.stops, [{ cause: 'drive.stall', seconds: 0, times: 1 }]);
  assert.equal(of('ls-2')?.unknownS, 3600);
});

test('a fault is counted once, not where it was another, and metres are those that were looked at', (t) => {
  const r = rig(t);
  const found = (at: number, finding: number, phase: EventRecord['phase'], sameAs: number | null = null) =>
    happens('ck-1', at, 'fabric_finding', { eye: 1, finding, sameAs }, phase);
  r.store([
    found(1, 1, 'opened'),
    found(2, 2, 'instant'),
    found(3, 3, 'opened'),
    found(4, 3, 'closed', 1),
    found(5, 1, 'closed'),
    // Found in the shift before.
    found(6, 9, 'closed'),
    happens('ck-1', 7, 'roll_looked', { fromM: 0, toM: 40, unseen: 0 }),
    happens('ck-1', 8, 'roll_looked', { fromM: 40, toM: 60, unseen: 0.5 }),
    happens('ck-1', 9, 'roll_looked', { fromM: 60, toM: 90, unseen: 1 }),
    happens('ck-2', 9, 'roll_looked', { fromM: 0, toM: 30, unseen: 1 }),
  ]);
  // The same number of the same eye, after a start of the agent, is another fault.
  r.store([found(10, 1, 'opened')], bootB);
  const { machines } = r.made().shift(over(0, 60));
  const cloth = (id: string) => machines.find(({ machine }) => machine === id)?.cloth;
  assert.deepEqual(cloth('ck-1'), { found: 3, metres: 50 });
  assert.deepEqual(cloth('ck-2'), { found: 0, metres: null });
});

test('where more happened than is looked at nothing is counted, and that is said', (t) => {
  const r = rig(t);
  r.store([1, 2, 3, 4].map((at) => happens('ls-1', at, 'state_changed', stall)));
  const of = (most: number) => new ShiftEvents(r.journal.db, most).of(minute(0), minute(60));
  assert.equal(of(4).machines.get('ls-1')?.stops.get('drive.stall'), 4);
  assert.equal(of(3).isCounted, false);
  const sums = new Map([['ls-1', { ...noSums(), stops: new Map([['drive.stall', 30]]) }]]);
  const { machines } = shiftOf(sums, of(3), over(0, 60));
  assert.deepEqual(machines[0]?.stops, [{ cause: 'drive.stall', seconds: 30, times: null }]);
});

test('whatever minutes tell, a shift that is over is as long as its seconds', () => {
  const seconds = fc.dictionary(
    fc.constantFrom('RUN', 'IDLE', 'FAULT', 'OFFLINE', 'UNKNOWN'),
    fc.double({ min: 0, max: 40_000, noNaN: true }),
  );
  fc.assert(
    fc.property(seconds, fc.integer({ min: 1, max: 720 }), (told, length) => {
      const sums = noSums();
      addSums(sums, { ...noSums(), seconds: told });
      const { machines } = shiftOf(
        new Map([['ls-1', sums]]),
        { isCounted: true, machines: new Map() },
        over(0, length),
      );
      const one = machines[0];
      const total = Object.values(one?.seconds ?? {}).reduce((sum, s) => sum + s, one?.unknownS ?? 0);
      assert.ok(Math.abs(total - length * 60) < 1e-6);
      assert.equal(one?.seconds.UNKNOWN, undefined);
    }),
  );
});

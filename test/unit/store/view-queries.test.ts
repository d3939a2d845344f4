import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openJournal } from '../../../agent/store/journal.ts';
import { SummaryList } from '../../../agent/store/summary-list.ts';
import { ViewQueries } from '../../../agent/store/view-queries.ts';
import type { EventRecord, StateSummaryRecord, SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, entry, nowMs, temporaryDir } from './making.ts';

const minute = (index: number) => nowMs + index * 60_000;
const machines = ['ls-1', 'ls-2'];

function rig(t: TestContext, clock = { nowMs: 0, monotonicMs: () => clock.nowMs }) {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: false });
  t.after(() => journal.close());
  const summaries = new SummaryList(journal.db);
  const made = () => new ViewQueries(journal.db, { summaries, raw: () => null, monotonicMs: clock.monotonicMs });
  return {
    journal,
    clock,
    made,
    views: made(),
    store: (records: readonly (SummaryRecord | StateSummaryRecord | EventRecord)[], boot = bootA) =>
      journal.transaction(() => {
        journal.insert(
          boot,
          records.map((record) => entry(record)),
        );
      }),
  };
}

let numbers = 0;
const minutesOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => minute(from + i)).flatMap((minuteMs) =>
    machines.flatMap((machine) => {
      const key = { machine, minuteMs, atMs: minuteMs + 65_000 };
      return [
        stateSummary(++numbers, { ...key, seconds: { RUN: 40, FAULT: 20 }, causes: { 'drive.stall': 15 } }),
        summary(++numbers, { ...key, signal: 'motor.temp', counter: null, samples: 10, good: 9 }),
        summary(++numbers, { ...key, samples: 10, good: 10 }),
      ];
    }),
  );

test('the day, the states, the stops and the table are the same before packing, between its pieces and after', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 400));
  const span = { fromMs: minute(30), toMs: minute(400) };
  const of = { machine: 'ls-2', ...span };
  const asked = () => ({
    today: r.made().today(span),
    timeline: r.made().timeline({ ...of, steps: 20 }),
    stops: r.made().stops(of),
    states: r.made().table({ ...of, signal: null, unit: '', timeZone: 'Asia/Dhaka' }),
    band: r.made().band({ ...of, signal: 'motor.temp', points: 50 }),
  });
  const before = asked();
  const [first] = before.today.machines;
  assert.deepEqual(before.today.isWhole, true);
  assert.deepEqual(
    before.today.machines.map(({ machine }) => machine),
    machines,
  );
  assert.deepEqual(first?.counters, [{ signal: 'stitches', delta: 370 * 4, uncertainty: 0 }]);
  assert.deepEqual(first?.seconds, { RUN: 370 * 40, FAULT: 370 * 20 });
  assert.deepEqual([first?.samples, first?.good], [370 * 20, 370 * 19]);
  assert.equal(before.timeline.steps.at(1)?.unknownS, 0);
  assert.deepEqual(before.stops.stops, [
    { cause: 'drive.stall', seconds: 370 * 15, count: 0 },
    { cause: null, seconds: 370 * 5, count: 0 },
  ]);
  assert.equal(before.states.items[0]?.trim().split('\r\n').length, 370);
  let pieces = 0;
  for (let more = true; more; pieces++) {
    more = r.journal.transaction(() => r.journal.minutes.pack());
    assert.deepEqual(asked(), before, `after piece ${pieces}`);
  }
  assert.ok(Number(r.journal.db.prepare('SELECT count(*) FROM packed').pluck().get()) > 0, 'something was packed');
});

test('a minute of a packed hour that is told anew counts once, and the one before it does not', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 400));
  while (r.journal.transaction(() => r.journal.minutes.pack()));
  const key = { machine: 'ls-1', minuteMs: minute(5), atMs: minute(300), revision: 2 };
  const counter = { delta: 104, uncertainty: 1, from: 0, to: 104, fromMs: 0, toMs: 0, wraps: 0, resets: 0 };
  r.store([summary(++numbers, { ...key, counter })]);
  const { machines: told } = r.views.today({ fromMs: minute(0), toMs: minute(400) });
  assert.deepEqual(told.find(({ machine }) => machine === 'ls-1')?.counters, [
    { signal: 'stitches', delta: 399 * 4 + 104, uncertainty: 1 },
  ]);
});

test('what takes too long is told as not whole, and the next call goes on where it ended', (t) => {
  // Every look at the clock takes a tenth of a second.
  const clock = { nowMs: 0, monotonicMs: () => (clock.nowMs += 100) };
  const r = rig(t, clock);
  r.store(minutesOf(0, 800));
  while (r.journal.transaction(() => r.journal.minutes.pack()));
  const span = { fromMs: minute(0), toMs: minute(800) };
  const first = r.views.today(span);
  assert.equal(first.isWhole, false);
  assert.ok(
    first.machines.some(({ unknownS }) => unknownS > 0),
    'what is not added up is unknown',
  );
  let last = first;
  for (let calls = 0; calls < 50 && !last.isWhole; calls++) last = r.views.today(span);
  assert.equal(last.isWhole, true);
  assert.deepEqual(
    last.machines.map(({ counters }) => counters[0]?.delta),
    [3200, 3200],
  );
});

test('stops are counted by the changes of state of that machine and span alone', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 60));
  const change = (machine: string, atMs: number, data: EventRecord['data'], event = 'state_changed'): EventRecord => ({
    n: ++numbers,
    v: 1,
    machine,
    atMs,
    kind: 'event',
    event,
    phase: 'instant',
    fromMs: null,
    data,
  });
  const stall = { from: 'RUN', to: 'FAULT', cause: 'drive.stall' };
  r.store([
    change('ls-1', minute(-1), stall),
    change('ls-1', minute(1), stall),
    change('ls-1', minute(2), { from: 'FAULT', to: 'RUN', cause: null }),
    change('ls-1', minute(3), stall),
    change('ls-1', minute(4), { from: 'RUN', to: 'FAULT', cause: null }),
    change('ls-1', minute(5), stall, 'another'),
    change('ls-2', minute(6), stall),
    change('ls-1', minute(60), stall),
  ]);
  const { stops } = r.views.stops({ machine: 'ls-1', fromMs: minute(0), toMs: minute(60) });
  assert.deepEqual(
    stops.map(({ cause, count }) => [cause, count]),
    [
      ['drive.stall', 2],
      [null, 1],
    ],
  );
});

test('a table of many days comes day by day, with every minute once', (t) => {
  const r = rig(t);
  const days = 3;
  const some = Array.from({ length: days * 24 }, (_, hour) =>
    summary(++numbers, { machine: 'ls-1', minuteMs: minute(hour * 60), atMs: minute(hour * 60) }),
  );
  r.store(some);
  r.store([summary(++numbers, { machine: 'ls-1', minuteMs: minute(0), readingBoot: bootB, segment: 1 })], bootB);
  const lines: string[] = [];
  let pages = 0;
  for (let fromMs: number | null = minute(0); fromMs !== null; pages++) {
    const toMs = minute(days * 24 * 60);
    const query = { machine: 'ls-1', signal: 'stitches', unit: 'C62', timeZone: 'Asia/Dhaka', fromMs, toMs };
    const page = r.views.table(query);
    lines.push(...page.items.flatMap((text) => text.trim().split('\r\n')));
    fromMs = page.next === null ? null : Number(page.next);
  }
  assert.equal(pages, days);
  assert.equal(lines.length, days * 24 + 1);
  assert.equal(new Set(lines.map((line) => line.split(',')[0])).size, days * 24);
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openJournal, type Journal } from '../../../agent/store/journal.ts';
import { SummaryList } from '../../../agent/store/summary-list.ts';
import type { StateSummaryRecord, SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { stateSummary, summary } from '../bridge/making.ts';
import { bootA, entry, nowMs, temporaryDir } from './making.ts';

const minute = (index: number) => nowMs + index * 60_000;
const machines = ['ls-1', 'ls-2', 'ls-3'];
const hourMs = 3_600_000;

interface Rig {
  readonly journal: Journal;
  readonly list: SummaryList;
  store(records: readonly (SummaryRecord | StateSummaryRecord)[]): void;
  all(machine?: string): readonly (SummaryRecord | StateSummaryRecord)[];
}
function rig(t: TestContext): Rig {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: false });
  t.after(() => journal.close());
  const list = new SummaryList(journal.db);
  return {
    journal,
    list,
    store: (records) =>
      journal.transaction(() =>
        journal.insert(
          bootA,
          records.map((record) => entry(record)),
        ),
      ),
    all: (machine) => {
      const found: (SummaryRecord | StateSummaryRecord)[] = [];
      let after: string | null = null;
      do {
        const page = list.page({
          ...(machine === undefined ? {} : { machine }),
          fromMs: 0,
          toMs: nowMs * 2,
          after,
          limit: 700,
        });
        found.push(...page.items);
        after = page.next;
      } while (after !== null);
      return found;
    },
  };
}
let numbers = 0;
const minutesOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => minute(from + i)).flatMap((minuteMs) =>
    machines.flatMap((machine) => [
      stateSummary(++numbers, { machine, minuteMs, atMs: minuteMs + 65_000 }),
      summary(++numbers, {
        machine,
        minuteMs,
        atMs: minuteMs + 65_000,
        signal: 'motor.temp',
        counter: null,
        sum: numbers / 7,
      }),
      summary(++numbers, { machine, minuteMs, atMs: minuteMs + 65_000 }),
    ]),
  );
const rowsIn = ({ journal }: Rig, table: string) =>
  Number(journal.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

test('N1: lists, trends and what a start reads are the same before packing, after each piece and after a kill between two', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 400));
  const whole = r.all();
  assert.equal(whole.length, 400 * 9);
  const trend = r.list.ofSignal('ls-2', 'motor.temp', minute(10), minute(300));
  const between = r.journal.summariesBetween(minute(0), minute(3));
  let pieces = 0;
  for (let more = true; more; pieces++) {
    more = r.journal.transaction(() => r.journal.minutes.pack());
    // What a start after a kill would know: nothing of the piece before.
    if (pieces % 3 === 1) r.journal.minutes.forget();
    assert.deepEqual(r.all(), whole);
    assert.deepEqual(
      r.all('ls-2'),
      whole.filter(({ machine }) => machine === 'ls-2'),
    );
    assert.deepEqual(r.list.ofSignal('ls-2', 'motor.temp', minute(10), minute(300)), trend);
  }
  assert.ok(pieces > 1);
  const byName = (a: SummaryRecord, b: SummaryRecord) => a.n - b.n;
  assert.deepEqual(r.journal.summariesBetween(minute(0), minute(3)).sort(byName), between.sort(byName));
  assert.equal(rowsIn(r, 'packed'), 3 * machines.length, 'whole hours older than three hours');
  assert.equal(rowsIn(r, 'summary'), (400 - 180) * 6);
});

test('N2: a row that comes late for an hour that is packed, or being packed, counts by its revision', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 300));
  r.journal.minutes.pack();
  r.store([summary(90_001, { machine: 'ls-1', minuteMs: minute(1), revision: 2, sum: 41 })]);
  while (r.journal.minutes.pack());
  r.store([
    summary(90_002, { machine: 'ls-1', minuteMs: minute(2), revision: 2, sum: 42 }),
    summary(1, { machine: 'ls-1', minuteMs: minute(3), revision: 1, sum: 43 }),
  ]);
  const sums = () => r.list.ofSignal('ls-1', 'stitches', minute(1), minute(3)).map((row) => row.sum);
  const usual = summary(1).sum;
  assert.deepEqual(sums(), [41, 42, usual], 'an older number of the same revision does not count');
  while (r.journal.minutes.pack());
  assert.deepEqual(sums(), [41, 42, usual]);
  assert.equal(r.all().length, 300 * 9);
});

test('N3: hours folded from minutes add up to them, and their minutes are gone', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 400));
  while (r.journal.minutes.pack());
  const total = (records: readonly (SummaryRecord | StateSummaryRecord)[]) =>
    records.reduce((sum, record) => sum + (record.kind === 'summary' ? record.samples : 0), 0);
  const before = total(r.all());
  const folded = [];
  for (
    let done = r.journal.minutes.fold(nowMs + 2 * hourMs);
    done !== null;
    done = r.journal.minutes.fold(nowMs + 2 * hourMs)
  )
    folded.push(done);
  assert.equal(
    folded.reduce((sum, { records }) => sum + records, 0),
    2 * 60 * 9,
  );
  const after = r.all();
  assert.equal(total(after), before);
  assert.equal(after.length, 2 * 9 + 280 * 9);
  assert.deepEqual(
    after.slice(0, 9).map(({ minuteMs }) => minuteMs),
    Array.from({ length: 9 }, () => nowMs),
  );
  assert.equal(r.list.ofSignal('ls-1', 'stitches', nowMs, minute(130)).length, 2 + 11);
  assert.equal(r.journal.minutes.oldestHourMs(), nowMs + 2 * hourMs);
});

test('a damaged packed hour reads as nothing, and the rest is there', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 300));
  while (r.journal.minutes.pack());
  r.journal.db.exec(
    "UPDATE packed SET bytes = zeroblob(500) WHERE machine = 'ls-2' AND id = (SELECT min(id) FROM packed WHERE machine = 'ls-2')",
  );
  assert.equal(r.all('ls-2').length, 240 * 3);
  assert.equal(r.all('ls-1').length, 300 * 3);
});

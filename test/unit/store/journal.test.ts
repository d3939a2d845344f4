import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { batchLimits, checkedEntries } from '../../../agent/store/checked.ts';
import { batchBody, maxBatchWireBytes, sha256Hex } from '../../../cloud-bridge/contract.ts';
import { openJournal, type Journal } from '../../../agent/store/journal.ts';
import type { SealedBatch } from '../../../agent/store/outbox.ts';
import { Outbox } from '../../../agent/store/sealing.ts';
import { alert, event, stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, entry, nowMs, seal, takeFrom, temporaryDir } from './making.ts';

function openIn(t: TestContext, more: { maxBytes?: number } = {}): { journal: Journal; outbox: Outbox } {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: true, ...more });
  t.after(() => journal.close());
  journal.transaction(() => journal.beginBoot(bootA, nowMs));
  return { journal, outbox: new Outbox(journal.db, batchLimits) };
}
const count = (journal: Journal, table: string) =>
  Number(journal.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
const bodyOf = (batch: SealedBatch) => batchBody.parse(JSON.parse(zstdDecompressSync(batch.bytes).toString()));
const settled = ({ boot, seq, sha256 }: SealedBatch, result: 'stored' | 'repeat' | 'refused' | 'later') => ({
  boot,
  seq,
  sha256,
  result,
  code: null,
  atMs: nowMs,
});

test('J1: a record and its outbox row appear together or not at all', (t) => {
  const { journal } = openIn(t);
  assert.throws(() =>
    journal.transaction(() => journal.insert(bootA, [entry(event(1)), entry(event(2)), entry(event(1))])),
  );
  assert.deepEqual([count(journal, 'event'), count(journal, 'outbox')], [0, 0]);
  journal.transaction(() => journal.insert(bootA, [entry(event(1)), entry(event(2))]));
  assert.deepEqual([count(journal, 'event'), count(journal, 'outbox')], [2, 2]);
});

test('a record that breaks the wire contract is refused: it would make the bridge refuse its whole batch', (t) => {
  for (const record of [summary(1, { sum: Number.NaN }), event(0), event(1, { event: 'Not A Name' })]) {
    assert.throws(() => checkedEntries([entry(summary(2)), entry(record)]), /AGT-208/);
  }
  const { journal } = openIn(t);
  const long = entry(alert(1, { text: 'x'.repeat(60_000) }));
  assert.throws(() => journal.transaction(() => journal.insert(bootA, [long])), /AGT-208/);
  assert.equal(count(journal, 'outbox'), 0);
});

test('J2: of a summary key the highest revision, boot and number stands, in any order of arrival', (t) => {
  const versions = [
    summary(1),
    summary(2, { revision: 2, sum: 7 }),
    summary(3, { revision: 2, sum: 8 }),
    summary(4, { sum: 9 }),
  ];
  const { journal } = openIn(t);
  fc.assert(
    fc.property(fc.shuffledSubarray(versions, { minLength: versions.length }), (order) => {
      journal.db.exec('DELETE FROM summary');
      journal.transaction(() =>
        journal.insert(
          bootA,
          order.map((record) => entry(record)),
        ),
      );
      assert.deepEqual(journal.summariesBetween(0, nowMs * 2), [versions[2]]);
    }),
    { numRuns: 24 },
  );
});

test('summaries come back as they were given, with and without a counter', (t) => {
  const { journal } = openIn(t);
  const plain = summary(1, { signal: 'motor.temp', counter: null, min: -3.5, max: null, sum: 0.1 + 0.2 });
  const states = stateSummary(3);
  journal.transaction(() =>
    journal.insert(
      bootA,
      [plain, summary(2), states].map((record) => entry(record)),
    ),
  );
  assert.deepEqual(journal.summariesBetween(0, nowMs * 2), [plain, summary(2)]);
  assert.deepEqual(journal.stateSummariesBetween(0, nowMs * 2), [states]);
});

test('what was closed a little while ago is found at a start where it belongs to an incident', (t) => {
  const { journal } = openIn(t);
  assert.deepEqual(journal.justClosed(), []);
  const over = { transition: 'closed', state: 'normal', clearedMs: nowMs } as const;
  const closed = alert(3, { occurrence: 'o-2', ...over, evidence: { incident: 'o-2', needle: 317, k: 2 } });
  const records = [
    alert(1, { occurrence: 'o-1', ...over, evidence: {} }),
    alert(2, { occurrence: 'o-2', evidence: { incident: 'o-2', needle: 317, k: 2 } }),
    closed,
    alert(4, { occurrence: 'o-3', evidence: { incident: 'o-3' } }),
  ];
  const insert = (some: readonly ReturnType<typeof alert>[]) =>
    journal.transaction(() =>
      journal.insert(
        bootA,
        some.map((record) => entry(record, 'alerts')),
      ),
    );
  insert(records);
  assert.deepEqual(journal.justClosed(), [closed]);
  insert(Array.from({ length: 2_000 }, (_, i) => alert(i + 5, { occurrence: 'o-4' })));
  assert.deepEqual(journal.justClosed(), [], 'so many steps ago it was over long ago');
});

test('open occurrences are those whose newest record is not closed', (t) => {
  const { journal } = openIn(t);
  const open = alert(4, { occurrence: 'o-2', raisedMs: nowMs + 5, transition: 'acked', state: 'active-acked' });
  const records = [
    alert(1),
    alert(2, { occurrence: 'o-2', raisedMs: nowMs + 5 }),
    alert(3, { transition: 'closed', state: 'normal', clearedMs: nowMs }),
    open,
  ];
  journal.transaction(() =>
    journal.insert(
      bootA,
      records.map((record) => entry(record, 'alerts')),
    ),
  );
  assert.deepEqual(journal.openOccurrences(), [open]);
});

test('a span is open when the newest word about it is that it opened, whatever happened beside it', (t) => {
  const { journal } = openIn(t);
  const span = (n: number, machine: string, phase: 'opened' | 'closed' | 'instant', fromMs: number | null) =>
    event(n, { machine, event: phase === 'instant' ? 'state_changed' : 'gap', phase, fromMs });
  const records = [
    span(1, 'm-1', 'opened', 10),
    span(2, 'm-1', 'closed', 10),
    span(3, 'm-1', 'opened', 20),
    span(4, 'm-1', 'instant', null),
    span(5, 'm-2', 'opened', 30),
    span(6, 'm-2', 'closed', 30),
  ];
  journal.transaction(() =>
    journal.insert(
      bootA,
      records.map((record) => entry(record, 'live')),
    ),
  );
  assert.deepEqual(journal.openSpans(), [{ machine: 'm-1', event: 'gap', fromMs: 20 }]);
});

test('a counter that was read once before a kill has told its value: the next start goes on from there', (t) => {
  const { journal } = openIn(t);
  const once = summary(1, { samples: 1, good: 1, first: 66, last: 66, counter: null });
  journal.transaction(() => journal.insert(bootA, [entry(once)]));
  assert.deepEqual(
    journal.lastCounters().map(({ value, atMs }) => ({ value, atMs })),
    [{ value: 66, atMs: once.minuteMs }],
  );
});

test('the last counter is that of the latest boot, segment and time, not of the latest arrival', (t) => {
  const { journal } = openIn(t);
  const counter = (to: number, toMs: number) => ({
    delta: 1,
    uncertainty: 0,
    from: 0,
    to,
    fromMs: 0,
    toMs,
    wraps: 0,
    resets: 0,
  });
  journal.transaction(() =>
    journal.insert(bootA, [
      entry(summary(1, { counter: counter(10, nowMs) })),
      entry(summary(2, { minuteMs: nowMs - 60_000, counter: counter(5, nowMs - 1) })),
    ]),
  );
  assert.deepEqual(
    journal.lastCounters().map(({ value }) => value),
    [10],
  );
  journal.transaction(() => {
    journal.beginBoot(bootB, nowMs);
    // The wall clock was set back between the two starts.
    journal.insert(bootB, [entry(summary(1, { readingBoot: bootB, counter: counter(20, nowMs - 5_000) }))]);
  });
  assert.deepEqual(
    journal.lastCounters().map(({ value }) => value),
    [20],
  );
});

test('J3: sealing moves every record into exactly one batch, in order, of one boot, within the limits', (t) => {
  const { journal, outbox } = openIn(t);
  // Text that does not compress, so that the wire limit is met.
  const noise = (n: number) => Array.from({ length: 60 }, (_, i) => sha256Hex(Buffer.from(`${n}/${i}`))).join('');
  journal.transaction(() => {
    for (let n = 1; n <= 60; n++) journal.insert(bootA, [entry(event(n, { data: { noise: noise(n) } }))]);
    journal.beginBoot(bootB, nowMs);
    for (let n = 1; n <= 5; n++) journal.insert(bootB, [entry(event(n))]);
  });
  const batches = journal.transaction(() => outbox.take(takeFrom('live', { limit: 100 })));
  assert.ok(batches.length > 2);
  const seen: string[] = [];
  for (const batch of batches) {
    const body = bodyOf(batch);
    assert.ok(batch.bytes.length <= maxBatchWireBytes);
    assert.equal(batch.sha256, sha256Hex(batch.bytes));
    assert.deepEqual([body.boot, body.seq, body.records.length], [batch.boot, batch.seq, batch.records]);
    assert.equal(body.previousBoot, body.boot === bootB ? bootA : null);
    seen.push(...body.records.map(({ n }) => `${body.boot}/${n}`));
  }
  const numbers = (boot: string, to: number) => Array.from({ length: to }, (_, i) => `${boot}/${i + 1}`);
  assert.deepEqual(seen, [...numbers(bootA, 60), ...numbers(bootB, 5)]);
  assert.equal(count(journal, 'outbox'), 0);
});

test('J4: only an answer with the right hash changes a batch; stored releases it, later keeps it, refused buries it', (t) => {
  const { journal, outbox } = openIn(t);
  journal.transaction(() => journal.insert(bootA, [entry(event(1)), entry(alert(2), 'alerts')]));
  const [live] = outbox.take(takeFrom('live'));
  const [urgent] = outbox.take(takeFrom('alerts'));
  assert.ok(live !== undefined && urgent !== undefined);
  assert.equal(outbox.settle({ ...settled(live, 'stored'), sha256: '0'.repeat(64) }), false);
  outbox.settle(settled(live, 'later'));
  assert.deepEqual(
    outbox.take(takeFrom('live')).map(({ sha256 }) => sha256),
    [live.sha256],
  );
  assert.equal(outbox.settle(settled(live, 'stored')), true);
  assert.equal(outbox.settle(settled(live, 'repeat')), false, 'settled once');
  assert.equal(outbox.settle(settled(urgent, 'refused')), true);
  assert.deepEqual(outbox.take(takeFrom('alerts')), []);
  const { records, dead, acked, sealed } = outbox.counts();
  assert.deepEqual({ records, dead, acked, sealed }, { records: 0, dead: 1, acked: 1, sealed: 2 });
  const row = journal.db.prepare("SELECT bytes, acked_ms FROM batch WHERE state = 'acked'").get();
  assert.deepEqual(row, { bytes: null, acked_ms: nowMs }, 'a row stays, its bytes do not');
  assert.equal(count(journal, 'alert'), 1, 'local history stays');
  assert.equal(outbox.retryDead(), 1);
  assert.deepEqual(
    outbox.take(takeFrom('alerts')).map(({ sha256 }) => sha256),
    [urgent.sha256],
  );
});

test('old live records go by the backlog lane, and fresh ones wait for company', (t) => {
  const { journal, outbox } = openIn(t);
  journal.transaction(() =>
    journal.insert(bootA, [entry(event(1), 'live', nowMs - 120_000), entry(event(2), 'live', nowMs - 100)]),
  );
  assert.deepEqual(outbox.take(takeFrom('live', { lingerMs: 1_000 })), []);
  const of = (batches: SealedBatch[]) => batches.flatMap((batch) => bodyOf(batch).records.map(({ n }) => n));
  assert.deepEqual(of(outbox.take(takeFrom('backlog'))), [1]);
  assert.deepEqual(of(outbox.take(takeFrom('live', { lingerMs: 1_000, seal: { ...seal, nowMs: nowMs + 900 } }))), [2]);
});

test('the minutes of few signals wait for the next minute, but not with an event, and not for ever', (t) => {
  const { journal, outbox } = openIn(t);
  const put = (n: number, record: 'summary' | 'event', committedMs: number) =>
    journal.transaction(() =>
      journal.insert(bootA, [
        entry(record === 'event' ? event(n) : summary(n, { signal: `signal.s${n}` }), 'live', committedMs),
      ]),
    );
  const inFlight: SealedBatch[] = [];
  const taken = (atMs: number) => {
    const linger = { lingerMs: 1_000, minuteLingerMs: 75_000, backlogAfterMs: 120_000 };
    const found = outbox.take(takeFrom('live', { ...linger, exclude: inFlight, seal: { ...seal, nowMs: atMs } }));
    inFlight.push(...found);
    return found.map((batch) => bodyOf(batch).records.map(({ n }) => n));
  };

  put(1, 'summary', nowMs);
  put(2, 'summary', nowMs + 500);
  assert.deepEqual(taken(nowMs + 59_000), [], 'alone');
  put(3, 'summary', nowMs + 60_000);
  assert.deepEqual(taken(nowMs + 60_000), [[1, 2, 3]], 'with the next minute');

  put(4, 'summary', nowMs + 120_000);
  put(5, 'event', nowMs + 130_000);
  assert.deepEqual(taken(nowMs + 131_000), [[4, 5]], 'with an event, which does not wait');

  put(6, 'summary', nowMs + 180_000);
  assert.deepEqual(taken(nowMs + 254_999), []);
  assert.deepEqual(taken(nowMs + 255_000), [[6]], 'no next minute came');

  for (let n = 7; n < 71; n += 1) put(n, 'summary', nowMs + 300_000);
  assert.equal(taken(nowMs + 301_000)[0]?.length, 64, 'many signals');
});

test('a snapshot holds the newest record of every open occurrence and takes nothing out of the outbox', (t) => {
  const { journal, outbox } = openIn(t);
  const acked = alert(2, { transition: 'acked', state: 'active-acked' });
  journal.transaction(() => journal.insert(bootA, [entry(alert(1), 'alerts'), entry(acked, 'alerts')]));
  const [snapshot] = outbox.sealSnapshot(seal);
  assert.ok(snapshot !== undefined);
  assert.deepEqual(bodyOf(snapshot).records, [acked]);
  assert.equal(count(journal, 'outbox'), 2);
});

test('sends are counted, and every send after the first as redelivered', (t) => {
  const { journal, outbox } = openIn(t);
  journal.transaction(() => journal.insert(bootA, [entry(event(1))]));
  const batches = outbox.take(takeFrom('live'));
  for (let i = 0; i < 3; i++) outbox.noteSent(batches, nowMs);
  assert.equal(outbox.counts().redelivered, 2);
  assert.equal(outbox.take(takeFrom('live'))[0]?.sends, 3);
});

test('a full file rejects a commit whole, keeps what was there, and goes on when there is room again', (t) => {
  const { journal } = openIn(t, { maxBytes: 400_000 });
  const fat = (n: number) => event(n, { data: { text: 'x'.repeat(20_000) } });
  let n = 0;
  assert.throws(
    () => {
      for (;;) journal.transaction(() => journal.insert(bootA, [entry(fat(++n))]));
    },
    { code: 'SQLITE_FULL' },
  );
  assert.deepEqual([count(journal, 'event'), count(journal, 'outbox')], [n - 1, n - 1]);
  assert.equal(journal.db.pragma('quick_check', { simple: true }), 'ok');
  journal.db.exec('DELETE FROM outbox');
  journal.transaction(() => journal.insert(bootA, [entry(fat(n))]));
  assert.equal(count(journal, 'event'), n);
});

test('J5: a boot names the last one that has told anything, by a record or by a batch', (t) => {
  const { journal, outbox } = openIn(t);
  const begin = (boot: string) => journal.transaction(() => journal.beginBoot(boot, nowMs)).previousBoot;
  assert.equal(begin(bootB), null, 'nobody has heard of the first');
  journal.transaction(() => journal.insert(bootB, [entry(event(1))]));
  assert.equal(begin('00000000000000c1'), bootB);
  assert.equal(begin('00000000000000c2'), bootB, 'the one between was killed before its first record');
  journal.transaction(() => journal.insert('00000000000000c2', [entry(summary(1))]));
  journal.transaction(() => outbox.take(takeFrom('live')));
  journal.db.exec('DELETE FROM event');
  assert.equal(begin('00000000000000c3'), '00000000000000c2', 'its events are too old, its batch tells of it');
});

test('J6: processes started from copies of one journal give no number twice, whatever each of them seals', (t) => {
  const from = temporaryDir(t);
  const open = (path: string) => {
    const journal = openJournal(path, { nowMs, outbox: true });
    t.after(() => journal.close());
    return { journal, outbox: new Outbox(journal.db, batchLimits) };
  };
  const first = open(join(from, 'journal.db'));
  first.journal.transaction(() => first.journal.beginBoot(bootA, nowMs));
  first.journal.transaction(() => first.journal.insert(bootA, [entry(event(1))]));
  const sealed = first.journal.transaction(() => first.outbox.take(takeFrom('live'))).map(({ seq }) => seq);
  first.journal.transaction(() => first.journal.insert(bootA, [entry(event(2)), entry(event(3))]));
  first.journal.db.pragma('wal_checkpoint(TRUNCATE)');
  const numbers = ['1000000000000001', '9000000000000002', 'ffffffffffffffff'].map((boot, copy) => {
    const path = join(from, `copy-${copy}.db`);
    copyFileSync(join(from, 'journal.db'), path);
    const { journal, outbox } = open(path);
    journal.transaction(() => journal.beginBoot(boot, nowMs));
    const taken = journal.transaction(() => outbox.take(takeFrom('live')));
    assert.deepEqual(
      taken.map((batch) => batch.boot),
      [bootA, bootA],
    );
    const [again, own] = taken.map(({ seq }) => seq);
    assert.equal(again, sealed[0], 'a sealed batch keeps its number: its bytes are the same in every copy');
    return own ?? 0;
  });
  assert.equal(new Set([...sealed, ...numbers]).size, 4);
  assert.ok(numbers.every((seq) => Number.isSafeInteger(seq) && seq > (sealed[0] ?? 0)));
});
